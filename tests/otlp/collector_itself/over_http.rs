//! HTTP, to a bare client of hyper's and to plain sockets.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use hyper::{Method, StatusCode, body::Bytes};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tonic_types::Status;

use super::{JSON, PROTOBUF, connect, http, post, request};
use crate::collector::{Answer, Collector, GARBAGE};

const AS_PROTOBUF: &[(&str, &str)] = &[("content-type", PROTOBUF)];
const AS_JSON: &[(&str, &str)] = &[("content-type", JSON)];

fn body() -> Vec<u8> {
    request("events").encode_to_vec()
}

fn partial(response: &[u8]) -> (i64, String) {
    let partial = ExportMetricsServiceResponse::decode(response).unwrap().partial_success.unwrap();
    (partial.rejected_data_points, partial.error_message)
}

#[tokio::test]
async fn protobuf_and_json_arrive_the_same_on_one_connection() {
    let collector = Collector::http([]);
    let mut client = http(&collector).await;
    let headers = [("content-type", PROTOBUF), ("x-tenant", "north"), ("user-agent", "plain/1")];
    let response = post(&mut client, &headers, body()).await.unwrap();
    assert_eq!((response.status(), response.body().len()), (StatusCode::OK, 0));
    assert_eq!(response.headers()["content-type"], PROTOBUF);
    let json = serde_json::to_vec(&request("events")).unwrap();
    let response = post(&mut client, AS_JSON, json.clone()).await.unwrap();
    assert_eq!(response.headers()["content-type"], JSON);
    let accepted: ExportMetricsServiceResponse = serde_json::from_slice(response.body()).unwrap();
    assert!(accepted.partial_success.is_none());

    assert_eq!(collector.accepted(), [request("events"), request("events")]);
    let [binary, text] = &collector.arrivals()[..] else { panic!("two requests") };
    assert_eq!((&binary.method, &binary.path[..]), (&Method::POST, "/v1/metrics"));
    assert_eq!((&binary.content_type[..], &binary.user_agent[..]), (PROTOBUF, "plain/1"));
    assert_eq!(binary.headers["x-tenant"], "north");
    assert!(binary.encoding.is_none() && binary.client.is_none());
    assert_eq!((&binary.body, &text.body), (&Bytes::from(body()), &Bytes::from(json)));
}

