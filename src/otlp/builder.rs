//! How an exporter is set up.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::Duration,
};

#[cfg(feature = "otlp-sdk")]
use opentelemetry_sdk::metrics::SdkMeterProvider;

#[cfg(feature = "otlp-tls")]
use super::Tls;
#[cfg(feature = "otlp-sdk")]
use super::sdk::{SdkMetrics, Sources};
use super::{
    Compression, Destination, Environment, ExemplarFilter, Exporter, Protocol, Resource, StartError,
    Temporality,
    configuration::Settings,
    delivery::Delivery,
    driver::{self, Driver, Source},
    environment::Warnings,
    events,
    exporter::Line,
    mailbox::Mailbox,
    self_metrics::SelfMetrics,
    variables::Variables,
};
use crate::metrics::{Registry, Snapshot};

/// The settings of an [`Exporter`] to be; made by [`Exporter::builder`].
///
/// Without any it is set up by the environment, and sends to one collector. [`endpoint`](Self::endpoint),
/// [`protocol`](Self::protocol), [`header`](Self::header), [`compression`](Self::compression),
/// [`timeout`](Self::timeout), [`temporality`](Self::temporality), [`max_points`](Self::max_points) and `tls` go before
/// what the environment says of that one; for what else a destination has there is
/// [`Destination::from_environment`]. Each [`destination`](Self::destination) is another; with some of these and none
/// of those settings, there are these alone.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::{metrics::Registry, otlp::{Exporter, StartError, Temporality}};
///
/// let settings = Exporter::builder(Registry::new())
///     .endpoint("ftp://collector.example")
///     .temporality(Temporality::Delta)
///     .interval(Duration::from_secs(10));
/// assert!(matches!(settings.start(), Err(StartError::Endpoint { .. })));
/// ```
#[must_use = "an exporter does nothing until it is started"]
pub struct ExporterBuilder {
    registry: Registry,
    resource: Option<Resource>,
    environment: Environment,
    /// The destination of the environment, if a setting of it was given.
    main: Option<Destination>,
    destinations: Vec<Destination>,
    interval: Option<Duration>,
    export_timeout: Option<Duration>,
    exemplars: Option<ExemplarFilter>,
    measures_itself: bool,
    #[cfg(feature = "otlp-sdk")]
    sdk: Vec<(SdkMetrics, SdkMeterProvider)>,
}

impl ExporterBuilder {
    pub(super) fn new(registry: Registry) -> Self {
        Self {
            registry,
            resource: None,
            environment: Environment::process(),
            main: None,
            destinations: Vec::new(),
            interval: None,
            export_timeout: None,
            exemplars: None,
            measures_itself: false,
            #[cfg(feature = "otlp-sdk")]
            sdk: Vec::new(),
        }
    }

    /// Changes the destination of the environment.
    fn main(mut self, change: impl FnOnce(Destination) -> Destination) -> Self {
        self.main = Some(change(self.main.unwrap_or_else(Destination::from_environment)));
        self
    }

    /// The address of the collector; see [`Destination::endpoint`].
    pub fn endpoint(self, url: impl Into<String>) -> Self {
        self.main(|main| main.endpoint(url))
    }

    /// How the collector is spoken to; see [`Destination::protocol`].
    pub fn protocol(self, protocol: Protocol) -> Self {
        self.main(|main| main.protocol(protocol))
    }

