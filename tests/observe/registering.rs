//! Instruments that are observed, among those that are not.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use freewheel::metrics::{KeyValue, RegisterError, Registry, View};

use crate::common::{PATIENCE, Source, patient_registry, values};

#[test]
fn an_instrument_is_observed_or_recorded_into() {
    let registry = Registry::new();
    registry.counter("recorded").build().unwrap().add(1);
    registry.counter("observed").unit("{job}").observe(|_| {}).unwrap();

    let error = registry.counter("recorded").observe(|_| {}).unwrap_err().to_string();
    assert!(error.contains("as counter with unit") && error.contains("as observed counter with"), "{error}");
    let errors = [
        registry.counter("observed").unit("{job}").build().err(),
        registry.counter("Observed").unit("{item}").observe(|_| {}).err(),
        registry.counter("observed").unit("{job}").observe_f64(|_| {}).err(),
        registry.up_down_counter("observed").unit("{job}").observe(|_| {}).err(),
        registry.gauge::<f64>("observed").unit("{job}").observe(|_| {}).err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(RegisterError::Conflict { .. })), "{error:?}");
    }
    registry.counter("OBSERVED").unit("{job}").observe(|_| {}).unwrap();
}

#[test]
fn names_and_units_are_checked() {
    let registry = Registry::new();
    let error = registry.counter("7").observe(|_| {}).unwrap_err();
    assert!(matches!(error, RegisterError::InvalidName { .. }), "{error}");
    let error = registry.gauge::<i64>("degrees").unit("°C").observe(|_| {}).unwrap_err();
    assert!(matches!(error, RegisterError::InvalidUnit { .. }), "{error}");
    for taken in ["freewheel.callback.panics", "Freewheel.Callback.Timeouts"] {
        let error = registry.counter(taken).build().unwrap_err().to_string();
        assert!(error.contains("callbacks that failed"), "{error}");
    }
}

#[test]
fn a_metric_has_the_name_unit_and_description_of_its_instrument() {
    let registry = patient_registry();
    let length = registry.up_down_counter("queue.length").unit("{job}").description("Jobs that wait.");
    length.observe(|observer| observer.observe(1, &[])).unwrap();
    let snapshot = registry.snapshot();
    let metric = &snapshot.metrics[0];
    assert_eq!(
        (&*metric.name, &*metric.unit, &*metric.description),
        ("queue.length", "{job}", "Jobs that wait.")
    );
}

#[test]
fn a_view_that_switches_it_off_lets_the_callback_go() {
    let registry = Registry::builder().view(View::new("queue.*").off()).build();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let callback = move |observer: &mut freewheel::metrics::Observer<u64>| {
        counted.fetch_add(1, Relaxed);
        observer.observe(1, &[]);
    };
    registry.counter("queue.taken").observe(callback).unwrap();
    assert_eq!(Arc::strong_count(&calls), 1, "it is not kept");
    assert!(registry.snapshot().metrics.is_empty());
    assert_eq!(calls.load(Relaxed), 0);
}

#[test]
fn unregistering_lets_callbacks_go_and_frees_the_name() {
    let registry = patient_registry();
    let held = Arc::new(());
    let holding = held.clone();
    registry
        .counter("queue.taken")
        .observe(move |observer| observer.observe(Arc::strong_count(&holding) as u64, &[]))
        .unwrap();
    assert_eq!(values::<u64>(&registry.snapshot(), "queue.taken").len(), 1);

    assert!(registry.unregister("queue.taken"));
    assert_eq!(Arc::strong_count(&held), 1);
    assert!(registry.snapshot().metrics.is_empty());
    registry.counter("queue.taken").build().unwrap().add(1);
    assert_eq!(values::<u64>(&registry.snapshot(), "queue.taken").len(), 1);
}

#[test]
fn the_last_handle_on_a_registry_takes_the_callbacks_with_it() {
    let held = Arc::new(());
    let registry = Registry::new();
    let (clone, holding) = (registry.clone(), held.clone());
    registry.gauge::<i64>("level").observe(move |_| drop(holding.clone())).unwrap();
    drop(registry);
    assert_eq!(Arc::strong_count(&held), 2);
    drop(clone);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_removed_series_comes_back_as_a_new_one_that_counts_on() {
    let registry = patient_registry();
    let (taken, length) = (Source::new([("a", 5), ("b", 6)]), Source::new([("a", -5), ("b", -6)]));
    registry.counter("taken").observe(taken.callback()).unwrap();
    registry.up_down_counter("length").observe(length.callback()).unwrap();
    let before = crate::common::seen::<u64>(&registry.snapshot(), "taken");

    for name in ["taken", "length"] {
        assert!(registry.remove_series(name, &[KeyValue::new("of", "a")]));
        assert!(!registry.remove_series(name, &[KeyValue::new("of", "a")]));
    }
    assert_eq!(registry.series(), 2);
    taken.set([("a", 7), ("b", 8)]);
    let snapshot = registry.snapshot();
    let after = crate::common::seen::<u64>(&snapshot, "taken");
    assert_eq!((after[0].value, after[0].series), (8, before[1].series));
    assert_eq!((&*after[1].attributes, after[1].value), ("of=a", 2), "what came to the five");
    assert_ne!(after[1].series, before[0].series);
    assert_eq!(values::<i64>(&snapshot, "length")[1], ("of=a".to_owned(), -5));
}

#[test]
fn callbacks_of_one_collection_see_the_same_number() {
    let registry = Registry::builder().observe_timeout(PATIENCE).build();
    for name in ["a", "b"] {
        registry.gauge(name).observe(|observer| observer.observe(observer.collection() as i64, &[])).unwrap();
    }
    let numbers = |snapshot| {
        let [a, b] = ["a", "b"].map(|name| crate::common::value::<i64>(&snapshot, name));
        assert_eq!(a, b);
        a
    };
    assert_ne!(numbers(registry.snapshot()), numbers(registry.snapshot()));
}
