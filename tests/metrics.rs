//! Registry and instruments: what a user sees.

use std::{
    num::NonZeroU32,
    thread,
    time::{Duration, SystemTime},
};

use freewheel::metrics::{
    AttributeError, Buckets, Counter, Data, Gauge, Histogram, KeyValue, LastRequest, Outcome, Point,
    RegisterError, Registry, RequestMetrics, Snapshot, Timestamp, UpDownCounter,
};

fn counter_points<'a>(snapshot: &'a Snapshot, name: &str) -> &'a [Point<u64>] {
    match snapshot.metric(name).map(|metric| &metric.data) {
        Some(Data::Counter(points)) => points,
        other => panic!("{name} is {other:?}"),
    }
}

const fn assert_handle<T: Clone + Send + Sync + Default + std::fmt::Debug>() {}

#[test]
fn handles_can_be_shared_cloned_and_made_in_constants() {
    assert_handle::<Counter>();
    assert_handle::<UpDownCounter>();
    assert_handle::<Gauge<f64>>();
    assert_handle::<Gauge<i64>>();
    assert_handle::<Histogram<u64>>();
    assert_handle::<Histogram<f64>>();
    assert_handle::<Histogram<Duration>>();
    assert_handle::<RequestMetrics>();
    assert_handle::<LastRequest>();
    static COUNTER: Counter = Counter::unregistered();
    static UP_DOWN: UpDownCounter = UpDownCounter::unregistered();
    static GAUGE: Gauge = Gauge::unregistered();
    static HISTOGRAM: Histogram = Histogram::unregistered();
    static REQUESTS: RequestMetrics = RequestMetrics::unregistered();
    static LAST: LastRequest = LastRequest::unregistered();
    COUNTER.add(1);
    UP_DOWN.add(-1);
    GAUGE.record(1.0);
    HISTOGRAM.record(1);
    REQUESTS.record(Duration::from_secs(1), Outcome::Error);
    LAST.record_at(Duration::from_secs(1), Outcome::Error, Timestamp::now());
    assert_eq!((COUNTER.total(), UP_DOWN.total(), GAUGE.value()), (0, 0, None));
    assert_eq!((HISTOGRAM.snapshot().count(), REQUESTS.snapshot().requests, LAST.load()), (0, 0, None));
}

#[test]
fn every_instrument_shows_up_in_the_snapshot_with_name_unit_and_description() {
    let registry = Registry::new();
    registry.counter("a").unit("By").description("bytes").build().unwrap().add(1);
    registry.up_down_counter("b").build().unwrap().add(-2);
    registry.gauge::<f64>("c").build().unwrap().record(0.5);
    registry.gauge::<i64>("d").build().unwrap().record(-7);
    registry.histogram::<u64>("e").build().unwrap().record(3);
    registry.histogram::<Duration>("f").build().unwrap().record(Duration::from_millis(1500));
    let snapshot = registry.snapshot();
    let names: Vec<&str> = snapshot.metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e", "f"]);
    let a = &snapshot.metrics[0];
    assert_eq!((&*a.unit, &*a.description), ("By", "bytes"));
    assert!(matches!(&snapshot.metrics[1].data, Data::UpDownCounter(points) if points[0].value == -2));
    assert!(matches!(&snapshot.metrics[2].data, Data::GaugeF64(points) if points[0].value == 0.5));
    assert!(matches!(&snapshot.metrics[3].data, Data::GaugeI64(points) if points[0].value == -7));
    assert_eq!(&*snapshot.metrics[5].unit, "s");
    let Data::Histogram(points) = &snapshot.metrics[5].data else { panic!("not a histogram") };
    assert_eq!((points[0].value.sum(), points[0].value.min(), points[0].value.count()), (1.5, Some(1.5), 1));
    assert!(points[0].start <= points[0].time && points[0].time == snapshot.taken_at);
}

