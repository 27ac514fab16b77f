//! What each kind of failure leads to.

use std::{
    thread,
    time::{Duration, Instant},
};

use freewheel::{
    metrics::Registry,
    otlp::{Temporality, Undelivered},
};
use tonic::Code;

use crate::{
    collector::{Answer, Collector, PATIENCE},
    reading::{last_total, sum_of_windows},
};

#[test]
fn the_retried_request_is_the_same() {
    let collector = Collector::start(vec![Answer::Fail(Code::Unavailable); 2]);
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    events.add(3);
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    thread::scope(|scope| {
        let flush = scope.spawn(|| exporter.force_flush(PATIENCE));
        collector.wait_for_arrivals(1);
        events.add(4);
        flush.join().unwrap().unwrap();
    });
    let arrivals = collector.arrivals();
    assert_eq!(arrivals.len(), 3);
    assert!(arrivals.iter().all(|arrival| arrival.request == arrivals[0].request));
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(sum_of_windows(&collector.accepted(), "events"), 7);
    let stats = exporter.stats();
    assert_eq!((stats.attempts, stats.failed_attempts, stats.retries), (4, 2, 2));
    assert!(stats.last_error.unwrap().contains("Unavailable"));
}

#[test]
fn the_export_after_a_failed_one_spans_both_windows() {
    let collector = Collector::start(vec![Answer::Fail(Code::Unavailable); 100]);
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    let exporter = collector
        .exporter(&registry)
        .temporality(Temporality::Delta)
        .timeout(Duration::from_millis(400))
        .start()
        .unwrap();
    for _ in 0..3 {
        events.add(1);
        assert!(matches!(
            exporter.force_flush(PATIENCE).unwrap_err().cause(),
            Undelivered::Unacknowledged { points: 1, .. }
        ));
    }
    collector.follow([]);
    exporter.force_flush(PATIENCE).unwrap();
    let accepted = collector.accepted();
    assert_eq!((accepted.len(), sum_of_windows(&accepted, "events")), (1, 3));
    assert_eq!((exporter.stats().failed_exports, exporter.stats().exports), (3, 1));
}

#[test]
fn every_retryable_code_is_retried() {
    let codes = [
        Code::Cancelled,
        Code::DeadlineExceeded,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unavailable,
        Code::DataLoss,
    ];
    for code in codes {
        let collector = Collector::start([Answer::Fail(code)]);
        let registry = Registry::new();
        registry.counter("events").build().unwrap().add(1);
        let exporter = collector.exporter(&registry).start().unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        assert_eq!((collector.arrivals().len(), exporter.stats().retries), (2, 1), "{code:?}");
    }
}

#[test]
fn every_other_code_drops_exactly_one_window() {
    let codes = [
        Code::InvalidArgument,
        Code::Unauthenticated,
        Code::PermissionDenied,
        Code::NotFound,
        Code::AlreadyExists,
        Code::FailedPrecondition,
        Code::Unimplemented,
        Code::Internal,
        Code::Unknown,
        // Without RetryInfo, the collector does not say that it will recover.
        Code::ResourceExhausted,
    ];
    for code in codes {
        let collector = Collector::start([Answer::Accept, Answer::Fail(code)]);
        let registry = Registry::new();
        let events = registry.counter("events").build().unwrap();
        let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
        events.add(1);
        exporter.force_flush(PATIENCE).unwrap();
        events.add(10);
        let error = exporter.force_flush(PATIENCE).unwrap_err();
        assert!(matches!(error.cause(), Undelivered::Rejected { points: 1, .. }), "{code:?}: {error}");
        assert_eq!(exporter.stats().pending_points, 0, "{code:?}: it is answered for");
        events.add(100);
        exporter.force_flush(PATIENCE).unwrap();
        assert_eq!(collector.arrivals().len(), 3, "{code:?} must not be retried");
        let stats = exporter.stats();
        assert_eq!(
            (stats.dropped_windows, stats.dropped_points, stats.points_accepted),
            (1, 1, 2),
            "{code:?}"
        );
        let windows: Vec<i64> =
            crate::reading::of(&collector.accepted(), "events").iter().map(|window| window.int()).collect();
        assert_eq!(windows, [1, 100], "{code:?}");
    }
}

#[test]
fn a_refusal_loses_nothing_under_cumulative_temporality() {
    let collector = Collector::start([Answer::Fail(Code::InvalidArgument)]);
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    let exporter = collector.exporter(&registry).start().unwrap();
    events.add(1);
    assert!(matches!(
        exporter.force_flush(PATIENCE).unwrap_err().cause(),
        Undelivered::Rejected { points: 1, .. }
    ));
    events.add(1);
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(last_total(&collector.accepted(), "events"), 2);
    assert_eq!(exporter.stats().dropped_windows, 1);
}

