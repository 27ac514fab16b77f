//! How an exporter is set up.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::Duration,
};

use super::{
    Exporter, StartError, Temporality,
    delta::Base,
    destination::{Destination, Shape},
    driver,
    mailbox::Mailbox,
    resource::resource,
    transport::{self, Transport},
};
use crate::metrics::{KeyValue, Registry};

const INTERVAL: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_POINTS: NonZeroUsize = NonZeroUsize::new(4000).expect("is not zero");

/// The settings of an [`Exporter`] to be; made by [`Exporter::builder`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::{metrics::Registry, otlp::{Exporter, StartError, Temporality}};
///
/// let settings = Exporter::builder(Registry::new())
///     .endpoint("https://collector.example:4317")
///     .temporality(Temporality::Delta)
///     .interval(Duration::from_secs(10));
/// assert!(matches!(settings.start(), Err(StartError::TlsUnsupported { .. })));
/// ```
#[must_use = "an exporter does nothing until it is started"]
pub struct ExporterBuilder {
    registry: Registry,
    endpoint: Option<String>,
    interval: Duration,
    timeout: Duration,
    temporality: Temporality,
    max_points: NonZeroUsize,
    resource: Vec<KeyValue>,
}

impl ExporterBuilder {
    pub(super) fn new(registry: Registry) -> Self {
        Self {
            registry,
            endpoint: None,
            interval: INTERVAL,
            timeout: TIMEOUT,
            temporality: Temporality::default(),
            max_points: MAX_POINTS,
            resource: Vec::new(),
        }
    }

    /// The URL of the collector, `http://host:port`; it speaks OTLP over gRPC.
    ///
    /// Without it, the environment decides: `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`, then
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, then `http://localhost:4317`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// The time from one export to the next; 60 seconds unless given.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The time that one request may take, retries included; 10 seconds unless given. What is not acknowledged by
    /// then is in the next export.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether to send totals or windows; totals unless given.
    pub fn temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = temporality;
        self
    }

    /// The most points in one request; 4000 unless given, which stays below the 4 MiB that most collectors take.
    pub fn max_points(mut self, points: NonZeroUsize) -> Self {
        self.max_points = points;
        self
    }

    /// Adds attributes of the resource: of the service that reports. Of several values for one key the last stays.
    ///
    /// Without it there are `service.name` (from `OTEL_SERVICE_NAME`, else `unknown_service:` and the name of the
    /// executable), `service.instance.id` (random, one for the process) and `telemetry.sdk.*`.
    pub fn resource(mut self, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        self.resource.extend(attributes);
        self
    }

    /// Starts the export thread. The first export is due after one interval.
    ///
    /// A collector that cannot be reached is no error: the exporter tries again each time.
    ///
    /// *Progress:* waits for the thread to come up, not for the collector.
    /// *Cost:* one thread, one runtime; no connection before the first export.
    ///
    /// # Errors
    ///
    /// [`StartError`] if a setting makes no sense or there is no thread to be had.
    pub fn start(self) -> Result<Exporter, StartError> {
        if self.interval.is_zero() {
            return Err(StartError::ZeroInterval);
        }
        if self.timeout.is_zero() {
            return Err(StartError::ZeroTimeout);
        }
        let endpoint = transport::endpoint(self.endpoint.as_deref(), self.timeout)?;
        let shape = Shape { resource: resource(&self.resource)?, max_points: self.max_points.get() };
        let base = (self.temporality == Temporality::Delta).then(Base::default);

        let mailbox = Arc::new(Mailbox::default());
        let (started, is_started) = sync_channel(1);
        let thread = thread::Builder::new().name("freewheel-otlp".into());
        let spawned = thread.spawn({
            let mailbox = Arc::clone(&mailbox);
            move || {
                let for_destination = Arc::clone(&mailbox);
                let destination = || {
                    Destination::new(Transport::grpc(endpoint), shape, self.timeout, base, for_destination)
                };
                driver::run(self.registry.reader(), destination, self.interval, mailbox, &started);
            }
        });
        let driver = spawned.map_err(StartError::Thread)?;
        match is_started.recv() {
            Ok(Ok(())) => Ok(Exporter::new(mailbox, driver)),
            Ok(Err(error)) => Err(StartError::Thread(error)),
            Err(_) => Err(StartError::Thread(std::io::Error::other("it panicked"))),
        }
    }
}

impl fmt::Debug for ExporterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExporterBuilder")
            .field("endpoint", &self.endpoint.as_deref().map(transport::redact))
            .field("interval", &self.interval)
            .field("timeout", &self.timeout)
            .field("temporality", &self.temporality)
            .field("max_points", &self.max_points)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}
