//! What the collector knows already: the last acknowledged total of each series.

use std::{collections::HashMap, mem};

use crate::metrics::{
    ExplicitHistogram, ExponentialHistogram, Point, PointValue, SeriesId, Timestamp, Windowed,
};

/// A total that a collector acknowledged.
#[derive(Debug)]
pub(super) enum Total {
    Sum(u64),
    FloatingSum(f64),
    Exponential(ExponentialHistogram),
    Explicit(ExplicitHistogram),
}

/// Up to where the collector knows a series.
#[derive(Debug)]
struct Known {
    time: Timestamp,
    total: Total,
    /// The last build that met the series.
    build: u64,
}

/// A step that a series takes once the request that carries its window is answered for.
#[derive(Debug)]
pub(super) struct Step {
    series: SeriesId,
    known: Known,
}

/// The base of the delta windows of one collector.
///
/// A window reaches from the base to the present. The base moves, series by series, when the collector has answered
/// for the window, and at no other time: what was not acknowledged is in the next window.
#[derive(Debug, Default)]
pub(super) struct Base {
    known: HashMap<SeriesId, Known>,
    build: u64,
}

/// What is exported as windows.
pub(super) trait Exported: Windowed + Into<Total> {
    /// Whether there is nothing to export.
    fn is_empty(&self) -> bool;

    /// Whether there is nothing to export although something has come: a part of a record that is under way.
    fn is_unfinished(&self) -> bool {
        false
    }

    /// Takes the total, and leaves one without values in its place.
    fn take(&mut self) -> Self;
}

impl Base {
    /// Makes of a copy of the series' total what happened since its base, and tells when that was.
    pub(super) fn window<T: Exported>(&mut self, point: &Point<T>, total: &mut T) -> Timestamp {
        let Some(known) = self.known.get_mut(&point.series()) else { return point.start };
        known.build = self.build;
        if total.subtract(known.total.value()) { known.time } else { point.start }
    }

    /// The step to the end of the window of this series; takes its total.
    pub(super) fn step<T: Exported>(&self, point: &mut Point<T>) -> Step {
        let (series, time) = (point.series(), point.time);
        Step { series, known: Known { time, total: point.value.take().into(), build: self.build } }
    }

    /// Begins a build of windows.
    pub(super) fn begin(&mut self) {
        self.build += 1;
    }

    /// Ends a build: forgets the series that it did not meet. Their identities never come back.
    pub(super) fn end(&mut self) {
        self.known.retain(|_, known| known.build == self.build);
    }

    /// Moves the base to the end of these windows.
    pub(super) fn advance(&mut self, steps: Vec<Step>) {
        // One by one, which makes room for those that are new and not for all.
        for Step { series, known } in steps {
            self.known.insert(series, known);
        }
    }
}

impl Total {
    fn value(&self) -> PointValue<'_> {
        match self {
            Self::Sum(total) => PointValue::Counter(*total),
            Self::FloatingSum(total) => PointValue::CounterF64(*total),
            Self::Exponential(total) => PointValue::Histogram(total),
            Self::Explicit(total) => PointValue::ExplicitHistogram(total),
        }
    }
}

impl Exported for u64 {
    fn is_empty(&self) -> bool {
        *self == 0
    }

    fn take(&mut self) -> Self {
        mem::take(self)
    }
}

impl Exported for f64 {
    fn is_empty(&self) -> bool {
        *self == 0.0
    }

    fn take(&mut self) -> Self {
        mem::take(self)
    }
}

impl Exported for ExponentialHistogram {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn is_unfinished(&self) -> bool {
        self.is_unfinished()
    }

    fn take(&mut self) -> Self {
        mem::take(self)
    }
}

impl Exported for ExplicitHistogram {
    fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn is_unfinished(&self) -> bool {
        self.is_unfinished()
    }

    fn take(&mut self) -> Self {
        self.take()
    }
}

impl From<u64> for Total {
    fn from(total: u64) -> Self {
        Self::Sum(total)
    }
}

impl From<f64> for Total {
    fn from(total: f64) -> Self {
        Self::FloatingSum(total)
    }
}

impl From<ExponentialHistogram> for Total {
    fn from(total: ExponentialHistogram) -> Self {
        Self::Exponential(total)
    }
}

impl From<ExplicitHistogram> for Total {
    fn from(total: ExplicitHistogram) -> Self {
        Self::Explicit(total)
    }
}
