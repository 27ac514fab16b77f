//! What is sent again: OTLP specification, "Failures", "OTLP/gRPC Throttling", "OTLP/HTTP Response".

use std::time::Duration;

use freewheel::{
    metrics::Registry,
    otlp::{Destination, Retry},
};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, RetryPolicy, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::metrics::{data::ResourceMetrics, exporter::PushMetricExporter};
use tokio::net::TcpStream;
use tonic::Code;

use crate::collector::{Answer, Collector, idle_exporter};

/// What both may take for all tries.
const TIMEOUT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// Makes a connection for each request.
#[derive(Debug)]
struct Client;

#[tonic::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let stream = TcpStream::connect(request.uri().authority().unwrap().as_str()).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let (head, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }
}

/// How often our exporter sends what is answered so at first, and then accepted.
fn ours(collector: &Collector) -> usize {
    let to = if collector.is_grpc() { Destination::grpc } else { Destination::http };
    let retry = Retry::default().first_pause(PAUSE).longest_pause(PAUSE);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let destination = to(collector.url()).retry(retry).timeout(TIMEOUT);
    let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
    // It is either refused for good, or accepted in the end.
    let _ = exporter.force_flush(PATIENCE);
    collector.arrivals().len()
}

/// The same of theirs.
fn theirs(collector: &Collector) -> usize {
    let policy =
        RetryPolicy::default().with_initial_delay(PAUSE).with_max_delay(PAUSE).with_max_jitter(PAUSE);
    let (grpc, url) = (collector.is_grpc(), collector.url());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let builder = MetricExporter::builder();
        let exporter = if grpc {
            builder.with_tonic().with_endpoint(url).with_timeout(TIMEOUT).with_retry_policy(policy).build()
        } else {
            let builder = builder.with_http().with_http_client(Client).with_endpoint(url + "/v1/metrics");
            builder.with_timeout(TIMEOUT).with_retry_policy(policy).build()
        };
        // It is either refused for good, or accepted in the end.
        let _ = exporter.unwrap().export(&ResourceMetrics::default()).await;
    });
    collector.arrivals().len()
}

/// How often each of the two sends what is answered so at first.
fn tries(start: impl Fn(Answer) -> Collector, answer: &Answer) -> [usize; 2] {
    [ours(&start(answer.clone())), theirs(&start(answer.clone()))]
}

fn grpc(answer: &Answer) -> [usize; 2] {
    tries(|answer| Collector::start([answer]), answer)
}

fn http(answer: &Answer) -> [usize; 2] {
    tries(|answer| Collector::http([answer]), answer)
}

/// All codes of gRPC but `OK`.
fn codes() -> impl Iterator<Item = Code> {
    (1..=16).map(Code::from_i32)
}

#[test]
fn both_send_the_same_again_by_code() {
    for code in codes() {
        let is_retried = matches!(
            code,
            Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss
        );
        assert_eq!(grpc(&Answer::Fail(code)), [1 + usize::from(is_retried); 2], "{code:?}");
    }
}

#[test]
fn both_send_the_same_again_by_code_with_retry_info() {
    for code in codes() {
        let is_retried = matches!(
            code,
            Code::Cancelled
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss
        );
        let answer = Answer::Throttle(code, Duration::from_millis(10));
        assert_eq!(grpc(&answer), [1 + usize::from(is_retried); 2], "{code:?}");
    }
}

#[test]
fn both_take_retry_info_without_a_delay_for_a_sign_of_recovery() {
    assert_eq!(grpc(&Answer::Throttle(Code::ResourceExhausted, Duration::ZERO)), [2; 2]);
    assert_eq!(grpc(&Answer::Throttle(Code::Unavailable, Duration::ZERO)), [2; 2]);
    assert_eq!(grpc(&Answer::Throttle(Code::Internal, Duration::ZERO)), [1; 2]);
}

#[test]
fn neither_sends_again_what_was_accepted() {
    // `OK` without a message is no acknowledgement either, and nothing to retry.
    for answer in [Answer::Accept, Answer::Partial(1, "as scripted"), Answer::Fail(Code::Ok)] {
        assert_eq!(grpc(&answer), [1; 2], "{answer:?}");
    }
    for answer in [Answer::Accept, Answer::Partial(1, "as scripted")] {
        assert_eq!(http(&answer), [1; 2], "{answer:?}");
    }
}

const STATUSES: [u16; 18] =
    [200, 202, 301, 307, 400, 401, 403, 404, 408, 413, 422, 429, 500, 501, 502, 503, 504, 507];

/// "All other 4xx or 5xx response status codes MUST NOT be retried."
fn is_retried(status: u16) -> bool {
    [429, 502, 503, 504].contains(&status)
}

#[test]
fn both_send_the_same_again_by_status() {
    for status in STATUSES {
        let tries = 1 + usize::from(is_retried(status));
        assert_eq!(http(&Answer::Status(status)), [tries; 2], "{status}");
    }
}

#[test]
fn both_send_the_same_again_by_status_with_retry_after() {
    for status in STATUSES {
        for when in ["0", "1", "nonsense", "Thu, 01 Jan 1970 00:00:00 GMT"] {
            if when == "1" && !is_retried(status) {
                continue;
            }
            let answer = Answer::RetryAfter(status, when.into());
            assert_eq!(http(&answer), [1 + usize::from(is_retried(status)); 2], "{status} {when}");
        }
    }
}

/// How statuses of HTTP map to codes of gRPC is in gRPC's `doc/http-grpc-status-mapping.md`: 429, 502, 503 and 504 are
/// `UNAVAILABLE`.
#[test]
fn both_send_the_same_again_by_the_status_of_a_proxy_before_grpc() {
    for status in [400, 401, 403, 404, 429, 500, 502, 503, 504] {
        let tries = 1 + usize::from(is_retried(status));
        assert_eq!(grpc(&Answer::Status(status)), [tries; 2], "{status}");
    }
}

#[test]
fn both_send_again_over_http_after_a_broken_connection() {
    assert_eq!(http(&Answer::Reset), [2; 2]);
}

/// Whoever was not answered does not know whether the request arrived, and sends it again: OTLP specification,
/// "Duplicate Data". The table of codes is of what servers say; the code that a client makes of a broken connection, here
/// `UNKNOWN`, nobody said. They take it for the server's, and lose the request.
#[test]
fn a_broken_connection_is_no_answer_over_grpc() {
    assert_eq!(grpc(&Answer::Reset), [2, 1]);
}
