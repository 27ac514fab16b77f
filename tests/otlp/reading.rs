//! Requests, flattened to one reading for each point.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{KeyValue, any_value::Value as Any},
    metrics::v1::{AggregationTemporality, NumberDataPoint, metric::Data, number_data_point::Value},
};

/// What kind of point it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sum { delta: bool, monotonic: bool },
    Gauge,
    Histogram { delta: bool },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) name: String,
    /// `key=value` of each attribute.
    pub(crate) attributes: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) start: u64,
    pub(crate) time: u64,
    /// Sum or last value; for a histogram the count.
    pub(crate) value: Number,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Double(f64),
}

impl Reading {
    pub(crate) fn int(&self) -> i64 {
        match self.value {
            Number::Int(value) => value,
            Number::Double(value) => panic!("{} is the floating-point number {value}", self.name),
        }
    }
}

/// All points of a request, in the order of the wire.
pub(crate) fn readings(request: &ExportMetricsServiceRequest) -> Vec<Reading> {
    let mut readings = Vec::new();
    for scope in request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics) {
        for metric in &scope.metrics {
            let reading = |attributes: &[KeyValue], kind, start, time, value| Reading {
                name: metric.name.clone(),
                attributes: texts(attributes),
                kind,
                start,
                time,
                value,
            };
            let number = |kind, point: &NumberDataPoint| {
                let value = match point.value.unwrap() {
                    Value::AsInt(value) => Number::Int(value),
                    Value::AsDouble(value) => Number::Double(value),
                };
                reading(&point.attributes, kind, point.start_time_unix_nano, point.time_unix_nano, value)
            };
            match metric.data.as_ref().unwrap() {
                Data::Sum(sum) => {
                    let kind = Kind::Sum {
                        delta: is_delta(sum.aggregation_temporality),
                        monotonic: sum.is_monotonic,
                    };
                    readings.extend(sum.data_points.iter().map(|point| number(kind, point)));
                }
                Data::Gauge(gauge) => {
                    readings.extend(gauge.data_points.iter().map(|point| number(Kind::Gauge, point)));
                }
                Data::ExponentialHistogram(histogram) => {
                    let kind = Kind::Histogram { delta: is_delta(histogram.aggregation_temporality) };
                    readings.extend(histogram.data_points.iter().map(|point| {
                        let count = Number::Int(point.count.try_into().unwrap());
                        let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
                        reading(&point.attributes, kind, start, time, count)
                    }));
                }
                Data::Histogram(histogram) => {
                    let kind = Kind::Histogram { delta: is_delta(histogram.aggregation_temporality) };
                    readings.extend(histogram.data_points.iter().map(|point| {
                        let count = Number::Int(point.count.try_into().unwrap());
                        let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
                        reading(&point.attributes, kind, start, time, count)
                    }));
                }
                other => panic!("unexpected data {other:?}"),
            }
        }
    }
    readings
}

/// The readings of one metric over several requests.
pub(crate) fn of(requests: &[ExportMetricsServiceRequest], name: &str) -> Vec<Reading> {
    requests.iter().flat_map(readings).filter(|reading| reading.name == name).collect()
}

/// The sum of the windows of one metric, checked to be delta windows that do not overlap.
pub(crate) fn sum_of_windows(requests: &[ExportMetricsServiceRequest], name: &str) -> i64 {
    let mut ends = BTreeMap::new();
    let mut sum = 0;
    for window in of(requests, name) {
        assert!(matches!(window.kind, Kind::Sum { delta: true, .. } | Kind::Histogram { delta: true }));
        assert!(window.start < window.time, "{window:?} ends before it starts");
        if let Some(end) = ends.insert(window.attributes.clone(), window.time) {
            assert!(window.start >= end, "{window:?} starts before the end of the last window, {end}");
        }
        sum += window.int();
    }
    sum
}

/// The last total of a metric with a single series, checked to be cumulative from one constant start.
pub(crate) fn last_total(requests: &[ExportMetricsServiceRequest], name: &str) -> i64 {
    let totals = of(requests, name);
    let starts: BTreeSet<u64> = totals.iter().map(|total| total.start).collect();
    assert_eq!(starts.len(), 1, "the start must stay");
    for total in &totals {
        assert!(matches!(total.kind, Kind::Sum { delta: false, .. } | Kind::Histogram { delta: false }));
        assert!(total.start < total.time);
    }
    for pair in totals.windows(2) {
        assert!(pair[0].time < pair[1].time && pair[0].int() <= pair[1].int(), "{pair:?}");
    }
    totals.last().unwrap().int()
}

/// `key=value` of each attribute.
pub(crate) fn texts(attributes: &[KeyValue]) -> Vec<String> {
    let text = |attribute: &KeyValue| {
        let value = match attribute.value.as_ref().and_then(|value| value.value.as_ref()).unwrap() {
            Any::StringValue(value) => value.clone(),
            Any::BoolValue(value) => value.to_string(),
            Any::IntValue(value) => value.to_string(),
            Any::DoubleValue(value) => value.to_string(),
            other => panic!("unexpected value {other:?}"),
        };
        format!("{}={value}", attribute.key)
    };
    attributes.iter().map(text).collect()
}

fn is_delta(temporality: i32) -> bool {
    match AggregationTemporality::try_from(temporality).unwrap() {
        AggregationTemporality::Delta => true,
        AggregationTemporality::Cumulative => false,
        AggregationTemporality::Unspecified => panic!("the temporality must be given"),
    }
}
