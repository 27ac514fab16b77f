//! Each way to a collector: what goes over the wire, and what its answers lead to.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant, SystemTime},
};

use freewheel::{
    metrics::Registry,
    otlp::{Compression, Destination, Exporter, Protocol, Temporality, Undelivered},
};

use crate::{
    collector::{Answer, Collector, PATIENCE, idle_exporter},
    reading::{last_total, sum_of_windows},
};

const COMPRESSIONS: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Zstd];

/// A registry with so much in it that compressing a request pays.
fn registry() -> Registry {
    let registry = Registry::new();
    for number in 0..50 {
        registry.counter(format!("events.{number}")).build().unwrap().add(1);
    }
    registry.counter("events").build().unwrap().add(7);
    registry
}

fn over_http(collector: &Collector, registry: &Registry) -> Exporter {
    let destination = Destination::http(collector.url()).temporality(Temporality::Delta);
    idle_exporter(registry).destination(destination).start().unwrap()
}

#[test]
fn every_protocol_carries_every_compression() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson] {
        for compression in COMPRESSIONS {
            let collector = match protocol {
                Protocol::Grpc => Collector::start([]),
                _ => Collector::http([]),
            };
            let exporter = collector.exporter(&registry()).protocol(protocol).compression(compression);
            exporter.start().unwrap().force_flush(PATIENCE).unwrap();

            let what = format!("{protocol} {compression}");
            let arrival = collector.arrivals().swap_remove(0);
            assert_eq!(last_total(&collector.accepted(), "events"), 7, "{what}");
            let (path, content_type) = match protocol {
                Protocol::Grpc => {
                    ("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "application/grpc")
                }
                Protocol::HttpProtobuf => ("/v1/metrics", "application/x-protobuf"),
                _ => ("/v1/metrics", "application/json"),
            };
            assert_eq!((arrival.method.as_str(), &*arrival.path), ("POST", path), "{what}");
            assert_eq!(arrival.content_type, content_type, "{what}");
            let encoding = (compression != Compression::None).then(|| compression.to_string());
            assert_eq!(arrival.encoding, encoding, "{what}");
            assert!(
                arrival.user_agent.starts_with("freewheel-otlp-exporter-rust/"),
                "{}",
                arrival.user_agent
            );
        }
    }
}

#[test]
fn compressed_requests_are_smaller() {
    let size = |compression| {
        let collector = Collector::http([]);
        let destination = Destination::http(collector.url()).compression(compression);
        let exporter = idle_exporter(&registry()).destination(destination).start().unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        collector.arrivals()[0].body.len()
    };
    let [plain, gzip, zstd] = COMPRESSIONS.map(size);
    assert!(gzip < plain / 2 && zstd < plain / 2, "{plain} {gzip} {zstd}");
}

#[test]
fn headers_and_the_product_go_with_each_request() {
    let grpc = Collector::start([]);
    let http = Collector::http([]);
    let cases = [(Destination::grpc(grpc.url()), &grpc), (Destination::http(http.url()), &http)];
    for (destination, collector) in cases {
        let destination =
            destination.header("X-Api-Key", "old").header("x-api-key", "k=1, 2").user_agent("shop/1.4");
        let exporter = idle_exporter(&registry()).destination(destination).start().unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        let arrival = collector.arrivals().swap_remove(0);
        assert_eq!(arrival.headers.get_all("x-api-key").iter().collect::<Vec<_>>(), ["k=1, 2"]);
        assert!(
            arrival.user_agent.starts_with("shop/1.4 freewheel-otlp-exporter-rust/"),
            "{}",
            arrival.user_agent
        );
    }
}

