//! [`HistogramTimer`]: times something and records how long it took.

use std::{mem, time::Duration};

use super::{Histogram, timestamp::Tick};

/// Times one thing; made by [`Histogram::start_timer`].
///
/// Dropped, also by a panic or an early return, it records the time that passed.
///
/// *Cost:* a read of the fast clock at the start and one at the end, and [`Histogram::record`].
#[derive(Debug)]
#[must_use = "a timer that is dropped at once records next to nothing"]
pub struct HistogramTimer<'a> {
    histogram: &'a Histogram<Duration>,
    started: Tick,
}

impl<'a> HistogramTimer<'a> {
    pub(super) fn start(histogram: &'a Histogram<Duration>) -> Self {
        Self { histogram, started: Tick::now() }
    }

    /// Records the time that passed, and returns it.
    #[expect(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn stop(self) -> Duration {
        let passed = self.record();
        mem::forget(self);
        passed
    }

    /// Forgets the measurement: nothing is recorded.
    pub fn cancel(self) {
        mem::forget(self);
    }

    fn record(&self) -> Duration {
        let passed = Tick::now().since(self.started);
        self.histogram.record(passed);
        passed
    }
}

impl Drop for HistogramTimer<'_> {
    fn drop(&mut self) {
        self.record();
    }
}
