//! Scope, times, temporality; sums and gauges.

use std::{
    thread,
    time::{Duration, SystemTime},
};

use freewheel::{
    metrics::{KeyValue, Outcome, Timestamp},
    otlp::Temporality,
};

use crate::{
    Bench,
    reading::{Kind, Reading, of, readings, sum_of_windows},
};

/// By the clock that points are stamped with. It goes on evenly from the wall's time at its start, so it may be off by
/// what the wall's clock was corrected since, but not by much.
fn now() -> u64 {
    let now = Timestamp::now().as_unix_nanos();
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    assert!(now.abs_diff(wall) < 60_000_000_000, "{now} and {wall}");
    now
}

/// metrics/sdk.md, "MetricProducer" and "Produce batch": one scope names the producer, and the temporality is chosen.
#[test]
fn one_scope_names_the_producer() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let bench = Bench::new(temporality);
        bench.registry.counter("events").build().unwrap().add(1);
        bench.registry.histogram::<u64>("sizes").build().unwrap().record(1);
        bench.flush();
        let request = bench.collector.accepted().swap_remove(0);
        let [resource] = &request.resource_metrics[..] else { panic!("{request:?}") };
        let [scope] = &resource.scope_metrics[..] else { panic!("{request:?}") };
        assert_eq!(scope.scope.as_ref().unwrap().name, env!("CARGO_PKG_NAME"));
        assert_eq!(scope.scope.as_ref().unwrap().version, env!("CARGO_PKG_VERSION"));
        let delta = temporality == Temporality::Delta;
        let is_chosen = |reading: &Reading| match reading.kind {
            Kind::Sum { delta: chosen, .. } | Kind::Histogram { delta: chosen } => chosen == delta,
            Kind::Gauge => true,
        };
        let points = readings(&request);
        assert_eq!(points.len(), 2);
        assert!(points.iter().all(is_chosen));
    }
}

/// metrics/sdk.md, "MetricReader" and "Start timestamps"; metrics/data-model.md, "Temporality", "Resets and Gaps".
#[test]
fn totals_keep_the_start_of_their_series_and_windows_start_where_the_last_one_ended() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let bench = Bench::new(temporality);
        let events = bench.registry.counter("events").family(["kind"]).unwrap();
        events.with(["early"]).add(1);
        bench.flush();
        thread::sleep(Duration::from_millis(2));
        let before = now();
        events.with(["late"]).add(1);
        for _ in 0..2 {
            events.with(["early"]).add(1);
            events.with(["late"]).add(1);
            bench.flush();
        }
        let points = of(&bench.collector.accepted(), "events");
        let series = |kind: &str| -> Vec<&Reading> {
            points.iter().filter(|point| point.attributes == [format!("kind={kind}")]).collect()
        };
        let (early, late) = (series("early"), series("late"));
        assert!(late[0].start >= before, "a series starts with its first measurement");
        for pair in early.windows(2).chain(late.windows(2)) {
            let expected = if temporality == Temporality::Delta { pair[0].time } else { pair[0].start };
            assert_eq!(pair[1].start, expected, "{temporality:?}");
        }
        if temporality == Temporality::Delta {
            assert_eq!(early[2].start, late[1].start, "all points of the instrument share it");
        }
    }
}

/// metrics/data-model.md, "Temporality" and "Sums": the interval is `(start, end]`, and neither end is missing.
#[test]
fn every_point_says_from_when_and_until_when() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let bench = Bench::new(temporality);
        let before = now();
        bench.registry.counter("sum").build().unwrap().add(1);
        bench.registry.up_down_counter("difference").build().unwrap().add(1);
        bench.registry.histogram::<u64>("distribution").build().unwrap().record(1);
        bench.flush();
        let after = now();
        for name in ["sum", "difference", "distribution"] {
            let point = of(&bench.collector.accepted(), name).swap_remove(0);
            assert!(before <= point.start && point.start < point.time && point.time <= after, "{point:?}");
        }
    }
}

