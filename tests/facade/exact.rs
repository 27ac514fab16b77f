//! Nothing is lost and nothing counted twice, whoever records at the same time.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use freewheel::{
    facade::Recorder,
    metrics::{Buckets, Registry, View},
};
use metrics::{counter, gauge, histogram, with_local_recorder};

use crate::labels;

const THREADS: u64 = 4;

/// Calls `record` with the number of each thread, in all of them at once.
fn in_threads(registry: &Registry, record: impl Fn(u64) + Sync) {
    let (recorder, barrier) = (Recorder::new(registry), Barrier::new(THREADS as usize));
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (recorder, barrier, record) = (&recorder, &barrier, &record);
            scope.spawn(move || {
                with_local_recorder(recorder, || {
                    barrier.wait();
                    record(number);
                });
            });
        }
    });
}

#[test]
fn what_threads_record_at_once_is_all_there() {
    const EACH: u64 = 5000;
    let registry = Registry::new();
    in_threads(&registry, |number| {
        for i in 0..EACH {
            counter!("all").increment(2);
            counter!("by", "thread" => number.to_string(), "parity" => (i % 2).to_string()).increment(1);
            gauge!("level").increment(3.0);
            gauge!("level").decrement(2.0);
            histogram!("values").record(f64::from(i as u32 % 100));
        }
    });
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.counter("all", &[]), Some(2 * THREADS * EACH));
    for thread in ["0", "1", "2", "3"] {
        for parity in ["0", "1"] {
            let count = snapshot.counter("by", &labels([("parity", parity), ("thread", thread)]));
            assert_eq!(count, Some(EACH / 2));
        }
    }
    assert_eq!(snapshot.gauge_f64("level", &[]), Some((THREADS * EACH) as f64));
    let values = snapshot.histogram("values", &[]).unwrap();
    assert_eq!((values.count(), values.sum()), (THREADS * EACH, (THREADS * EACH) as f64 * 49.5));
    assert_eq!((values.min(), values.max()), (Some(0.0), Some(99.0)));
}

#[test]
fn counters_raised_to_a_value_by_several_threads_are_at_the_highest() {
    let registry = Registry::new();
    in_threads(&registry, |number| {
        // In a different order in each thread; 9999 is the highest of all.
        for i in 0..2000 {
            counter!("external").absolute((i * 7919 + number * 5003) % 10_000);
        }
        counter!("external").absolute(9999 - number);
    });
    assert_eq!(registry.snapshot().counter("external", &[]), Some(9999));
}

#[test]
fn a_counter_that_is_raised_never_falls_nor_overshoots() {
    let registry = Registry::new();
    let (highest, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut before = 0;
            while !is_over.load(Relaxed) {
                let now = registry.snapshot().counter("external", &[]).unwrap_or(0);
                // The snapshot comes first: whoever raised the counter had raised `highest` before.
                assert!(before <= now && now <= highest.load(Relaxed), "{before}, then {now}");
                before = now;
            }
        });
        in_threads(&registry, |_| {
            for _ in 0..2000 {
                let next = highest.fetch_add(1, Relaxed) + 1;
                counter!("external").absolute(next);
            }
        });
        is_over.store(true, Relaxed);
    });
    assert_eq!(registry.snapshot().counter("external", &[]), Some(2000 * THREADS));
}

#[test]
fn a_counter_that_is_raised_and_added_to_loses_no_addition() {
    let registry = Registry::new();
    in_threads(&registry, |number| {
        for i in 1..=2000 {
            match number {
                0 => counter!("both").absolute(i),
                _ => counter!("both").increment(1),
            }
        }
    });
    let sum = registry.snapshot().counter("both", &[]).unwrap();
    assert!((3 * 2000..=4 * 2000).contains(&sum), "{sum}");
    in_threads(&registry, |_| counter!("both").absolute(sum - 1));
    assert_eq!(registry.snapshot().counter("both", &[]), Some(sum));
}

#[test]
fn histograms_have_the_buckets_that_a_view_gives_them() {
    let view = View::new("latency").buckets(Buckets::explicit([1.0, 10.0]).unwrap());
    let registry = Registry::builder().view(view).build();
    in_threads(&registry, |_| {
        for value in [0.5, 1.0, 2.0, 100.0] {
            histogram!("latency").record(value);
            histogram!("latency").record_many(value, 9);
            histogram!("other").record(value);
        }
    });
    let snapshot = registry.snapshot();
    let latency = snapshot.explicit_histogram("latency", &[]).unwrap();
    assert_eq!(latency.buckets(), [20, 10, 10].map(|count| count * THREADS));
    assert_eq!(latency.sum(), 1035.0 * THREADS as f64);
    let other = snapshot.histogram("other", &[]).unwrap();
    assert_eq!(other.count(), 4 * THREADS);
    let median = other.quantile(0.5).unwrap();
    assert!((median - 1.0).abs() < 0.011, "{median}");
}

#[test]
fn values_that_are_no_number_are_counted() {
    let registry = Registry::new();
    with_local_recorder(&Recorder::new(&registry), || {
        histogram!("h").record(f64::NAN);
        histogram!("h").record_many(f64::INFINITY, 3);
        histogram!("h").record(1);
        gauge!("g").set(f64::NAN);
        gauge!("g").increment(f64::INFINITY);
        gauge!("g").set(2);
    });
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.histogram("h", &[]).unwrap().count(), 1);
    assert_eq!(snapshot.gauge_f64("g", &[]), Some(2.0));
    let rejected = |name| snapshot.counter("freewheel.samples.rejected", &labels([("instrument", name)]));
    assert_eq!((rejected("h"), rejected("g")), (Some(4), Some(2)));
}
