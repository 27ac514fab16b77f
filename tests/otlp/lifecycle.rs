//! Flush, shutdown, drop, and the runtimes around them.

use std::{
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use freewheel::{
    metrics::Registry,
    otlp::{Exporter, Temporality, Undelivered},
};
use tonic::Code;

use crate::{
    collector::{Answer, ClosedPort, Collector, PATIENCE, idle_exporter, url},
    reading::{last_total, sum_of_windows},
};

/// Much less than what a call would take that waits for the collector, much more than its deadline.
const SOON: Duration = Duration::from_secs(10);

fn registry_with_one_event() -> Registry {
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    registry
}

/// Flushes once, records once more, shuts down; the collector must have seen both.
fn flush_and_shut_down() {
    let collector = Collector::start([]);
    let registry = registry_with_one_event();
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    registry.counter("events").build().unwrap().add(2);
    exporter.shutdown(PATIENCE).unwrap();
    let accepted = collector.accepted();
    assert_eq!((accepted.len(), sum_of_windows(&accepted, "events")), (2, 3));
}

#[test]
fn works_from_plain_main() {
    flush_and_shut_down();
}

#[test]
fn works_within_a_current_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { flush_and_shut_down() });
}

#[test]
fn works_within_a_multi_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::spawn(async { flush_and_shut_down() }).await.unwrap();
        flush_and_shut_down();
    });
}

#[test]
fn works_from_a_blocking_thread_of_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { tokio::task::spawn_blocking(flush_and_shut_down).await.unwrap() });
}

#[test]
fn async_calls_need_nothing_of_the_runtime_that_they_are_made_in() {
    let collector = Collector::start([]);
    let exporter = collector.exporter(&registry_with_one_event()).start().unwrap();
    // It has neither timers nor sockets.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        exporter.force_flush_async(PATIENCE).await.unwrap();
        exporter.shutdown_async(PATIENCE).await.unwrap();
    });
    assert_eq!((collector.accepted().len(), last_total(&collector.accepted(), "events")), (2, 1));
}

#[test]
fn dropping_exports_what_is_left() {
    let collector = Collector::start([]);
    drop(collector.exporter(&registry_with_one_event()).start().unwrap());
    assert_eq!(last_total(&collector.accepted(), "events"), 1);
}

#[test]
fn dropping_within_a_runtime_exports_what_is_left() {
    let collector = Collector::start([]);
    let exporter = collector.exporter(&registry_with_one_event()).start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { drop(exporter) });
    assert_eq!(last_total(&collector.accepted(), "events"), 1);
}

#[test]
fn exports_come_at_each_interval() {
    let collector = Collector::start([]);
    let registry = registry_with_one_event();
    let exporter = collector.exporter(&registry).interval(Duration::from_millis(20)).start().unwrap();
    collector.wait_for_arrivals(3);
    exporter.shutdown(PATIENCE).unwrap();
    assert_eq!(last_total(&collector.accepted(), "events"), 1);
}

#[test]
fn flush_keeps_its_deadline_while_the_collector_hangs() {
    let collector = Collector::start(vec![Answer::Hang; 100]);
    let exporter = collector.exporter(&registry_with_one_event()).timeout(PATIENCE).start().unwrap();
    let begun = Instant::now();
    let error = exporter.force_flush(Duration::from_secs(1)).unwrap_err();
    assert_eq!(*error.cause(), Undelivered::Deadline { pending: 1 });
    let error = exporter.force_flush(Duration::ZERO).unwrap_err();
    assert_eq!(*error.cause(), Undelivered::Deadline { pending: 1 });
    assert!(begun.elapsed() < SOON);
}

#[test]
fn shutdown_keeps_its_deadline_while_the_collector_hangs() {
    let collector = Collector::start(vec![Answer::Hang; 100]);
    let exporter = collector.exporter(&registry_with_one_event()).timeout(PATIENCE).start().unwrap();
    let begun = Instant::now();
    let error = exporter.shutdown(Duration::from_millis(500)).unwrap_err();
    assert!(
        matches!(
            error.cause(),
            Undelivered::Unacknowledged { points: 1, .. } | Undelivered::Deadline { pending: 1 }
        ),
        "{error}"
    );
    assert!(begun.elapsed() < SOON);
}

#[test]
fn drop_keeps_its_deadline_while_the_collector_hangs() {
    let collector = Collector::start(vec![Answer::Hang; 100]);
    let exporter = collector.exporter(&registry_with_one_event()).timeout(PATIENCE).start().unwrap();
    let begun = Instant::now();
    drop(exporter);
    assert!(begun.elapsed() < SOON);
}

