//! Export of metrics to OpenTelemetry collectors (OTLP).
//!
//! An [`Exporter`] takes snapshots of a [`Registry`](crate::metrics::Registry), each of them the totals so far, and
//! sends them: over gRPC, over HTTP as protobuf or JSON, or into a file; to one [`Destination`] or to several side by
//! side. It resets nothing, so several exporters can read one registry, each at its own pace and with its own
//! [`Temporality`].
//!
//! | module or type        | what                                                              |
//! |-----------------------|-------------------------------------------------------------------|
//! | [`Exporter`]          | the thread that exports; flush, shutdown, statistics              |
//! | [`Destination`]       | a collector or a file, and how it is spoken to                    |
//! | [`Resource`]          | who reports: attributes of the service, the process, the host     |
//! | [`Environment`]       | where variables are read from                                     |
//! | [`Serializer`]        | requests as bytes, for those who bring their own transport        |
//!
//! | feature                  | what it adds                                                   |
//! |--------------------------|----------------------------------------------------------------|
//! | `otlp-grpc` (`otlp`)     | [`Destination::grpc`]                                          |
//! | `otlp-http`              | [`Destination::http`]                                          |
//! | `otlp-json`              | [`Destination::json_file`] and its kin; with `otlp-http`, [`Protocol::HttpJson`] |
//! | `otlp-tls`               | `https`, and [`Destination::tls`]                              |
//! | `otlp-gzip`, `otlp-zstd` | [`Compression`]                                                |
//! | `otlp-sdk`               | [`sdk`]: the instruments of opentelemetry_sdk                  |
//!
//! # Examples
//!
//! Everything to a vendor, over HTTPS and with a key, and to a collector next door. A destination reads no variables, so
//! the key reaches the vendor alone; where windows are wanted, as some vendors do, each is told so for itself.
//!
//! ```no_run
//! # #[cfg(all(feature = "otlp-grpc", feature = "otlp-http", feature = "otlp-tls"))] {
//! use std::time::Duration;
//! use freewheel::{metrics::Registry, otlp::{Destination, Exporter, Resource, Temporality}};
//!
//! let registry = Registry::new();
//! let orders = registry.counter("orders").unit("{order}").build()?;
//! let vendor = Destination::http("https://otlp.vendor.example")
//!     .name("vendor")
//!     .header("api-key", std::env::var("VENDOR_KEY")?)
//!     .temporality(Temporality::Delta);
//! let exporter = Exporter::builder(registry)
//!     .destination(vendor)
//!     .destination(Destination::grpc("http://localhost:4317").name("local"))
//!     .resource(Resource::builder().service_name("shop").build()?)
//!     .start()?;
//! orders.add(1);
//! for failed in exporter.shutdown(Duration::from_secs(2)).err().iter().flat_map(|error| error.failures()) {
//!     eprintln!("metrics to {}: {}", failed.name, failed.cause);
//! }
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is lost, and when
//!
//! A collector that is down, slow or overloaded loses nothing: under cumulative temporality each export carries the
//! totals; under delta temporality a window ends when the collector has acknowledged it, and at no other time. The
//! next export spans all that was not acknowledged, even after an hour. While it waits, the exporter holds one
//! request and, under delta, the last acknowledged totals: memory does not grow with the time of the outage. There is
//! no queue on disk, and no need of one: the state is cumulative, so what a queue would hold is in the next request.
//! What a process has not delivered when it ends is lost with it; a [file](Destination::json_file) beside the collector
//! keeps that too.
//!
//! A request whose acknowledgement got lost on the way is sent again, so a collector can see a delta window twice.
//! OTLP accepts that in exchange for never losing one. An answer that says "accepted" and cannot be read beyond that
//! counts as one, with a remark.
//!
//! An instrument that is unregistered takes with it what was not acknowledged yet; flush first.
//!
//! What the collector refuses for good (an invalid argument, a missing permission) is dropped, as the specification
//! demands, and counted in [`Stats`]: exactly that request, and no other.
//!
//! # Configuration
//!
//! What is set in code goes before the environment, and that before the default. A variable for metrics goes before the
//! general one; one that is empty counts as not set. A value that makes no sense is ignored, and
//! [`Exporter::warnings`] says so, with the values that are accepted; an endpoint or a certificate that cannot be used
//! is a [`StartError`], since metrics would go elsewhere without it, or unprotected.
//!
//! `OTEL_EXPORTER_OTLP_` is written `…` here, and what has `[METRICS_]` in it exists in both forms.
//!
//! | variable                               | in code                            | default, and what is accepted |
//! |----------------------------------------|------------------------------------|-------------------------------|
//! | `…[METRICS_]ENDPOINT`                  | [`Destination::endpoint`]          | `http://localhost:4317`, over HTTP `:4318`. The general one gets `/v1/metrics` appended over HTTP, that for metrics stays as it is. Over gRPC also `host:port` and `unix:///path` |
//! | `…[METRICS_]PROTOCOL`                  | [`Destination::protocol`]          | `grpc`, `http/protobuf` or `http/json`, the first that is compiled in |
//! | `…[METRICS_]HEADERS`                   | [`Destination::header`]            | none; `key=value,key=value`, values percent-encoded |
//! | `…[METRICS_]TIMEOUT`                   | [`Destination::timeout`]           | 10000, milliseconds |
//! | `…[METRICS_]COMPRESSION`               | [`Destination::compression`]       | `none`, `gzip` or `zstd`, as far as compiled in |
//! | `…[METRICS_]INSECURE`                  | the scheme of the endpoint         | `false`; whether a gRPC endpoint without a scheme is `http` |
//! | `…[METRICS_]CERTIFICATE`               | `Tls::authority_file`              | what the system trusts; a file in PEM |
//! | `…[METRICS_]CLIENT_KEY`, `…[METRICS_]CLIENT_CERTIFICATE` | `Tls::identity_files` | none; files in PEM |
//! | `…METRICS_TEMPORALITY_PREFERENCE`      | [`Destination::temporality`]       | `cumulative`, `delta` or `lowmemory` |
//! | `…METRICS_DEFAULT_HISTOGRAM_AGGREGATION` | [`Destination::histograms`]      | `base2_exponential_bucket_histogram` or `explicit_bucket_histogram`. The default departs from the specification: histograms are exponential here |
//! | `OTEL_METRIC_EXPORT_INTERVAL`          | [`ExporterBuilder::interval`]      | 60000, milliseconds |
//! | `OTEL_METRIC_EXPORT_TIMEOUT`           | [`ExporterBuilder::export_timeout`] | 30000, milliseconds, for all requests of one export |
//! | `OTEL_METRICS_EXEMPLAR_FILTER`         | [`ExporterBuilder::exemplars`]     | `trace_based` or `always_off` |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | [`ExporterBuilder::resource`] | see [`ResourceBuilder`] |
//! | `OTEL_SDK_DISABLED`                    | none                               | `false`; with `true` an exporter starts no thread and sends nothing |
//!
//! Values of headers, keys, and user names and queries of URLs are in no error, no `Debug`, no event and no statistics. A
//! path of a URL is: a vendor who has keys there wants a destination with a [name](Destination::name). What a collector
//! answers is passed on, its first 300 bytes.
//!
//! # Runtimes, deadlines, fork
//!
//! The exporter has a thread and a Tokio runtime of its own. [`Exporter::force_flush`] and [`Exporter::shutdown`] can be
//! called from a plain `main`, from `Drop`, from within any runtime (where they block the calling thread), and return
//! within their deadline whatever hangs, be it a collector, a name server, a writer or a callback; [`Exporter::force_flush_async`] and [`Exporter::shutdown_async`] block nothing.
//! After a fork the thread exists in the parent only: start exporters after forking.
//!
//! # Diagnostics
//!
//! Events for the crate `tracing`, with target `freewheel::otlp` and below. The same trouble is told once a minute for
//! each destination, with how often it was held back (`held_back`).
//!
//! | event                             | level   | when                                                        |
//! |-----------------------------------|---------|-------------------------------------------------------------|
//! | `freewheel.otlp.started`          | `INFO`  | an exporter has started                                     |
//! | `freewheel.otlp.disabled`         | `INFO`  | `OTEL_SDK_DISABLED` is `true`                               |
//! | `freewheel.otlp.variable.ignored` | `WARN`  | a variable makes no sense                                   |
//! | `freewheel.otlp.export.failed`    | `WARN`, held back: `DEBUG` | points were not acknowledged; they are kept |
//! | `freewheel.otlp.export.recovered` | `INFO`  | the first export after those that failed                    |
//! | `freewheel.otlp.export.succeeded` | `TRACE` | each one                                                    |
//! | `freewheel.otlp.points.dropped`   | `ERROR` | the collector refused a request for good                    |
//! | `freewheel.otlp.partial_success`  | `WARN`  | the collector took a request, and rejected points or had something to say |
//! | `freewheel.otlp.sdk.late`         | `WARN`  | instruments of another SDK were not collected in time       |
//! | `freewheel.otlp.request.retried`  | `DEBUG` | a request failed and will be sent again                     |
//!
//! # On the wire
//!
//! * Counters are monotonic sums. OTLP has no unsigned integers: a value above `i64::MAX` goes out as a
//!   floating-point number, exact to 53 bits.
//! * Up-down counters are non-monotonic sums, cumulative under every temporality. Gauges are gauges.
//! * Histograms are base-2 exponential histograms with at most 160 buckets on each side of zero, or have explicit bounds
//!   where they were [asked for](crate::metrics::Buckets); all have them with [`HistogramAggregation::ExplicitBucket`].
//!   Where negative values were recorded the sum is left out, as OTLP asks: collectors take it to be monotonic.
//! * Under delta temporality, series in which nothing happened are left out, and what is empty is not sent at all.
//! * Requests have at most 4000 points and 4 000 000 bytes, unless [told otherwise](Destination::max_bytes).
//! * Failed requests are repeated within the timeout, with exponential back-off and jitter, or when the collector
//!   says (`RetryInfo`, `Retry-After`, up to 30 seconds); see [`Retry`].
//! * Not supported: proxies, redirects, user names in URLs.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "otlp-grpc", feature = "otlp-http", feature = "otlp-json")))]
compile_error!("`otlp-core` by itself reaches no collector: enable `otlp-grpc`, `otlp-http` or `otlp-json`");

