//! What is observed is what is collected.

use std::num::NonZeroUsize;

use freewheel::metrics::{KeyValue, Registry, View};

use crate::common::{Source, owned, patient_registry, points, value, values};

#[test]
fn every_kind_is_observed_whenever_somebody_collects() {
    let registry = patient_registry();
    let (jobs, seconds) = (Source::new([("mail", 3)]), Source::new([("mail", 0.25)]));
    let (length, level, version) =
        (Source::new([("mail", -2)]), Source::new([("tank", 0.5)]), Source::new([("app", 7)]));
    registry.counter("jobs").observe(jobs.callback()).unwrap();
    registry.counter("seconds").observe_f64(seconds.callback()).unwrap();
    registry.up_down_counter("length").observe(length.callback()).unwrap();
    registry.gauge::<f64>("level").observe(level.callback()).unwrap();
    registry.gauge::<i64>("version").observe(version.callback()).unwrap();

    let snapshot = registry.snapshot();
    assert_eq!(values::<u64>(&snapshot, "jobs"), owned([("of=mail", 3)]));
    assert_eq!(values::<f64>(&snapshot, "seconds"), owned([("of=mail", 0.25)]));
    assert_eq!(values::<i64>(&snapshot, "length"), owned([("of=mail", -2)]));
    assert_eq!(values::<f64>(&snapshot, "level"), owned([("of=tank", 0.5)]));
    assert_eq!(values::<i64>(&snapshot, "version"), owned([("of=app", 7)]));

    jobs.set([("mail", 9)]);
    length.set([("mail", -9)]);
    level.set([("tank", 0.25)]);
    let mut reader = registry.reader();
    let mut again = reader.snapshot();
    assert_eq!(value::<u64>(&again, "jobs"), 9);
    assert_eq!(value::<i64>(&again, "length"), -9);
    assert_eq!(value::<f64>(&again, "level"), 0.25);

    jobs.set([("mail", 10), ("news", 1)]);
    registry.snapshot_into(&mut again);
    assert_eq!(values::<u64>(&again, "jobs"), owned([("of=mail", 10), ("of=news", 1)]));
    assert_eq!(registry.callback_failures("jobs"), Default::default());
}

#[test]
fn what_a_callback_observes_has_one_time_after_the_start_of_its_series() {
    let registry = patient_registry();
    let source = Source::new([("a", 1), ("b", 2)]);
    registry.counter("jobs").observe(source.callback()).unwrap();
    let first = registry.snapshot();
    let [a, b] = points::<u64>(&first, "jobs") else { panic!("{first:?}") };
    assert_eq!((a.time, a.start), (b.time, b.start));
    assert!(a.start < a.time && a.time <= first.taken_at);

    source.set([("a", 1), ("b", 2), ("c", 3)]);
    let second = registry.snapshot();
    let [a, b, c] = points::<u64>(&second, "jobs") else { panic!("{second:?}") };
    assert!(first.taken_at < a.time && a.time == b.time && b.time == c.time);
    assert_eq!(c.start, points::<u64>(&first, "jobs")[0].time, "it was not there at the last run");
}

#[test]
fn of_the_same_attributes_in_one_run_the_last_value_counts() {
    let registry = patient_registry();
    let ab = [KeyValue::new("a", 1), KeyValue::new("b", "x")];
    let ba = [KeyValue::new("b", "x"), KeyValue::new("a", 1)];
    let (sum, gauge) = ([ab.clone(), ba.clone()], [ab, ba]);
    registry
        .counter("sum")
        .observe(move |observer| {
            observer.observe(5, &sum[0]);
            observer.observe(8, &sum[1]);
            observer.observe(1, &[KeyValue::new("", "no key"), KeyValue::new("a", 1), KeyValue::new("a", 2)]);
        })
        .unwrap();
    registry
        .gauge::<f64>("gauge")
        .observe(move |observer| {
            observer.observe(5.0, &gauge[0]);
            observer.observe(8.0, &gauge[1]);
        })
        .unwrap();
    let snapshot = registry.snapshot();
    assert_eq!(values::<u64>(&snapshot, "sum"), owned([("a=1,b=x", 8), ("a=2", 1)]));
    assert_eq!(values::<f64>(&snapshot, "gauge"), owned([("a=1,b=x", 8.0)]));
}

