//! OTLP over gRPC, with tonic. Requests are bytes already, so there is a codec that passes them through.

use std::{
    error::Error,
    fmt,
    future::Future,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, BufMut, Bytes};
use http::{Uri, uri::PathAndQuery};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use prost::Message;
use tokio::net::UnixStream;
use tonic::{
    Code, Request, Status,
    client::Grpc as Client,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::{Channel, Endpoint as Settings},
};
use tower_service::Service;

use super::{
    answer::{LARGEST_ANSWER, Status as RpcStatus},
    chain,
    names::Names,
    shorten,
};
use crate::otlp::{Compression, StartError, answer::Accepted, endpoint::Endpoint, retry::Failure};

const METHOD: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// How to reach the collector.
#[derive(Clone, Debug)]
enum Way {
    Plain(HttpConnector<Names>),
    Unix(Arc<Path>),
    #[cfg(feature = "otlp-tls")]
    Tls(Secure),
}

pub(in crate::otlp) struct Grpc {
    settings: Settings,
    way: Way,
    compression: Option<CompressionEncoding>,
    metadata: MetadataMap,
    /// Made with the first request, within the runtime that is to drive it.
    client: Option<Client<Channel>>,
}

impl Grpc {
    pub(super) fn new(client: super::Client) -> Result<Self, StartError> {
        #[cfg(feature = "otlp-tls")]
        let is_secure = client.endpoint.is_secure();
        let mut tcp = HttpConnector::new_with_resolver(Names::default());
        tcp.set_nodelay(true);
        let (url, way) = match client.endpoint {
            Endpoint::Unix(path) => {
                (Uri::from_static("http://localhost"), Way::Unix(PathBuf::into_boxed_path(path).into()))
            }
            #[cfg(feature = "otlp-tls")]
            Endpoint::Url(url) if is_secure => {
                let connector = client.tls.http2(tcp)?;
                (url.clone(), Way::Tls(Secure { connector, url }))
            }
            Endpoint::Url(url) => (url, Way::Plain(tcp)),
        };
        let settings = match way {
            #[cfg(feature = "otlp-tls")]
            Way::Tls(_) => Settings::from(without_tls(&url)).origin(url),
            _ => Settings::from(url),
        };
        let settings = settings.connect_timeout(client.connect_timeout).user_agent(client.user_agent);
        let settings = settings.map_err(|_| StartError::UserAgent)?;
        let compression = match client.compression {
            Compression::None => None,
            #[cfg(feature = "otlp-gzip")]
            Compression::Gzip => Some(CompressionEncoding::Gzip),
            #[cfg(feature = "otlp-zstd")]
            Compression::Zstd => Some(CompressionEncoding::Zstd),
            #[allow(unreachable_patterns, reason = "they are reachable where a feature is off")]
            other => return Err(StartError::not_compiled(other.missing_feature().unwrap_or_default())),
        };
        let metadata = MetadataMap::from_headers(client.headers);
        Ok(Self { settings, way, compression, metadata, client: None })
    }

    pub(super) async fn send(&mut self, request: Bytes) -> Result<Accepted, Failure> {
        let client = self.client.get_or_insert_with(|| connect(&self.settings, &self.way, self.compression));
        let metadata = self.metadata.clone();
        client.ready().await.map_err(|error| Failure::passing(format!("Unavailable: {}", chain(&error))))?;
        let request = Request::from_parts(metadata, Default::default(), request);
        let response = client.unary(request, PathAndQuery::from_static(METHOD), Raw).await;
        response.map(tonic::Response::into_inner).map_err(|status| failure(&status))
    }

    pub(super) fn reconnect(&mut self) {
        self.client = None;
    }
}

fn connect(settings: &Settings, way: &Way, compression: Option<CompressionEncoding>) -> Client<Channel> {
    let channel = match way {
        Way::Plain(tcp) => settings.connect_with_connector_lazy(tcp.clone()),
        Way::Unix(path) => settings.connect_with_connector_lazy(Unix(Arc::clone(path))),
        #[cfg(feature = "otlp-tls")]
        Way::Tls(secure) => settings.connect_with_connector_lazy(secure.clone()),
    };
    let client = Client::new(channel).max_decoding_message_size(LARGEST_ANSWER);
    match compression {
        Some(encoding) => client.send_compressed(encoding),
        None => client,
    }
}

/// OTLP specification, "Failures": which codes are worth another try.
fn failure(status: &Status) -> Failure {
    let reason = describe(status);
    let details = RpcStatus::decode(status.details()).ok();
    let retry_delay = details.and_then(|details| details.retry_delay());
    // The collector accepted the request, in more words than we read; to ask again would double the points.
    if is_answer_too_large(status) {
        return Failure::Final { reason };
    }
    // A status with a source was made on this side, by a broken connection: the collector has said nothing.
    let is_unanswered = status.source().is_some();
    let passing = match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => retry_delay.is_some(),
        _ => false,
    };
    if passing || is_unanswered {
        Failure::Passing { after: retry_delay.filter(|delay| !delay.is_zero()), reason }
    } else {
        Failure::Final { reason }
    }
}

/// Whether tonic made this status itself, because of [`LARGEST_ANSWER`].
fn is_answer_too_large(status: &Status) -> bool {
    status.code() == Code::OutOfRange && status.message().contains("decoded message length too large")
}

/// Code, message and causes.
fn describe(status: &Status) -> String {
    match status.source() {
        Some(cause) => shorten(&format!("{:?}: {}: {}", status.code(), status.message(), chain(cause))),
        None => shorten(&format!("{:?}: {}", status.code(), status.message())),
    }
}

impl fmt::Debug for Grpc {
    /// Without headers: they are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grpc").field("way", &self.way).finish_non_exhaustive()
    }
}

/// Passes requests through, and reads answers whatever they are.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Accepted;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, request: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(request);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Accepted;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Accepted>, Status> {
        // All of it, whether it can be read or not: tonic takes what is left for the beginning of another message.
        let message = buffer.copy_to_bytes(buffer.remaining());
        Ok(Some(Accepted::read(message)))
    }
}

type Connecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Connects to a Unix domain socket, whatever the URL says.
struct Unix(Arc<Path>);

impl Service<Uri> for Unix {
    type Response = TokioIo<UnixStream>;
    type Error = io::Error;
    type Future = Connecting<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let path = Arc::clone(&self.0);
        Box::pin(async move { UnixStream::connect(path).await.map(TokioIo::new) })
    }
}

/// The URL as tonic is to see it. Built without TLS of its own, as here, it takes any `https` to be a mistake if another
/// crate in the program turned that on; ours is made by [`Secure`], below it.
#[cfg(feature = "otlp-tls")]
fn without_tls(url: &Uri) -> Uri {
    let mut parts = url.clone().into_parts();
    parts.scheme = Some(http::uri::Scheme::HTTP);
    Uri::from_parts(parts).expect("a URL stays one with another scheme")
}

/// Connects through TLS to the URL that was given, whatever tonic thinks it is.
#[cfg(feature = "otlp-tls")]
#[derive(Clone)]
struct Secure {
    connector: super::tls::Connector,
    url: Uri,
}

#[cfg(feature = "otlp-tls")]
impl Service<Uri> for Secure {
    type Response = <super::tls::Connector as Service<Uri>>::Response;
    type Error = <super::tls::Connector as Service<Uri>>::Error;
    type Future = <super::tls::Connector as Service<Uri>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        self.connector.call(self.url.clone())
    }
}

#[cfg(feature = "otlp-tls")]
impl fmt::Debug for Secure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secure").finish_non_exhaustive()
    }
}
