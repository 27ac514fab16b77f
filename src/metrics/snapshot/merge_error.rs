//! What could not be merged, and why.

use std::{error::Error, fmt, sync::Arc};

use super::{Metric, Snapshot};
use crate::metrics::Timestamp;

/// Returned by [`Snapshot::merge`] if metrics did not fit. Everything else was merged.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::{Mismatch, Registry};
///
/// let (here, there) = (Registry::new(), Registry::new());
/// here.counter("sent").unit("By").build()?.add(1);
/// there.counter("sent").unit("{message}").build()?.add(2);
/// there.counter("received").build()?.add(3);
///
/// let mut all = here.snapshot();
/// let error = all.merge(there.snapshot()).expect_err("bytes are not messages");
/// assert_eq!(
///     error.to_string(),
///     "metrics were not merged: \"sent\" has unit \"By\" here and \"{message}\" there; give one of the two another name",
/// );
/// let [conflict] = error.conflicts() else { panic!("one metric has another unit") };
/// assert!(matches!(conflict.mismatch, Mismatch::Unit { .. }));
/// assert_eq!((all.counter("sent", &[]), all.counter("received", &[])), (Some(1), Some(3)));
/// // What did not fit is still there.
/// assert_eq!(error.into_snapshot().counter("sent", &[]), Some(2));
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MergeError {
    pub(super) taken_at: Timestamp,
    pub(super) conflicts: Vec<MergeConflict>,
}

impl MergeError {
    /// The metrics that were not merged, and why.
    #[must_use]
    pub fn conflicts(&self) -> &[MergeConflict] {
        &self.conflicts
    }

    /// The metrics that were not merged, as the snapshot that they came in.
    #[must_use]
    pub fn into_snapshot(self) -> Snapshot {
        let metrics = self.conflicts.into_iter().map(|conflict| conflict.metric).collect();
        Snapshot { taken_at: self.taken_at, metrics }
    }
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metrics were not merged: ")?;
        for (at, MergeConflict { metric, mismatch }) in self.conflicts.iter().enumerate() {
            write!(f, "{}{:?} has {mismatch}", if at > 0 { ", " } else { "" }, metric.name)?;
        }
        f.write_str("; give one of the two another name")
    }
}

impl Error for MergeError {}

/// A metric that was not merged.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MergeConflict {
    /// The metric as it was in the snapshot that was to be merged into the other.
    pub metric: Metric,
    /// Why it does not fit.
    pub mismatch: Mismatch,
}

/// How two metrics of one name differ.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Mismatch {
    /// They are of different kinds.
    Kind {
        /// The kind in the snapshot that was merged into.
        here: &'static str,
        /// The kind in the other.
        there: &'static str,
    },
    /// They have different units.
    Unit {
        /// The unit in the snapshot that was merged into.
        here: Arc<str>,
        /// The unit in the other.
        there: Arc<str>,
    },
    /// They are histograms with different bounds.
    Bounds {
        /// Bounds in the snapshot that was merged into.
        here: Arc<[f64]>,
        /// Bounds in the other.
        there: Arc<[f64]>,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { here, there } => write!(f, "kind {here} here and {there} there"),
            Self::Unit { here, there } => write!(f, "unit {here:?} here and {there:?} there"),
            Self::Bounds { here, there } => write!(f, "bounds {here:?} here and {there:?} there"),
        }
    }
}