#[test]
fn series_of_an_instrument_differ_by_attributes_in_any_order() {
    let registry = Registry::new();
    let jobs = registry.counter("jobs");
    let (kind, cached) = (KeyValue::new("kind", "import"), KeyValue::new("cached", true));
    let one = jobs.bind(&[kind.clone(), cached.clone()]).unwrap();
    let same = jobs.bind(&[cached.clone(), kind.clone()]).unwrap();
    let plain = jobs.build().unwrap();
    one.add(1);
    same.add(2);
    plain.add(10);
    let snapshot = registry.snapshot();
    let points = counter_points(&snapshot, "jobs");
    assert_eq!(points.iter().map(|point| point.value).collect::<Vec<_>>(), [3, 10]);
    assert_eq!(*points[0].attributes, [cached, kind]);
    assert!(points[1].attributes.is_empty());
    assert_ne!(points[0].series(), points[1].series());
    assert_eq!(registry.series(), 2);
}

#[test]
fn the_same_registration_gives_the_same_series_whatever_the_case() {
    let registry = Registry::new();
    registry.counter("Requests").unit("1").description("first").build().unwrap().add(1);
    registry.counter("requests").unit("1").description("second").build().unwrap().add(1);
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.metrics.len(), 1);
    assert_eq!((&*snapshot.metrics[0].name, &*snapshot.metrics[0].description), ("Requests", "first"));
    assert_eq!(counter_points(&snapshot, "REQUESTS")[0].value, 2);
}

#[test]
fn a_name_registered_as_something_else_is_refused_and_says_as_what() {
    let registry = Registry::new();
    let _kept = registry.counter("x").unit("By").build().unwrap();
    let other_unit = registry.counter("x").unit("s").build().unwrap_err();
    assert_eq!(
        other_unit.to_string(),
        "instrument \"x\" is registered already as counter with unit \"By\", not as counter with unit \"s\"; use \
         another name or register it the same way"
    );
    assert!(matches!(registry.up_down_counter("x").unit("By").build(), Err(RegisterError::Conflict { .. })));
    assert!(matches!(registry.gauge::<f64>("X").unit("By").build(), Err(RegisterError::Conflict { .. })));
    let _scale_5 = registry.histogram::<u64>("h").build().unwrap();
    assert!(matches!(
        registry.histogram::<u64>("h").buckets(Buckets::exponential(6).unwrap()).build(),
        Err(RegisterError::Conflict { .. })
    ));
    assert!(matches!(registry.histogram::<Duration>("h").build(), Err(RegisterError::Conflict { .. })));
    let _taken = registry.counter("web.count").build().unwrap();
    assert!(matches!(registry.requests("web").build(), Err(RegisterError::Conflict { .. })));
    assert_eq!(registry.series(), 3);
}

#[test]
fn names_that_an_instrument_is_exported_as_are_not_instruments() {
    let registry = Registry::new();
    let web = registry.requests("web").build().unwrap();
    for part in ["web.count", "web.errors", "web.duration", "web.last.duration"] {
        assert!(matches!(registry.requests(part).build(), Err(RegisterError::Conflict { .. })), "{part}");
        assert!(!registry.unregister(part));
    }
    web.record(Duration::from_nanos(1), Outcome::Success);
    assert_eq!((web.snapshot().requests, registry.series()), (1, 1));
    let reserved = registry.counter("freewheel.samples.REJECTED").build();
    assert!(matches!(reserved, Err(RegisterError::InvalidName { .. })));
}

#[test]
fn names_and_units_follow_the_syntax_of_opentelemetry() {
    let registry = Registry::new();
    let longest = "n".repeat(255);
    for good in ["a", "A.b_c-d/e9", &longest] {
        assert!(registry.counter(good.to_owned()).build().is_ok(), "{good}");
    }
    let too_long = "n".repeat(256);
    for bad in ["", "9lives", "_x", ".x", "with space", "größe", "a\u{0}", &too_long] {
        let error = registry.counter(bad.to_owned()).build().unwrap_err();
        assert!(matches!(&error, RegisterError::InvalidName { name, .. } if name == bad), "{error}");
    }
    // What an instrument appends counts too.
    assert!(matches!(registry.requests("n".repeat(250)).build(), Err(RegisterError::InvalidName { .. })));
    assert!(registry.counter("u1").unit("m".repeat(63)).build().is_ok());
    for bad in ["m".repeat(64), "µs".to_owned()] {
        let error = registry.counter("u2").unit(bad.clone()).build().unwrap_err();
        assert!(matches!(&error, RegisterError::InvalidUnit { unit, .. } if *unit == bad), "{error}");
    }
    assert!(registry.histogram::<Duration>("d").unit("s").build().is_ok());
    assert!(matches!(
        registry.histogram::<Duration>("e").unit("ms").build(),
        Err(RegisterError::InvalidUnit { .. })
    ));
}

