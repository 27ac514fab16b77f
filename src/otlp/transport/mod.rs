//! How requests reach a collector. Each way is a variant, and compiled by a feature of its own.

use std::time::Duration;

use ::http::HeaderMap;
use bytes::Bytes;
use tokio::time::Instant;

use super::{Compression, Protocol, StartError, answer::Accepted, endpoint::Endpoint, retry::Failure};

#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
mod answer;
#[cfg(feature = "otlp-http")]
mod compress;
#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(feature = "otlp-http")]
mod http;
#[cfg(feature = "otlp-json")]
mod lines;
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http", feature = "otlp-tls"))]
#[cfg_attr(
    not(any(feature = "otlp-grpc", feature = "otlp-http")),
    allow(dead_code, reason = "files have no names to look up")
)]
mod names;
#[cfg(feature = "otlp-tls")]
#[cfg_attr(
    not(any(feature = "otlp-grpc", feature = "otlp-http")),
    allow(dead_code, reason = "files need no TLS")
)]
mod tls;

#[cfg(feature = "otlp-grpc")]
use self::grpc::Grpc;
#[cfg(feature = "otlp-http")]
use self::http::Http;
#[cfg(feature = "otlp-json")]
pub(super) use self::lines::Lines;
#[cfg(feature = "otlp-tls")]
pub use self::tls::Tls;

/// The most of a foreign text that is kept, in bytes.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
const LONGEST_TEXT: usize = 300;
/// Who we are; OTLP exporter specification, "User Agent".
pub(super) const USER_AGENT: &str = concat!("freewheel-otlp-exporter-rust/", env!("CARGO_PKG_VERSION"));

/// What it takes to speak to a collector, by whatever protocol.
#[cfg_attr(
    not(any(feature = "otlp-grpc", feature = "otlp-http")),
    allow(dead_code, reason = "files are not spoken to")
)]
pub(super) struct Client {
    pub(super) endpoint: Endpoint,
    pub(super) headers: HeaderMap,
    pub(super) user_agent: String,
    pub(super) compression: Compression,
    pub(super) connect_timeout: Duration,
    #[cfg(feature = "otlp-tls")]
    pub(super) tls: Tls,
}

impl Client {
    /// Makes the transport. It connects when it first has something to send.
    pub(super) fn connect_by(self, protocol: Protocol) -> Result<Transport, StartError> {
        match protocol {
            #[cfg(feature = "otlp-grpc")]
            Protocol::Grpc => Grpc::new(self).map(Box::new).map(Transport::Grpc),
            #[cfg(feature = "otlp-http")]
            Protocol::HttpProtobuf => {
                Http::new(self, http::Body::Protobuf).map(Box::new).map(Transport::Http)
            }
            #[cfg(all(feature = "otlp-http", feature = "otlp-json"))]
            Protocol::HttpJson => Http::new(self, http::Body::Json).map(Box::new).map(Transport::Http),
            #[allow(unreachable_patterns, reason = "they are reachable where a feature is off")]
            other => Err(StartError::not_compiled(other.missing_feature().unwrap_or_default())),
        }
    }
}

/// A connection to one collector, made when first needed and again after it broke.
#[derive(Debug)]
pub(super) enum Transport {
    #[cfg(feature = "otlp-grpc")]
    Grpc(Box<Grpc>),
    #[cfg(feature = "otlp-http")]
    Http(Box<Http>),
    /// A file or another writer.
    #[cfg(feature = "otlp-json")]
    Lines(Lines),
}

impl Transport {
    /// Brings a request, an `ExportMetricsServiceRequest` as protobuf, into the form that [`send`](Self::send) takes.
    pub(super) fn prepare(&self, request: Bytes) -> Result<Bytes, Failure> {
        match self {
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(_) => Ok(request),
            #[cfg(feature = "otlp-http")]
            Self::Http(http) => http.prepare(request),
            #[cfg(feature = "otlp-json")]
            Self::Lines(_) => json(&request),
        }
    }

    /// Sends one request. May be dropped before it ends; then it is unknown whether the request arrived. By `deadline`
    /// it makes do with what there is of an answer, but it may take longer where there is none.
    #[cfg_attr(
        not(feature = "otlp-http"),
        allow(unused_variables, reason = "only HTTP answers in two steps")
    )]
    pub(super) async fn send(&mut self, prepared: Bytes, deadline: Instant) -> Result<Accepted, Failure> {
        match self {
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(grpc) => grpc.send(prepared).await,
            #[cfg(feature = "otlp-http")]
            Self::Http(http) => http.send(prepared, deadline).await,
            #[cfg(feature = "otlp-json")]
            Self::Lines(lines) => lines.send(prepared).await,
        }
    }

    /// Lets go of a file or another writer, which may take as long as it likes.
    pub(super) async fn close(self) {
        match self {
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(_) => {}
            #[cfg(feature = "otlp-http")]
            Self::Http(_) => {}
            #[cfg(feature = "otlp-json")]
            Self::Lines(lines) => lines.close().await,
        }
    }

    /// Forgets the connection: it may be dead without anybody having said so.
    pub(super) fn reconnect(&mut self) {
        match self {
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(grpc) => grpc.reconnect(),
            // A request that is given up closes its connection by itself.
            #[cfg(feature = "otlp-http")]
            Self::Http(_) => {}
            #[cfg(feature = "otlp-json")]
            Self::Lines(_) => {}
        }
    }
}

/// The request as OTLP's JSON, on one line.
#[cfg(feature = "otlp-json")]
fn json(request: &[u8]) -> Result<Bytes, Failure> {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use prost::Message;

    let refuse =
        |problem: &dyn std::fmt::Display| Failure::Final { reason: format!("no JSON form: {problem}") };
    let request = ExportMetricsServiceRequest::decode(request).map_err(|error| refuse(&error))?;
    let text = serde_json::to_vec(&request).map_err(|error| refuse(&error))?;
    Ok(text.into())
}

/// The texts of an error and of what it came from, outermost first, each once.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    shorten(&text)
}

/// The first part of a text that somebody else chose.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
fn shorten(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}
