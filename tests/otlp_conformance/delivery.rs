//! Exports, retries, addresses.

use std::{
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use freewheel::{
    metrics::{KeyValue, Registry},
    otlp::{Destination, Environment, Exporter, StartError, Temporality, Undelivered},
};
use tonic::Code;

use crate::{
    Bench,
    collector::{Answer, Collector, PATIENCE, idle_exporter},
    reading::readings,
};

fn recorded() -> Registry {
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    registry
}

/// metrics/sdk.md, "Periodic exporting MetricReader" and "Export(batch)"; "ForceFlush" and "Shutdown".
#[test]
fn exports_never_overlap_and_everything_times_out() {
    let collector = Collector::start(vec![Answer::AcceptAfter(Duration::from_millis(10)); 100]);
    let registry = recorded();
    let exporter = collector.exporter(&registry).interval(Duration::from_millis(5)).start().unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..3).for_each(|_| exporter.force_flush(PATIENCE).unwrap()));
        }
    });
    assert_eq!(collector.most_at_once(), 1);

    let collector = Collector::start(vec![Answer::Hang; 10]);
    let exporter = collector.exporter(&registry).export_timeout(Duration::from_millis(200)).start().unwrap();
    let begun = Instant::now();
    assert!(matches!(
        exporter.force_flush(PATIENCE).unwrap_err().cause(),
        Undelivered::Unacknowledged { points: 1, .. }
    ));
    let error = exporter.force_flush(Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::Deadline { .. }), "{error}");
    let error = exporter.shutdown(Duration::from_millis(300)).unwrap_err();
    assert!(!error.failures().is_empty());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// protocol/exporter.md, "Retry"; opentelemetry-proto docs/specification.md, "Failures", "OTLP/gRPC Throttling".
#[test]
fn what_may_pass_is_retried_after_growing_pauses_and_what_may_not_is_dropped_and_counted() {
    let arrivals = |answers: Vec<Answer>, http: bool| {
        let collector = if http { Collector::http(answers) } else { Collector::start(answers) };
        let destination = if http { Destination::http } else { Destination::grpc };
        let registry = recorded();
        let destination = destination(collector.url()).temporality(Temporality::Delta);
        let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
        let is_taken = exporter.force_flush(PATIENCE).is_ok();
        exporter.force_flush(PATIENCE).unwrap();
        (collector.arrivals().len(), is_taken, exporter.stats().dropped_points)
    };
    let passing = [Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::Unavailable, Code::DataLoss];
    for code in passing {
        assert_eq!(arrivals(vec![Answer::Fail(code)], false), (2, true, 0), "{code:?}");
    }
    let soon = Duration::from_millis(50);
    let throttle = Answer::Throttle(Code::ResourceExhausted, soon);
    assert_eq!(arrivals(vec![throttle], false), (2, true, 0), "RetryInfo says that it recovers");
    for code in [Code::ResourceExhausted, Code::InvalidArgument, Code::Unimplemented, Code::Internal] {
        assert_eq!(arrivals(vec![Answer::Fail(code)], false), (1, false, 1), "{code:?}");
    }
    for status in [429, 502, 503, 504] {
        assert_eq!(arrivals(vec![Answer::Status(status)], true), (2, true, 0), "{status}");
    }
    for status in [400, 401, 404, 413, 500, 501] {
        assert_eq!(arrivals(vec![Answer::Status(status)], true), (1, false, 1), "{status}");
    }
}

/// The same, "Partial Success", "Empty Telemetry Envelopes" and "Duplicate Data".
#[test]
fn partial_success_is_not_retried_nothing_empty_is_sent_and_a_lost_answer_is_asked_for_again() {
    let collector = Collector::http([Answer::Partial(1, "too old")]);
    let registry = recorded();
    let destination = Destination::http(collector.url()).temporality(Temporality::Delta);
    let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!((collector.arrivals().len(), exporter.stats().points_rejected), (1, 1));

    let bench = Bench::new(Temporality::Cumulative);
    bench.flush();
    assert!(bench.collector.arrivals().is_empty(), "there is nothing to send");

    let collector = Collector::start([Answer::Reset]);
    let exporter = collector.exporter(&recorded()).temporality(Temporality::Delta).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let arrivals = collector.arrivals();
    assert_eq!(arrivals.len(), 2);
    assert_eq!(arrivals[0].request, arrivals[1].request, "the same window, so that it can be recognised");
}

/// protocol/exporter.md, "Endpoint URLs for OTLP/HTTP".
#[test]
fn the_path_of_the_signal_is_appended_to_the_endpoint_of_all_signals_only() {
    let collector = Collector::http([]);
    let url = collector.url();
    for (variable, endpoint, expected) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.clone(), "/v1/metrics"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{url}/base/"), "/base/v1/metrics"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", format!("{url}/exact"), "/exact"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", url, "/"),
    ] {
        let variables = [(variable, endpoint.as_str()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")];
        let builder = idle_exporter(&recorded()).environment(Environment::from_variables(variables));
        builder.start().unwrap().force_flush(PATIENCE).unwrap();
        assert_eq!(collector.arrivals().pop().unwrap().path, expected, "{endpoint}");
    }
    let wrong = Exporter::builder(Registry::new()).endpoint("collector.example/no scheme").start();
    assert!(matches!(wrong, Err(StartError::Endpoint { .. })));
}

/// protocol/exporter.md, "Specifying headers via environment variables" and "User Agent".
#[test]
fn headers_are_decoded_and_the_user_agent_names_us() {
    let collector = Collector::http([]);
    let url = collector.url();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=north%20side, x-key=a=b"),
    ];
    let builder = idle_exporter(&recorded()).environment(Environment::from_variables(variables));
    builder.start().unwrap().force_flush(PATIENCE).unwrap();
    let arrival = collector.arrivals().pop().unwrap();
    assert_eq!(arrival.headers["x-tenant"], "north side");
    assert_eq!(arrival.headers["x-key"], "a=b");
    assert!(arrival.user_agent.starts_with("freewheel-otlp-exporter-rust/"), "{}", arrival.user_agent);
}

/// protocol/exporter.md, "Request size limit" and "Response size limit".
#[test]
fn requests_stay_below_4_mib_and_answers_beyond_are_not_read() {
    let bench = Bench::new(Temporality::Cumulative);
    let text = "x".repeat(4000);
    for index in 0..1500 {
        let attributes = [KeyValue::new("index", index), KeyValue::new("text", text.clone())];
        bench.registry.counter("long").bind(&attributes).unwrap().add(1);
    }
    bench.flush();
    let arrivals = bench.collector.arrivals();
    assert!(arrivals.len() > 1 && arrivals.iter().all(|arrival| arrival.body.len() < 4 * 1024 * 1024));
    assert_eq!(arrivals.iter().map(|arrival| readings(&arrival.request).len()).sum::<usize>(), 1500);

    let collector = Collector::http([Answer::Big(5 * 1024 * 1024)]);
    let exporter =
        idle_exporter(&recorded()).destination(Destination::http(collector.url())).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert!(exporter.stats().last_error.unwrap().contains("unreadable answer"));
    // Whoever cannot be connected to does not hold us for ever either.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", deaf.local_addr().unwrap());
    let destination = Destination::http(url).timeout(Duration::from_millis(200));
    let exporter = idle_exporter(&recorded()).destination(destination).start().unwrap();
    assert!(exporter.force_flush(PATIENCE).is_err());
}
