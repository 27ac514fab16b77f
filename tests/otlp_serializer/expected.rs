//! What a snapshot is to become, in the messages that opentelemetry-proto has.

use freewheel::metrics::{
    Data, Exemplar, ExplicitHistogram, ExponentialHistogram, KeyValue, Metric, Point, Snapshot, Timestamp,
    Value,
};
use opentelemetry_proto::tonic::{
    common::v1 as common,
    metrics::v1::{
        self as proto, AggregationTemporality::Cumulative, exemplar,
        exponential_histogram_data_point::Buckets, metric, number_data_point::Value as Number,
    },
};

/// The totals of a snapshot, for a collector that has seen none before.
pub(crate) fn totals(snapshot: &Snapshot) -> Vec<proto::Metric> {
    snapshot.metrics.iter().map(total).collect()
}

fn total(metric: &Metric) -> proto::Metric {
    let sum = |data_points, is_monotonic| {
        let aggregation_temporality = Cumulative as i32;
        metric::Data::Sum(proto::Sum { data_points, aggregation_temporality, is_monotonic })
    };
    let gauge = |data_points| metric::Data::Gauge(proto::Gauge { data_points });
    let data = match &metric.data {
        Data::Counter(points) => sum(
            numbers(points, |value| match i64::try_from(value) {
                Ok(value) => Number::AsInt(value),
                Err(_) => Number::AsDouble(value as f64),
            }),
            true,
        ),
        Data::CounterF64(points) => sum(numbers(points, Number::AsDouble), true),
        Data::UpDownCounter(points) => sum(numbers(points, Number::AsInt), false),
        Data::GaugeI64(points) => gauge(without_start(numbers(points, Number::AsInt))),
        Data::GaugeF64(points) => gauge(without_start(numbers(points, Number::AsDouble))),
        Data::Histogram(points) => metric::Data::ExponentialHistogram(proto::ExponentialHistogram {
            data_points: points.iter().map(exponential).collect(),
            aggregation_temporality: Cumulative as i32,
        }),
        Data::ExplicitHistogram(points) => metric::Data::Histogram(proto::Histogram {
            data_points: points.iter().map(explicit).collect(),
            aggregation_temporality: Cumulative as i32,
        }),
        other => panic!("{other:?} is new"),
    };
    proto::Metric {
        name: metric.name.to_string(),
        description: metric.description.to_string(),
        unit: metric.unit.to_string(),
        data: Some(data),
        ..proto::Metric::default()
    }
}

fn numbers<T: Copy>(points: &[Point<T>], number: impl Fn(T) -> Number) -> Vec<proto::NumberDataPoint> {
    let point = |point: &Point<T>| proto::NumberDataPoint {
        attributes: attributes(&point.attributes),
        start_time_unix_nano: point.start.as_unix_nanos(),
        time_unix_nano: point.time.as_unix_nanos(),
        value: Some(number(point.value)),
        ..proto::NumberDataPoint::default()
    };
    points.iter().map(point).collect()
}

fn without_start(mut points: Vec<proto::NumberDataPoint>) -> Vec<proto::NumberDataPoint> {
    points.iter_mut().for_each(|point| point.start_time_unix_nano = 0);
    points
}

fn exponential(point: &Point<ExponentialHistogram>) -> proto::ExponentialHistogramDataPoint {
    let value = point.value.clone().with_max_buckets(160);
    let buckets = |offset, counts: &[u64]| {
        (!counts.is_empty()).then(|| Buckets { offset, bucket_counts: counts.to_vec() })
    };
    proto::ExponentialHistogramDataPoint {
        attributes: attributes(&point.attributes),
        start_time_unix_nano: point.start.as_unix_nanos(),
        time_unix_nano: point.time.as_unix_nanos(),
        count: value.count(),
        sum: value.negative_buckets().is_empty().then(|| value.sum()),
        scale: value.scale(),
        zero_count: value.zero_count(),
        positive: buckets(value.offset(), value.buckets()),
        negative: buckets(value.negative_offset(), value.negative_buckets()),
        exemplars: exemplars(&point.exemplars, point.start, point.time),
        min: value.min(),
        max: value.max(),
        ..proto::ExponentialHistogramDataPoint::default()
    }
}

fn explicit(point: &Point<ExplicitHistogram>) -> proto::HistogramDataPoint {
    let value = &point.value;
    proto::HistogramDataPoint {
        attributes: attributes(&point.attributes),
        start_time_unix_nano: point.start.as_unix_nanos(),
        time_unix_nano: point.time.as_unix_nanos(),
        count: value.count(),
        sum: value.min().is_none_or(|min| min >= 0.0).then(|| value.sum()),
        bucket_counts: value.buckets().to_vec(),
        explicit_bounds: value.bounds().to_vec(),
        exemplars: exemplars(&point.exemplars, point.start, point.time),
        min: value.min(),
        max: value.max(),
        ..proto::HistogramDataPoint::default()
    }
}

/// Those within the time of the point: later ones are of the next.
fn exemplars(exemplars: &[Exemplar], after: Timestamp, until: Timestamp) -> Vec<proto::Exemplar> {
    let exemplar = |exemplar: &Exemplar| proto::Exemplar {
        time_unix_nano: exemplar.time.as_unix_nanos(),
        value: Some(exemplar::Value::AsDouble(exemplar.value)),
        trace_id: exemplar.trace_id.to_vec(),
        span_id: exemplar.span_id.to_vec(),
        ..proto::Exemplar::default()
    };
    let is_within = |exemplar: &&Exemplar| exemplar.time > after && exemplar.time <= until;
    exemplars.iter().filter(is_within).map(exemplar).collect()
}

pub(crate) fn attributes(attributes: &[KeyValue]) -> Vec<common::KeyValue> {
    let value = |value: &Value| match value {
        Value::Bool(value) => common::any_value::Value::BoolValue(*value),
        Value::I64(value) => common::any_value::Value::IntValue(*value),
        Value::F64(value) => common::any_value::Value::DoubleValue(*value),
        Value::String(value) => common::any_value::Value::StringValue(value.to_string()),
        other => panic!("{other:?} is new"),
    };
    let attribute = |attribute: &KeyValue| common::KeyValue {
        key: attribute.key.to_string(),
        value: Some(common::AnyValue { value: Some(value(&attribute.value)) }),
        ..common::KeyValue::default()
    };
    attributes.iter().map(attribute).collect()
}
