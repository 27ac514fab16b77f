//! Snapshots as JSON and as CBOR.

use std::time::Duration;

use freewheel::metrics::{Buckets, KeyValue, Outcome, PointValue, Registry, Snapshot, Timestamp};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value as Json, json};

use crate::windows::{Reader, step, take};

/// One metric of each kind.
pub(crate) fn every_kind() -> Json {
    let point = |series: u64, value: Json| {
        json!([{
            "attributes": [
                {"key": "bool", "value": {"boolValue": true}},
                {"key": "double", "value": {"doubleValue": 0.1}},
                {"key": "int", "value": {"intValue": -3}},
                {"key": "string", "value": {"stringValue": "größer"}},
            ],
            "startTimeUnixNano": 1_690_000_000_000_000_000u64,
            "timeUnixNano": 1_700_000_000_000_000_001u64,
            "value": value,
            "series": series,
        }])
    };
    let exponential = json!({
        "count": 7,
        "figures": {"floats": {"sum": -2.5, "min": -8.0, "max": 3.25}},
        "scale": 1,
        "zeroCount": 1,
        "positive": {"offset": 2, "bucketCounts": [1, 0, 2]},
        "negative": {"offset": -4, "bucketCounts": [3]},
    });
    let explicit = json!({
        "count": 6,
        "figures": {"integers": {"sum": 3_500_000_000u64, "min": 250_000_000, "max": 1_000_000_001, "perUnit": 1_000_000_000}},
        "explicitBounds": [0.5, 1.0],
        "bucketCounts": [1, 4, 1],
    });
    let metric = |name: &str, unit: &str, kind: &str, value: Json| {
        let series = u64::from(name.as_bytes()[0]);
        json!({
            "name": name, "description": "What it is.", "unit": unit, "data": {kind: point(series, value)},
        })
    };
    json!({
        "takenAtUnixNano": 1_700_000_000_000_000_001u64,
        "metrics": [
            metric("a", "{job}", "counter", json!(u64::MAX)),
            metric("b", "s", "counterF64", json!(0.1)),
            metric("c", "", "upDownCounter", json!(i64::MIN)),
            metric("d", "", "gaugeI64", json!(-1)),
            metric("e", "", "gaugeF64", json!(2.0)),
            metric("f", "", "exponentialHistogram", exponential),
            metric("g", "s", "explicitHistogram", explicit),
        ],
    })
}

pub(crate) fn from<T: DeserializeOwned>(json: &Json) -> Result<T, String> {
    serde_json::from_str(&json.to_string()).map_err(|error| error.to_string())
}

pub(crate) fn through_json<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn through_cbor<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    ciborium::from_reader(&*bytes).unwrap()
}

#[test]
fn every_kind_is_read_from_the_documented_form_and_written_in_it() {
    let form = every_kind();
    let snapshot: Snapshot = from(&form).unwrap();
    let attributes = [
        KeyValue::new("string", "größer"),
        KeyValue::new("int", -3),
        KeyValue::new("double", 0.1),
        KeyValue::new("bool", true),
    ];
    assert_eq!(snapshot.counter("a", &attributes), Some(u64::MAX));
    assert_eq!(snapshot.counter_f64("b", &attributes), Some(0.1));
    assert_eq!(snapshot.up_down_counter("c", &attributes), Some(i64::MIN));
    assert_eq!(snapshot.gauge_i64("d", &attributes), Some(-1));
    assert_eq!(snapshot.gauge_f64("e", &attributes), Some(2.0));
    let exponential = snapshot.histogram("f", &attributes).unwrap();
    assert_eq!((exponential.count(), exponential.zero_count(), exponential.scale()), (7, 1, 1));
    assert_eq!((exponential.offset(), exponential.buckets()), (2, [1, 0, 2].as_slice()));
    assert_eq!((exponential.negative_offset(), exponential.negative_buckets()), (-4, [3].as_slice()));
    assert_eq!((exponential.sum(), exponential.min(), exponential.max()), (-2.5, Some(-8.0), Some(3.25)));
    let explicit = snapshot.explicit_histogram("g", &attributes).unwrap();
    assert_eq!((explicit.count(), explicit.sum(), explicit.max()), (6, 3.5, Some(1.000_000_001)));
    assert_eq!((explicit.bounds(), explicit.buckets()), ([0.5, 1.0].as_slice(), [1, 4, 1].as_slice()));
    assert_eq!(
        snapshot.metrics[0].points().next().unwrap().start,
        Timestamp::from_unix_nanos(1_690_000_000_000_000_000)
    );
    assert_eq!(serde_json::to_value(&snapshot).unwrap(), form);
}