#[test]
fn deadlines_hold_when_the_connection_is_never_accepted() {
    // It listens, so that connecting works, and then says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = url(silent.local_addr().unwrap());
    let exporter =
        idle_exporter(&registry_with_one_event()).endpoint(endpoint).timeout(PATIENCE).start().unwrap();
    let begun = Instant::now();
    assert!(matches!(
        exporter.force_flush(Duration::from_millis(200)).unwrap_err().cause(),
        Undelivered::Deadline { .. }
    ));
    assert!(exporter.shutdown(Duration::from_millis(400)).is_err());
    assert!(begun.elapsed() < SOON);
}

#[test]
fn the_last_export_carries_what_a_hanging_one_held() {
    let collector = Collector::start([Answer::Hang]);
    let registry = registry_with_one_event();
    let exporter =
        collector.exporter(&registry).temporality(Temporality::Delta).timeout(PATIENCE).start().unwrap();
    assert!(exporter.force_flush(Duration::from_millis(100)).is_err());
    collector.wait_for_arrivals(1);
    registry.counter("events").build().unwrap().add(2);
    let begun = Instant::now();
    exporter.shutdown(Duration::from_secs(5)).unwrap();
    assert!(begun.elapsed() < SOON);
    let accepted = collector.accepted();
    assert_eq!((accepted.len(), sum_of_windows(&accepted, "events")), (1, 3));
}

#[test]
fn nobody_listening_is_said_at_flush_and_shutdown() {
    let port = ClosedPort::new();
    let exporter = idle_exporter(&registry_with_one_event())
        .endpoint(port.url())
        .timeout(Duration::from_secs(1))
        .start()
        .unwrap();
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    let Undelivered::Unacknowledged { points: 1, reason } = error.cause() else { panic!("{error:?}") };
    assert!(reason.contains("refused"), "{reason}");
    assert!(error.to_string().contains("check the collector"), "{error}");
    let error = exporter.shutdown(Duration::from_secs(1)).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::Unacknowledged { points: 1, .. }), "{error:?}");
}

#[test]
fn a_refused_last_export_is_said() {
    let collector = Collector::start([Answer::Fail(Code::PermissionDenied)]);
    let exporter = collector.exporter(&registry_with_one_event()).start().unwrap();
    let error = exporter.shutdown(PATIENCE).unwrap_err();
    let Undelivered::Rejected { points: 1, reason } = error.cause() else { panic!("{error:?}") };
    assert!(reason.contains("PermissionDenied"), "{reason}");
}

#[test]
fn a_flush_delivers_once_the_collector_is_back() {
    let port = ClosedPort::new();
    let registry = registry_with_one_event();
    let exporter = idle_exporter(&registry).endpoint(port.url()).timeout(2 * PATIENCE).start().unwrap();
    let error = exporter.force_flush(Duration::from_secs(1)).unwrap_err();
    assert_eq!(*error.cause(), Undelivered::Deadline { pending: 1 });
    let collector = Collector::start_on(port, []);
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(last_total(&collector.accepted(), "events"), 1);
}

#[test]
fn a_connection_that_went_dead_is_replaced() {
    let collector = Collector::start([Answer::Accept, Answer::Freeze]);
    let registry = registry_with_one_event();
    let timeout = Duration::from_secs(1);
    let exporter =
        collector.exporter(&registry).temporality(Temporality::Delta).timeout(timeout).start().unwrap();
    let events = registry.counter("events").build().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    events.add(1);
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::Unacknowledged { points: 1, .. }), "{error}");
    events.add(1);
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(sum_of_windows(&collector.accepted(), "events"), 3);
}

#[test]
fn endless_durations_are_allowed() {
    let collector = Collector::start([]);
    let exporter = Exporter::builder(registry_with_one_event())
        .endpoint(collector.url())
        .interval(Duration::MAX)
        .timeout(Duration::MAX)
        .start()
        .unwrap();
    exporter.force_flush(Duration::MAX).unwrap();
    exporter.shutdown(Duration::MAX).unwrap();
}

#[test]
fn flushes_of_many_threads_all_return() {
    let collector = Collector::start([]);
    let registry = registry_with_one_event();
    let events = registry.counter("events").build().unwrap();
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    events.add(1);
                    exporter.force_flush(PATIENCE).unwrap();
                }
            });
        }
    });
    assert_eq!(sum_of_windows(&collector.accepted(), "events"), 161);
}