#[tokio::test]
async fn both_compressions_are_undone() {
    let collector = Collector::http([]);
    let mut client = http(&collector).await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&body()).unwrap();
    let compressed = [("gzip", gzip.finish().unwrap()), ("zstd", zstd::encode_all(&body()[..], 0).unwrap())];
    for (encoding, bytes) in compressed {
        let headers = [("content-type", PROTOBUF), ("content-encoding", encoding)];
        assert_eq!(post(&mut client, &headers, bytes.clone()).await.unwrap().status(), StatusCode::OK);
        let arrival = collector.arrivals().pop().unwrap();
        assert_eq!((arrival.request, arrival.encoding.as_deref()), (request("events"), Some(encoding)));
        assert_eq!(arrival.body, bytes);
        // One byte too few.
        let status = post(&mut client, &headers, bytes[..bytes.len() - 1].to_vec()).await.unwrap().status();
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(collector.arrivals().len(), 2);
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_takes_no_answer() {
    let collector = Collector::http([Answer::Status(503)]);
    let mut client = http(&collector).await;
    let brotli = [("content-type", PROTOBUF), ("content-encoding", "br")];
    let text = [("content-type", "text/plain")];
    for (headers, body) in
        [(AS_PROTOBUF, vec![0xff; 9]), (AS_JSON, body()), (&brotli, body()), (&text, body())]
    {
        let response = post(&mut client, headers, body).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{headers:?}");
    }
    assert!(collector.arrivals().is_empty());
    assert_eq!(
        post(&mut client, AS_PROTOBUF, body()).await.unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn failures_have_their_status_reason_and_retry_after() {
    let collector = Collector::http([
        Answer::Status(503),
        Answer::RetryAfter(429, "7".to_owned()),
        Answer::BadRequest("no such metric"),
        Answer::BadRequest("no such metric"),
    ]);
    let mut client = http(&collector).await;
    let unavailable = post(&mut client, AS_PROTOBUF, body()).await.unwrap();
    assert_eq!(unavailable.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!unavailable.headers().contains_key("retry-after"));
    let throttled = post(&mut client, AS_PROTOBUF, body()).await.unwrap();
    assert_eq!(throttled.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(throttled.headers()["retry-after"], "7");
    let bad = post(&mut client, AS_PROTOBUF, body()).await.unwrap();
    let status = Status::decode(&bad.body()[..]).unwrap();
    assert_eq!(
        (bad.status(), status.code, &status.message[..]),
        (StatusCode::BAD_REQUEST, 3, "no such metric")
    );
    let bad = post(&mut client, AS_JSON, serde_json::to_vec(&request("events")).unwrap()).await.unwrap();
    let status: serde_json::Value = serde_json::from_slice(bad.body()).unwrap();
    assert_eq!(status, serde_json::json!({ "code": 3, "message": "no such metric" }));
    assert!(collector.accepted().is_empty());
}

#[tokio::test]
async fn successes_may_be_partial_garbage_or_big() {
    let collector = Collector::http([Answer::Partial(3, "too old"), Answer::Garbage, Answer::Big(5_000_000)]);
    let mut client = http(&collector).await;
    let response = post(&mut client, AS_PROTOBUF, body()).await.unwrap();
    assert_eq!(partial(response.body()), (3, "too old".to_owned()));
    let garbage = post(&mut client, AS_PROTOBUF, body()).await.unwrap();
    assert_eq!((garbage.status(), &garbage.body()[..]), (StatusCode::OK, GARBAGE));
    assert!(ExportMetricsServiceResponse::decode(&garbage.body()[..]).is_err());
    assert!(serde_json::from_slice::<serde_json::Value>(garbage.body()).is_err());
    let big = post(&mut client, AS_PROTOBUF, body()).await.unwrap();
    assert_eq!(partial(big.body()).1.len(), 5_000_000);
    let accepted: Vec<bool> = collector.arrivals().iter().map(|arrival| arrival.accepted).collect();
    assert_eq!(accepted, [true, false, false]);
}

#[tokio::test]
async fn a_redirect_leads_to_another_path() {
    let collector = Collector::http([Answer::Redirect]);
    let response = post(&mut http(&collector).await, AS_PROTOBUF, body()).await.unwrap();
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(response.headers()["location"], "/elsewhere");
}

#[tokio::test]
async fn a_response_that_breaks_in_the_middle_is_no_response() {
    let collector = Collector::http([Answer::ResetMidBody]);
    let mut stream = connect(&collector).await;
    let head = "POST /v1/metrics HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n";
    // In one chunk.
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n", body().len());
    stream.write_all(&[chunked.as_bytes(), &body(), b"\r\n0\r\n\r\n"].concat()).await.unwrap();
    let mut seen = Vec::new();
    stream.read_to_end(&mut seen).await.unwrap();
    let end = seen.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(collector.arrivals()[0].request, request("events"));
    assert_eq!(collector.arrivals()[0].answer, Answer::ResetMidBody);
    let head = String::from_utf8_lossy(&seen[..end]);
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("content-length: 16"), "{head}");
    assert_eq!(seen.len() - end, 8);
    drop(stream);

    collector.follow([Answer::ResetMidBody]);
    assert!(post(&mut http(&collector).await, AS_PROTOBUF, body()).await.is_err());
    assert!(post(&mut http(&collector).await, AS_PROTOBUF, body()).await.is_ok());
}

#[tokio::test]
async fn answers_may_come_late_never_or_not_at_all() {
    let collector = Collector::http([
        Answer::AcceptAfter(Duration::from_millis(100)),
        Answer::Hang,
        Answer::Reset,
        Answer::Freeze,
    ]);
    let mut client = http(&collector).await;
    let begun = Instant::now();
    assert!(post(&mut client, AS_PROTOBUF, body()).await.is_ok());
    assert!(begun.elapsed() >= Duration::from_millis(100));
    let brief = Duration::from_millis(100);
    assert!(timeout(brief, post(&mut client, AS_PROTOBUF, body())).await.is_err());
    // Breaks the other connection too.
    let (mut client, mut other) = (http(&collector).await, connect(&collector).await);
    assert!(post(&mut client, AS_PROTOBUF, body()).await.is_err());
    assert_eq!(timeout(brief, other.read(&mut [0])).await.unwrap().unwrap_or(0), 0);
    let (mut client, mut other) = (http(&collector).await, connect(&collector).await);
    assert!(timeout(brief, post(&mut client, AS_PROTOBUF, body())).await.is_err());
    assert!(timeout(brief, other.read(&mut [0])).await.is_err());
    assert_eq!((collector.arrivals().len(), collector.accepted().len()), (4, 1));
}

#[test]
#[should_panic(expected = "does not exist in Http")]
fn codes_of_grpc_are_no_answers() {
    Collector::http([Answer::Fail(tonic::Code::Unavailable)]);
}
