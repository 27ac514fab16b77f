//! From what was said in code, in the environment and nowhere to what holds: in this order.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;

#[cfg(feature = "otlp-tls")]
use super::variables::{AUTHORITY, CLIENT_CERTIFICATE, CLIENT_KEY};
use super::{
    Compression, Destination, Environment, ExemplarFilter, HistogramAggregation, Protocol, Retry, StartError,
    Temporality,
    destination::{MAX_BYTES, MAX_POINTS},
    encode::Shape,
    endpoint::{Endpoint, Written},
    environment::Warnings,
    headers,
    transport::{self, Transport},
    variables::{
        COMPRESSION, ENDPOINT, HEADERS, HISTOGRAMS, INSECURE, PROTOCOL, TEMPORALITY, TIMEOUT, Variables,
    },
};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A destination with everything decided.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: Arc<str>,
    pub(super) transport: Transport,
    pub(super) timeout: Duration,
    pub(super) shape: Shape,
    pub(super) retry: Retry,
    /// The kind of exporter that this is, in the terms of the semantic conventions.
    pub(super) component: &'static str,
    /// Host and port, if it has them.
    pub(super) server: Option<(String, u16)>,
}

impl Destination {
    /// Decides everything; `exemplars` is the same for all destinations.
    pub(super) fn decide(
        self,
        environment: &Environment,
        warnings: &mut Warnings,
        exemplars: ExemplarFilter,
    ) -> Result<Settings, StartError> {
        let nothing = Environment::none();
        let environment = if self.reads_environment { environment } else { &nothing };
        let mut variables = Variables::new(environment, warnings);
        let temporalities = [
            ("cumulative", Temporality::Cumulative),
            ("delta", Temporality::Delta),
            ("lowmemory", Temporality::LowMemory),
        ];
        let aggregations = [
            ("explicit_bucket_histogram", HistogramAggregation::ExplicitBucket),
            ("base2_exponential_bucket_histogram", HistogramAggregation::Base2Exponential),
        ];
        let temporality = self.temporality.or_else(|| variables.one_of(&TEMPORALITY, &temporalities));
        let histograms = self.histograms.or_else(|| variables.one_of(&HISTOGRAMS, &aggregations));
        let timeout = self.timeout.or_else(|| variables.millis(&TIMEOUT)).unwrap_or(DEFAULT_TIMEOUT);
        if timeout.is_zero() {
            return Err(StartError::ZeroTimeout);
        }
        let shape = Shape {
            temporality: temporality.unwrap_or_default(),
            histograms: histograms.unwrap_or_default(),
            exemplars,
            max_points: self.max_points.map_or(MAX_POINTS, usize::from),
            max_bytes: self.max_bytes.map_or(MAX_BYTES, usize::from),
        };
        let (name, retry) = (self.name.clone(), self.retry.clone());
        let Way { transport, visible, component, server } = self.way(&mut variables, timeout)?;
        let name = name.unwrap_or(visible).into();
        Ok(Settings { name, transport, timeout, shape, retry, component, server })
    }

    #[allow(unused_mut, reason = "without feature `otlp-json` nothing is taken out of it")]
    fn way(mut self, variables: &mut Variables<'_>, timeout: Duration) -> Result<Way, StartError> {
        #[cfg(feature = "otlp-json")]
        if let Some(sink) = self.lines.take() {
            return sink.open();
        }
        let protocol = self.protocol.or_else(|| variables.named(&PROTOCOL, Protocol::available()));
        let protocol = protocol.unwrap_or_else(Protocol::preferred);
        if let Some(feature) = protocol.missing_feature() {
            return Err(StartError::not_compiled(feature));
        }
        let endpoint = self.decide_endpoint(variables, protocol)?;
        if endpoint.is_secure() && !cfg!(feature = "otlp-tls") {
            return Err(StartError::not_compiled("otlp-tls"));
        }
        let compression =
            self.compression.or_else(|| variables.named(&COMPRESSION, Compression::available()));
        let headers = self.decide_headers(variables)?;
        let user_agent = match &self.user_agent {
            Some(product) => format!("{product} {}", transport::USER_AGENT),
            None => transport::USER_AGENT.to_owned(),
        };
        let server = endpoint.host_and_port().map(|(host, port)| (host.to_owned(), port));
        #[cfg(feature = "otlp-tls")]
        let (tls, files) = self.decide_tls(variables);
        let visible = endpoint.visible();
        let client = transport::Client {
            endpoint,
            headers,
            user_agent,
            compression: compression.unwrap_or_default(),
            connect_timeout: timeout,
            #[cfg(feature = "otlp-tls")]
            tls,
        };
        let transport = client.connect_by(protocol);
        #[cfg(feature = "otlp-tls")]
        let transport = transport.map_err(|error| files.blame(error));
        let component = match protocol {
            Protocol::Grpc => "otlp_grpc_metric_exporter",
            Protocol::HttpProtobuf => "otlp_http_metric_exporter",
            Protocol::HttpJson => "otlp_http_json_metric_exporter",
        };
        Ok(Way { transport: transport?, visible, component, server })
    }

