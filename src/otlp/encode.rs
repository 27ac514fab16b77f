//! From a snapshot to OTLP requests.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue as WireKeyValue, any_value::Value as WireValue},
    metrics::v1::{
        AggregationTemporality, ExponentialHistogram as WireHistogram, ExponentialHistogramDataPoint, Gauge,
        Metric as WireMetric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
        exponential_histogram_data_point::Buckets, metric::Data as WireData,
        number_data_point::Value as Number,
    },
    resource::v1::Resource,
};

use super::delta::{Base, Step};
use crate::metrics::{Data, ExponentialHistogram, KeyValue, Metric, Point, Snapshot, Timestamp, Value};

/// One request, and what it means for the base of the deltas.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) request: ExportMetricsServiceRequest,
    pub(super) points: u64,
    /// To be taken when the request is answered for.
    pub(super) steps: Vec<Step>,
}

/// Encodes `snapshot` into requests of at most `max_points` points: the windows since `base`, or the totals if
/// there is none.
pub(super) fn encode(
    snapshot: Snapshot,
    mut base: Option<&mut Base>,
    resource: &Resource,
    max_points: usize,
) -> Vec<Part> {
    if let Some(base) = &mut base {
        base.begin();
    }
    let mut encoder = Encoder {
        base,
        resource,
        max_points,
        parts: Vec::new(),
        metrics: Vec::new(),
        points: 0,
        steps: Vec::new(),
    };
    for metric in snapshot.metrics {
        encoder.metric(metric);
    }
    encoder.finish()
}

/// The attributes in the form of the wire.
pub(super) fn attributes(attributes: &[KeyValue]) -> Vec<WireKeyValue> {
    let value = |value: &Value| match value {
        Value::Bool(value) => WireValue::BoolValue(*value),
        Value::I64(value) => WireValue::IntValue(*value),
        Value::F64(value) => WireValue::DoubleValue(*value),
        Value::String(value) => WireValue::StringValue(value.to_string()),
    };
    let attribute = |attribute: &KeyValue| WireKeyValue {
        key: attribute.key.to_string(),
        value: Some(AnyValue { value: Some(value(&attribute.value)) }),
        ..WireKeyValue::default()
    };
    attributes.iter().map(attribute).collect()
}

struct Encoder<'a> {
    base: Option<&'a mut Base>,
    resource: &'a Resource,
    max_points: usize,
    parts: Vec<Part>,
    /// The part being filled.
    metrics: Vec<WireMetric>,
    points: usize,
    steps: Vec<Step>,
}

/// A point on its way into a part, and the step of its series.
type Placed<P> = (P, Option<Step>);

