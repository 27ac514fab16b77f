//! Snapshots that were read from elsewhere may hold anything.

use std::{cell::Cell, time::Duration};

use freewheel::metrics::{ExplicitHistogram, ExponentialHistogram, PointValue, RequestSnapshot, Snapshot};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value as Json, json};

use crate::serial::{every_kind, from, through_json};

/// Every kind, with the value at this path set to another.
fn changed(pointer: &str, value: Json) -> Json {
    let mut form = every_kind();
    *form.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is not there")) = value;
    form
}

/// Each of these changes makes the form unreadable, for a reason that the error names.
fn check_refused<const N: usize>(changes: [(String, Json, &str); N]) {
    for (pointer, value, reason) in changes {
        let error = from::<Snapshot>(&changed(&pointer, value)).expect_err(&pointer);
        assert!(error.contains(reason), "{pointer}: {error}");
    }
}

#[test]
fn histograms_that_make_no_sense_are_refused() {
    let exponential = |path: &str| format!("/metrics/5/data/exponentialHistogram/0/value{path}");
    let explicit = |path: &str| format!("/metrics/6/data/explicitHistogram/0/value{path}");
    check_refused([
        (exponential("/scale"), json!(9), "scale 9 is not in -11..=8"),
        (exponential("/scale"), json!(-12), "scale -12 is not in -11..=8"),
        (
            exponential("/positive/offset"),
            json!(i32::MAX),
            "buckets 2147483647 to 2147483649 are not in -2149..=2047",
        ),
        (exponential("/positive/offset"), json!(2046), "buckets 2046 to 2048 are not in -2149..=2047"),
        (exponential("/negative/offset"), json!(i32::MIN), "buckets -2147483648 to -2147483648 are not in"),
        (
            exponential("/negative/offset"),
            json!(1i64 << 40),
            "invalid value: integer `1099511627776`, expected i32",
        ),
        (
            exponential("/positive/bucketCounts"),
            json!([1, 3]),
            "the count is 7, but there are 8 values in the buckets",
        ),
        (exponential("/zeroCount"), json!(2), "the count is 7, but there are 8 values in the buckets"),
        (
            exponential("/zeroCount"),
            json!(u64::MAX),
            "the count is 7, but there are 18446744073709551615 values",
        ),
        (exponential("/positive/bucketCounts/0"), json!(-1), "invalid value: integer `-1`, expected u64"),
        (exponential("/figures/floats/min"), json!(4.0), "there are values, but no min that is at most max"),
        (exponential("/figures/floats/max"), Json::Null, "there are values, but no min that is at most max"),
        (exponential("/figures/floats/sum"), Json::Null, "invalid type: null, expected f64"),
        (
            exponential("/figures"),
            json!({"integers": {"sum": 1, "min": 1, "max": 1, "perUnit": 0}}),
            "perUnit is zero",
        ),
        (explicit("/explicitBounds"), json!([1.0, 0.5]), "bound 1 is followed by 0.5"),
        (explicit("/explicitBounds"), json!([0.5, 0.5]), "bound 0.5 is followed by 0.5"),
        (explicit("/explicitBounds"), json!([0.5]), "one more bucketCounts than explicitBounds, not 3 and 1"),
        (explicit("/bucketCounts"), json!([]), "one more bucketCounts than explicitBounds, not 0 and 2"),
        (
            explicit("/bucketCounts"),
            json!([6, 0, 1]),
            "the count is 6, but there are 7 values in the buckets",
        ),
        (explicit("/explicitBounds"), json!((0..1001).collect::<Vec<_>>()), "one more bucketCounts than"),
    ]);
}

#[test]
fn attributes_and_kinds_that_there_are_not_are_refused() {
    let attribute = |path: &str| format!("/metrics/0/data/counter/0/attributes{path}");
    check_refused([
        (attribute("/0/key"), json!(""), "an attribute has an empty key"),
        (attribute("/0/key"), json!("int"), "attribute key \"int\" is given twice"),
        (
            attribute("/1/value"),
            json!({"doubleValue": "many"}),
            "expected a number, or one of the texts \"NaN\"",
        ),
        (attribute("/1/value"), json!({"bytesValue": "AA=="}), "unknown variant `bytesValue`"),
        ("/metrics/0/data".to_owned(), json!({"summary": []}), "unknown variant `summary`"),
        ("/metrics/4/data/gaugeF64/0/value".to_owned(), Json::Null, "invalid type: null, expected f64"),
    ]);
}

/// The paths of all numbers in the form.
fn numbers(form: &Json) -> Vec<String> {
    let below = |key: &str, value: &Json| {
        numbers(value).into_iter().map(|path| format!("/{key}{path}")).collect::<Vec<_>>()
    };
    match form {
        Json::Number(_) => vec![String::new()],
        Json::Array(items) => {
            items.iter().enumerate().flat_map(|(at, item)| below(&at.to_string(), item)).collect()
        }
        Json::Object(fields) => fields.iter().flat_map(|(key, value)| below(key, value)).collect(),
        _ => Vec::new(),
    }
}