    fn decide_endpoint(
        &self,
        variables: &mut Variables<'_>,
        protocol: Protocol,
    ) -> Result<Endpoint, StartError> {
        let insecure = variables.flag(&INSECURE);
        if let Some(text) = &self.endpoint {
            return Endpoint::read(Written::InCode(text), protocol, insecure);
        }
        let found = variables.first(&ENDPOINT, "a URL", |text| Some(text.to_owned()));
        match found {
            Some((name, text)) if name == ENDPOINT[0] => {
                Endpoint::read(Written::ForMetrics(&text), protocol, insecure).map_err(|error| error.of(name))
            }
            Some((name, text)) => {
                Endpoint::read(Written::ForAll(&text), protocol, insecure).map_err(|error| error.of(name))
            }
            None => Endpoint::read(Written::ForAll(protocol.default_endpoint()), protocol, insecure),
        }
    }

    /// Those of the environment, and those in code, each in place of one of its name.
    fn decide_headers(&self, variables: &mut Variables<'_>) -> Result<HeaderMap, StartError> {
        let mut all = HeaderMap::new();
        let found = variables.first(&HEADERS, "key=value,key=value", |text| Some(text.to_owned()));
        if let Some((name, text)) = found {
            headers::read(&text, &mut all, |number, problem| {
                let problem =
                    format!("entry {number}: {problem}; write key=value,key=value, percent-encoded");
                variables.warnings.add(name, problem);
            });
        }
        for (name, value) in &self.headers {
            headers::insert(&mut all, name, value)
                .map_err(|problem| StartError::Header { name: name.clone(), problem })?;
        }
        Ok(all)
    }

    /// That of the code, and what it leaves open of the environment.
    #[cfg(feature = "otlp-tls")]
    fn decide_tls(&self, variables: &mut Variables<'_>) -> (super::Tls, Files) {
        let (mut tls, mut files) = (self.tls.clone(), Files::default());
        if let Some((name, file)) = variables.path(&AUTHORITY).filter(|_| !tls.has_authority()) {
            (tls, files.authority) = (tls.authority_file(file), Some(name));
        }
        if tls.has_identity() {
            return (tls, files);
        }
        match (variables.path(&CLIENT_CERTIFICATE), variables.path(&CLIENT_KEY)) {
            (Some((certificate_name, certificate)), Some((key_name, key))) => {
                tls = tls.identity_files(certificate, key);
                (files.certificate, files.key) = (Some(certificate_name), Some(key_name));
            }
            (Some((name, _)), None) => variables.lacks_half(name, CLIENT_CERTIFICATE, CLIENT_KEY),
            (None, Some((name, _))) => variables.lacks_half(name, CLIENT_KEY, CLIENT_CERTIFICATE),
            (None, None) => {}
        }
        (tls, files)
    }
}

/// The variables that name the files of TLS.
#[cfg(feature = "otlp-tls")]
#[derive(Default)]
struct Files {
    authority: Option<&'static str>,
    certificate: Option<&'static str>,
    key: Option<&'static str>,
}

#[cfg(feature = "otlp-tls")]
impl Files {
    /// The same error, with the variable that names the file.
    fn blame(&self, error: StartError) -> StartError {
        let variable = match &error {
            StartError::Tls { what: "authority", .. } => self.authority,
            StartError::Tls { what: "certificate", .. } => self.certificate,
            StartError::Tls { what: "key", .. } => self.key,
            _ => None,
        };
        match variable {
            Some(name) => error.of(name),
            None => error,
        }
    }
}

/// How requests get there.
struct Way {
    transport: Transport,
    visible: String,
    component: &'static str,
    server: Option<(String, u16)>,
}

#[cfg(feature = "otlp-json")]
impl super::destination::Sink {
    fn open(self) -> Result<Way, StartError> {
        let (writer, visible): (Box<dyn std::io::Write + Send>, _) = match self {
            Self::Writer(writer) => (writer, "writer".to_owned()),
            Self::File(path) => {
                let file = std::fs::OpenOptions::new().append(true).create(true).open(&path);
                let visible = path.display().to_string();
                (Box::new(file.map_err(|error| StartError::File { path, error })?), visible)
            }
        };
        let transport = Transport::Lines(transport::Lines::new(writer));
        Ok(Way { transport, visible, component: "otlp_file_metric_exporter", server: None })
    }
}
