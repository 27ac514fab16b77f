//! The instruments of `opentelemetry_sdk` and ours, under one resource and in one request.
//!
//! A program that has libraries instrumented with `opentelemetry` needs no second exporter for them: [`SdkMetrics`] is a
//! door in ours. At each export, the exporter makes the SDK collect, and sends what comes of it along with its own
//! snapshot: to each destination, with our retries and deadlines, and also when only one of the two has something to tell.
//!
//! # What is sent, and what may be lost
//!
//! The SDK always hands over totals, and only the newest collection is kept: a collector that was down gets the totals of
//! the moment when it is back, and the memory that this takes does not grow with the time of the outage. So the instruments
//! of the SDK go out as **totals under either temporality** of the destination. For a backend that takes windows only, put
//! the processor `cumulativetodelta` of the OpenTelemetry collector in between.
//!
//! An SDK that does not collect in [time](SdkMetrics::timeout), because a callback of an observable instrument hangs,
//! does not hold up the export: what it collected last goes out again. Such exports are counted in
//! [`Stats::sdk_late`](super::Stats::sdk_late), told to `tracing` as `freewheel.otlp.sdk.late`, and an error of the flush or
//! shutdown that asked for them ([`Undelivered::SdkLate`](super::Undelivered::SdkLate)). A callback that panics ends the
//! reader of the SDK for good: the state before stays as it is, and each export is late.
//!
//! After the SDK was shut down, what it told at that moment goes out with each further export. Either may be shut down
//! first; to miss nothing, shut down the SDK before the exporter, or not at all: the exporter collects one last time anyway.
//!
//! # Under which resource
//!
//! The exporter's. That of the SDK is sent nowhere, so it need not be set; if the program has one already, give it to the
//! exporter too.
//!
//! # What stays as the SDK has it
//!
//! The faults of `opentelemetry_sdk` 0.33 pass through this door; our own instruments have none of them.
//!
//! * Over the cardinality limit, the overflow point of observable counters has the last value and not the sum.
//! * A `u64` beyond `i64::MAX` goes out as 0.
//! * All series of an instrument have the same start, also those that began later.
//! * There are no exemplars.
//! * Scopes and instruments with many points are divided into pieces of at most 1000 points, which a
//!   [`max_points`](super::Destination::max_points) below that does not divide further.
//!
//! # Examples
//!
//! ```no_run
//! use std::time::Duration;
//! use freewheel::{metrics::Registry, otlp::{Exporter, sdk::SdkMetrics}};
//! use opentelemetry::metrics::MeterProvider;
//! use opentelemetry_sdk::metrics::SdkMeterProvider;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sdk = SdkMetrics::new();
//! let provider = SdkMeterProvider::builder().with_reader(sdk.reader()).build();
//! // For libraries: opentelemetry::global::set_meter_provider(provider.clone());
//!
//! let registry = Registry::new();
//! let orders = registry.counter("orders").build()?;
//! # #[cfg(feature = "otlp-grpc")] {
//! let exporter = Exporter::builder(registry)
//!     .endpoint("http://localhost:4317")
//!     .sdk(sdk, provider.clone())
//!     .start()?;
//!
//! orders.add(1);
//! provider.meter("shop").u64_counter("payments").build().add(1, &[]);
//! // Both go out in one request: at each interval, at each flush, and at the end.
//! if let Err(error) = exporter.shutdown(Duration::from_secs(5)) {
//!     eprintln!("metrics: {error}");
//! }
//! # }
//! # Ok(())
//! # }
//! ```

use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::metrics::PeriodicReader;

mod collector;
mod intake;
mod pieces;
mod sources;
mod state;

pub use intake::Intake;
pub(super) use sources::Sources;
use state::State;

/// How long the SDK may take to collect, unless given.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
/// The interval of a reader that is only ever told to collect.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The door through which the metrics of one `SdkMeterProvider` come in; see the [module documentation](self).
///
/// The provider gets its [reader](Self::reader); then the exporter gets
/// [both](super::ExporterBuilder::sdk). The exporter holds on to the provider until its own end.
///
/// A provider that has other readers too flushes them along with this one, in the order in which it got them: give it this
/// one first, so that a slow one does not make it late.
#[must_use = "the metrics go nowhere until an exporter gets them"]
#[derive(Debug)]
pub struct SdkMetrics {
    state: Arc<State>,
    timeout: Duration,
}

impl SdkMetrics {
    /// A door for one provider.
    pub fn new() -> Self {
        Self { state: Arc::default(), timeout: DEFAULT_TIMEOUT }
    }

    /// The reader that hands over what the provider has; for one provider.
    ///
    /// It does nothing by itself, whatever `OTEL_METRIC_EXPORT_INTERVAL` says.
    ///
    /// *Cost:* a thread, which the SDK starts for each reader.
    #[must_use]
    pub fn reader(&self) -> PeriodicReader<Intake> {
        PeriodicReader::builder(Intake::new(Arc::clone(&self.state))).with_interval(NEVER).build()
    }

    /// How long an export waits for the SDK to collect; 1 second unless given, and never more than half of the time that
    /// the export has.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for SdkMetrics {
    fn default() -> Self {
        Self::new()
    }
}
