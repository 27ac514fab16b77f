//! Names that OpenTelemetry does not allow, and names that are used twice.

use freewheel::{
    facade::Recorder,
    metrics::{RegisterError, Registry, Snapshot},
};
use metrics::{Unit, counter, describe_counter, describe_histogram, gauge, histogram, with_local_recorder};

use crate::{labels, recorded};

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.metrics.iter().map(|metric| &*metric.name).collect()
}

#[test]
fn names_that_are_not_allowed_become_such_that_are() {
    let long = "a".repeat(300);
    let cases = [
        ("http.requests-total/2_x", "http.requests-total/2_x"),
        ("db::pool size", "db__pool_size"),
        ("größe", "gr__e"),
        ("_up", "metric__up"),
        ("9lives", "metric_9lives"),
        ("", "metric_"),
        ("€", "metric__"),
        (&long, &long[..255]),
    ];
    for (given, exported) in cases {
        let snapshot = recorded(|| {
            counter!(given.to_owned()).increment(1);
            counter!(given.to_owned()).increment(1);
        });
        assert_eq!(names(&snapshot), [exported]);
        assert_eq!(snapshot.counter(exported, &[]), Some(2));
    }
    let unchecked = recorded(|| gauge!("1".repeat(300)).set(1));
    assert_eq!(names(&unchecked), [format!("metric_{}", "1".repeat(248))]);
}

#[test]
fn names_that_become_the_same_are_one_instrument() {
    let snapshot = recorded(|| {
        describe_counter!("a:b", "Described by another name.");
        for name in ["a:b", "a b", "a_b", "A_B"] {
            counter!(name).increment(1);
        }
    });
    assert_eq!(snapshot.counter("a_b", &[]), Some(4));
    assert_eq!(&*snapshot.metrics[0].description, "Described by another name.");
    assert_eq!(snapshot.metrics.len(), 1);
}

#[test]
fn a_name_used_as_two_kinds_is_what_it_was_first() {
    let registry = Registry::new();
    let recorder = Recorder::new(&registry);
    with_local_recorder(&recorder, || {
        for _ in 0..3 {
            counter!("x").increment(5);
            gauge!("x", "k" => "v").set(1);
            gauge!("x").increment(1);
            gauge!("x").decrement(1);
            histogram!("X").record(1);
            histogram!("x").record_many(1, 10);
        }
    });
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.counter("x", &[]), Some(15));
    let rejected = |instrument, kind| {
        let labels = labels([("instrument", instrument), ("used_as", kind)]);
        snapshot.counter("freewheel.samples.rejected", &labels)
    };
    assert_eq!((rejected("x", "gauge"), rejected("x", "histogram")), (Some(9), Some(30)));
    assert_eq!(rejected("X", "histogram"), Some(3));
    let conflicts = recorder.conflicts();
    assert_eq!(conflicts.len(), 3);
    assert_eq!(
        conflicts[0].to_string(),
        "instrument \"x\" is registered already as counter with unit \"\", not as gauge of f64 with unit \"\"; \
         use another name or register it the same way"
    );
}

#[test]
fn a_name_that_is_free_again_may_be_of_another_kind() {
    let registry = Registry::new();
    with_local_recorder(&Recorder::new(&registry), || {
        let record = || {
            counter!("x").increment(1);
            gauge!("x").set(2);
        };
        record();
        assert!(registry.unregister("x"));
        gauge!("x").set(3);
        record();
    });
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.gauge_f64("x", &[]), Some(2.0));
    let rejected = |kind| {
        let labels = labels([("instrument", "x"), ("used_as", kind)]);
        snapshot.counter("freewheel.samples.rejected", &labels)
    };
    assert_eq!((rejected("gauge"), rejected("counter")), (Some(1), Some(1)));
}

#[test]
fn another_unit_than_that_of_the_registry_is_a_conflict() {
    let registry = Registry::new();
    let own = registry.histogram::<f64>("time").unit("s").build().unwrap();
    let recorder = Recorder::new(&registry);
    with_local_recorder(&recorder, || {
        describe_histogram!("time", Unit::Milliseconds, "");
        histogram!("time").record(20);
    });
    assert_eq!(own.snapshot().count(), 0);
    assert!(matches!(&recorder.conflicts()[..], [RegisterError::Conflict { .. }]));
    with_local_recorder(&Recorder::new(&registry), || histogram!("time").record(0.02));
    assert_eq!(own.snapshot().count(), 1);
}

#[test]
fn the_name_of_the_rejected_samples_is_taken() {
    let registry = Registry::new();
    let recorder = Recorder::new(&registry);
    with_local_recorder(&recorder, || counter!("freewheel.samples.rejected").increment(7));
    assert!(matches!(&recorder.conflicts()[..], [RegisterError::InvalidName { .. }]));
    let labels = labels([("instrument", "freewheel.samples.rejected"), ("used_as", "counter")]);
    assert_eq!(registry.snapshot().counter("freewheel.samples.rejected", &labels), Some(1));
}