#[test]
fn attributes_with_empty_or_repeated_keys_are_refused() {
    let jobs = Registry::new().counter("jobs");
    let empty = jobs.bind(&[KeyValue::new("", 1), KeyValue::new("a", 1)]).unwrap_err();
    assert_eq!(empty, RegisterError::InvalidAttributes(AttributeError::EmptyKey));
    let twice =
        jobs.bind(&[KeyValue::new("a", 1), KeyValue::new("b", 1), KeyValue::new("a", 2)]).unwrap_err();
    assert_eq!(twice, RegisterError::InvalidAttributes(AttributeError::DuplicateKey("a".into())));
    assert_eq!(twice.to_string(), "attribute key \"a\" is given twice; keep one of them");
}

#[test]
fn values_that_are_no_number_are_counted_and_change_nothing() {
    let registry = Registry::new();
    let gauge = registry.gauge::<f64>("ratio").build().unwrap();
    gauge.record(0.25);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        gauge.record(bad);
    }
    assert_eq!((gauge.value(), gauge.rejected()), (Some(0.25), 3));
    let latency = registry.histogram::<Duration>("latency").build().unwrap();
    latency.record_secs_f64(0.5).unwrap();
    for bad in [-0.5, f64::NAN, f64::INFINITY, 1e12] {
        let error = latency.record_secs_f64(bad).unwrap_err();
        assert_eq!(error.seconds().to_bits(), bad.to_bits());
    }
    assert_eq!((latency.snapshot().count(), latency.snapshot().sum(), latency.rejected()), (1, 0.5, 4));
    let snapshot = registry.snapshot();
    let rejected = counter_points(&snapshot, "freewheel.samples.rejected");
    let seen: Vec<_> = rejected.iter().map(|point| (point.attributes[0].to_string(), point.value)).collect();
    assert_eq!(seen, [("instrument=ratio".to_owned(), 3), ("instrument=latency".to_owned(), 4)]);
}

#[test]
fn what_threads_add_to_a_gauge_is_all_in_it() {
    let registry = Registry::new();
    let level = registry.gauge::<i64>("level").build().unwrap();
    let family = registry.gauge::<f64>("volume").family(["tank"]).unwrap();
    level.record(100);
    thread::scope(|scope| {
        for up in [3, -1, 4, -1] {
            let (level, family) = (&level, &family);
            scope.spawn(move || {
                for _ in 0..5000 {
                    level.add(up);
                    family.with(["a"]).add(up as f64 / 2.0);
                }
            });
        }
    });
    assert_eq!(level.value(), Some(100 + 5000 * 5));
    // Halves have exact sums.
    assert_eq!(family.with(["a"]).bind().value(), Some(5000.0 * 2.5));
}

#[test]
fn the_first_addition_to_a_gauge_begins_at_zero() {
    let registry = Registry::new();
    let gauge = registry.gauge::<f64>("g").build().unwrap();
    gauge.add(f64::NAN);
    assert_eq!((gauge.value(), gauge.rejected()), (None, 1));
    gauge.add(-2.5);
    assert_eq!(gauge.value(), Some(-2.5));
    gauge.record(f64::MAX);
    gauge.add(f64::MAX);
    gauge.add(f64::NEG_INFINITY);
    assert_eq!((gauge.value(), gauge.rejected()), (Some(f64::MAX), 2));
    let integer = registry.gauge::<i64>("i").build().unwrap();
    integer.record(i64::MAX);
    integer.add(1);
    assert_eq!(integer.value(), Some(i64::MAX));
    Gauge::<i64>::unregistered().add(1);
}

#[test]
fn a_gauge_that_is_added_to_is_not_idle() {
    let registry = Registry::new();
    let family = registry.gauge::<i64>("g").remove_idle_after(NonZeroU32::MIN).family(["k"]).unwrap();
    family.with([1]).add(1);
    for _ in 0..5 {
        drop(registry.snapshot());
        family.with([1]).add(0);
    }
    assert_eq!(registry.series(), 1);
    for _ in 0..5 {
        drop(registry.snapshot());
        // Makes this thread let go of the idle one.
        family.with([2]).add(1);
    }
    let left = registry.snapshot();
    assert_eq!(left.gauge_i64("g", &[KeyValue::new("k", 1)]), None);
    assert_eq!(left.gauge_i64("g", &[KeyValue::new("k", 2)]), Some(5));
}

