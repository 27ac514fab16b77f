//! gRPC, to the client of tonic's.

use std::{env, process, time::Duration};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use prost::Message;
use tokio::{net::UnixStream, time::timeout};
use tonic::{
    Code, Request,
    codec::CompressionEncoding::{Gzip, Zstd},
    transport::Channel,
};
use tonic_types::StatusExt;

use super::{connect, grpc_over, request};
use crate::collector::{Answer, Collector};

async fn grpc(collector: &Collector) -> MetricsServiceClient<Channel> {
    grpc_over(connect(collector).await).await
}

#[tokio::test]
async fn a_request_arrives_with_its_metadata() {
    let collector = Collector::start([]);
    let mut tagged = Request::new(request("events"));
    tagged.metadata_mut().insert("x-tenant", "north".parse().unwrap());
    let response = grpc(&collector).await.export(tagged).await.unwrap();
    assert!(response.into_inner().partial_success.is_none());
    let [arrival] = &collector.arrivals()[..] else { panic!("one request") };
    assert_eq!(
        (&arrival.request, arrival.headers["x-tenant"].as_bytes()),
        (&request("events"), &b"north"[..])
    );
    assert_eq!(arrival.path, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export");
    assert_eq!((&arrival.encoding, &arrival.content_type[..]), (&None, "application/grpc"));
    assert!(arrival.accepted && arrival.user_agent.starts_with("tonic/"));
    assert_eq!(arrival.body[5..], request("events").encode_to_vec());
}

#[tokio::test]
async fn both_compressions_are_undone() {
    let collector = Collector::start([]);
    let long = request(&"events".repeat(1000));
    for (encoding, name) in [(Gzip, "gzip"), (Zstd, "zstd")] {
        grpc(&collector).await.send_compressed(encoding).export(long.clone()).await.unwrap();
        let arrival = collector.arrivals().pop().unwrap();
        assert_eq!((arrival.request, arrival.encoding.as_deref()), (long.clone(), Some(name)));
        assert!(arrival.body.len() < 1000, "{} bytes", arrival.body.len());
    }
}

#[tokio::test]
async fn failures_have_their_code_and_details() {
    let delay = Duration::from_millis(1500);
    let script = [
        Answer::Fail(Code::Unavailable),
        Answer::Throttle(Code::ResourceExhausted, delay),
        Answer::BadRequest("no such metric"),
    ];
    let collector = Collector::start(script);
    let mut client = grpc(&collector).await;
    assert_eq!(client.export(request("events")).await.unwrap_err().code(), Code::Unavailable);
    let throttled = client.export(request("events")).await.unwrap_err();
    let info = throttled.get_details_retry_info().unwrap();
    assert_eq!((throttled.code(), info.retry_delay), (Code::ResourceExhausted, Some(delay)));
    let refused = client.export(request("events")).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, "no such metric"));
    client.export(request("events")).await.unwrap();
    let answers: Vec<bool> = collector.arrivals().iter().map(|arrival| arrival.accepted).collect();
    assert_eq!(answers, [false, false, false, true]);
}

#[tokio::test]
async fn statuses_of_http_come_as_from_a_proxy() {
    let collector = Collector::start([Answer::Status(503), Answer::Status(401), Answer::Redirect]);
    let mut client = grpc(&collector).await;
    // As gRPC maps them.
    for code in [Code::Unavailable, Code::Unauthenticated, Code::Unknown] {
        assert_eq!(client.export(request("events")).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn successes_may_be_partial_garbage_or_big() {
    let collector = Collector::start([
        Answer::Partial(3, "too old"),
        Answer::Garbage,
        Answer::Big(5_000_000),
        Answer::Big(5_000_000),
    ]);
    let mut client = grpc(&collector).await.max_decoding_message_size(usize::MAX);
    let partial = client.export(request("events")).await.unwrap().into_inner().partial_success.unwrap();
    assert_eq!((partial.rejected_data_points, &partial.error_message[..]), (3, "too old"));
    let garbage = client.export(request("events")).await.unwrap_err();
    assert!(garbage.message().contains("decode"), "{garbage}");
    let big = client.export(request("events")).await.unwrap().into_inner().partial_success.unwrap();
    assert_eq!(big.error_message.len(), 5_000_000);
    // More than tonic takes unless told otherwise.
    let refused = grpc(&collector).await.export(request("events")).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
}

#[tokio::test]
async fn answers_may_never_come() {
    let collector = Collector::start([Answer::Hang, Answer::Reset, Answer::Freeze]);
    let brief = Duration::from_millis(100);
    let mut client = grpc(&collector).await;
    assert!(timeout(brief, client.export(request("events"))).await.is_err());
    assert!(timeout(brief, client.export(request("events"))).await.unwrap().is_err());
    let (mut client, mut other) = (grpc(&collector).await, grpc(&collector).await);
    assert!(timeout(brief, client.export(request("events"))).await.is_err());
    assert!(timeout(brief, other.export(request("events"))).await.is_err());
    grpc(&collector).await.export(request("events")).await.unwrap();
    assert_eq!((collector.arrivals().len(), collector.accepted().len()), (4, 1));
}

#[tokio::test]
async fn requests_of_one_connection_overlap() {
    let collector = Collector::start(vec![Answer::AcceptAfter(Duration::from_millis(100)); 2]);
    let client = grpc(&collector).await;
    let (mut first, mut second) = (client.clone(), client);
    let (first, second) = tokio::join!(first.export(request("a")), second.export(request("b")));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(collector.most_at_once(), 2);
}

#[tokio::test]
async fn a_unix_domain_socket_serves_and_goes_with_the_collector() {
    let path = env::temp_dir().join(format!("collector-itself-{}", process::id()));
    let collector = Collector::unix(&path, [Answer::Fail(Code::Unavailable)]);
    assert_eq!(collector.url(), format!("unix://{}", path.display()));
    let mut client = grpc_over(UnixStream::connect(&path).await.unwrap()).await;
    assert_eq!(client.export(request("events")).await.unwrap_err().code(), Code::Unavailable);
    client.export(request("events")).await.unwrap();
    assert_eq!(collector.accepted(), [request("events")]);
    drop(collector);
    assert!(!path.exists());
}

#[test]
#[should_panic(expected = "does not exist in Grpc")]
fn retry_after_is_no_answer() {
    Collector::start([Answer::RetryAfter(503, "1".to_owned())]);
}
