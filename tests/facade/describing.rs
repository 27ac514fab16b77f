//! Descriptions and units.

use freewheel::{
    facade::Recorder,
    metrics::{Registry, Snapshot},
};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};

use crate::recorded;

fn described<'a>(snapshot: &'a Snapshot, name: &str) -> (&'a str, &'a str) {
    let metric = snapshot.metric(name).unwrap_or_else(|| panic!("no {name}"));
    (&metric.description, &metric.unit)
}

#[test]
fn a_description_given_before_has_effect() {
    let snapshot = recorded(|| {
        describe_counter!("c", Unit::Bytes, "One.");
        describe_gauge!("g", "Two.");
        describe_histogram!(String::from("h"), Unit::Milliseconds, format!("Thr{}.", "ee"));
        // Never used, so never seen.
        describe_counter!("unused", "Nothing.");
        counter!("c").increment(1);
        gauge!("g").set(1);
        histogram!("h").record(20);
    });
    assert_eq!(described(&snapshot, "c"), ("One.", "By"));
    assert_eq!(described(&snapshot, "g"), ("Two.", ""));
    assert_eq!(described(&snapshot, "h"), ("Three.", "ms"));
    // As it was recorded: milliseconds.
    assert_eq!(snapshot.histogram("h", &[]).unwrap().max(), Some(20.0));
    assert_eq!(snapshot.metrics.len(), 3);
}

#[test]
fn a_description_given_later_is_in_the_next_snapshot() {
    let registry = Registry::new();
    with_local_recorder(&Recorder::new(&registry), || {
        counter!("c").increment(1);
        let mut snapshot = registry.snapshot();
        assert_eq!(described(&snapshot, "c"), ("", ""));
        describe_counter!("C", Unit::Bytes, "Late.");
        registry.snapshot_into(&mut snapshot);
        // The unit that it has had from the beginning stays.
        assert_eq!(described(&snapshot, "c"), ("Late.", ""));
        counter!("c", "k" => "v").increment(1);
        registry.snapshot_into(&mut snapshot);
        assert_eq!(snapshot.metric("c").unwrap().points().count(), 2);
        assert_eq!(snapshot.metrics.len(), 1);
    });
}

#[test]
fn the_first_description_stays() {
    let registry = Registry::new();
    registry.counter("own").description("Mine.").build().unwrap().add(1);
    let recorder = Recorder::new(&registry);
    with_local_recorder(&recorder, || {
        for (unit, text) in [(Unit::Seconds, "First."), (Unit::Bytes, "Second.")] {
            describe_counter!("c", unit, text);
            describe_counter!("own", text);
            counter!("c").increment(1);
            counter!("own").increment(1);
        }
    });
    let snapshot = registry.snapshot();
    assert_eq!(described(&snapshot, "c"), ("First.", "s"));
    assert_eq!(described(&snapshot, "own"), ("Mine.", ""));
    assert_eq!(snapshot.counter("c", &[]), Some(2));
    assert!(recorder.conflicts().is_empty());
}

#[test]
fn a_description_is_of_one_kind() {
    let snapshot = recorded(|| {
        counter!("used").increment(1);
        describe_gauge!("used", "Of a gauge that there is not.");
        describe_gauge!("before", Unit::Bytes, "Of a gauge that there is not.");
        counter!("before").increment(1);
    });
    assert_eq!(described(&snapshot, "used"), ("", ""));
    assert_eq!(described(&snapshot, "before"), ("", ""));
}

#[test]
fn a_unit_added_to_a_description_counts() {
    let snapshot = recorded(|| {
        describe_counter!("c", "What it is.");
        describe_counter!("c", Unit::Percent, "");
        counter!("c").increment(1);
    });
    assert_eq!(described(&snapshot, "c"), ("What it is.", "%"));
}

#[test]
fn units_are_those_of_ucum() {
    let units = [
        (Unit::Count, "{count}"),
        (Unit::Percent, "%"),
        (Unit::Seconds, "s"),
        (Unit::Milliseconds, "ms"),
        (Unit::Microseconds, "us"),
        (Unit::Nanoseconds, "ns"),
        (Unit::Tebibytes, "TiBy"),
        (Unit::Gibibytes, "GiBy"),
        (Unit::Mebibytes, "MiBy"),
        (Unit::Kibibytes, "KiBy"),
        (Unit::Bytes, "By"),
        (Unit::TerabitsPerSecond, "Tbit/s"),
        (Unit::GigabitsPerSecond, "Gbit/s"),
        (Unit::MegabitsPerSecond, "Mbit/s"),
        (Unit::KilobitsPerSecond, "kbit/s"),
        (Unit::BitsPerSecond, "bit/s"),
        (Unit::CountPerSecond, "{count}/s"),
    ];
    for (unit, ucum) in units {
        let snapshot = recorded(|| {
            describe_gauge!("g", unit, "");
            gauge!("g").set(1);
        });
        assert_eq!(described(&snapshot, "g"), ("", ucum));
    }
}