#[test]
fn a_gauge_without_a_value_is_not_exported() {
    let registry = Registry::new();
    let gauge = registry.gauge::<i64>("g").build().unwrap();
    assert!(registry.snapshot().metric("g").is_none());
    gauge.record(i64::MIN);
    assert_eq!(gauge.value(), Some(i64::MIN));
    assert!(registry.snapshot().metric("g").is_some());
}

#[test]
fn a_snapshot_taken_over_an_earlier_one_equals_a_new_one() {
    let registry = Registry::new();
    let mut snapshot = registry.snapshot();
    let (mut gauges, mut counters) = (Vec::new(), Vec::new());
    for round in 0..4i32 {
        counters.push(registry.counter("c").bind(&[KeyValue::new("round", round)]).unwrap());
        gauges.push(registry.gauge::<i64>(format!("g{round}")).build().unwrap());
        let histogram = registry.histogram::<u64>(format!("h{round}")).build().unwrap();
        counters.iter().for_each(|counter| counter.add(3));
        // The gauges come to life in the reverse order.
        gauges[gauges.len() / 2].record(1);
        histogram.record(9);
        if round == 2 {
            assert!(registry.unregister("h0"));
        }
        registry.snapshot_into(&mut snapshot);
        let mut fresh = registry.snapshot();
        assert!(fresh.taken_at >= snapshot.taken_at);
        assert_eq!(names(&fresh), names(&snapshot));
        registry.snapshot_into(&mut fresh);
        registry.snapshot_into(&mut snapshot);
        assert_eq!(without_times(fresh), without_times(snapshot.clone()));
    }
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.metrics.iter().map(|metric| &*metric.name).collect()
}

fn without_times(mut snapshot: Snapshot) -> Snapshot {
    fn reset<T>(points: &mut [Point<T>]) {
        points.iter_mut().for_each(|point| point.time = Timestamp::default());
    }
    snapshot.taken_at = Timestamp::default();
    for metric in &mut snapshot.metrics {
        match &mut metric.data {
            Data::Counter(points) => reset(points),
            Data::UpDownCounter(points) | Data::GaugeI64(points) => reset(points),
            Data::GaugeF64(points) => reset(points),
            Data::Histogram(points) => reset(points),
            other => panic!("{other:?}"),
        }
    }
    snapshot
}

#[test]
fn an_unregistered_name_is_free_again_and_begins_at_zero() {
    let registry = Registry::new();
    let old = registry.counter("c").build().unwrap();
    old.add(5);
    let before = counter_points(&registry.snapshot(), "c")[0].series();
    assert!(registry.unregister("C"));
    assert!(!registry.unregister("c"));
    assert!(registry.snapshot().metric("c").is_none());
    let new = registry.histogram::<u64>("c").build().unwrap();
    new.record(1);
    old.add(1);
    assert_eq!((old.total(), new.snapshot().count()), (6, 1));
    assert!(registry.unregister("c"));
    registry.counter("c").build().unwrap().add(2);
    let snapshot = registry.snapshot();
    assert_eq!(counter_points(&snapshot, "c")[0].value, 2);
    assert_ne!(counter_points(&snapshot, "c")[0].series(), before);
}

#[test]
fn ids_used_again_begin_at_zero_for_every_kind() {
    for round in 0..20u64 {
        let registry = Registry::new();
        let counter = registry.counter("c").build().unwrap();
        let histogram = registry.histogram::<u64>("h").build().unwrap();
        let requests = registry.requests("r").build().unwrap();
        assert_eq!(counter.total(), 0, "round {round}");
        assert_eq!((histogram.snapshot().count(), requests.snapshot().requests), (0, 0));
        assert_eq!((histogram.snapshot().max(), requests.snapshot().last), (None, None));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    counter.add(round + 1);
                    histogram.record(round + 1);
                    requests.record(Duration::from_nanos(round + 1), Outcome::Error);
                });
            }
        });
        assert_eq!(counter.total(), 3 * (round + 1));
        assert_eq!(histogram.snapshot().max(), Some((round + 1) as f64));
        assert_eq!(histogram.snapshot().min(), Some((round + 1) as f64));
        let seen = requests.snapshot();
        assert_eq!((seen.requests, seen.errors, seen.mean), (3, 3, Some(Duration::from_nanos(round + 1))));
        drop(registry.snapshot());
    }
}

