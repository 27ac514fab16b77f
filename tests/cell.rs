//! Threads come and go, registries grow: nothing is lost and nothing is counted twice.

use std::{
    cell::RefCell,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use freewheel::metrics::{Counter, Histogram, KeyValue, Outcome, Registry, RequestMetrics, Timestamp};

/// Ends the other threads of a test, also when an assertion fails: a scope waits for them.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[test]
fn totals_are_exact_under_thread_churn_while_being_collected() {
    const GENERATIONS: u64 = 100;
    const ADDS: u64 = 500;
    let registry = Registry::new();
    let counter = registry.counter("c").build().unwrap();
    let histogram = registry.histogram::<u64>("h").build().unwrap();
    let requests = registry.requests("r").build().unwrap();
    let (counter, histogram, requests) = (&counter, &histogram, &requests);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let ends_collector = SetOnDrop(&done);
        let collector = scope.spawn(|| {
            let (mut total, mut count, mut seen) = (0, 0, 0);
            while !done.load(Relaxed) {
                let now = (counter.total(), histogram.snapshot().count(), requests.snapshot().requests);
                assert!(now.0 >= total && now.1 >= count && now.2 >= seen, "a total fell");
                (total, count, seen) = now;
            }
        });
        let recorders: Vec<_> = (0..4u64)
            .map(|thread| {
                scope.spawn(move || {
                    for generation in 0..GENERATIONS {
                        let short_lived = move || {
                            for i in 0..ADDS {
                                counter.add(1);
                                histogram.record(i);
                                requests.record_at(
                                    Duration::from_nanos(i),
                                    Outcome::Success,
                                    Timestamp::from_unix_nanos(thread << 32 | generation),
                                );
                            }
                        };
                        thread::scope(|inner| inner.spawn(short_lived).join().unwrap());
                    }
                })
            })
            .collect();
        recorders.into_iter().for_each(|recorder| recorder.join().unwrap());
        drop(ends_collector);
        collector.join().unwrap();
    });
    let recorded = 4 * GENERATIONS * ADDS;
    assert_eq!(counter.total(), recorded);
    let distribution = histogram.snapshot();
    assert_eq!(
        (distribution.count(), distribution.sum()),
        (recorded, (recorded / ADDS * (ADDS * (ADDS - 1) / 2)) as f64)
    );
    let seen = requests.snapshot();
    assert_eq!((seen.requests, seen.errors, seen.durations.count()), (recorded, 0, recorded));
    assert!(seen.last.is_some());
}

#[test]
fn totals_are_exact_while_the_registry_grows_under_recording_threads() {
    let registry = Registry::new();
    let first = registry.counter("first").build().unwrap();
    let many = registry.counter("many");
    let stop = AtomicBool::new(false);
    let recorded: u64 = thread::scope(|scope| {
        let recorders: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut recorded = 0;
                    let mut mine = vec![first.clone()];
                    while !stop.load(Relaxed) {
                        mine.push(many.bind(&[KeyValue::new("i", mine.len() as i64)]).unwrap());
                        mine.iter().for_each(|counter| counter.add(1));
                        recorded += mine.len() as u64;
                        if mine.len() > 1500 {
                            break;
                        }
                    }
                    recorded
                })
            })
            .collect();
        let mut last = 0;
        while recorders.iter().any(|recorder| !recorder.is_finished()) {
            let now = first.total();
            assert!(now >= last);
            last = now;
            drop(registry.snapshot());
        }
        stop.store(true, Relaxed);
        recorders.into_iter().map(|recorder| recorder.join().unwrap()).sum()
    });
    let snapshot = registry.snapshot();
    let freewheel::metrics::Data::Counter(points) = &snapshot.metric("many").unwrap().data else {
        panic!("not a counter")
    };
    assert_eq!(first.total() + points.iter().map(|point| point.value).sum::<u64>(), recorded);
}

/// Records when it is dropped, at some time during the end of a thread.
struct Recorder {
    counter: Counter,
    histogram: Histogram<u64>,
    requests: RequestMetrics,
}

impl Recorder {
    fn record(&self) {
        self.counter.add(1);
        self.histogram.record(7);
        self.requests.record(Duration::from_nanos(1), Outcome::Error);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.record();
    }
}

thread_local! {
    static EARLY: RefCell<Option<Recorder>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

#[test]
fn recording_from_destructors_of_other_thread_locals_is_counted() {
    let registry = Registry::new();
    let recorder = || Recorder {
        counter: registry.counter("c").build().unwrap(),
        histogram: registry.histogram::<u64>("h").build().unwrap(),
        requests: registry.requests("r").build().unwrap(),
    };
    let threads = 8;
    for thread in 0..threads {
        let (early, late) = (recorder(), recorder());
        thread::spawn(move || {
            // Destructors run in an order that nobody promises: one of these is registered before the thread's
            // cells, the other after them; in every second thread the destructors are the first to record.
            EARLY.set(Some(early));
            if thread % 2 == 0 {
                EARLY.with_borrow(|early| early.as_ref().unwrap().record());
            }
            LATE.set(Some(late));
        })
        .join()
        .unwrap();
    }
    let expected = 2 * threads + threads / 2;
    let seen = recorder();
    assert_eq!(seen.counter.total(), expected);
    assert_eq!(
        (seen.histogram.snapshot().count(), seen.histogram.snapshot().sum()),
        (expected, 7.0 * expected as f64)
    );
    assert_eq!((seen.requests.snapshot().requests, seen.requests.snapshot().errors), (expected, expected));
    assert_eq!(seen.histogram.rejected(), 0);
}

#[test]
fn a_snapshot_has_what_happened_before_it() {
    let registry = Registry::new();
    let counter = registry.counter("c").build().unwrap();
    let (go, went) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let thread = thread::spawn({
        let (counter, go, went) = (counter.clone(), go.clone(), went.clone());
        move || {
            for _ in 0..100 {
                counter.add(1);
                go.wait();
                went.wait();
            }
        }
    });
    for round in 1..=100 {
        go.wait();
        assert_eq!(counter.total(), round);
        went.wait();
    }
    thread.join().unwrap();
}

#[test]
fn a_request_is_never_seen_torn() {
    let requests = Registry::new().requests("r").build().unwrap();
    let last = Registry::new().last_request("l").build().unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2u64 {
            let (requests, last, stop) = (&requests, &last, &stop);
            scope.spawn(move || {
                let mut i = thread;
                while !stop.load(Relaxed) {
                    i += 2;
                    let outcome = if i % 3 == 0 { Outcome::Error } else { Outcome::Success };
                    requests.record_at(Duration::from_nanos(i), outcome, Timestamp::from_unix_nanos(i));
                    last.record_at(Duration::from_nanos(i), outcome, Timestamp::from_unix_nanos(i));
                }
            });
        }
        let _ends_recorders = SetOnDrop(&stop);
        for _ in 0..20_000 {
            for info in [requests.snapshot().last, last.load()].into_iter().flatten() {
                let i = info.at.as_unix_nanos();
                assert_eq!(info.duration, Duration::from_nanos(i));
                assert_eq!(info.outcome == Outcome::Error, i % 3 == 0);
            }
        }
    });
}
