//! What a collector got.

use std::time::Instant;

use hyper::{HeaderMap, Method, body::Bytes, http::request};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::Answer;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) request: ExportMetricsServiceRequest,
    pub(crate) user_agent: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) content_type: String,
    /// The compression of the message.
    pub(crate) encoding: Option<String>,
    /// As it was on the wire; over gRPC, with the five bytes before the message.
    pub(crate) body: Bytes,
    /// The certificate that the client presented.
    pub(crate) client: Option<CertificateDer<'static>>,
    pub(crate) answer: Answer,
    /// Whether it was acknowledged.
    pub(crate) accepted: bool,
}

impl Arrival {
    /// How many points there are in it.
    pub(crate) fn points(&self) -> u64 {
        crate::reading::readings(&self.request).len() as u64
    }
}

/// A request that has been read, but not understood.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) parts: request::Parts,
    pub(super) body: Bytes,
    pub(super) client: Option<CertificateDer<'static>>,
}

/// The encoding of a request, and what it says.
pub(super) type Understood = (Option<String>, ExportMetricsServiceRequest);

impl Unread {
    /// The text of this header, if it is there.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(super) fn arrived(self, (encoding, request): Understood, answer: Answer) -> Arrival {
        let text = |name| self.header(name).unwrap_or_default().to_owned();
        Arrival {
            at: Instant::now(),
            request,
            user_agent: text("user-agent"),
            content_type: text("content-type"),
            method: self.parts.method.clone(),
            path: self.parts.uri.path().to_owned(),
            headers: self.parts.headers.clone(),
            encoding,
            body: self.body.clone(),
            client: self.client.clone(),
            accepted: answer.accepts(),
            answer,
        }
    }
}