#[test]
fn sums_of_several_callbacks_add_up_and_of_gauges_the_last_counts() {
    let registry = patient_registry();
    for (number, of) in [(1, "a"), (2, "a"), (4, "b")] {
        registry.counter("taken").observe(Source::new([(of, number as u64)]).callback()).unwrap();
        registry.up_down_counter("length").observe(Source::new([(of, -number)]).callback()).unwrap();
        registry.gauge::<i64>("level").observe(Source::new([(of, number)]).callback()).unwrap();
    }
    for _ in 0..2 {
        let snapshot = registry.snapshot();
        assert_eq!(values::<u64>(&snapshot, "taken"), owned([("of=a", 3), ("of=b", 4)]));
        assert_eq!(values::<i64>(&snapshot, "length"), owned([("of=a", -3), ("of=b", -4)]));
        assert_eq!(values::<i64>(&snapshot, "level"), owned([("of=a", 2), ("of=b", 4)]));
    }
}

#[test]
fn what_is_no_number_is_not_recorded_but_counted() {
    let registry = patient_registry();
    let values_of_gauge = [("nan", f64::NAN), ("infinite", f64::NEG_INFINITY), ("fine", -1.0)];
    registry.gauge("level").observe(Source::new(values_of_gauge).callback()).unwrap();
    let totals = [("negative", -0.5), ("infinite", f64::INFINITY), ("fine", 1.5), ("none", -0.0)];
    registry.counter("seconds").observe_f64(Source::new(totals).callback()).unwrap();

    let snapshot = registry.snapshot();
    assert_eq!(values::<f64>(&snapshot, "level"), owned([("of=fine", -1.0)]));
    assert_eq!(values::<f64>(&snapshot, "seconds"), owned([("of=fine", 1.5), ("of=none", 0.0)]));
    let rejected = values::<u64>(&snapshot, "freewheel.samples.rejected");
    assert_eq!(rejected, owned([("instrument=level", 2), ("instrument=seconds", 2)]));
}

/// A registry with that view, and a counter and a gauge that observe `a=1..=3` with another `b` each.
fn viewed(view: View) -> Registry {
    let registry = Registry::builder().observe_timeout(crate::common::PATIENCE).view(view).build();
    let attributes = |at: i64| [KeyValue::new("a", at / 2), KeyValue::new("b", at)];
    registry
        .counter("taken")
        .observe(move |observer| (0..4).for_each(|at: u64| observer.observe(1 << at, &attributes(at as i64))))
        .unwrap();
    registry
        .gauge("level")
        .observe(move |observer| (0..4).for_each(|at| observer.observe(at, &attributes(at))))
        .unwrap();
    registry
}

#[test]
fn what_a_view_makes_equal_adds_up_and_of_gauges_the_last_counts() {
    let registry = viewed(View::new("*").keep_attributes(["a"]));
    for _ in 0..2 {
        let snapshot = registry.snapshot();
        assert_eq!(values::<u64>(&snapshot, "taken"), owned([("a=0", 3), ("a=1", 12)]));
        assert_eq!(values::<i64>(&snapshot, "level"), owned([("a=0", 1), ("a=1", 3)]));
    }
}

#[test]
fn what_is_over_the_limit_adds_up_and_of_gauges_the_last_counts() {
    let registry = viewed(View::new("*").cardinality_limit(NonZeroUsize::new(3).unwrap()));
    for _ in 0..2 {
        let snapshot = registry.snapshot();
        let overflow = "otel.metric.overflow=true";
        let expected = owned([("a=0,b=0", 1), ("a=0,b=1", 2), (overflow, 12)]);
        assert_eq!(values::<u64>(&snapshot, "taken"), expected);
        let expected = owned([("a=0,b=0", 0), ("a=0,b=1", 1), (overflow, 3)]);
        assert_eq!(values::<i64>(&snapshot, "level"), expected);
    }
    assert_eq!((registry.overflowed("taken"), registry.overflowed("level")), (2, 2));
    assert_eq!(registry.series(), 6);
}

#[test]
fn sums_stop_at_the_largest_number() {
    let registry = patient_registry();
    for _ in 0..2 {
        registry.counter("taken").observe(|observer| observer.observe(u64::MAX - 1, &[])).unwrap();
        registry.up_down_counter("owed").observe(|observer| observer.observe(i64::MIN, &[])).unwrap();
        registry.counter("seconds").observe_f64(|observer| observer.observe(f64::MAX, &[])).unwrap();
    }
    let snapshot = registry.snapshot();
    assert_eq!(value::<u64>(&snapshot, "taken"), u64::MAX);
    assert_eq!(value::<i64>(&snapshot, "owed"), i64::MIN);
    assert_eq!(value::<f64>(&snapshot, "seconds"), f64::MAX);
}
