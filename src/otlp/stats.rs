//! What an exporter tells about itself.

use crate::metrics::Timestamp;

/// What an [`Exporter`](super::Exporter) has done so far; made by [`Exporter::stats`](super::Exporter::stats).
///
/// Each number counts from the start of the exporter and never falls, [`pending_points`](Self::pending_points)
/// apart. They are changed together, so one reading is consistent: `points_accepted` and the `exports` that it
/// belongs to, for instance.
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
    /// The text of the newest failure or of the newest warning from the collector.
    pub last_error: Option<String>,
    /// When the collector last acknowledged a request.
    pub last_success: Option<Timestamp>,
}
