//! What was recorded is what arrives.

use std::{num::NonZeroUsize, thread, time::Duration};

use freewheel::{
    metrics::{KeyValue, Outcome, Registry},
    otlp::{Exporter, Temporality, Undelivered},
};
use tonic::Code;

use crate::{
    collector::{Answer, ClosedPort, Collector, PATIENCE, idle_exporter},
    reading::{last_total, of, readings, sum_of_windows},
};

const THREADS: u64 = 4;
const RECORDED: i64 = (THREADS * 3000) as i64;

/// Records `RECORDED` times into `events` and `sizes` from several threads, while `meanwhile` runs.
fn record_meanwhile(registry: &Registry, meanwhile: impl FnOnce()) {
    let events = registry.counter("events").build().unwrap();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for value in 0..RECORDED as u64 / THREADS {
                    events.add(1);
                    sizes.record(value % 700);
                    if value % 100 == 0 {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
        meanwhile();
    });
}

/// Flushes until the collector has acknowledged all.
fn flush_to_the_end(exporter: &Exporter) {
    while let Err(error) = exporter.force_flush(PATIENCE) {
        assert!(matches!(error.cause(), Undelivered::Unacknowledged { .. }), "{error}");
    }
}

/// The delta windows that a collector with this script acknowledges add up to what was recorded.
fn windows_add_up_after(script: impl IntoIterator<Item = Answer>, timeout: Duration) {
    let collector = Collector::start(script);
    let registry = Registry::new();
    let exporter =
        collector.exporter(&registry).temporality(Temporality::Delta).timeout(timeout).start().unwrap();
    registry.counter("events").build().unwrap().add(1);
    exporter.force_flush(PATIENCE).unwrap();
    record_meanwhile(&registry, || {
        for _ in 0..5 {
            let _ = exporter.force_flush(PATIENCE);
            thread::sleep(Duration::from_millis(2));
        }
    });
    flush_to_the_end(&exporter);
    assert_eq!(sum_of_windows(&collector.accepted(), "events"), 1 + RECORDED);
    assert_eq!(sum_of_windows(&collector.accepted(), "sizes"), RECORDED);
    assert_eq!(exporter.stats().dropped_points, 0);
    assert!(collector.accepted().len() > 1, "there must be several windows");
}

#[test]
fn cumulative_totals_are_what_was_recorded() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let exporter = collector.exporter(&registry).start().unwrap();
    record_meanwhile(&registry, || {
        for _ in 0..5 {
            exporter.force_flush(PATIENCE).unwrap();
        }
    });
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(last_total(&collector.accepted(), "events"), RECORDED);
    assert_eq!(last_total(&collector.accepted(), "sizes"), RECORDED);
    let stats = exporter.stats();
    assert_eq!((stats.exports, stats.attempts, stats.failed_attempts, stats.retries), (6, 6, 0, 0));
    assert_eq!((stats.points_accepted, stats.pending_points), (12, 0));
    assert!(stats.last_success.is_some() && stats.last_error.is_none());
}

#[test]
fn delta_windows_add_up_without_faults() {
    windows_add_up_after([], PATIENCE);
}

#[test]
fn delta_windows_add_up_after_unavailable() {
    let unavailable = || Answer::Fail(Code::Unavailable);
    windows_add_up_after(
        [Answer::Accept, unavailable(), unavailable(), Answer::Accept, unavailable()],
        PATIENCE,
    );
}

#[test]
fn delta_windows_add_up_after_exports_that_failed() {
    let script = [Answer::Accept].into_iter().chain(vec![Answer::Fail(Code::Unavailable); 12]);
    windows_add_up_after(script, Duration::from_millis(600));
}

#[test]
fn delta_windows_add_up_after_hanging() {
    windows_add_up_after(
        [Answer::Accept, Answer::Hang, Answer::Accept, Answer::Hang],
        Duration::from_secs(1),
    );
}

#[test]
fn delta_windows_add_up_after_broken_connections() {
    windows_add_up_after(
        [Answer::Accept, Answer::Reset, Answer::Reset, Answer::Accept, Answer::Reset],
        PATIENCE,
    );
}

