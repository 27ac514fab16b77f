//! What a collection yields: plain data.
//!
//! | file                         | what                                              |
//! |------------------------------|---------------------------------------------------|
//! | `point.rs`                   | points, looking them up, walking over them        |
//! | `since.rs`                   | the window between two snapshots                  |
//! | `merge.rs`, `merge_error.rs` | snapshots of several registries or windows as one |
//! | `table.rs`                   | a snapshot for people to read                     |

use std::sync::Arc;

use super::{ExplicitHistogram, ExponentialHistogram, Timestamp};

mod merge;
mod merge_error;
mod point;
mod since;
mod table;

pub use self::{
    merge_error::{MergeConflict, MergeError, Mismatch},
    point::{Point, PointRef, PointValue, SeriesId},
};

#[cfg(feature = "otlp")]
pub(crate) use self::since::Windowed;

/// The state of every series of a [`Registry`](super::Registry): totals since each series began.
///
/// Whatever was recorded before the snapshot was taken is in it. What other threads record meanwhile may or may
/// not be; it will be in the next. Nothing is reset by taking one, so any number of readers can take snapshots,
/// each at its own pace; what happened between two of them is [`since`](Self::since).
///
/// Its [`Display`](std::fmt::Display) is a table with a line for each series.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// When the snapshot was taken.
    pub taken_at: Timestamp,
    /// One entry per instrument, in the order of registration. Instruments without a point are left out.
    pub metrics: Vec<Metric>,
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
