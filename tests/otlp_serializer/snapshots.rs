//! Snapshots of any content, by their serial form.

use freewheel::metrics::Snapshot;
use proptest::{collection::vec, option, prelude::*};
use serde_json::{Value as Json, json};

/// Snapshots of up to eight metrics, with up to eight series each, of all kinds.
pub(crate) fn snapshots() -> impl Strategy<Value = Snapshot> {
    let text = prop_oneof![Just(String::new()), Just("s".to_owned()), "\\PC{1,40}"];
    let metric = (text.clone(), text, any::<bool>(), data());
    (any::<u64>(), vec(metric, 0..8)).prop_map(|(taken_at, metrics)| {
        let metric = |(at, (description, unit, observed, data)): (usize, (String, String, bool, Json))| {
            let name = format!("metric.{at}");
            json!({"name": name, "description": description, "unit": unit, "observed": observed, "data": data})
        };
        let metrics: Vec<Json> = metrics.into_iter().enumerate().map(metric).collect();
        serde_json::from_value(json!({"takenAtUnixNano": taken_at, "metrics": metrics})).unwrap()
    })
}

fn data() -> impl Strategy<Value = Json> {
    prop_oneof![
        points("counter", number().prop_map(Json::from)),
        points("counterF64", float().prop_map(|value| json!(value.abs()))),
        points("upDownCounter", any::<i64>().prop_map(Json::from)),
        points("gaugeI64", any::<i64>().prop_map(Json::from)),
        points("gaugeF64", float().prop_map(Json::from)),
        points("exponentialHistogram", exponential()),
        points("explicitHistogram", explicit()),
    ]
}

/// Small ones, and those with any number of bits.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(-0.0), -1e6..1e6_f64, Just(f64::MIN_POSITIVE), Just(f64::MAX)]
}

fn points(kind: &'static str, value: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    let point = (vec(attribute(), 0..4), number(), number(), value, vec(exemplar(), 0..3));
    vec((point, any::<u64>()), 1..8).prop_map(move |points| {
        let point = |((attributes, start, time, value, exemplars), series): ((Vec<Json>, _, _, _, _), u64)| {
            let attributes = attributes.into_iter().enumerate().map(|(at, value)| {
                json!({"key": format!("key.{at}"), "value": value})
            });
            json!({
                "attributes": attributes.collect::<Vec<_>>(), "startTimeUnixNano": start, "timeUnixNano": time,
                "value": value, "exemplars": exemplars, "series": series,
            })
        };
        json!({kind: points.into_iter().map(point).collect::<Vec<_>>()})
    })
}

fn attribute() -> impl Strategy<Value = Json> {
    prop_oneof![
        any::<bool>().prop_map(|value| json!({"boolValue": value})),
        any::<i64>().prop_map(|value| json!({"intValue": value})),
        float().prop_map(|value| json!({"doubleValue": value})),
        "\\PC{0,200}".prop_map(|value| json!({"stringValue": value})),
    ]
}

fn exemplar() -> impl Strategy<Value = Json> {
    (float(), number(), any::<u128>(), any::<u64>()).prop_map(|(value, time, trace, span)| {
        let (trace, span) = (format!("{trace:032x}"), format!("{span:016x}"));
        json!({"value": value, "timeUnixNano": time, "traceId": trace, "spanId": span})
    })
}

/// Counts of which no sum is beyond the largest integer.
fn counts(len: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<u64>> {
    vec((any::<u64>(), 12..64_u32).prop_map(|(value, shift)| value >> shift), len)
}

fn exponential() -> impl Strategy<Value = Json> {
    let (positive, negative) = (counts(0..400), prop_oneof![Just(Vec::new()), counts(0..200)]);
    let figures = (float(), option::of(0.0..1e6_f64));
    (0..=8, -300..300_i32, positive, negative, counts(1), figures).prop_map(
        |(scale, offset, positive, negative, zeros, (sum, min))| {
            let count: u64 = positive.iter().chain(&negative).chain(&zeros).sum();
            let min = min.unwrap_or(0.0);
            json!({
                "count": count, "scale": scale, "zeroCount": zeros[0],
                "figures": {"floats": {"sum": sum, "min": min, "max": min + 1.0}},
                "positive": {"offset": offset, "bucketCounts": positive},
                "negative": {"offset": -offset, "bucketCounts": negative},
            })
        },
    )
}

fn explicit() -> impl Strategy<Value = Json> {
    (0..20_usize).prop_flat_map(|bounds| (counts(bounds + 1), number())).prop_map(|(counts, sum)| {
        let bounds: Vec<f64> = (1..counts.len()).map(|bound| bound as f64 * 0.3 - 1.0).collect();
        json!({
            "count": counts.iter().sum::<u64>(), "explicitBounds": bounds, "bucketCounts": counts,
            "figures": {"integers": {"sum": sum, "min": 1, "max": 5, "perUnit": 1000}},
        })
    })
}