#[test]
fn request_metrics_report_everything_at_once() {
    let registry = Registry::new();
    let requests = registry.requests("web").build().unwrap();
    let base = SystemTime::now();
    for millis in 1..=1000u64 {
        let outcome = if millis % 10 == 0 { Outcome::Error } else { Outcome::Success };
        requests.record_at(
            Duration::from_millis(millis),
            outcome,
            (base + Duration::from_millis(millis)).into(),
        );
    }
    // Another thread's last request, but it ended first.
    thread::scope(|scope| {
        scope.spawn(|| requests.record_at(Duration::from_secs(5), Outcome::Success, base.into()));
    });
    let seen = requests.snapshot();
    assert_eq!((seen.requests, seen.errors), (1001, 100));
    assert!((seen.error_rate() - 100.0 / 1001.0).abs() < 1e-12);
    assert_eq!(seen.mean, Some(Duration::from_nanos((500_500 + 5_000) * 1_000_000 / 1001)));
    let last = seen.last.unwrap();
    assert_eq!((last.duration, last.outcome), (Duration::from_secs(1), Outcome::Error));
    assert_eq!(SystemTime::from(last.at), base + Duration::from_secs(1));
    let near = |quantile: Option<Duration>, millis: f64| {
        assert!(
            (quantile.unwrap().as_secs_f64() * 1e3 / millis - 1.0).abs() < 0.0109,
            "{quantile:?} {millis}"
        );
    };
    near(seen.p50(), 501.0);
    near(seen.p90(), 901.0);
    near(seen.p99(), 991.0);
    near(seen.p999(), 1000.0);
    assert_eq!(seen.max(), Some(Duration::from_secs(5)));
    let snapshot = registry.snapshot();
    assert_eq!(names(&snapshot), ["web.count", "web.errors", "web.duration", "web.last.duration"]);
    let Data::GaugeF64(last_duration) = &snapshot.metrics[3].data else { panic!("not a gauge") };
    assert_eq!((last_duration[0].value, last_duration[0].time), (1.0, last.at));
    assert!(seen.to_string().starts_with("1001 requests, 100 errors (9.99 %), mean"), "{seen}");
}

#[test]
fn a_timer_records_its_end_and_an_error_when_it_is_dropped() {
    let requests = Registry::new().requests("r").build().unwrap();
    let before = Timestamp::now();
    let timer = requests.start();
    thread::sleep(Duration::from_millis(2));
    timer.finish(Outcome::Success);
    requests.start().cancel();
    let seen = requests.snapshot();
    assert_eq!((seen.requests, seen.errors), (1, 0));
    let last = seen.last.unwrap();
    assert!(last.duration >= Duration::from_millis(2) && last.at.duration_since(before) >= last.duration);
    let panicked = std::panic::catch_unwind(|| {
        let _timer = requests.start();
        panic!("the handler fails");
    });
    assert!(panicked.is_err());
    assert_eq!((requests.snapshot().requests, requests.snapshot().errors), (2, 1));
}

#[test]
fn a_timestamp_is_that_of_the_system_clock() {
    let system: Timestamp = SystemTime::now().into();
    let fast = Timestamp::now();
    let apart = fast.duration_since(system).max(system.duration_since(fast));
    assert!(apart < Duration::from_secs(1), "{apart:?}");
    assert_eq!(Timestamp::from_unix_nanos(1_500_000_000).to_string(), "1.500000000");
    assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), Timestamp::default());
}

#[test]
fn the_last_request_is_the_newest_of_all_threads() {
    let last = Registry::new().last_request("last").build().unwrap();
    assert_eq!(last.load(), None);
    let all_alive = std::sync::Barrier::new(3);
    thread::scope(|scope| {
        for at in [3, 9, 5] {
            let (last, all_alive) = (&last, &all_alive);
            scope.spawn(move || {
                last.record_at(Duration::from_nanos(at), Outcome::Success, Timestamp::from_unix_nanos(at));
                all_alive.wait();
            });
        }
    });
    assert_eq!(last.load().map(|last| last.duration.as_nanos()), Some(9));
}
