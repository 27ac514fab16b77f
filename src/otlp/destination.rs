//! Where metrics go, as it is set up.

use std::{fmt, num::NonZeroUsize, time::Duration};

#[cfg(feature = "otlp-json")]
use std::{io, path::PathBuf};

#[cfg(feature = "otlp-tls")]
use super::Tls;
use super::{Compression, HistogramAggregation, Protocol, Retry, Temporality, endpoint::redact};

/// The most points in one request, unless given.
pub(super) const MAX_POINTS: usize = 4000;
/// The most bytes in one request, unless given: below the 4 MiB that most collectors take.
pub(super) const MAX_BYTES: usize = 4_000_000;

/// A collector or a file that metrics are sent to, and how.
///
/// An exporter sends to one destination that the environment describes, unless it is
/// [given](super::ExporterBuilder::destination) others. Each has a state of its own: how far it knows the series, when
/// it is tried again, and its [statistics](super::Exporter::destinations). One that is down or slow delays no other.
///
/// A destination made here reads nothing from the environment: a key of one collector must not reach another. Only
/// [`from_environment`](Self::from_environment) does.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::{metrics::Registry, otlp::{Destination, Exporter, Temporality}};
///
/// let registry = Registry::new();
/// # #[cfg(feature = "otlp-grpc")] {
/// let exporter = Exporter::builder(registry)
///     .destination(Destination::grpc("http://localhost:4317"))
///     .destination(
///         Destination::grpc("http://127.0.0.1:14317")
///             .name("vendor")
///             .header("api-key", "secret")
///             .temporality(Temporality::Delta)
///             .timeout(Duration::from_secs(5)),
///     )
///     .start()?;
/// # drop(exporter);
/// # }
/// # Ok::<(), freewheel::otlp::StartError>(())
/// ```
#[must_use = "a destination does nothing until an exporter gets it"]
#[derive(Default)]
pub struct Destination {
    pub(super) reads_environment: bool,
    pub(super) name: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) protocol: Option<Protocol>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) user_agent: Option<String>,
    pub(super) compression: Option<Compression>,
    pub(super) timeout: Option<Duration>,
    pub(super) temporality: Option<Temporality>,
    pub(super) histograms: Option<HistogramAggregation>,
    pub(super) max_points: Option<NonZeroUsize>,
    pub(super) max_bytes: Option<NonZeroUsize>,
    pub(super) retry: Retry,
    #[cfg(feature = "otlp-tls")]
    pub(super) tls: Tls,
    #[cfg(feature = "otlp-json")]
    pub(super) lines: Option<Sink>,
}

/// Where lines of JSON go.
#[cfg(feature = "otlp-json")]
pub(super) enum Sink {
    /// Opened when the exporter starts; what is in it stays.
    File(PathBuf),
    Writer(Box<dyn io::Write + Send>),
}

impl Destination {
    /// The one that the variables `OTEL_EXPORTER_OTLP_*` describe, and the defaults where they say nothing; what is set
    /// here goes before both. The [module documentation](super#configuration) has the table.
    pub fn from_environment() -> Self {
        Self { reads_environment: true, ..Self::default() }
    }

    /// A collector that speaks OTLP over gRPC: `http://host:port`, `https://host:port`, or `unix:///path` for a Unix
    /// domain socket.
    pub fn grpc(endpoint: impl Into<String>) -> Self {
        Self::default().protocol(Protocol::Grpc).endpoint(endpoint)
    }

    /// A collector that speaks OTLP over HTTP. An endpoint without a path gets `/v1/metrics`.
    pub fn http(endpoint: impl Into<String>) -> Self {
        Self::default().protocol(Protocol::HttpProtobuf).endpoint(endpoint)
    }

    /// A file to which a line of OTLP's JSON is appended for each request, made if it is not there: for development, and
    /// to look at what happened afterwards.
    #[cfg(feature = "otlp-json")]
    pub fn json_file(path: impl Into<PathBuf>) -> Self {
        Self { lines: Some(Sink::File(path.into())), ..Self::default() }
    }

    /// Standard output, with a line of OTLP's JSON for each request.
    #[cfg(feature = "otlp-json")]
    pub fn stdout() -> Self {
        Self::json_writer(io::stdout()).name("stdout")
    }

    /// Anything that can be written to, with a line of OTLP's JSON for each request.
    ///
    /// It is written to on a thread that may block, and flushed after each line. One that hangs delays no other
    /// destination; one that fails is tried again as a collector is.
    #[cfg(feature = "otlp-json")]
    pub fn json_writer(writer: impl io::Write + Send + 'static) -> Self {
        Self { lines: Some(Sink::Writer(Box::new(writer))), ..Self::default() }
    }

    /// What it is called in errors, statistics and events; the endpoint, without what may be secret in it, unless given.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The address of the collector: `http://host:port` or `https://host:port`, over HTTP with the path that is posted to;
    /// without a path, `/v1/metrics`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// How it is spoken to: gRPC, or what else is compiled in, unless given.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Adds a header (over gRPC: metadata) to each request, in place of one of that name. Values are shown nowhere.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Says in front of our own user agent who is speaking, as `shop/1.4`.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// How requests are compressed; not at all unless given.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// The time that one request may take, retries included; 10 seconds unless given. What is not acknowledged by then is
    /// in the next export.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Whether to send totals or windows; totals unless given.
    pub fn temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = Some(temporality);
        self
    }

    /// In which form histograms go out; as they are recorded unless given.
    pub fn histograms(mut self, aggregation: HistogramAggregation) -> Self {
        self.histograms = Some(aggregation);
        self
    }

    /// The most points in one request; 4000 unless given.
    pub fn max_points(mut self, points: NonZeroUsize) -> Self {
        self.max_points = Some(points);
        self
    }

    /// The most bytes in one request before compression, if it has more than one point; 4 000 000 unless given, which
    /// stays below the 4 MiB that most collectors take.
    pub fn max_bytes(mut self, bytes: NonZeroUsize) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// When a request that failed is sent again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Whom to trust, and who we are, where the endpoint says `https`.
    #[cfg(feature = "otlp-tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }
}

/// Without the values of headers, and what may be secret in the endpoint.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Destination")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint.as_deref().map(redact))
            .field("protocol", &self.protocol)
            .field("headers", &headers)
            .field("compression", &self.compression)
            .field("timeout", &self.timeout)
            .field("temporality", &self.temporality)
            .field("histograms", &self.histograms)
            .field("max_points", &self.max_points)
            .field("max_bytes", &self.max_bytes)
            .field("retry", &self.retry)
            .field("reads_environment", &self.reads_environment)
            .finish_non_exhaustive()
    }
}
