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

#[cfg(feature = "otlp-core")]
pub(crate) use self::since::Windowed;

/// The state of every series of a [`Registry`](super::Registry): totals since each series began.
///
/// Whatever was recorded before the snapshot was taken is in it. What other threads record meanwhile may or may
/// not be; it will be in the next. Nothing is reset by taking one, so any number of readers can take snapshots,
/// each at its own pace; what happened between two of them is [`since`](Self::since).
///
/// Its [`Display`](std::fmt::Display) is a table with a line for each series.
///
/// # As JSON and the like
///
/// With feature `serde`, snapshots and all that they are made of can be written and read, and so can
/// [`RequestSnapshot`](super::RequestSnapshot) and [`HistogramSnapshot`](super::HistogramSnapshot). Names are those of OTLP
/// where it has them. The form stays as it is; later versions may add to it.
///
/// ```
/// # #[cfg(feature = "serde")]
/// # fn main() -> Result<(), serde_json::Error> {
/// use freewheel::metrics::{KeyValue, Snapshot};
///
/// let snapshot: Snapshot = serde_json::from_str(r#"{
///     "takenAtUnixNano": 1700000060000000000,
///     "metrics": [{
///         "name": "jobs",
///         "description": "Jobs that are done.",
///         "unit": "{job}",
///         "data": {
///             "counter": [{
///                 "attributes": [{"key": "kind", "value": {"stringValue": "import"}}],
///                 "startTimeUnixNano": 1700000000000000000,
///                 "timeUnixNano": 1700000060000000000,
///                 "value": 3,
///                 "series": 17
///             }]
///         }
///     }]
/// }"#)?;
/// assert_eq!(snapshot.counter("jobs", &[KeyValue::new("kind", "import")]), Some(3));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "serde"))]
/// # fn main() {}
/// ```
///
/// * `data` is one of `counter`, `counterF64`, `upDownCounter`, `gaugeI64`, `gaugeF64`, `exponentialHistogram` and
///   `explicitHistogram`, with its points.
/// * A metric whose values were observed has `observed`, which is true; others can do without.
/// * The value of an attribute is one of `boolValue`, `intValue`, `doubleValue` and `stringValue`. As `doubleValue`, text
///   formats have `"NaN"`, `"Infinity"` and `"-Infinity"` for what is no number. No other floating-point value that an
///   instrument yields is ever without a number.
/// * An exponential histogram has `count`, `figures`, `scale`, `zeroCount`, and the buckets `positive` and `negative`,
///   each as `offset` and `bucketCounts`. One with given bounds has `count`, `figures`, `explicitBounds` and
///   `bucketCounts`.
/// * `figures` are `integers` or `floats`, with `sum`, `min` and `max`. Integers are in the unit in which values were
///   recorded, of which `perUnit` make one unit of the metric: 1000000000 nanoseconds a second. Without values, `min` and
///   `max` are null.
/// * Integers have up to 64 bits. A reader that takes them for floating-point numbers, as JavaScript does, loses digits.
///   Parsers of numbers may be off by a digit too: serde_json is exact with its feature `float_roundtrip`.
///
/// What no instrument yields is refused when it is read: attributes with empty or repeated keys, bounds that do not rise,
/// counts that do not fit bounds or each other, buckets of numbers that there are not.
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
    /// Whether the values were [observed](super::InstrumentBuilder::observe) by callbacks instead of recorded: totals that
    /// are kept elsewhere, which some exporters leave as they are.
    pub is_observed: bool,
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
