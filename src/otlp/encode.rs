//! From a snapshot to OTLP requests.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue as WireKeyValue, any_value::Value as WireValue},
    metrics::v1::{
        AggregationTemporality, Exemplar as WireExemplar, ExponentialHistogram as WireExponential,
        ExponentialHistogramDataPoint, Gauge, Histogram as WireExplicit, HistogramDataPoint,
        Metric as WireMetric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar,
        exponential_histogram_data_point::Buckets, metric::Data as WireData,
        number_data_point::Value as Number,
    },
    resource::v1::Resource,
};

use super::delta::{Base, Exported, Step};
use crate::metrics::{
    Data, Exemplar, ExplicitHistogram, ExponentialHistogram, KeyValue, Metric, Point, Snapshot, Timestamp,
    Value,
};

/// One request, and what it means for the base of the deltas.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) request: ExportMetricsServiceRequest,
    pub(super) points: u64,
    /// To be taken when the request is answered for.
    pub(super) steps: Vec<Step>,
}

/// Encodes `snapshot` into requests of at most `max_points` points: the windows since `base`, or the totals if
/// there is none; exemplars of totals only if they are younger than `exemplars_after`.
pub(super) fn encode(
    snapshot: Snapshot,
    mut base: Option<&mut Base>,
    resource: &Resource,
    max_points: usize,
    exemplars_after: Timestamp,
) -> Vec<Part> {
    if let Some(base) = &mut base {
        base.begin();
    }
    let mut encoder = Encoder {
        base,
        resource,
        max_points,
        exemplars_after,
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
    /// Of totals, exemplars up to here were sent before.
    exemplars_after: Timestamp,
    parts: Vec<Part>,
    /// The part being filled.
    metrics: Vec<WireMetric>,
    points: usize,
    steps: Vec<Step>,
}

/// A point on its way into a part, and the step of its series.
type Placed<P> = (P, Option<Step>);

/// What all points have in common.
struct Frame {
    attributes: Vec<WireKeyValue>,
    start_nanos: u64,
    time_nanos: u64,
    exemplars: Vec<Exemplar>,
}

impl Encoder<'_> {
    fn metric(&mut self, metric: Metric) {
        let head = WireMetric {
            name: metric.name.to_string(),
            description: metric.description.to_string(),
            unit: metric.unit.to_string(),
            ..WireMetric::default()
        };
        match metric.data {
            Data::Counter(points) => self.counter(&head, points, unsigned),
            Data::CounterF64(points) => self.counter(&head, points, Number::AsDouble),
            Data::UpDownCounter(points) => {
                let points = points.iter().map(|point| (up_down(point), None)).collect();
                let aggregation_temporality = AggregationTemporality::Cumulative as i32;
                self.place(&head, points, |data_points| {
                    WireData::Sum(Sum { data_points, aggregation_temporality, is_monotonic: false })
                });
            }
            Data::GaugeI64(points) => self.gauge(&head, &points, Number::AsInt),
            Data::GaugeF64(points) => self.gauge(&head, &points, Number::AsDouble),
            Data::Histogram(points) => {
                let aggregation_temporality = self.temporality();
                let points = self.windows(points, exponential);
                self.place(&head, points, |data_points| {
                    WireData::ExponentialHistogram(WireExponential { data_points, aggregation_temporality })
                });
            }
            Data::ExplicitHistogram(points) => {
                let aggregation_temporality = self.temporality();
                let points = self.windows(points, explicit);
                self.place(&head, points, |data_points| {
                    WireData::Histogram(WireExplicit { data_points, aggregation_temporality })
                });
            }
        }
    }

    fn counter<T: Exported>(&mut self, head: &WireMetric, points: Vec<Point<T>>, number: fn(T) -> Number) {
        let aggregation_temporality = self.temporality();
        let points = self.windows(points, |frame, value| frame.number(number(value)));
        self.place(head, points, |data_points| {
            WireData::Sum(Sum { data_points, aggregation_temporality, is_monotonic: true })
        });
    }

    fn gauge<T: Copy>(&mut self, head: &WireMetric, points: &[Point<T>], number: fn(T) -> Number) {
        let points = points.iter().map(|point| (gauge(point, number(point.value)), None)).collect();
        self.place(head, points, |data_points| WireData::Gauge(Gauge { data_points }));
    }

    /// What the points of counters and histograms tell.
    fn temporality(&self) -> i32 {
        let temporality = match self.base {
            Some(_) => AggregationTemporality::Delta,
            None => AggregationTemporality::Cumulative,
        };
        temporality as i32
    }

    /// The points as totals, or as windows since the base without those in which nothing happened.
    fn windows<T: Exported, P>(
        &mut self,
        points: Vec<Point<T>>,
        encode: impl Fn(Frame, T) -> P,
    ) -> Vec<Placed<P>> {
        let mut placed = Vec::with_capacity(points.len());
        for mut point in points {
            let (key, start, time) = (point.attributes.clone(), point.start, point.time);
            let exemplars = std::mem::take(&mut point.exemplars);
            let Some(base) = &mut self.base else {
                let frame = Frame::new(&key, start, time, exemplars, self.exemplars_after);
                placed.push((encode(frame, point.value), None));
                continue;
            };
            let window = base.window(point);
            if !window.value.is_empty() {
                let frame = Frame::new(&key, window.start, time, exemplars, window.start);
                placed.push((encode(frame, window.value), Some(window.step)));
            } else if !window.value.is_unfinished() {
                self.steps.push(window.step);
            }
        }
        placed
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

impl Frame {
    /// Of the exemplars those that are younger than `after`: the collector has the others.
    fn new(
        key: &[KeyValue],
        start: Timestamp,
        time: Timestamp,
        mut exemplars: Vec<Exemplar>,
        after: Timestamp,
    ) -> Self {
        exemplars.retain(|exemplar| exemplar.time > after);
        let (start_nanos, time_nanos) = (start.as_unix_nanos(), time.as_unix_nanos());
        Self { attributes: attributes(key), start_nanos, time_nanos, exemplars }
    }

    fn exemplars(&self) -> Vec<WireExemplar> {
        let exemplar = |exemplar: &Exemplar| WireExemplar {
            time_unix_nano: exemplar.time.as_unix_nanos(),
            value: Some(exemplar::Value::AsDouble(exemplar.value)),
            trace_id: exemplar.trace_id.to_vec(),
            span_id: exemplar.span_id.to_vec(),
            ..WireExemplar::default()
        };
        self.exemplars.iter().map(exemplar).collect()
    }

    fn number(self, value: Number) -> NumberDataPoint {
        NumberDataPoint {
            attributes: self.attributes,
            start_time_unix_nano: self.start_nanos,
            time_unix_nano: self.time_nanos,
            value: Some(value),
            ..NumberDataPoint::default()
        }
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

fn exponential(frame: Frame, value: ExponentialHistogram) -> ExponentialHistogramDataPoint {
    let value = value.with_max_buckets(ExponentialHistogram::MAX_EXPORTED_BUCKETS);
    let buckets = |offset: i32, counts: &[u64]| {
        (!counts.is_empty()).then(|| Buckets { offset, bucket_counts: counts.to_vec() })
    };
    ExponentialHistogramDataPoint {
        exemplars: frame.exemplars(),
        attributes: frame.attributes,
        start_time_unix_nano: frame.start_nanos,
        time_unix_nano: frame.time_nanos,
        count: value.count(),
        sum: value.rising_sum(),
        scale: value.scale(),
        zero_count: value.zero_count(),
        positive: buckets(value.offset(), value.buckets()),
        negative: buckets(value.negative_offset(), value.negative_buckets()),
        min: value.min(),
        max: value.max(),
        ..ExponentialHistogramDataPoint::default()
    }
}

fn explicit(frame: Frame, value: ExplicitHistogram) -> HistogramDataPoint {
    HistogramDataPoint {
        exemplars: frame.exemplars(),
        attributes: frame.attributes,
        start_time_unix_nano: frame.start_nanos,
        time_unix_nano: frame.time_nanos,
        count: value.count(),
        sum: value.rising_sum(),
        bucket_counts: value.buckets().to_vec(),
        explicit_bounds: value.bounds().to_vec(),
        min: value.min(),
        max: value.max(),
        ..HistogramDataPoint::default()
    }
}