/// Makes the counts of histograms those of their buckets again.
fn recount(form: &mut Json) {
    let total = |counts: &Json| {
        counts.as_array().unwrap().iter().filter_map(Json::as_u64).fold(0, u64::saturating_add)
    };
    let exponential = &mut form["metrics"][5]["data"]["exponentialHistogram"][0]["value"];
    let sides = ["positive", "negative"].map(|side| total(&exponential[side]["bucketCounts"]));
    let zeros = exponential["zeroCount"].as_u64().unwrap_or(0);
    exponential["count"] = json!(zeros.saturating_add(sides[0]).saturating_add(sides[1]));
    let explicit = &mut form["metrics"][6]["data"]["explicitHistogram"][0]["value"];
    explicit["count"] = json!(total(&explicit["bucketCounts"]));
}

/// Everything that can be done with a snapshot alone.
fn look_at(snapshot: &Snapshot) {
    assert!(snapshot.to_string().lines().count() <= snapshot.points().count());
    for (metric, point) in snapshot.points() {
        assert!(metric.point(point.attributes).is_some());
        match point.value {
            PointValue::Histogram(histogram) => {
                look_at_exponential(histogram);
                for max_buckets in [2, 5, 160] {
                    let coarse = histogram.clone().with_max_buckets(max_buckets);
                    assert!(coarse.buckets().len() <= max_buckets);
                    look_at_exponential(&coarse);
                }
            }
            PointValue::ExplicitHistogram(histogram) => look_at_explicit(histogram),
            _ => {}
        }
    }
}

const SHARES: [f64; 6] = [f64::NAN, -1.0, 0.0, 0.5, 0.999, 1.0];

fn look_at_exponential(histogram: &ExponentialHistogram) {
    let (count, min, max) = (histogram.count(), histogram.min(), histogram.max());
    assert_eq!((min.is_some(), max.is_some(), histogram.mean().is_some()), (count > 0, count > 0, count > 0));
    assert!(histogram.sum().is_finite() && histogram.relative_error() <= 1.0);
    for share in SHARES {
        assert_eq!(histogram.quantile(share).is_some(), count > 0);
        assert!(histogram.quantile(share) >= min && histogram.quantile(share) <= max);
        assert_eq!(histogram.quantile_range(share).is_some(), count > 0);
    }
}

fn look_at_explicit(histogram: &ExplicitHistogram) {
    let (count, min, max) = (histogram.count(), histogram.min(), histogram.max());
    assert_eq!((min.is_some(), max.is_some(), histogram.mean().is_some()), (count > 0, count > 0, count > 0));
    assert!(histogram.sum().is_finite());
    for share in SHARES {
        assert_eq!(histogram.quantile(share).is_some(), count > 0);
        assert!(histogram.quantile(share) >= min && histogram.quantile(share) <= max);
        assert_eq!(histogram.quantile_range(share).is_some(), count > 0);
    }
}

/// Everything that can be done with two snapshots.
fn put_together(one: &Snapshot, other: &Snapshot) {
    for (one, other) in [(one, other), (other, one), (one, one)] {
        look_at(&one.since(other));
        let mut both = one.clone();
        if let Err(error) = both.merge(other.clone()) {
            assert!(!error.to_string().is_empty());
            look_at(&error.into_snapshot());
        }
        look_at(&both);
        look_at(&both.since(one));
    }
}

#[test]
fn nothing_that_was_read_makes_anything_panic() {
    let extreme = prop_oneof![
        any::<i64>().prop_map(Json::from),
        prop::sample::select(vec![
            json!(0),
            json!(1),
            json!(-1),
            json!(7),
            json!(u64::MAX),
            json!(u64::MAX - 1),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(i32::MAX),
            json!(i32::MIN),
            json!(-2149),
            json!(2045),
            json!(8),
            json!(-11),
            json!(f64::MAX),
            json!(f64::MIN),
            json!(5e-324),
            json!(0.75),
            Json::Null,
        ]),
    ];
    let form = every_kind();
    let original: Snapshot = from(&form).unwrap();
    let paths = numbers(&form);
    assert!(paths.len() > 40);
    let changes = prop::collection::vec((prop::sample::select(paths), extreme), 1..6);
    let read = Cell::new(0);
    let config = ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&changes, |changes| {
        let mut form = form.clone();
        for (path, value) in changes {
            *form.pointer_mut(&path).unwrap() = value;
        }
        recount(&mut form);
        if let Ok(snapshot) = from::<Snapshot>(&form) {
            read.set(read.get() + 1);
            look_at(&snapshot);
            put_together(&original, &snapshot);
            prop_assert_eq!(through_json(&snapshot), snapshot);
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(read.get() > 100, "only {} of the changed snapshots were read", read.get());
}

#[test]
fn what_is_told_about_requests_may_be_nonsense_but_does_no_harm() {
    let seen = json!({
        "requests": 1, "errors": 2, "mean": null, "last": null,
        "durations": every_kind()["metrics"][5]["data"]["exponentialHistogram"][0]["value"],
    });
    let seen: RequestSnapshot = from(&seen).unwrap();
    assert_eq!((seen.quantile(0.0), seen.max()), (None, Some(Duration::from_millis(3250))));
    assert_eq!(
        seen.to_string(),
        "1 requests, 2 errors (200.00 %), p50 0.0ns, p90 3.2s, p99 3.2s, p99.9 3.2s, max 3.2s"
    );
}