    /// Adds a header to each request; see [`Destination::header`].
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.main(|main| main.header(name, value))
    }

    /// How requests are compressed; see [`Destination::compression`].
    pub fn compression(self, compression: Compression) -> Self {
        self.main(|main| main.compression(compression))
    }

    /// The time that one request may take, retries included; see [`Destination::timeout`].
    pub fn timeout(self, timeout: Duration) -> Self {
        self.main(|main| main.timeout(timeout))
    }

    /// Whether to send totals or windows; see [`Destination::temporality`].
    pub fn temporality(self, temporality: Temporality) -> Self {
        self.main(|main| main.temporality(temporality))
    }

    /// The most points in one request; see [`Destination::max_points`].
    pub fn max_points(self, points: NonZeroUsize) -> Self {
        self.main(|main| main.max_points(points))
    }

    /// Whom to trust, and who we are; see [`Destination::tls`].
    #[cfg(feature = "otlp-tls")]
    pub fn tls(self, tls: Tls) -> Self {
        self.main(|main| main.tls(tls))
    }

    /// Adds a destination; all get everything, each in its own time.
    pub fn destination(mut self, destination: Destination) -> Self {
        self.destinations.push(destination);
        self
    }

    /// The time from one export to the next; 60 seconds unless given.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// The time that one export may take, all its requests together; 30 seconds unless given. What is not acknowledged by
    /// then is in the next.
    pub fn export_timeout(mut self, timeout: Duration) -> Self {
        self.export_timeout = Some(timeout);
        self
    }

    /// Who reports; unless given, [`Resource::builder`] with the environment says.
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Which exemplars go out; those of sampled spans unless given.
    pub fn exemplars(mut self, filter: ExemplarFilter) -> Self {
        self.exemplars = Some(filter);
        self
    }

    /// Reads variables from here; from the process unless given.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Measures the exporter itself, in the registry that it exports: points exported and in flight, how long requests and
    /// snapshots take, by the names of the semantic conventions (`otel.sdk.exporter.*`). They make each export record
    /// something, so there always is something to send.
    pub fn self_metrics(mut self) -> Self {
        self.measures_itself = true;
        self
    }

    /// Adds what the instruments of `opentelemetry_sdk` have; `provider` is the one that has the
    /// [reader](SdkMetrics::reader) of `sdk`. See the [module `sdk`](super::sdk).
    ///
    /// *Cost:* one thread, on which the SDK collects.
    #[cfg(feature = "otlp-sdk")]
    #[cfg_attr(docsrs, doc(cfg(feature = "otlp-sdk")))]
    pub fn sdk(mut self, sdk: SdkMetrics, provider: SdkMeterProvider) -> Self {
        self.sdk.push((sdk, provider));
        self
    }

    /// Starts the export thread. The first export is due after one interval.
    ///
    /// A collector that cannot be reached is no error: the exporter tries again each time. Nor is a variable that makes no
    /// sense, unless metrics would go elsewhere without it: see [`Exporter::warnings`].
    ///
    /// *Progress:* waits for the thread to come up, not for the collector; reads the files of certificates.
    /// *Cost:* one thread, one runtime; no connection before the first export.
    ///
    /// # Errors
    ///
    /// [`StartError`] if a setting makes no sense, an endpoint or a certificate in the environment cannot be used, or there
    /// is no thread to be had.
    pub fn start(mut self) -> Result<Exporter, StartError> {
        let mut warnings = Warnings::default();
        let mut variables = Variables::new(&self.environment, &mut warnings);
        if variables.disabled() {
            events::disabled();
            return Ok(Exporter::disabled(warnings.0));
        }
        let interval = variables.interval(self.interval);
        let export_timeout = variables.export_timeout(self.export_timeout);
        let exemplars = variables.exemplars(self.exemplars);
        if interval.is_zero() {
            return Err(StartError::ZeroInterval);
        }
        if export_timeout.is_zero() {
            return Err(StartError::ZeroTimeout);
        }
        let settings: Result<Vec<Settings>, _> = self
            .all_destinations()
            .into_iter()
            .map(|destination| destination.decide(&self.environment, &mut warnings, exemplars))
            .collect();
        let resource =
            self.resource.take().unwrap_or_else(|| Resource::from_environment(self.environment.clone()));
        warnings.0.extend_from_slice(resource.warnings());
        warnings.0.iter().for_each(events::ignored);
        let settings = settings?;
        #[cfg(feature = "otlp-sdk")]
        let sdk = Sources::start(self.sdk).map_err(StartError::Thread)?;
        let (mut lines, mut drivers) = (Vec::new(), Vec::new());
        for settings in settings {
            let self_metrics = self.measures_itself.then(|| SelfMetrics::new(&self.registry, &settings));
            let self_metrics = self_metrics.transpose().map_err(StartError::SelfMetrics)?;
            let mailbox = Arc::new(Mailbox::default());
            lines.push(Line { name: Arc::clone(&settings.name), mailbox: Arc::clone(&mailbox) });
            let delivery = Delivery::new(settings, &resource, Arc::clone(&mailbox), self_metrics);
            let source = Source { reader: self.registry.reader(), snapshot: Snapshot::default() };
            let driver = Driver {
                delivery,
                interval,
                export_timeout,
                mailbox,
                #[cfg(feature = "otlp-sdk")]
                sdk: sdk.clone(),
            };
            drivers.push((driver, source));
        }
        events::started(lines.len(), interval);
        spawn(lines, warnings, drivers)
    }

    fn all_destinations(&mut self) -> Vec<Destination> {
        let mut all = std::mem::take(&mut self.destinations);
        match self.main.take() {
            Some(main) => all.insert(0, main),
            None if all.is_empty() => all.push(Destination::from_environment()),
            None => {}
        }
        all
    }
}

fn spawn(
    lines: Vec<Line>,
    warnings: Warnings,
    drivers: Vec<(Driver, Source)>,
) -> Result<Exporter, StartError> {
    let (started, is_started) = sync_channel(1);
    let thread = thread::Builder::new().name("freewheel-otlp".into());
    let thread = thread.spawn(move || driver::run(drivers, &started)).map_err(StartError::Thread)?;
    match is_started.recv() {
        Ok(Ok(runtime)) => Ok(Exporter::new(lines, warnings.0, (thread, runtime))),
        Ok(Err(error)) => Err(StartError::Thread(error)),
        Err(_) => Err(StartError::Thread(std::io::Error::other("it panicked"))),
    }
}

impl fmt::Debug for ExporterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExporterBuilder")
            .field("main", &self.main)
            .field("destinations", &self.destinations)
            .field("interval", &self.interval)
            .field("export_timeout", &self.export_timeout)
            .field("resource", &self.resource)
            .field("exemplars", &self.exemplars)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
