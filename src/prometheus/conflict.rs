//! [`Conflict`]: what could not be called by its own name.

use std::{fmt, sync::Arc};

/// Two things of a snapshot that would have the same name in Prometheus. Both are in the exposition; this says how they
/// are told apart. See [`Encoder::conflicts`](super::Encoder::conflicts).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// A metric got a number into its name, as another that was registered before has the name, or one that differs
    /// from it only by a suffix such as `_count`.
    Name {
        /// The metric, as registered.
        metric: Arc<str>,
        /// The metric that has the name, as registered; `target_info` for that of the resource.
        holder: Arc<str>,
        /// The name it would have, for counters without `_total`.
        wanted: String,
        /// The name it has.
        given: String,
    },
    /// OpenMetrics has a counter as a metric of unknown type, as another metric has the name without `_total`. The
    /// name of the samples is what it would be, so queries do not notice.
    Type {
        /// The counter, as registered.
        metric: Arc<str>,
        /// The metric that has the name, as registered.
        holder: Arc<str>,
        /// The name that both would have.
        name: String,
    },
    /// A series got the label `freewheel_duplicate`, as an earlier one of the metric has the same labels: the
    /// attributes differ only in what gets lost on the way to labels.
    Series {
        /// The metric, as registered.
        metric: Arc<str>,
        /// The labels that both would have.
        labels: String,
        /// The value of the label; the second series of these labels has 2.
        duplicate: u64,
    },
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { metric, holder, wanted, given } => {
                write!(f, "metric {metric:?} is exposed as {given:?}: ")?;
                write!(f, "{wanted:?} is taken by {holder:?}; rename one of them")
            }
            Self::Type { metric, holder, name } => {
                write!(f, "counter {metric:?} is exposed without a type: ")?;
                write!(f, "{name:?} is taken by {holder:?}; rename one of them")
            }
            Self::Series { metric, labels, duplicate } => {
                write!(
                    f,
                    "a series of {metric:?} with labels {{{labels}}} is exposed as duplicate {duplicate}; "
                )?;
                f.write_str("spell attribute keys one way, and give each values of one type")
            }
        }
    }
}
