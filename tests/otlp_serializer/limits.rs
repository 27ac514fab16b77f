//! Snapshots that do not fit into one request.

use std::num::NonZeroUsize;

use freewheel::{
    metrics::{KeyValue, Registry},
    otlp::Serializer,
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{Metric, metric::Data},
};
use proptest::prelude::*;
use prost::Message;

use crate::{decoded, metrics, points, snapshots::snapshots};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests_keep_to_the_limits_and_hold_all_and_as_much_as_they_can(
        snapshot in snapshots(),
        max_points in 1..20_usize,
        max_bytes in 100..6000_usize,
    ) {
        let limit = |limit| NonZeroUsize::new(limit).unwrap();
        let mut serializer =
            Serializer::new([]).max_points(limit(max_points)).max_bytes(limit(max_bytes));
        let bodies = serializer.requests(snapshot.clone());
        let mut parts = Vec::new();
        for body in &bodies {
            let part = decoded(body);
            let points = own(&part).iter().map(points).sum::<usize>();
            prop_assert!((1..=max_points).contains(&points), "{points} points");
            prop_assert!(body.len() <= max_bytes || points == 1, "{} bytes", body.len());
            parts.push(part);
        }
        for pair in parts.windows(2) {
            let mut fuller = pair[0].clone();
            let first_point = unjoined(own(&pair[1])).next().unwrap();
            join(&mut fuller.resource_metrics[0].scope_metrics[0].metrics, first_point);
            let points = own(&fuller).iter().map(points).sum::<usize>();
            prop_assert!(points > max_points || fuller.encoded_len() > max_bytes, "one more had fitted");
        }

        let mut joined = Vec::new();
        parts.iter().flat_map(own).cloned().for_each(|metric| join(&mut joined, metric));
        prop_assert_eq!(joined, metrics(&mut Serializer::new([]), snapshot));
    }
}

fn own(request: &ExportMetricsServiceRequest) -> &[Metric] {
    &request.resource_metrics[0].scope_metrics[0].metrics
}

/// The points of all these metrics, one by one.
fn unjoined(metrics: &[Metric]) -> impl Iterator<Item = Metric> {
    metrics.iter().flat_map(|metric| (0..points(metric)).map(|at| only(metric.clone(), at)))
}

fn only(mut metric: Metric, at: usize) -> Metric {
    match metric.data.as_mut().unwrap() {
        Data::Gauge(data) => data.data_points = vec![data.data_points.swap_remove(at)],
        Data::Sum(data) => data.data_points = vec![data.data_points.swap_remove(at)],
        Data::Histogram(data) => data.data_points = vec![data.data_points.swap_remove(at)],
        Data::ExponentialHistogram(data) => data.data_points = vec![data.data_points.swap_remove(at)],
        Data::Summary(_) => panic!("there are no summaries"),
    }
    metric
}

/// Appends a metric, to the last one if it goes on with that: then all but the points is the same.
fn join(metrics: &mut Vec<Metric>, mut next: Metric) {
    let Some(last) = metrics.last_mut().filter(|last| last.name == next.name) else {
        return metrics.push(next);
    };
    match (last.data.as_mut().unwrap(), next.data.as_mut().unwrap()) {
        (Data::Gauge(last), Data::Gauge(next)) => last.data_points.append(&mut next.data_points),
        (Data::Sum(last), Data::Sum(next)) => last.data_points.append(&mut next.data_points),
        (Data::Histogram(last), Data::Histogram(next)) => last.data_points.append(&mut next.data_points),
        (Data::ExponentialHistogram(last), Data::ExponentialHistogram(next)) => {
            last.data_points.append(&mut next.data_points);
        }
        (last, next) => panic!("{last:?} went on as {next:?}"),
    }
    next.data = last.data.take();
    assert_eq!(Metric { data: None, ..next.clone() }, *last, "it went on under another name");
    *last = next;
}

#[test]
fn a_request_may_be_exactly_as_long_as_the_limit() {
    let registry = Registry::new();
    for number in 0..200 {
        registry.counter("events").bind(&[KeyValue::new("number", number)]).unwrap().add(1);
        registry.histogram::<u64>("sizes").bind(&[KeyValue::new("number", number)]).unwrap().record(1);
    }
    let snapshot = registry.snapshot();
    let lengths = |max_bytes: usize| -> Vec<usize> {
        let max_bytes = NonZeroUsize::new(max_bytes).unwrap();
        let bodies = Serializer::new([]).max_bytes(max_bytes).requests(snapshot.clone());
        bodies.iter().map(Vec::len).collect()
    };
    let whole = lengths(usize::MAX)[0];
    assert_eq!(lengths(whole), [whole]);
    let divided = lengths(whole - 1);
    assert_eq!(divided.len(), 2);
    assert!(divided[0] < whole);
}
