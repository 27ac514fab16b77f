//! Every form of the macros.

use std::{sync::Arc, time::Duration};

use freewheel::{facade::Recorder, metrics::Registry};
use metrics::{Label, Level, SharedString, Unit, counter, gauge, histogram, with_local_recorder};

use crate::{labels, recorded};

#[test]
fn each_way_to_give_name_and_labels_finds_the_series() {
    const KEY: &str = "tier";
    let disk = String::from("disk");
    let snapshot = recorded(|| {
        for _ in 0..2 {
            counter!("plain").increment(1);
            counter!(format!("pl{}", "ain")).increment(10);
            counter!(SharedString::from(Arc::<str>::from("plain"))).increment(100);
            counter!("labelled", "tier" => "disk").increment(1);
            counter!("labelled", KEY => disk.clone()).increment(10);
            counter!("labelled", &[("tier", disk.clone())]).increment(100);
            counter!("labelled", vec![Label::new("tier", "disk")]).increment(1000);
            counter!(String::from("labelled"), "tier" => "disk").increment(10_000);
            counter!(target: "elsewhere", level: Level::TRACE, "plain").increment(1000);
        }
    });
    assert_eq!(snapshot.counter("plain", &[]), Some(2222));
    assert_eq!(snapshot.counter("labelled", &labels([("tier", "disk")])), Some(22_222));
    assert_eq!(snapshot.points().count(), 2);
}

#[test]
fn each_kind_records_what_it_is_given() {
    let snapshot = recorded(|| {
        let counter = counter!("c", "k" => "v");
        counter.increment(2);
        counter.absolute(5);
        counter.absolute(3);
        let gauge = gauge!("g", "k" => "v");
        gauge.increment(1.5);
        gauge.decrement(4);
        gauge!("set").set(7.0);
        gauge!("set").set(-0.5);
        histogram!("h", "k" => "v").record(0.25);
        histogram!("h", "k" => "v").record(Duration::from_millis(1500));
        histogram!("h", "k" => "v").record_many(-3, 4);
        histogram!("h", "k" => "v").record_many(9, 0);
    });
    let labels = labels([("k", "v")]);
    assert_eq!(snapshot.counter("c", &labels), Some(5));
    assert_eq!(snapshot.gauge_f64("g", &labels), Some(-2.5));
    assert_eq!(snapshot.gauge_f64("set", &[]), Some(-0.5));
    let histogram = snapshot.histogram("h", &labels).unwrap();
    assert_eq!((histogram.count(), histogram.sum()), (6, 0.25 + 1.5 - 12.0));
    assert_eq!((histogram.min(), histogram.max()), (Some(-3.0), Some(1.5)));
}

#[test]
fn a_description_in_the_macro_is_that_of_the_instrument() {
    let snapshot = recorded(|| {
        for _ in 0..3 {
            counter!(description: "Bytes sent.", unit: Unit::Bytes, "sent", "to" => "a").increment(1);
            gauge!(description: "Load.", "load").set(1);
            histogram!(unit: Unit::Seconds, description: "Time.", "time").record(1);
        }
    });
    let described =
        snapshot.metrics.iter().map(|metric| (&*metric.name, &*metric.description, &*metric.unit));
    assert!(described.eq([("sent", "Bytes sent.", "By"), ("load", "Load.", ""), ("time", "Time.", "s")]));
    assert_eq!(snapshot.counter("sent", &labels([("to", "a")])), Some(3));
}

#[test]
fn the_innermost_recorder_records() {
    let registries = [Registry::new(), Registry::new()];
    let [outer, inner] = registries.each_ref().map(Recorder::new);
    let record = || counter!("c").increment(1);
    record();
    with_local_recorder(&outer, || {
        record();
        with_local_recorder(&inner, || (0..10).for_each(|_| record()));
        record();
    });
    assert_eq!(registries.map(|registry| registry.snapshot().counter("c", &[])), [Some(2), Some(10)]);
}

#[test]
fn recorders_of_one_registry_and_its_own_instruments_share_series() {
    let registry = Registry::new();
    let own = registry.counter("c").unit("{job}").build().unwrap();
    own.add(1);
    for _ in 0..3 {
        with_local_recorder(&Recorder::new(&registry), || counter!("c").increment(10));
    }
    assert_eq!(own.total(), 31);
    assert_eq!(registry.snapshot().metrics.len(), 1);
}

#[test]
fn a_recorder_after_another_one_records_into_its_own_registry() {
    for _ in 0..100 {
        let snapshot = recorded(|| counter!("c", "k" => "v").increment(1));
        assert_eq!(snapshot.counter("c", &labels([("k", "v")])), Some(1));
    }
}

#[test]
fn a_handle_may_be_kept_and_shared() {
    let registry = Registry::new();
    let recorder = Recorder::new(&registry);
    let (counter, gauge) = with_local_recorder(&recorder, || (counter!("c"), gauge!("g")));
    drop(recorder);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (counter.increment(1), gauge.increment(1)));
        }
    });
    let snapshot = registry.snapshot();
    assert_eq!((snapshot.counter("c", &[]), snapshot.gauge_f64("g", &[])), (Some(3), Some(3.0)));
}
