//! How requests reach a collector. gRPC for now; another way is another variant.

use std::{env, time::Duration};

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient,
};
use tonic::transport::{Channel, Endpoint, Uri};

use super::{
    StartError,
    retry::{Failure, shorten},
};

const USER_AGENT: &str = concat!("freewheel-otlp-exporter-rust/", env!("CARGO_PKG_VERSION"));
const DEFAULT_ENDPOINT: &str = "http://localhost:4317";

/// The collector took the request.
#[derive(Debug)]
pub(super) struct Accepted {
    /// Points that it rejected all the same.
    pub(super) rejected: u64,
    /// What it had to say; empty if nothing.
    pub(super) message: String,
}

/// A connection to one collector, made when first needed and again after it broke.
#[derive(Debug)]
pub(super) enum Transport {
    Grpc { endpoint: Endpoint, client: MetricsServiceClient<Channel> },
}

impl Transport {
    /// Makes a transport; must be called within the runtime that is to drive it.
    pub(super) fn grpc(endpoint: Endpoint) -> Self {
        let client = MetricsServiceClient::new(endpoint.connect_lazy());
        Self::Grpc { endpoint, client }
    }

    /// Sends one request. May be dropped before it ends; then it is unknown whether the request arrived.
    pub(super) async fn send(&mut self, request: ExportMetricsServiceRequest) -> Result<Accepted, Failure> {
        match self {
            Self::Grpc { client, .. } => {
                let response =
                    client.export(request).await.map_err(|status| Failure::from_status(&status))?;
                let partial = response.into_inner().partial_success.unwrap_or_default();
                let rejected = u64::try_from(partial.rejected_data_points).unwrap_or(0);
                Ok(Accepted { rejected, message: shorten(&partial.error_message) })
            }
        }
    }

    /// Forgets the connection: it may be dead without anybody having said so.
    pub(super) fn reconnect(&mut self) {
        match self {
            Self::Grpc { endpoint, client } => *client = MetricsServiceClient::new(endpoint.connect_lazy()),
        }
    }
}

/// The endpoint that was given, else the one in the environment, else the default of OTLP.
pub(super) fn endpoint(given: Option<&str>, timeout: Duration) -> Result<Endpoint, StartError> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let text = given
        .map(str::to_owned)
        .or_else(|| variable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"))
        .or_else(|| variable("OTEL_EXPORTER_OTLP_ENDPOINT"))
        .unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
    let refuse = |problem| StartError::Endpoint { endpoint: redact(&text), problem };

    let uri: Uri = text.parse().map_err(|_| refuse("it is not a URL; write http://host:4317"))?;
    let authority = uri.authority().ok_or_else(|| refuse("it names no host; write http://host:4317"))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(StartError::TlsUnsupported { endpoint: redact(&text) }),
        _ => return Err(refuse("its scheme is not http; write http://host:4317")),
    }
    if authority.as_str().contains('@') {
        return Err(refuse("user name and password in it are not supported; remove them"));
    }
    let endpoint = Endpoint::from(uri).connect_timeout(timeout);
    endpoint.user_agent(USER_AGENT).map_err(|_| refuse("the user agent is malformed"))
}

/// `url` without what may be secret: user name, password, query and fragment.
pub(super) fn redact(url: &str) -> String {
    let visible = url.split(['?', '#']).next().unwrap_or_default();
    match (visible.split_once("://"), visible.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        (None, Some((_, host))) => format!("***@{host}"),
        (_, None) => visible.to_owned(),
    }
}
