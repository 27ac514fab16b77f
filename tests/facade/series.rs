//! Labels: many of them, too many of them, odd ones; and series that go.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    thread,
};

use freewheel::{
    facade::Recorder,
    metrics::{KeyValue, Registry, View},
};
use metrics::{Label, counter, gauge, histogram, with_local_recorder};

use crate::{labels, recorded};

#[test]
fn labels_in_another_order_are_the_same_series() {
    let snapshot = recorded(|| {
        for _ in 0..3 {
            counter!("c", "a" => "1", "b" => "2", "c" => "3").increment(1);
            counter!("c", "c" => "3", "a" => "1", "b" => "2").increment(10);
            counter!("c", "b" => "1", "a" => "2", "c" => "3").increment(100);
        }
    });
    assert_eq!(snapshot.counter("c", &labels([("a", "1"), ("b", "2"), ("c", "3")])), Some(33));
    assert_eq!(snapshot.counter("c", &labels([("a", "2"), ("b", "1"), ("c", "3")])), Some(300));
    assert_eq!(snapshot.points().count(), 2);
}

#[test]
fn more_labels_than_usual_work_too() {
    let many = |from: usize| {
        (0..20).map(|i| (i + from) % 20).map(|i| Label::new(format!("k{i}"), format!("v{i}"))).collect()
    };
    let snapshot = recorded(|| {
        for from in [0, 7, 0, 7] {
            let labels: Vec<Label> = many(from);
            counter!("c", labels).increment(1);
        }
    });
    let attributes: Vec<_> = (0..20).map(|i| KeyValue::new(format!("k{i}"), format!("v{i}"))).collect();
    assert_eq!(snapshot.counter("c", &attributes), Some(4));
}

#[test]
fn of_labels_with_the_same_key_the_last_counts_and_empty_keys_do_not() {
    let snapshot = recorded(|| {
        counter!("c", "k" => "first", "" => "none", "k" => "last").increment(1);
        counter!("c", "k" => "last").increment(1);
    });
    assert_eq!(snapshot.counter("c", &labels([("k", "last")])), Some(2));
    assert_eq!(snapshot.points().count(), 1);
}

#[test]
fn more_label_sets_than_a_thread_remembers_are_all_counted() {
    const SETS: usize = 20_000;
    let view = View::new("c").cardinality_limit(NonZeroUsize::new(SETS + 1).unwrap());
    let registry = Registry::builder().view(view).build();
    with_local_recorder(&Recorder::new(&registry), || {
        for _ in 0..2 {
            for i in 0..SETS {
                counter!("c", "user" => i.to_string()).increment(i as u64);
            }
        }
    });
    let snapshot = registry.snapshot();
    let metric = snapshot.metric("c").unwrap();
    assert_eq!(metric.points().count(), SETS);
    for i in (0..SETS).step_by(997) {
        let user = [KeyValue::new("user", i.to_string())];
        assert_eq!(snapshot.counter("c", &user), Some(2 * i as u64));
    }
}

#[test]
fn beyond_the_limit_labels_end_in_the_overflow_series() {
    let limit = |name| View::new(name).cardinality_limit(NonZeroUsize::new(4).unwrap());
    let registry =
        ["c", "g", "h"].into_iter().fold(Registry::builder(), |builder, name| builder.view(limit(name)));
    let registry = registry.build();
    with_local_recorder(&Recorder::new(&registry), || {
        for _ in 0..2 {
            for i in 0..10 {
                counter!("c", "i" => i.to_string()).increment(1);
                gauge!("g", "i" => i.to_string()).increment(1);
                histogram!("h", "i" => i.to_string()).record(1);
            }
        }
    });
    let snapshot = registry.snapshot();
    let overflow = [KeyValue::new("otel.metric.overflow", true)];
    assert_eq!(snapshot.counter("c", &overflow), Some(14));
    assert_eq!(snapshot.gauge_f64("g", &overflow), Some(14.0));
    assert_eq!(snapshot.histogram("h", &overflow).unwrap().count(), 14);
    assert_eq!(snapshot.counter("c", &labels([("i", "2")])), Some(2));
    // A lookup that is remembered is not counted again. Other registries that end make this thread forget.
    assert!((7..=14).contains(&registry.overflowed("c")));
}

#[test]
fn a_view_switches_instruments_off_and_leaves_labels_out() {
    let registry = Registry::builder()
        .view(View::new("quiet.*").off())
        .view(View::new("c").keep_attributes(["kept"]))
        .build();
    with_local_recorder(&Recorder::new(&registry), || {
        counter!("quiet.c").absolute(3);
        histogram!("quiet.h").record(1);
        counter!("c", "kept" => "a", "left_out" => "1").increment(1);
        counter!("c", "kept" => "a", "left_out" => "2").increment(1);
    });
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.counter("c", &labels([("kept", "a")])), Some(2));
    assert_eq!(snapshot.points().count(), 1);
}

#[test]
fn idle_series_go_and_come_back_and_those_with_a_handle_stay() {
    let registry = Registry::builder().view(View::new("*").remove_idle_after(NonZeroU32::MIN)).build();
    let recorder = Recorder::new(&registry);
    let collect = || {
        with_local_recorder(&recorder, || {
            // Makes this thread let go of what it remembers.
            for _ in 0..4 {
                counter!("busy").increment(1);
                gauge!("busy.too").increment(1);
                drop(registry.snapshot());
            }
        })
    };
    let kept = with_local_recorder(&recorder, || {
        counter!("idle", "k" => "a").increment(3);
        gauge!("level").set(3);
        let kept = counter!("idle", "k" => "kept");
        kept.increment(1);
        kept
    });
    thread::scope(|scope| {
        let other =
            scope.spawn(|| with_local_recorder(&recorder, || counter!("idle", "k" => "b").increment(1)));
        // A scope's own end does not wait for the thread-locals of its threads.
        other.join().unwrap();
    });
    collect();
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.counter("idle", &labels([("k", "a")])), None);
    assert_eq!(snapshot.counter("idle", &labels([("k", "b")])), None);
    assert_eq!(snapshot.gauge_f64("level", &[]), None);
    assert_eq!(snapshot.counter("idle", &labels([("k", "kept")])), Some(1));
    kept.increment(1);
    with_local_recorder(&recorder, || counter!("idle", "k" => "a").increment(4));
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.counter("idle", &labels([("k", "a")])), Some(4));
    assert_eq!(snapshot.counter("idle", &labels([("k", "kept")])), Some(2));
}
