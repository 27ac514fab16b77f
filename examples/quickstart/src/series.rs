//! One form for what was recorded and for what arrived, so that the two can be compared.

use std::{collections::BTreeMap, iter};

use freewheel::metrics::{Data, ExponentialHistogram, KeyValue, Point, Snapshot};
use opentelemetry_proto::tonic::{
    common::v1::{KeyValue as WireKeyValue, any_value},
    metrics::v1::{ExponentialHistogramDataPoint, Metric, NumberDataPoint, metric, number_data_point},
};

/// Every series and what it stands at.
pub(crate) type Series = BTreeMap<Key, Reading>;

/// The name of a series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) metric: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reading {
    Integer(i64),
    Float(f64),
    Distribution(Distribution),
}

/// A base-2 exponential histogram.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Distribution {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) scale: i32,
    pub(crate) zero_count: u64,
    pub(crate) offset: i32,
    pub(crate) buckets: Vec<u64>,
}

/// What a snapshot says.
pub(crate) fn recorded(snapshot: &Snapshot) -> Series {
    let mut series = Series::new();
    for metric in &snapshot.metrics {
        let name = &*metric.name;
        match &metric.data {
            Data::Counter(points) => insert(&mut series, name, points, |sum| Reading::Integer(*sum as i64)),
            Data::UpDownCounter(points) | Data::GaugeI64(points) => {
                insert(&mut series, name, points, |value| Reading::Integer(*value));
            }
            Data::GaugeF64(points) => insert(&mut series, name, points, |value| Reading::Float(*value)),
            Data::Histogram(points) => {
                insert(&mut series, name, points, |histogram| Reading::Distribution(histogram.into()));
            }
            other => panic!("{name}: {other:?} is newer than this program"),
        }
    }
    series
}

fn insert<T>(series: &mut Series, metric: &str, points: &[Point<T>], reading: impl Fn(&T) -> Reading) {
    for point in points {
        let text = |attribute: &KeyValue| (attribute.key.to_string(), attribute.value.to_string());
        let attributes = point.attributes.iter().map(text).collect();
        series.insert(Key { metric: metric.to_owned(), attributes }, reading(&point.value));
    }
}

/// What a metric that came over the wire says. Its points replace earlier ones: they are totals since the start.
pub(crate) fn receive(series: &mut Series, metric: Metric) -> Result<(), String> {
    let name = metric.name;
    let readings: Vec<_> = match metric.data {
        Some(metric::Data::Sum(sum)) => sum.data_points.into_iter().filter_map(number).collect(),
        Some(metric::Data::Gauge(gauge)) => gauge.data_points.into_iter().filter_map(number).collect(),
        Some(metric::Data::ExponentialHistogram(histogram)) => {
            histogram.data_points.into_iter().map(distribution).collect()
        }
        _ => return Err(format!("{name}: neither a sum nor a gauge nor an exponential histogram")),
    };
    for (attributes, reading) in readings {
        series.insert(Key { metric: name.clone(), attributes }, reading);
    }
    Ok(())
}

fn number(point: NumberDataPoint) -> Option<(BTreeMap<String, String>, Reading)> {
    let reading = match point.value? {
        number_data_point::Value::AsInt(value) => Reading::Integer(value),
        number_data_point::Value::AsDouble(value) => Reading::Float(value),
    };
    Some((attributes(point.attributes), reading))
}

fn distribution(point: ExponentialHistogramDataPoint) -> (BTreeMap<String, String>, Reading) {
    let positive = point.positive.unwrap_or_default();
    let distribution = Distribution {
        count: point.count,
        sum: point.sum.unwrap_or_default(),
        min: point.min,
        max: point.max,
        scale: point.scale,
        zero_count: point.zero_count,
        offset: positive.offset,
        buckets: positive.bucket_counts,
    };
    (attributes(point.attributes), Reading::Distribution(distribution))
}

fn attributes(attributes: Vec<WireKeyValue>) -> BTreeMap<String, String> {
    let text = |value: any_value::Value| match value {
        any_value::Value::StringValue(text) => text,
        other => format!("{other:?}"),
    };
    let pair = |attribute: WireKeyValue| {
        let value = attribute.value.and_then(|value| value.value);
        (attribute.key, value.map(text).unwrap_or_default())
    };
    attributes.into_iter().map(pair).collect()
}

impl From<&ExponentialHistogram> for Distribution {
    fn from(histogram: &ExponentialHistogram) -> Self {
        let histogram = histogram.clone().with_max_buckets(ExponentialHistogram::MAX_EXPORTED_BUCKETS);
        Self {
            count: histogram.count(),
            sum: histogram.sum(),
            min: histogram.min(),
            max: histogram.max(),
            scale: histogram.scale(),
            zero_count: histogram.zero_count(),
            offset: histogram.offset(),
            buckets: histogram.buckets().to_vec(),
        }
    }
}

impl Distribution {
    /// The value below which the share `q` of the values lies: the geometric middle of the bucket that holds the
    /// value of that rank.
    pub(crate) fn quantile(&self, q: f64) -> Option<f64> {
        let rank = ((q * self.count as f64).ceil() as u64).max(1);
        let mut below = self.zero_count;
        if self.count > 0 && rank <= below {
            return Some(0.0);
        }
        for (index, bucket) in (self.offset..).zip(&self.buckets) {
            below += bucket;
            if rank <= below {
                let middle = ((f64::from(index) + 0.5) / f64::from(self.scale).exp2()).exp2();
                return Some(middle.clamp(self.min?, self.max?));
            }
        }
        self.max
    }

    /// Both distributions in one. Scales may differ: an exporter lowers the scale of a wide distribution until
    /// its buckets fit. Each step down merges pairs of buckets, so the finer one is brought to the coarser scale.
    pub(crate) fn merge(&mut self, other: &Self) {
        let scale = self.scale.min(other.scale);
        let mut buckets = BTreeMap::new();
        for part in [&*self, other] {
            for (index, count) in (part.offset..).zip(&part.buckets) {
                *buckets.entry(index >> (part.scale - scale)).or_insert(0) += count;
            }
        }
        let first = buckets.first_key_value().map_or(0, |(index, _)| *index);
        let last = buckets.last_key_value().map_or(first, |(index, _)| index + 1);
        *self = Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            min: self.min.into_iter().chain(other.min).reduce(f64::min),
            max: self.max.into_iter().chain(other.max).reduce(f64::max),
            scale,
            zero_count: self.zero_count + other.zero_count,
            offset: first,
            buckets: (first..last).map(|index| buckets.get(&index).copied().unwrap_or(0)).collect(),
        };
    }
}

/// What is different between two sets of series, in words, one line per series.
pub(crate) fn differences(recorded: &Series, received: &Series) -> Vec<String> {
    let keys = iter::chain(recorded.keys(), received.keys().filter(|key| !recorded.contains_key(key)));
    let describe = |reading: Option<&Reading>| reading.map_or("nothing".to_owned(), |it| format!("{it:?}"));
    let differ = keys.filter(|key| recorded.get(key) != received.get(key));
    let line = |key: &Key| {
        let (ours, theirs) = (describe(recorded.get(key)), describe(received.get(key)));
        format!("{} {:?}: recorded {ours}, received {theirs}", key.metric, key.attributes)
    };
    differ.map(line).collect()
}
