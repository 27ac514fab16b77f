//! Several destinations of one exporter.

use std::{
    thread,
    time::{Duration, Instant},
};

use freewheel::{
    metrics::Registry,
    otlp::{Destination, Environment, HistogramAggregation, Temporality, Undelivered},
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use crate::{
    collector::{Answer, ClosedPort, Collector, PATIENCE, idle_exporter},
    reading::{last_total, sum_of_windows},
};

#[test]
fn each_destination_gets_everything_in_its_own_form() {
    let (totals, windows) = (Collector::start([]), Collector::http([]));
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    let exporter = idle_exporter(&registry)
        .destination(Destination::grpc(totals.url()))
        .destination(
            Destination::http(windows.url())
                .temporality(Temporality::Delta)
                .histograms(HistogramAggregation::ExplicitBucket),
        )
        .start()
        .unwrap();
    for _ in 0..3 {
        events.add(2);
        sizes.record(7);
        exporter.force_flush(PATIENCE).unwrap();
    }
    assert_eq!(last_total(&totals.accepted(), "events"), 6);
    assert_eq!(sum_of_windows(&windows.accepted(), "events"), 6);
    let form = |collector: &Collector| {
        let request = collector.accepted().pop().unwrap();
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        metrics.iter().find(|metric| metric.name == "sizes").unwrap().data.clone().unwrap()
    };
    assert!(matches!(form(&totals), Data::ExponentialHistogram(_)));
    assert!(matches!(form(&windows), Data::Histogram(_)));
    assert_eq!(exporter.stats().points_accepted, 12);
}

#[test]
fn a_destination_that_hangs_delays_no_other() {
    let (good, hanging) = (Collector::start([]), Collector::start(vec![Answer::Hang; 100]));
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    let exporter = idle_exporter(&registry)
        .interval(Duration::from_millis(20))
        .destination(Destination::grpc(good.url()).temporality(Temporality::Delta))
        .destination(Destination::grpc(hanging.url()).temporality(Temporality::Delta))
        .start()
        .unwrap();
    // Each window reaches the good one while the other has not answered for the first.
    for arrived in 1..=5 {
        events.add(1);
        good.wait_for_arrivals(arrived);
    }
    assert_eq!(hanging.arrivals().len(), 1);

    let begun = Instant::now();
    let error = exporter.shutdown(Duration::from_secs(2)).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let [failed] = error.failures() else { panic!("{error}") };
    assert_eq!(*failed.name, *hanging.url());
    assert_eq!(sum_of_windows(&good.accepted(), "events"), 5);
    assert_eq!(error.stats().points_accepted, 5);
}

#[test]
fn each_destination_keeps_its_own_base_and_error() {
    let (good, down, strict) =
        (Collector::start([]), ClosedPort::new(), Collector::start([Answer::BadRequest("not like this")]));
    let to = |url: String, name: &str| {
        Destination::grpc(url).name(name).temporality(Temporality::Delta).timeout(Duration::from_millis(300))
    };
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    let exporter = idle_exporter(&registry)
        .destination(to(good.url(), "good"))
        .destination(to(down.url(), "down"))
        .destination(to(strict.url(), "strict"))
        .start()
        .unwrap();
    events.add(4);
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    let [down_failed, strict_failed] = error.failures() else { panic!("{error}") };
    assert_eq!((&*down_failed.name, &*strict_failed.name), ("down", "strict"));
    assert!(matches!(down_failed.cause, Undelivered::Unacknowledged { points: 1, .. }), "{error}");
    assert!(
        matches!(&strict_failed.cause, Undelivered::Rejected { points: 1, reason } if reason.contains("not like this"))
    );

    let late = Collector::start_on(down, []);
    events.add(5);
    exporter.force_flush(PATIENCE).unwrap();
    for (collector, sum) in [(&good, 9), (&late, 9), (&strict, 5)] {
        assert_eq!(sum_of_windows(&collector.accepted(), "events"), sum);
    }
    let stats: Vec<_> = exporter.destinations().collect();
    let dropped: Vec<_> = stats.iter().map(|(name, stats)| (*name, stats.dropped_points)).collect();
    assert_eq!(dropped, [("good", 0), ("down", 0), ("strict", 1)]);
    assert_eq!(exporter.stats().dropped_points, 1);
}

#[test]
fn settings_of_the_builder_are_of_a_destination_beside_the_others() {
    let (first, second) = (Collector::start([]), Collector::start([]));
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = first.exporter(&registry).destination(Destination::grpc(second.url())).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!((first.arrivals().len(), second.arrivals().len()), (1, 1));
    let names: Vec<String> = exporter.destinations().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, [first.url(), second.url()]);
}

#[test]
fn headers_reach_no_other_destination() {
    let (first, second, third) = (Collector::start([]), Collector::start([]), Collector::http([]));
    let environment = Environment::from_variables([("OTEL_EXPORTER_OTLP_HEADERS", "x-general=secret")]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = first
        .exporter(&registry)
        .environment(environment)
        .header("x-first", "secret")
        .destination(Destination::grpc(second.url()).header("x-second", "secret"))
        .destination(Destination::http(third.url()))
        .start()
        .unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    for (collector, own) in [(first, "x-general x-first"), (second, "x-second"), (third, "")] {
        let headers = &collector.arrivals()[0].headers;
        let sent =
            ["x-general", "x-first", "x-second"].into_iter().filter(|name| headers.contains_key(*name));
        assert_eq!(sent.collect::<Vec<_>>().join(" "), own);
    }
}

#[test]
fn idle_series_wait_for_the_slowest_destination() {
    let (good, slow) =
        (Collector::start([]), Collector::start(vec![Answer::Fail(tonic::Code::Unavailable); 100]));
    let registry = Registry::new();
    let once = std::num::NonZeroU32::MIN;
    let family = registry.counter("events").remove_idle_after(once).family(["kind"]).unwrap();
    // What a thread has in its cache stays, so this one has to end.
    let brief = family.clone();
    thread::spawn(move || brief.with(["brief"]).add(1)).join().unwrap();
    let to = |url| Destination::grpc(url).temporality(Temporality::Delta).timeout(Duration::from_millis(200));
    let exporter =
        idle_exporter(&registry).destination(to(good.url())).destination(to(slow.url())).start().unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| exporter.force_flush(PATIENCE).unwrap_err()).join().unwrap();
        }
    });
    slow.follow([]);
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(sum_of_windows(&slow.accepted(), "events"), 1, "it was still there");
    for _ in 0..3 {
        exporter.force_flush(PATIENCE).unwrap();
    }
    let snapshot = registry.snapshot();
    let is_left = snapshot.points().any(|(_, point)| point.attributes.iter().any(|of| of.key == "kind"));
    assert!(!is_left, "it goes once all have it");
}