mod aggregation;
mod answer;
mod builder;
mod configuration;
mod delivery;
mod delta;
mod destination;
mod driver;
mod encode;
mod endpoint;
mod environment;
mod error;
mod events;
mod exemplar_filter;
mod exporter;
mod headers;
mod mailbox;
mod protocol;
mod resource;
mod retry;
#[cfg(feature = "otlp-sdk")]
#[cfg_attr(docsrs, doc(cfg(feature = "otlp-sdk")))]
pub mod sdk;
mod self_metrics;
mod serializer;
mod stats;
mod transport;
mod variables;

pub use aggregation::HistogramAggregation;
pub use builder::ExporterBuilder;
pub use destination::Destination;
pub use encode::Foreign;
pub use environment::{Environment, Warning};
pub use error::{FailedDestination, FlushError, ShutdownError, StartError, Undelivered};
pub use exemplar_filter::ExemplarFilter;
pub use exporter::Exporter;
pub use protocol::{Compression, Protocol};
pub use resource::{Resource, ResourceBuilder, ResourceError};
pub use retry::Retry;
pub use serializer::Serializer;
pub use stats::Stats;
#[cfg(feature = "otlp-tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "otlp-tls")))]
pub use transport::Tls;

/// What the points of counters and histograms tell: totals, or windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Temporality {
    /// Totals since each series began. A collector that missed an export misses nothing.
    #[default]
    Cumulative,
    /// What was added since the last export that the collector acknowledged.
    Delta,
    /// Whatever of the two takes less memory in an SDK that keeps no totals: windows of what is recorded, totals of
    /// counters that are [observed](crate::metrics::InstrumentBuilder::observe). The temporality preference `lowmemory` of
    /// the specification. This crate keeps totals anyway, and needs memory as under `Delta`, but for observed counters.
    LowMemory,
}
