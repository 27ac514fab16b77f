//! What an exporter tells about itself.

use crate::metrics::Timestamp;

/// What an [`Exporter`](super::Exporter) has done so far: at all destinations together, as
/// [`Exporter::stats`](super::Exporter::stats) tells, or at one of them ([`Exporter::destinations`](super::Exporter::destinations)).
///
/// Each number counts from the start of the exporter and never falls, [`pending_points`](Self::pending_points)
/// apart. One answer changes all numbers that it concerns in one step; an export is counted when its last request is
/// answered for, so a reading in the midst of one has its points already and not itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Exports that ended with every point answered for. One that had nothing to send counts too.
    pub exports: u64,
    /// Exports that ended, or were cut short by a shutdown, with points that nobody acknowledged. What they held
    /// is in the next export.
    pub failed_exports: u64,
    /// Requests sent, retries included.
    pub attempts: u64,
    /// Requests that failed: the collector could not be reached, was too slow, or answered with an error.
    pub failed_attempts: u64,
    /// Requests that were sent again with the same content.
    pub retries: u64,
    /// Points that the collector acknowledged, less the ones in `points_rejected`.
    pub points_accepted: u64,
    /// Points that the collector said it rejected out of requests that it accepted ("partial success"). They are
    /// not sent again, as the OTLP specification demands.
    pub points_rejected: u64,
    /// Requests that the collector refused for good. They are not sent again, as the OTLP specification demands.
    pub dropped_windows: u64,
    /// The points of those requests. Under delta temporality, what the counters and histograms among them held is
    /// lost; cumulative points come again, with newer totals, in the next export.
    pub dropped_points: u64,
    /// Points of the export under way, or of the last one, that are not acknowledged.
    pub pending_points: u64,
    /// Exports in which the figures of an SDK that goes out with ours were not the newest, as it had not collected in time
    /// or had failed. Zero without feature `otlp-sdk`.
    pub sdk_late: u64,
    /// The text of the newest failure or of the newest warning from the collector; of several, from the last destination
    /// that has one.
    pub last_error: Option<String>,
    /// When the collector last acknowledged a request.
    pub last_success: Option<Timestamp>,
}

impl Stats {
    /// What was done at both.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            exports: self.exports + other.exports,
            failed_exports: self.failed_exports + other.failed_exports,
            attempts: self.attempts + other.attempts,
            failed_attempts: self.failed_attempts + other.failed_attempts,
            retries: self.retries + other.retries,
            points_accepted: self.points_accepted + other.points_accepted,
            points_rejected: self.points_rejected + other.points_rejected,
            dropped_windows: self.dropped_windows + other.dropped_windows,
            dropped_points: self.dropped_points + other.dropped_points,
            pending_points: self.pending_points + other.pending_points,
            sdk_late: self.sdk_late + other.sdk_late,
            last_error: other.last_error.or(self.last_error),
            last_success: self.last_success.max(other.last_success),
        }
    }
}
