//! Flushing and shutting down from async code.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use freewheel::{
    metrics::Registry,
    otlp::{Temporality, Undelivered},
};

use crate::{
    collector::{Answer, Collector, PATIENCE},
    reading::sum_of_windows,
};

/// Much less than what a call would take that waits for the collector, much more than its deadline.
const SOON: Duration = Duration::from_secs(10);

fn registry_with_one_event() -> Registry {
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    registry
}

/// Flushes once, records once more, shuts down; the collector must have seen both.
async fn flush_and_shut_down() {
    let collector = Collector::start([]);
    let registry = registry_with_one_event();
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    exporter.force_flush_async(PATIENCE).await.unwrap();
    registry.counter("events").build().unwrap().add(2);
    let stats = exporter.shutdown_async(PATIENCE).await.unwrap();
    assert_eq!((stats.exports, stats.points_accepted), (2, 2));
    assert_eq!(sum_of_windows(&collector.accepted(), "events"), 3);
}

/// Runs a future without any runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn works_within_every_kind_of_runtime_and_without_one() {
    block_on(flush_and_shut_down());
    let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
    current.block_on(flush_and_shut_down());
    let multi = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    multi.block_on(async { tokio::spawn(flush_and_shut_down()).await.unwrap() });
}

#[test]
fn a_flush_blocks_no_other_task() {
    let collector = Collector::start([Answer::AcceptAfter(Duration::from_millis(300))]);
    let exporter = collector.exporter(&registry_with_one_event()).start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ticks = runtime.block_on(async {
        let mut flush = pin!(exporter.force_flush_async(PATIENCE));
        let mut ticks = 0;
        loop {
            tokio::select! {
                outcome = &mut flush => break outcome.map(|()| ticks),
                () = tokio::time::sleep(Duration::from_millis(5)) => ticks += 1,
            }
        }
    });
    assert!(ticks.unwrap() > 3, "the other task went on");
}

#[test]
fn deadlines_hold_while_the_collector_hangs() {
    let collector = Collector::start(vec![Answer::Hang; 100]);
    let exporter = collector.exporter(&registry_with_one_event()).timeout(PATIENCE).start().unwrap();
    let begun = Instant::now();
    block_on(async {
        let error = exporter.force_flush_async(Duration::from_millis(200)).await.unwrap_err();
        assert_eq!(*error.cause(), Undelivered::Deadline { pending: 1 });
        let error = exporter.shutdown_async(Duration::from_millis(400)).await.unwrap_err();
        assert!(
            matches!(
                error.cause(),
                Undelivered::Unacknowledged { points: 1, .. } | Undelivered::Deadline { pending: 1 }
            ),
            "{error}"
        );
    });
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn a_flush_that_is_dropped_takes_place_all_the_same() {
    let collector = Collector::start([]);
    let exporter = collector.exporter(&registry_with_one_event()).start().unwrap();
    {
        let mut flush = pin!(exporter.force_flush_async(PATIENCE));
        let polled = flush.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    collector.wait_for_arrivals(1);
    exporter.force_flush(PATIENCE).unwrap();
}