#[test]
fn grpc_reaches_a_unix_domain_socket() {
    let folder = std::env::temp_dir().join(format!("freewheel-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let collector = Collector::unix(folder.join("otlp.sock"), []);
    let exporter = collector.exporter(&registry()).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(last_total(&collector.accepted(), "events"), 7);
    drop((exporter, collector));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn every_retryable_status_is_retried() {
    for status in [429, 502, 503, 504] {
        let collector = Collector::http([Answer::Status(status)]);
        let exporter = over_http(&collector, &registry());
        exporter.force_flush(PATIENCE).unwrap();
        assert_eq!((collector.arrivals().len(), exporter.stats().retries), (2, 1), "{status}");
        assert_eq!(sum_of_windows(&collector.accepted(), "events"), 7, "{status}");
    }
}

#[test]
fn every_other_status_drops_exactly_one_window() {
    for status in [301, 400, 401, 403, 404, 408, 413, 415, 500, 501, 505] {
        let collector = Collector::http([Answer::Status(status)]);
        let registry = registry();
        let exporter = over_http(&collector, &registry);
        let error = exporter.force_flush(PATIENCE).unwrap_err();
        let Undelivered::Rejected { points: 51, reason } = error.cause() else { panic!("{status}: {error}") };
        assert!(reason.contains(&status.to_string()) && reason.contains("as scripted"), "{reason}");
        registry.counter("events").build().unwrap().add(2);
        exporter.force_flush(PATIENCE).unwrap();
        assert_eq!(sum_of_windows(&collector.accepted(), "events"), 2, "{status}");
        let stats = exporter.stats();
        assert_eq!((stats.dropped_windows, stats.dropped_points, stats.retries), (1, 51, 0), "{status}");
    }
}

#[test]
fn retry_after_in_seconds_and_as_a_date_is_honoured() {
    let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
    for after in ["1".to_owned(), soon] {
        let collector = Collector::http([Answer::RetryAfter(503, after.clone())]);
        let exporter = over_http(&collector, &registry());
        exporter.force_flush(PATIENCE).unwrap();
        let arrivals = collector.arrivals();
        let pause = arrivals[1].at - arrivals[0].at;
        // A date has whole seconds, so up to one of them may be gone already.
        assert!(pause > Duration::from_millis(900), "{after}: {pause:?}");
    }
}

#[test]
fn partial_success_over_http_is_counted() {
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
        let collector = Collector::http([Answer::Partial(2, "too old")]);
        let exporter = collector
            .exporter(&registry())
            .protocol(protocol)
            .temporality(Temporality::Delta)
            .start()
            .unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        let stats = exporter.stats();
        assert_eq!((stats.points_accepted, stats.points_rejected), (49, 2), "{protocol}");
        assert!(stats.last_error.unwrap().contains("too old"), "{protocol}");
        assert_eq!(collector.arrivals().len(), 1, "{protocol}: the windows are answered for");
    }
}

#[test]
fn an_unreadable_answer_to_an_accepted_request_is_a_remark_and_no_reason_to_send_it_again() {
    for answer in [Answer::Garbage, Answer::Big(5_000_000), Answer::ResetMidBody] {
        let collector = Collector::http([answer.clone()]);
        let destination = Destination::http(collector.url());
        let exporter = idle_exporter(&registry())
            .destination(destination.temporality(Temporality::Delta))
            .start()
            .unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        assert_eq!(collector.arrivals().len(), 1, "{answer:?}");
        let stats = exporter.stats();
        assert_eq!((stats.points_accepted, stats.dropped_points), (51, 0), "{answer:?}");
        assert!(stats.last_error.unwrap().contains("unreadable answer"), "{answer:?}");
    }
}

/// Over gRPC an answer that is too large hides the status behind it. So it is not known that the request was accepted, but it
/// was not refused either: it must neither come again for ever, nor be taken for delivered.
#[test]
fn an_answer_over_grpc_that_is_too_large_drops_one_window() {
    let collector = Collector::start([Answer::Big(5_000_000)]);
    let exporter = collector.exporter(&registry()).temporality(Temporality::Delta).start().unwrap();
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::Rejected { points: 51, .. }), "{error}");
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(collector.arrivals().len(), 1);
}

/// The status behind it says that the request was accepted.
#[test]
fn an_answer_over_grpc_that_means_nothing_is_a_remark() {
    let collector = Collector::start([Answer::Garbage]);
    let exporter = collector.exporter(&registry()).temporality(Temporality::Delta).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(collector.arrivals().len(), 1);
    let stats = exporter.stats();
    assert_eq!((stats.points_accepted, stats.dropped_points), (51, 0));
    assert!(stats.last_error.unwrap().contains("unreadable answer"));
}

#[test]
fn redirects_are_not_followed() {
    let collector = Collector::http([Answer::Redirect]);
    let exporter = over_http(&collector, &registry());
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    assert!(error.to_string().contains("redirects are not followed"), "{error}");
    assert_eq!(collector.arrivals().len(), 1);
}

#[test]
fn windows_over_http_survive_hanging_and_broken_connections() {
    let collector =
        Collector::http([Answer::Reset, Answer::Hang, Answer::Accept, Answer::Freeze, Answer::Reset]);
    let registry = registry();
    let destination = Destination::http(collector.url())
        .temporality(Temporality::Delta)
        .timeout(Duration::from_millis(500))
        .max_points(NonZeroUsize::new(20).unwrap());
    let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
    let begun = Instant::now();
    let mut flushes = 0;
    while exporter.force_flush(PATIENCE).is_err() {
        registry.counter("events").build().unwrap().add(1);
        flushes += 1;
        assert!(begun.elapsed() < PATIENCE, "{exporter:?}");
    }
    exporter.shutdown(PATIENCE).unwrap();
    assert_eq!(sum_of_windows(&collector.accepted(), "events"), 7 + flushes);
}
