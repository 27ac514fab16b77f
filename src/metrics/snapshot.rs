//! What a collection yields: plain, cumulative data.

use std::sync::Arc;

use super::{Attributes, ExplicitHistogram, ExponentialHistogram, Timestamp};

/// The state of every series of a [`Registry`](super::Registry): totals since each series began.
///
/// Whatever was recorded before the snapshot was taken is in it. What other threads record meanwhile may or may
/// not be; it will be in the next. Nothing is reset by taking one, so any number of readers can take snapshots,
/// each at its own pace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// When the snapshot was taken.
    pub taken_at: Timestamp,
    /// One entry per instrument, in the order of registration. Instruments without a point are left out.
    pub metrics: Vec<Metric>,
}

impl Snapshot {
    /// The metric of that name, compared without regard to ASCII case as OpenTelemetry compares names.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name.eq_ignore_ascii_case(name))
    }
}

/// One instrument and its series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// Name, as first registered.
    pub name: Arc<str>,
    /// Description; empty if none was given.
    pub description: Arc<str>,
    /// Unit in UCUM notation; empty if none was given.
    pub unit: Arc<str>,
    /// The kind of instrument and the points, one per series.
    pub data: Data,
}

/// The points of one instrument, by its kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// A sum that only rises.
    Counter(Vec<Point<u64>>),
    /// A floating-point sum that only rises.
    CounterF64(Vec<Point<f64>>),
    /// A sum that rises and falls.
    UpDownCounter(Vec<Point<i64>>),
    /// The last integer that was recorded.
    GaugeI64(Vec<Point<i64>>),
    /// The last floating-point number that was recorded.
    GaugeF64(Vec<Point<f64>>),
    /// A base-2 exponential histogram.
    Histogram(Vec<Point<ExponentialHistogram>>),
    /// A histogram with given bounds.
    ExplicitHistogram(Vec<Point<ExplicitHistogram>>),
}

impl Data {
    /// How many points there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Counter(points) => points.len(),
            Self::UpDownCounter(points) | Self::GaugeI64(points) => points.len(),
            Self::CounterF64(points) | Self::GaugeF64(points) => points.len(),
            Self::Histogram(points) => points.len(),
            Self::ExplicitHistogram(points) => points.len(),
        }
    }

    /// Whether there is no point.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The value of one series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Point<T> {
    /// Which series of the instrument this is, sorted by key.
    pub attributes: Attributes,
    /// When the series began.
    pub start: Timestamp,
    /// When `value` held: the time of the snapshot, or for a last value the time it was recorded if that is known.
    pub time: Timestamp,
    /// The total, or the last value.
    pub value: T,
    pub(crate) series: SeriesId,
}

impl<T> Point<T> {
    /// The identity of the series, of this metric alone. A reader that forms differences keys its last totals by this: a
    /// series that was removed and registered anew begins at zero under another identity.
    #[must_use]
    pub fn series(&self) -> SeriesId {
        self.series
    }
}

/// The identity of a series: never used twice in a process, and by another process only by a chance of one in billions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub(crate) u64);
