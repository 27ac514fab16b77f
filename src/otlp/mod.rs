//! Export of metrics to OpenTelemetry collectors (OTLP).
//!
//! An [`Exporter`] takes snapshots of a [`Registry`](crate::metrics::Registry), each of them the totals so far, and
//! sends them over gRPC. It resets nothing, so several exporters can read one registry, each at its own pace and with
//! its own [`Temporality`].
//!
//! # What is lost, and when
//!
//! A collector that is down, slow or overloaded loses nothing: under cumulative temporality each export carries the
//! totals; under delta temporality a window ends when the collector has acknowledged it, and at no other time. The
//! next export spans all that was not acknowledged, even after an hour. While it waits, the exporter holds one
//! request and, under delta, the last acknowledged totals: memory does not grow with the time of the outage.
//!
//! A request whose acknowledgement got lost on the way is sent again, so a collector can see a delta window twice.
//! OTLP accepts that in exchange for never losing one.
//!
//! An instrument that is unregistered takes with it what was not acknowledged yet; flush first.
//!
//! What the collector refuses for good (an invalid argument, a missing permission) is dropped, as the specification
//! demands, and counted in [`Stats`].
//!
//! # On the wire
//!
//! * Counters are monotonic sums. OTLP has no unsigned integers: a value above `i64::MAX` goes out as a
//!   floating-point number, exact to 53 bits.
//! * Up-down counters are non-monotonic sums, cumulative under either temporality. Gauges are gauges.
//! * Histograms are base-2 exponential histograms with at most 160 buckets on each side of zero, or have explicit bounds
//!   where they were [asked for](crate::metrics::Buckets). Where negative values were recorded the sum is left out, as
//!   OTLP asks: collectors take it to be monotonic.
//! * Under delta temporality, series in which nothing happened are left out, and what is empty is not sent at all.
//! * Failed requests are repeated within the timeout, with exponential back-off and jitter, or when the collector
//!   says (`RetryInfo`, up to 30 seconds).
#![forbid(unsafe_code)]

mod builder;
mod delta;
mod destination;
mod driver;
mod encode;
mod error;
mod exporter;
mod mailbox;
mod resource;
mod retry;
mod stats;
mod transport;

pub use builder::ExporterBuilder;
pub use error::{FlushError, ShutdownError, StartError};
pub use exporter::Exporter;
pub use stats::Stats;

/// What the points of counters and histograms tell: totals, or windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Temporality {
    /// Totals since each series began. A collector that missed an export misses nothing.
    #[default]
    Cumulative,
    /// What was added since the last export that the collector acknowledged.
    Delta,
}