#[test]
fn a_series_keeps_its_identity_so_windows_reach_back_to_what_was_stored() {
    let registry = Registry::new();
    let counter = registry.counter("c").build().unwrap();
    counter.add(5);
    let stored = serde_json::to_string(&registry.snapshot()).unwrap();
    counter.add(2);
    let before: Snapshot = serde_json::from_str(&stored).unwrap();
    assert_eq!(registry.snapshot().since(&before).counter("c", &[]), Some(2));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn any_snapshot_and_window_comes_back_equal(
        before in prop::collection::vec(step(), 0..30),
        after in prop::collection::vec(step(), 0..30),
        max_buckets in 2..50usize,
    ) {
        let (registry, mut readers) = (Registry::new(), <[Reader; 3]>::default());
        before.into_iter().for_each(|step| take(&registry, step, &mut readers));
        let earlier = registry.snapshot();
        after.into_iter().for_each(|step| take(&registry, step, &mut readers));
        let later = registry.snapshot();
        let window = later.since(&earlier);
        for snapshot in [&earlier, &later, &window] {
            prop_assert_eq!(&through_json(snapshot), snapshot);
            prop_assert_eq!(&through_cbor(snapshot), snapshot);
            for (_, point) in snapshot.points() {
                let PointValue::Histogram(histogram) = point.value else { continue };
                let coarse = histogram.clone().with_max_buckets(max_buckets);
                prop_assert_eq!(&through_json(&coarse), &coarse);
            }
        }
    }

    #[test]
    fn what_is_told_about_requests_comes_back_equal(
        requests in prop::collection::vec((any::<u64>(), 0..64u32, any::<bool>()), 0..30),
    ) {
        let web = Registry::new().requests("web").build().unwrap();
        for (nanos, shift, failed) in requests {
            let outcome = if failed { Outcome::Error } else { Outcome::Success };
            web.record(Duration::from_nanos(nanos >> shift >> 1), outcome);
        }
        let seen = web.snapshot();
        prop_assert_eq!(&through_json(&seen), &seen);
        prop_assert_eq!(&through_cbor(&seen), &seen);
    }

    #[test]
    fn what_a_histogram_saw_comes_back_equal(values in prop::collection::vec(-1e9..1e9, 0..30)) {
        let registry = Registry::new();
        let few = Buckets::explicit([-5.0, 0.0, 1e6]).unwrap();
        let (all, few) = (registry.histogram::<f64>("all"), registry.histogram("few").buckets(few));
        for histogram in [all.build().unwrap(), few.build().unwrap()] {
            histogram.record_all(&values);
            let seen = histogram.snapshot();
            prop_assert_eq!(&through_json(&seen), &seen);
            prop_assert_eq!(&through_cbor(&seen), &seen);
        }
    }

    #[test]
    fn attributes_that_are_no_numbers_come_back(value in any::<f64>()) {
        let registry = Registry::new();
        let all = [value, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0];
        for value in all {
            registry.counter("c").bind(&[KeyValue::new("value", value)]).unwrap().add(1);
        }
        let snapshot = registry.snapshot();
        let text = serde_json::to_string(&snapshot).unwrap();
        let (nan, infinity) = (r#"{"doubleValue":"NaN"}"#, r#"{"doubleValue":"-Infinity"}"#);
        let are_texts = text.contains(nan) && text.contains(infinity);
        prop_assert!(are_texts, "{}", text);
        for read in [through_json(&snapshot), through_cbor(&snapshot)] {
            for value in all {
                let attributes = [KeyValue::new("value", value)];
                prop_assert_eq!(read.counter("c", &attributes), snapshot.counter("c", &attributes));
            }
        }
    }
}

#[test]
fn a_record_that_is_seen_in_parts_is_whole_in_the_sum_of_the_windows() {
    // Of a record of 9, first sum and extremes are seen, then the bucket.
    let figures = json!({"integers": {"sum": 9, "min": 9, "max": 9, "perUnit": 1}});
    let histogram = |count: u64, figures: &Json| {
        let positive =
            json!({"offset": if count > 0 { 6 } else { 0 }, "bucketCounts": vec![count; count as usize]});
        json!({
            "count": count, "figures": figures, "scale": 1, "zeroCount": 0, "positive": positive,
            "negative": {"offset": 0, "bucketCounts": []},
        })
    };
    let snapshot = |count: u64, figures: &Json, time: u64| {
        let mut form = every_kind();
        let point = &mut form["metrics"][5]["data"]["exponentialHistogram"][0];
        (point["value"], point["timeUnixNano"]) = (histogram(count, figures), json!(time));
        point["startTimeUnixNano"] = json!(0);
        from::<Snapshot>(&form).unwrap()
    };
    let none = json!({"integers": {"sum": 0, "min": null, "max": null, "perUnit": 1}});
    let seen = [snapshot(0, &none, 1), snapshot(0, &figures, 2), snapshot(1, &figures, 3)];
    let mut windows = Snapshot::default();
    for pair in [(&seen[0], &Snapshot::default()), (&seen[1], &seen[0]), (&seen[2], &seen[1])] {
        windows.merge(pair.0.since(pair.1)).unwrap();
    }
    assert_eq!(windows.metrics[5], seen[2].metrics[5]);
    let value = |snapshot: &Snapshot| format!("{:?}", snapshot.metrics[5].points().next().unwrap().value);
    assert_eq!(value(&seen[1].since(&seen[0])), value(&seen[1]), "the part is in the window that saw it");
}

/// The form with another value of the counter of floating-point numbers and with other counts of the explicit histogram.
fn with_counts(sum: f64, counts: [u64; 3], time: u64) -> Snapshot {
    let mut form = every_kind();
    form["metrics"][1]["data"]["counterF64"][0]["value"] = json!(sum);
    let point = &mut form["metrics"][6]["data"]["explicitHistogram"][0];
    point["timeUnixNano"] = json!(time);
    let histogram = &mut point["value"];
    histogram["count"] = json!(counts.iter().sum::<u64>());
    histogram["bucketCounts"] = json!(counts);
    histogram["figures"]["integers"]["sum"] = json!(counts.iter().sum::<u64>() * 500_000_000);
    from(&form).unwrap()
}

#[test]
fn counters_and_histograms_of_every_kind_have_windows_that_add_up() {
    let start = with_counts(0.0, [0, 0, 0], 1_690_000_000_000_000_001).since(&Snapshot::default());
    let seen = [
        start,
        with_counts(0.25, [1, 0, 2], 1_690_000_000_000_000_002),
        with_counts(1.75, [1, 0, 5], 1_690_000_000_000_000_003),
    ];
    let windows: Vec<_> = seen.windows(2).map(|pair| pair[1].since(&pair[0])).collect();
    let sum = |snapshot: &Snapshot| match snapshot.metrics[1].points().next().map(|point| point.value) {
        Some(PointValue::CounterF64(sum)) => sum,
        other => panic!("{other:?}"),
    };
    let counts = |snapshot: &Snapshot| match snapshot.metrics[6].points().next().map(|point| point.value) {
        Some(PointValue::ExplicitHistogram(histogram)) => (histogram.buckets().to_vec(), histogram.sum()),
        other => panic!("{other:?}"),
    };
    assert_eq!((sum(&windows[0]), sum(&windows[1])), (0.25, 1.5));
    assert_eq!(counts(&windows[0]), (vec![1, 0, 2], 1.5));
    assert_eq!(counts(&windows[1]), (vec![0, 0, 3], 1.5));
    let mut all = windows[0].clone();
    all.merge(windows[1].clone()).unwrap();
    assert_eq!((sum(&all), counts(&all)), (1.75, counts(&seen[2])));
    // Parts that were added up in another order can be less by a rounding. That is not what happened.
    assert_eq!(sum(&seen[1].since(&seen[2])), 0.0);
}

#[test]
fn histograms_with_other_bounds_come_back_whole() {
    let mut form = every_kind();
    form["metrics"] = json!([form["metrics"][6]]);
    let here: Snapshot = from(&form).unwrap();
    form["metrics"][0]["data"]["explicitHistogram"][0]["value"]["explicitBounds"] = json!([0.5, 2.0]);
    let there: Snapshot = from(&form).unwrap();
    let mut all = here.clone();
    let error = all.merge(there.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "metrics were not merged: \"g\" has bounds [0.5, 1.0] here and [0.5, 2.0] there; give one of the two another name"
    );
    assert_eq!((all, error.into_snapshot()), (here, there));
}

#[test]
fn what_was_observed_stays_so_in_every_form() {
    let registry = Registry::new();
    registry.counter("observed").observe(|observer| observer.observe(1, &[])).unwrap();
    registry.counter("recorded").build().unwrap().add(1);
    let snapshot = registry.snapshot();
    let told = |snapshot: &Snapshot| -> Vec<bool> {
        snapshot.metrics.iter().map(|metric| metric.is_observed).collect()
    };
    assert_eq!(told(&snapshot), [true, false]);
    assert_eq!(told(&snapshot.since(&snapshot)), [true, false]);
    let form = serde_json::to_value(&snapshot).unwrap();
    assert_eq!((&form["metrics"][0]["observed"], form["metrics"][1].get("observed")), (&json!(true), None));
    assert_eq!(told(&through_json(&snapshot)), [true, false]);

    let mut both = snapshot.clone();
    both.merge(snapshot.clone()).unwrap();
    assert_eq!(told(&both), [true, false]);
    let mut form = form;
    form["metrics"][0]["observed"] = json!(false);
    both.merge(from(&form).unwrap()).unwrap();
    assert_eq!(told(&both), [false, false], "a part of it was recorded");
}
