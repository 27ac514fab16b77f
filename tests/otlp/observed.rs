//! Observed values arrive like any others.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use freewheel::{
    metrics::{KeyValue, Registry},
    otlp::Temporality,
};

use crate::{
    collector::{Collector, PATIENCE},
    reading::{Kind, Number, last_total, of, sum_of_windows},
};

/// Not observed.
const AWAY: u64 = u64::MAX;

/// A registry that observes the total, and what is made of it.
fn observing(total: &Arc<AtomicU64>) -> Registry {
    let registry = Registry::builder().observe_timeout(PATIENCE).build();
    let now = |total: &Arc<AtomicU64>| Some(total.load(Relaxed)).filter(|total| *total != AWAY);
    let observed = total.clone();
    registry
        .counter("events")
        .observe(move |observer| {
            now(&observed).into_iter().for_each(|total| observer.observe(total, &[KeyValue::new("of", "a")]));
        })
        .unwrap();
    let observed = total.clone();
    registry
        .counter("seconds")
        .observe_f64(move |observer| {
            now(&observed).into_iter().for_each(|total| observer.observe(total as f64 / 4.0, &[]));
        })
        .unwrap();
    let observed = total.clone();
    registry
        .up_down_counter("length")
        .observe(move |observer| {
            now(&observed).into_iter().for_each(|total| observer.observe(-(total as i64), &[]));
        })
        .unwrap();
    registry
}

#[test]
fn windows_of_observed_totals_add_up_whatever_their_source_does() {
    let collector = Collector::start([]);
    let total = Arc::new(AtomicU64::new(0));
    let registry = observing(&total);
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    // It rises to 8, is reset and comes to 6, goes away and comes back with one more.
    for now in [5, 8, 8, 2, 6, AWAY, AWAY, 7] {
        total.store(now, Relaxed);
        exporter.force_flush(PATIENCE).unwrap();
    }
    let requests = collector.accepted();
    assert_eq!(sum_of_windows(&requests, "events"), 8 + 6 + 1);
    let windows: Vec<Number> = of(&requests, "seconds").into_iter().map(|window| window.value).collect();
    assert_eq!(windows, [1.25, 0.75, 0.5, 1.0, 0.25].map(Number::Double));
    let lengths = of(&requests, "length");
    let sums: Vec<i64> = lengths.iter().map(|length| length.int()).collect();
    assert_eq!(sums, [-5, -8, -8, -2, -6, -7]);
    assert!(lengths.iter().all(|length| length.kind == Kind::Sum { delta: false, monotonic: false }));
}

#[test]
fn observed_totals_arrive_as_they_are() {
    let collector = Collector::start([]);
    let total = Arc::new(AtomicU64::new(0));
    let registry = observing(&total);
    let exporter = collector.exporter(&registry).start().unwrap();
    for now in [5, 8, 9] {
        total.store(now, Relaxed);
        exporter.force_flush(PATIENCE).unwrap();
    }
    assert_eq!(last_total(&collector.accepted(), "events"), 9);

    total.store(2, Relaxed);
    exporter.force_flush(PATIENCE).unwrap();
    let totals = of(&collector.accepted(), "events");
    let [.., before, after] = &*totals else { panic!("{totals:?}") };
    assert_eq!((after.int(), after.start), (2, before.time), "after a reset they begin anew");
    let seconds = of(&collector.accepted(), "seconds").pop().unwrap();
    assert_eq!(seconds.value, Number::Double(0.5));
    assert_eq!(seconds.kind, Kind::Sum { delta: false, monotonic: true });
}