impl Encoder<'_> {
    fn metric(&mut self, metric: Metric) {
        let head = WireMetric {
            name: metric.name.to_string(),
            description: metric.description.to_string(),
            unit: metric.unit.to_string(),
            ..WireMetric::default()
        };
        let windowed = match self.base {
            Some(_) => AggregationTemporality::Delta,
            None => AggregationTemporality::Cumulative,
        } as i32;
        match metric.data {
            Data::Counter(points) => {
                let points = points.into_iter().filter_map(|point| self.counter(point)).collect();
                self.place(&head, points, |data_points| {
                    WireData::Sum(Sum { data_points, aggregation_temporality: windowed, is_monotonic: true })
                });
            }
            Data::UpDownCounter(points) => {
                let points = points.iter().map(|point| (up_down(point), None)).collect();
                let aggregation_temporality = AggregationTemporality::Cumulative as i32;
                self.place(&head, points, |data_points| {
                    WireData::Sum(Sum { data_points, aggregation_temporality, is_monotonic: false })
                });
            }
            Data::GaugeI64(points) => {
                let points =
                    points.iter().map(|point| (gauge(point, Number::AsInt(point.value)), None)).collect();
                self.place(&head, points, |data_points| WireData::Gauge(Gauge { data_points }));
            }
            Data::GaugeF64(points) => {
                let points =
                    points.iter().map(|point| (gauge(point, Number::AsDouble(point.value)), None)).collect();
                self.place(&head, points, |data_points| WireData::Gauge(Gauge { data_points }));
            }
            Data::Histogram(points) => {
                let points = points.into_iter().filter_map(|point| self.histogram(point)).collect();
                self.place(&head, points, |data_points| {
                    WireData::ExponentialHistogram(WireHistogram {
                        data_points,
                        aggregation_temporality: windowed,
                    })
                });
            }
        }
    }

    /// The point of a counter, or nothing if nothing was added since its base.
    fn counter(&mut self, point: Point<u64>) -> Option<Placed<NumberDataPoint>> {
        let Some(base) = &mut self.base else {
            return Some((sum(&point, point.start, unsigned(point.value)), None));
        };
        let window = base.sum(&point);
        if window.value == 0 {
            self.steps.push(window.step);
            return None;
        }
        Some((sum(&point, window.start, unsigned(window.value)), Some(window.step)))
    }

    /// The point of a histogram, or nothing if nothing was recorded since its base.
    fn histogram(
        &mut self,
        point: Point<ExponentialHistogram>,
    ) -> Option<Placed<ExponentialHistogramDataPoint>> {
        let (attributes, time) = (attributes(&point.attributes), point.time);
        let Some(base) = &mut self.base else {
            return Some((distribution(attributes, point.start, time, point.value), None));
        };
        let window = base.distribution(point);
        if window.value.count() == 0 {
            self.steps.push(window.step);
            return None;
        }
        Some((distribution(attributes, window.start, time, window.value), Some(window.step)))
    }

    /// Puts points into the part being filled, and goes on with another when it is full.
    fn place<P>(&mut self, head: &WireMetric, points: Vec<Placed<P>>, data: impl Fn(Vec<P>) -> WireData) {
        let mut points = points.into_iter().peekable();
        while points.peek().is_some() {
            let room = self.max_points - self.points;
            let (chunk, steps): (Vec<P>, Vec<Option<Step>>) = points.by_ref().take(room).unzip();
            self.points += chunk.len();
            self.steps.extend(steps.into_iter().flatten());
            self.metrics.push(WireMetric { data: Some(data(chunk)), ..head.clone() });
            if self.points == self.max_points {
                self.close_part();
            }
        }
    }

    fn close_part(&mut self) {
        let scope = InstrumentationScope {
            name: "freewheel".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            ..InstrumentationScope::default()
        };
        let metrics = std::mem::take(&mut self.metrics);
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
        let resource = Some(self.resource.clone());
        let resource_metrics =
            vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
        self.parts.push(Part {
            request: ExportMetricsServiceRequest { resource_metrics },
            points: std::mem::take(&mut self.points) as u64,
            steps: std::mem::take(&mut self.steps),
        });
    }

    fn finish(mut self) -> Vec<Part> {
        if self.points > 0 {
            self.close_part();
        }
        if let Some(base) = self.base {
            base.end();
            // The series in which nothing happened wait for the answer like the others, if there is one to wait for.
            match self.parts.last_mut() {
                Some(part) => part.steps.append(&mut self.steps),
                None => base.advance(self.steps),
            }
        }
        self.parts
    }
}

/// OTLP has signed integers only; a total beyond them goes out as the nearest floating-point number.
fn unsigned(value: u64) -> Number {
    i64::try_from(value).map_or(Number::AsDouble(value as f64), Number::AsInt)
}

fn sum(point: &Point<u64>, start: Timestamp, value: Number) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(&point.attributes),
        start_time_unix_nano: start.as_unix_nanos(),
        time_unix_nano: point.time.as_unix_nanos(),
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn up_down(point: &Point<i64>) -> NumberDataPoint {
    NumberDataPoint {
        start_time_unix_nano: point.start.as_unix_nanos(),
        ..gauge(point, Number::AsInt(point.value))
    }
}

/// A last value has no beginning, so its start is left out.
fn gauge<T>(point: &Point<T>, value: Number) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(&point.attributes),
        time_unix_nano: point.time.as_unix_nanos(),
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn distribution(
    attributes: Vec<WireKeyValue>,
    start: Timestamp,
    time: Timestamp,
    value: ExponentialHistogram,
) -> ExponentialHistogramDataPoint {
    let value = value.with_max_buckets(ExponentialHistogram::MAX_EXPORTED_BUCKETS);
    let buckets = || Buckets { offset: value.offset(), bucket_counts: value.buckets().to_vec() };
    ExponentialHistogramDataPoint {
        attributes,
        start_time_unix_nano: start.as_unix_nanos(),
        time_unix_nano: time.as_unix_nanos(),
        count: value.count(),
        sum: Some(value.sum()),
        scale: value.scale(),
        zero_count: value.zero_count(),
        positive: (!value.buckets().is_empty()).then(buckets),
        min: value.min(),
        max: value.max(),
        ..ExponentialHistogramDataPoint::default()
    }
}