#[test]
fn delta_windows_add_up_when_the_collector_comes_late() {
    let port = ClosedPort::new();
    let registry = Registry::new();
    let exporter = idle_exporter(&registry)
        .endpoint(port.url())
        .temporality(Temporality::Delta)
        .timeout(Duration::from_secs(1))
        .start()
        .unwrap();
    // Goes out even before the first event.
    registry.up_down_counter("depth").build().unwrap().add(1);
    let mut collector = None;
    record_meanwhile(&registry, || {
        let error = exporter.force_flush(PATIENCE).unwrap_err();
        assert!(matches!(error.cause(), Undelivered::Unacknowledged { points: 1.., .. }), "{error}");
        collector = Some(Collector::start_on(port, []));
        flush_to_the_end(&exporter);
    });
    flush_to_the_end(&exporter);
    let collector = collector.unwrap();
    assert_eq!(sum_of_windows(&collector.accepted(), "events"), RECORDED);
    assert_eq!(sum_of_windows(&collector.accepted(), "sizes"), RECORDED);
}

#[test]
fn totals_survive_an_export_that_failed() {
    let collector = Collector::start(vec![Answer::Fail(Code::Unavailable); 3]);
    let registry = Registry::new();
    let exporter = collector.exporter(&registry).timeout(Duration::from_millis(150)).start().unwrap();
    record_meanwhile(&registry, || {
        let _ = exporter.force_flush(PATIENCE);
    });
    flush_to_the_end(&exporter);
    assert_eq!(last_total(&collector.accepted(), "events"), RECORDED);
}

#[test]
fn two_exporters_of_one_registry_do_not_disturb_each_other() {
    let (totals, windows) = (Collector::start([]), Collector::start([]));
    let registry = Registry::new();
    let cumulative = totals.exporter(&registry).start().unwrap();
    let delta = windows.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    record_meanwhile(&registry, || {
        delta.force_flush(PATIENCE).unwrap();
        cumulative.force_flush(PATIENCE).unwrap();
    });
    delta.force_flush(PATIENCE).unwrap();
    cumulative.force_flush(PATIENCE).unwrap();
    assert_eq!(last_total(&totals.accepted(), "events"), RECORDED);
    assert_eq!(sum_of_windows(&windows.accepted(), "events"), RECORDED);
}

#[test]
fn delta_windows_of_requests_add_up_in_each_metric_that_they_are_exported_as() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    let web = registry.requests("web").build().unwrap();
    for _ in 0..3 {
        web.record(Duration::from_millis(1), Outcome::Success);
        web.record(Duration::from_millis(2), Outcome::Error);
        exporter.force_flush(PATIENCE).unwrap();
    }
    let requests = collector.accepted();
    assert_eq!(sum_of_windows(&requests, "web.count"), 6);
    assert_eq!(sum_of_windows(&requests, "web.errors"), 3);
    assert_eq!(sum_of_windows(&requests, "web.duration"), 6);
}

fn series(registry: &Registry, count: i64) {
    for index in 0..count {
        registry.counter("split").bind(&[KeyValue::new("index", index)]).unwrap().add(1);
    }
}

#[test]
fn large_exports_are_split() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    series(&registry, 25);
    registry.up_down_counter("depth").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).max_points(NonZeroUsize::new(10).unwrap()).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let requests = collector.accepted();
    assert_eq!(requests.iter().map(|request| readings(request).len()).collect::<Vec<_>>(), [10, 10, 6]);
    let mut indexes: Vec<_> =
        of(&requests, "split").into_iter().flat_map(|reading| reading.attributes).collect();
    indexes.sort();
    indexes.dedup();
    assert_eq!(indexes.len(), 25, "each series goes out once");
}

#[test]
fn a_refused_part_drops_only_its_own_series() {
    let collector = Collector::start([Answer::Accept, Answer::Fail(Code::InvalidArgument), Answer::Accept]);
    let registry = Registry::new();
    series(&registry, 25);
    let max_points = NonZeroUsize::new(10).unwrap();
    let exporter =
        collector.exporter(&registry).temporality(Temporality::Delta).max_points(max_points).start().unwrap();
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::Rejected { points: 10, .. }), "{error}");
    series(&registry, 25);
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(sum_of_windows(&collector.accepted(), "split"), 40);
    assert_eq!((exporter.stats().dropped_windows, exporter.stats().dropped_points), (1, 10));
}

#[test]
fn an_unanswered_part_leaves_the_answered_ones_delivered() {
    let script = [Answer::Accept].into_iter().chain(vec![Answer::Fail(Code::Unavailable); 20]);
    let collector = Collector::start(script);
    let registry = Registry::new();
    series(&registry, 25);
    let exporter = collector
        .exporter(&registry)
        .temporality(Temporality::Delta)
        .max_points(NonZeroUsize::new(10).unwrap())
        .timeout(Duration::from_secs(1))
        .start()
        .unwrap();
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::Unacknowledged { points: 15, .. }), "{error}");
    collector.follow([]);
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(sum_of_windows(&collector.accepted(), "split"), 25);
}