/// metrics/sdk_exporters/otlp.md, "Additional Environment Variable Configuration".
#[test]
fn each_preference_gives_each_kind_its_temporality() {
    // Counter, observed counter, histogram, up-down counter, observed up-down counter: whether a window.
    for (temporality, windows) in [
        (Temporality::default(), [false, false, false, false, false]),
        (Temporality::Delta, [true, true, true, false, false]),
        (Temporality::LowMemory, [true, false, true, false, false]),
    ] {
        let bench = Bench::new(temporality);
        let registry = &bench.registry;
        registry.counter("counter").build().unwrap().add(1);
        registry.counter("observed").observe(|observer| observer.observe(1, &[])).unwrap();
        registry.histogram::<u64>("histogram").build().unwrap().record(1);
        registry.up_down_counter("difference").build().unwrap().add(1);
        registry.up_down_counter("length").observe(|observer| observer.observe(1, &[])).unwrap();
        bench.flush();
        let names = ["counter", "observed", "histogram", "difference", "length"];
        let seen = names.map(|name| match of(&bench.collector.accepted(), name)[0].kind {
            Kind::Sum { delta, .. } | Kind::Histogram { delta } => delta,
            Kind::Gauge => panic!("{name} is a gauge"),
        });
        assert_eq!(seen, windows, "{temporality:?}");
    }
}

/// metrics/sdk.md, "Sum Aggregation"; metrics/data-model.md, "Sums".
#[test]
fn monotonic_sums_never_fall_and_their_windows_are_not_negative() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let bench = Bench::new(temporality);
        let events = bench.registry.counter("events").build().unwrap();
        let mut source = [5_u64, 9, 2, 2, 7].into_iter();
        let observed = bench.registry.counter("observed");
        observed.observe(move |observer| observer.observe(source.next().unwrap_or(7), &[])).unwrap();
        bench.registry.up_down_counter("depth").build().unwrap().add(-1);
        for _ in 0..5 {
            events.add(1);
            bench.flush();
        }
        let requests = bench.collector.accepted();
        for name in ["events", "observed"] {
            let points = of(&requests, name);
            assert!(points.iter().all(|point| matches!(point.kind, Kind::Sum { monotonic: true, .. })));
            assert!(points.iter().all(|point| point.int() >= 0));
            for pair in points.windows(2).filter(|_| temporality == Temporality::Cumulative) {
                // What was reset at its source begins anew.
                assert!(pair[1].int() >= pair[0].int() || pair[1].start > pair[0].start, "{pair:?}");
            }
        }
        if temporality == Temporality::Delta {
            assert_eq!((sum_of_windows(&requests, "events"), sum_of_windows(&requests, "observed")), (5, 16));
        }
        assert_eq!(of(&requests, "depth")[0].kind, Kind::Sum { delta: false, monotonic: false });
    }
}

/// metrics/data-model.md, "Sums" and "Gauge".
#[test]
fn differences_stay_totals_and_gauges_have_no_temporality() {
    let bench = Bench::new(Temporality::Delta);
    let depth = bench.registry.up_down_counter("depth").build().unwrap();
    bench.registry.gauge::<f64>("load").bind(&[KeyValue::new("cpu", 1)]).unwrap().record(0.5);
    let requests = bench.registry.last_request("last").build().unwrap();
    let at = Timestamp::now();
    requests.record_at(Duration::from_secs(1), Outcome::Success, at);
    for _ in 0..2 {
        depth.add(-3);
        bench.flush();
    }
    let requests = bench.collector.accepted();
    assert_eq!(of(&requests, "depth").iter().map(Reading::int).collect::<Vec<_>>(), [-3, -6]);
    let load = of(&requests, "load").swap_remove(1);
    assert_eq!((load.kind, load.start), (Kind::Gauge, 0));
    let last = of(&requests, "last").swap_remove(1);
    assert_eq!((last.kind, last.time), (Kind::Gauge, at.as_unix_nanos()), "when the sample was taken");
}
