//! OTLP over HTTP, with hyper.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Uri,
    header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT},
};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use prost::Message;
use tokio::time::{Instant, timeout_at};

use super::{
    answer::{LARGEST_ANSWER, Status as RpcStatus},
    chain,
    compress::compress,
    names::Names,
    shorten,
};
use crate::otlp::{Compression, StartError, answer::Accepted, endpoint::Endpoint, retry::Failure};

/// A request is not compressed twice, and not made anew for each try.
pub(in crate::otlp) struct Http {
    client: Connection,
    url: Uri,
    headers: HeaderMap,
    compression: Compression,
    body: Body,
}

/// What the body of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Protobuf,
    #[cfg(feature = "otlp-json")]
    Json,
}

enum Connection {
    Plain(Client<HttpConnector<Names>, Full<Bytes>>),
    #[cfg(feature = "otlp-tls")]
    Tls(Client<super::tls::Connector, Full<Bytes>>),
}

impl Http {
    pub(super) fn new(client: super::Client, body: Body) -> Result<Self, StartError> {
        let super::Client { endpoint, mut headers, user_agent, compression, connect_timeout, .. } = client;
        if let Some(feature) = compression.missing_feature() {
            return Err(StartError::not_compiled(feature));
        }
        let mut connector = HttpConnector::new_with_resolver(Names::default());
        connector.set_connect_timeout(Some(connect_timeout));
        connector.set_nodelay(true);
        let builder = Client::builder(TokioExecutor::new());
        #[cfg(feature = "otlp-tls")]
        let client = if endpoint.is_secure() {
            Connection::Tls(builder.build(client.tls.http1(connector)?))
        } else {
            Connection::Plain(builder.build(connector))
        };
        #[cfg(not(feature = "otlp-tls"))]
        let client = Connection::Plain(builder.build(connector));
        let Endpoint::Url(url) = endpoint else { unreachable!("only gRPC endpoints are Unix sockets") };

        let media_type = match body {
            Body::Protobuf => "application/x-protobuf",
            #[cfg(feature = "otlp-json")]
            Body::Json => "application/json",
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(USER_AGENT, HeaderValue::try_from(user_agent).map_err(|_| StartError::UserAgent)?);
        if compression != Compression::None {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(compression.name()));
        }
        Ok(Self { client, url, headers, compression, body })
    }

    pub(super) fn prepare(&self, request: Bytes) -> Result<Bytes, Failure> {
        let body = match self.body {
            Body::Protobuf => request,
            #[cfg(feature = "otlp-json")]
            Body::Json => super::json(&request)?,
        };
        compress(body, self.compression)
            .map_err(|error| Failure::passing(format!("the request could not be compressed: {error}")))
    }

    pub(super) async fn send(&mut self, body: Bytes, deadline: Instant) -> Result<Accepted, Failure> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = self.headers.clone();
        let response = match &self.client {
            Connection::Plain(client) => client.request(request).await,
            #[cfg(feature = "otlp-tls")]
            Connection::Tls(client) => client.request(request).await,
        };
        let unavailable = |error| Failure::passing(format!("Unavailable: {}", chain(&error)));
        let (head, body) = response.map_err(unavailable)?.into_parts();
        // The status says what became of the request, even if the rest never comes.
        let body = match timeout_at(deadline, Limited::new(body, LARGEST_ANSWER).collect()).await {
            Ok(body) => body.map(Collected::to_bytes),
            Err(_) => Err("it did not end within the timeout".into()),
        };
        if head.status.is_success() {
            // It was taken, whatever becomes of the rest of the answer: to ask again would double the points.
            return Ok(match body {
                Ok(bytes) => self.accepted(&bytes),
                Err(error) => Accepted::unreadable(&error.to_string()),
            });
        }
        Err(failure(head.status, &head.headers, &body.unwrap_or_default()))
    }

    fn accepted(&self, body: &Bytes) -> Accepted {
        match self.body {
            Body::Protobuf => Accepted::read(body.clone()),
            #[cfg(feature = "otlp-json")]
            Body::Json => Accepted::read_json(body),
        }
    }
}

impl fmt::Debug for Http {
    /// Without headers and URL: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("body", &self.body)
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}

/// OTLP specification, "OTLP/HTTP Response": which statuses are worth another try.
fn failure(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Failure {
    let reason = describe(status, headers, body);
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            Failure::Passing { after: retry_after(headers, SystemTime::now()), reason }
        }
        _ => Failure::Final { reason },
    }
}

/// How long the collector asks to wait: RFC 9110, 10.2.3, seconds or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    (!delay.is_zero()).then_some(delay)
}

/// The status, and what the collector says about it: a `google.rpc.Status`, or a text.
fn describe(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> String {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let message = if media_type.starts_with("application/x-protobuf") {
        RpcStatus::decode(body.clone()).map(|status| status.message).unwrap_or_default()
    } else if media_type.starts_with("application/json") {
        message_in_json(body)
    } else if status.is_redirection() {
        "redirects are not followed; configure the address that it names".to_owned()
    } else {
        String::from_utf8_lossy(&body[..body.len().min(1024)]).into_owned()
    };
    let message = message.trim();
    let code = format!("HTTP {status}");
    if message.is_empty() { code } else { shorten(&format!("{code}: {message}")) }
}

#[cfg(feature = "otlp-json")]
fn message_in_json(body: &[u8]) -> String {
    let status = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    status["message"].as_str().unwrap_or_default().to_owned()
}

/// Without a reader for it, the text as it is.
#[cfg(not(feature = "otlp-json"))]
fn message_in_json(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(1024)]).into_owned()
}