#[test]
fn the_pauses_between_retries_grow() {
    let collector = Collector::start(vec![Answer::Fail(Code::Unavailable); 4]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let arrivals = collector.arrivals();
    // Jitter takes away half of a pause at most.
    let least = [50, 100, 200, 400].map(Duration::from_millis);
    let pauses: Vec<Duration> = arrivals.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert_eq!(pauses.len(), least.len());
    assert!(pauses.iter().zip(least).all(|(pause, least)| *pause >= least), "{pauses:?}");
}

#[test]
fn a_flush_cuts_the_pause_short() {
    let collector = Collector::start(vec![Answer::Fail(Code::Unavailable); 6]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).timeout(PATIENCE).start().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| exporter.force_flush(PATIENCE).unwrap());
        // The pause after that takes 1.6 seconds at least.
        collector.wait_for_arrivals(6);
        thread::sleep(Duration::from_millis(50));
        exporter.force_flush(PATIENCE).unwrap();
    });
    let arrivals = collector.arrivals();
    assert!(arrivals[6].at - arrivals[5].at < Duration::from_millis(1500));
}

#[test]
fn a_flush_cuts_one_pause_short_and_not_all_that_follow() {
    let collector = Collector::start(vec![Answer::Fail(Code::Unavailable); 1000]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).timeout(Duration::from_secs(3)).start().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| exporter.force_flush(PATIENCE).unwrap_err());
        collector.wait_for_arrivals(1);
        exporter.force_flush(Duration::from_millis(1)).unwrap_err();
    });
    let arrivals = collector.arrivals();
    let longest = arrivals.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
    assert!(longest >= Duration::from_millis(400), "{longest:?}");
}

#[test]
fn a_flush_does_not_cut_short_what_the_collector_asked_for() {
    let delay = Duration::from_millis(600);
    let collector = Collector::start([Answer::Throttle(Code::Unavailable, delay)]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).start().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| exporter.force_flush(PATIENCE).unwrap());
        collector.wait_for_arrivals(1);
        thread::sleep(Duration::from_millis(50));
        exporter.force_flush(PATIENCE).unwrap();
    });
    let arrivals = collector.arrivals();
    assert!(arrivals[1].at - arrivals[0].at >= delay, "{:?}", arrivals[1].at - arrivals[0].at);
}

#[test]
fn the_collector_says_when_to_come_back() {
    for code in [Code::ResourceExhausted, Code::Unavailable] {
        let delay = Duration::from_millis(600);
        let collector = Collector::start([Answer::Throttle(code, delay)]);
        let registry = Registry::new();
        registry.counter("events").build().unwrap().add(1);
        let exporter = collector.exporter(&registry).start().unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        let arrivals = collector.arrivals();
        assert_eq!(arrivals.len(), 2);
        assert!(arrivals[1].at - arrivals[0].at >= delay, "{code:?}: came back too early");
    }
}

#[test]
fn a_pause_that_the_collector_asked_for_outlasts_the_export() {
    let collector = Collector::start([Answer::Throttle(Code::ResourceExhausted, Duration::from_secs(600))]);
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    events.add(1);
    let exporter = collector
        .exporter(&registry)
        .temporality(Temporality::Delta)
        .timeout(Duration::from_secs(10))
        .start()
        .unwrap();
    for _ in 0..3 {
        assert!(matches!(
            exporter.force_flush(PATIENCE).unwrap_err().cause(),
            Undelivered::Unacknowledged { points: 1, .. }
        ));
    }
    assert_eq!(collector.arrivals().len(), 1, "nothing is sent during the pause");
    // The last export cannot come later, so it comes now.
    exporter.shutdown(Duration::from_secs(10)).unwrap();
    assert_eq!(sum_of_windows(&collector.accepted(), "events"), 1);
}

#[test]
fn partial_success_is_counted_and_not_retried() {
    let collector = Collector::start([Answer::Partial(1, "too old")]);
    let registry = Registry::new();
    let (first, second) =
        (registry.counter("first").build().unwrap(), registry.counter("second").build().unwrap());
    first.add(1);
    second.add(1);
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let stats = exporter.stats();
    assert_eq!((stats.points_accepted, stats.points_rejected, stats.dropped_points), (1, 1, 0));
    assert!(stats.last_error.unwrap().contains("too old"));
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(collector.arrivals().len(), 1, "the windows are answered for");
}

#[test]
fn a_warning_with_success_is_kept() {
    let collector = Collector::start([Answer::Partial(0, "please send less")]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let stats = exporter.stats();
    assert_eq!((stats.points_accepted, stats.points_rejected), (1, 0));
    assert!(stats.last_error.unwrap().contains("please send less"));
}

#[test]
fn long_texts_of_a_collector_are_cut() {
    const LONG: &str = "ä€";
    let text: &'static str = LONG.repeat(5000).leak();
    let collector = Collector::start([Answer::Partial(0, text)]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert!(exporter.stats().last_error.unwrap().len() < 500);
}

#[test]
fn exports_never_overlap() {
    let collector = Collector::start(vec![Answer::AcceptAfter(Duration::from_millis(20)); 1000]);
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    let exporter = collector
        .exporter(&registry)
        .temporality(Temporality::Delta)
        .interval(Duration::from_millis(5))
        .start()
        .unwrap();
    let begun = Instant::now();
    let mut added = 0;
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..5 {
                    exporter.force_flush(PATIENCE).unwrap();
                }
            });
        }
        while begun.elapsed() < Duration::from_millis(300) {
            events.add(1);
            added += 1;
            thread::sleep(Duration::from_millis(1));
        }
    });
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(collector.most_at_once(), 1);
    assert_eq!(sum_of_windows(&collector.accepted(), "events"), added);
}
