//! What the macros get: handles that record into instruments, and such that only count what is not recorded.

use std::sync::{Arc, Mutex, PoisonError};

use ::metrics::{CounterFn, GaugeFn, HistogramFn};

use super::kept::{
    COUNTERS, GAUGES, HISTOGRAMS, Handles, LATE_COUNTERS, LATE_GAUGES, LATE_HISTOGRAMS, LateHandles,
};
use crate::{
    cell::{is_busy, quietly},
    metrics::{Counter, Gauge, Histogram, Instrument, InstrumentBuilder, Registry, Rejections},
};

/// A handle of the crate `metrics`, over an instrument of ours.
pub(super) trait Handle: Clone + 'static {
    /// The instrument behind it.
    type Instrument: Instrument;

    /// The kind in a word.
    const KIND: &'static str;

    /// The calling thread's handles of this kind.
    fn kept() -> &'static Handles<Self>;

    /// Those of all threads whose thread-locals are gone.
    fn kept_late() -> &'static LateHandles<Self>;

    /// Describes the instrument of that name.
    fn builder(registry: &Registry, name: String) -> InstrumentBuilder<Self::Instrument>;

    /// A handle that records into `instrument`, and counts as `rejected` what it cannot record.
    fn over(instrument: Self::Instrument, rejected: &Arc<Rejecting>) -> Self;

    /// A handle that records nothing.
    fn rejecting(rejecting: Arc<Rejecting>) -> Self;
}

impl Handle for ::metrics::Counter {
    type Instrument = Counter;

    const KIND: &'static str = "counter";

    fn kept() -> &'static Handles<Self> {
        &COUNTERS
    }

    fn kept_late() -> &'static LateHandles<Self> {
        &LATE_COUNTERS
    }

    fn builder(registry: &Registry, name: String) -> InstrumentBuilder<Counter> {
        registry.counter(name)
    }

    fn over(counter: Counter, rejected: &Arc<Rejecting>) -> Self {
        Self::from_arc(Arc::new(Counting { counter, rejected: rejected.clone() }))
    }

    fn rejecting(rejecting: Arc<Rejecting>) -> Self {
        Self::from_arc(rejecting)
    }
}

impl Handle for ::metrics::Gauge {
    type Instrument = Gauge<f64>;

    const KIND: &'static str = "gauge";

    fn kept() -> &'static Handles<Self> {
        &GAUGES
    }

    fn kept_late() -> &'static LateHandles<Self> {
        &LATE_GAUGES
    }

    fn builder(registry: &Registry, name: String) -> InstrumentBuilder<Gauge<f64>> {
        registry.gauge(name)
    }

    fn over(gauge: Gauge<f64>, _: &Arc<Rejecting>) -> Self {
        Self::from_arc(Arc::new(Gauging(gauge)))
    }

    fn rejecting(rejecting: Arc<Rejecting>) -> Self {
        Self::from_arc(rejecting)
    }
}

impl Handle for ::metrics::Histogram {
    type Instrument = Histogram<f64>;

    const KIND: &'static str = "histogram";

    fn kept() -> &'static Handles<Self> {
        &HISTOGRAMS
    }

    fn kept_late() -> &'static LateHandles<Self> {
        &LATE_HISTOGRAMS
    }

    fn builder(registry: &Registry, name: String) -> InstrumentBuilder<Histogram<f64>> {
        registry.histogram(name)
    }

    fn over(histogram: Histogram<f64>, _: &Arc<Rejecting>) -> Self {
        Self::from_arc(Arc::new(Distributing(histogram)))
    }

    fn rejecting(rejecting: Arc<Rejecting>) -> Self {
        Self::from_arc(rejecting)
    }
}

struct Counting {
    counter: Counter,
    rejected: Arc<Rejecting>,
}

impl CounterFn for Counting {
    fn increment(&self, n: u64) {
        self.counter.add(n);
    }

    /// Under a mutex: each sees the sum that the one before left.
    fn absolute(&self, at_least: u64) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        if is_busy() {
            // An allocator that records; the thread may hold the mutex already, or that of the cells.
            return self.rejected.0.add(1);
        }
        quietly(|| {
            let _one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
            self.counter.add(at_least.saturating_sub(self.counter.total()));
        });
    }
}

struct Gauging(Gauge<f64>);

impl GaugeFn for Gauging {
    fn increment(&self, by: f64) {
        self.0.add(by);
    }

    fn decrement(&self, by: f64) {
        self.0.add(-by);
    }

    fn set(&self, value: f64) {
        self.0.record(value);
    }
}

struct Distributing(Histogram<f64>);

impl HistogramFn for Distributing {
    fn record(&self, value: f64) {
        self.0.record(value);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.0.record_n(value, count as u64);
    }
}

/// Records nothing, and counts how often it should have.
#[derive(Debug)]
pub(super) struct Rejecting(pub(super) Arc<Rejections>);

impl CounterFn for Rejecting {
    fn increment(&self, _: u64) {
        self.0.add(1);
    }

    fn absolute(&self, _: u64) {
        self.0.add(1);
    }
}

impl GaugeFn for Rejecting {
    fn increment(&self, _: f64) {
        self.0.add(1);
    }

    fn decrement(&self, _: f64) {
        self.0.add(1);
    }

    fn set(&self, _: f64) {
        self.0.add(1);
    }
}

impl HistogramFn for Rejecting {
    fn record(&self, _: f64) {
        self.0.add(1);
    }

    fn record_many(&self, _: f64, count: usize) {
        self.0.add(count as u64);
    }
}
