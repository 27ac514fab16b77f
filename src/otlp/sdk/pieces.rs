//! From a collection of the SDK to serialized messages, none of them too large for a request.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{ExponentialHistogram, Gauge, Histogram, Metric, ScopeMetrics, Sum, Summary, metric::Data},
};
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use prost::Message;

use super::super::Foreign;

/// The most points of a piece.
const MAX_POINTS: usize = 1000;
/// The most bytes of a piece, unless it is a single point: several fit into the request of a usual destination.
const MAX_BYTES: usize = 1_000_000;

/// One piece for each scope, or several if there is much in it.
pub(super) fn pieces(collected: &ResourceMetrics) -> Vec<Foreign> {
    let request = ExportMetricsServiceRequest::from(collected);
    let mut pieces = Vec::new();
    for scope in request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics) {
        divide_scope(scope, &mut pieces);
    }
    pieces
}

fn divide_scope(mut scope: ScopeMetrics, pieces: &mut Vec<Foreign>) {
    let mut metrics = Vec::new();
    std::mem::take(&mut scope.metrics).into_iter().for_each(|metric| divide_metric(metric, &mut metrics));
    let (mut points, mut bytes) = (0, 0);
    for metric in metrics {
        let (more_points, more_bytes) = (points_of(&metric), metric.encoded_len());
        if points > 0 && (points + more_points > MAX_POINTS || bytes + more_bytes > MAX_BYTES) {
            pieces.push(Foreign::new(scope.encode_to_vec(), points as u64));
            scope.metrics.clear();
            (points, bytes) = (0, 0);
        }
        points += more_points;
        bytes += more_bytes;
        scope.metrics.push(metric);
    }
    if points > 0 {
        pieces.push(Foreign::new(scope.encode_to_vec(), points as u64));
    }
}

/// Halves the metric until its parts are within the limits.
fn divide_metric(mut metric: Metric, parts: &mut Vec<Metric>) {
    let points = points_of(&metric);
    if points > 1 && (points > MAX_POINTS || metric.encoded_len() > MAX_BYTES) {
        let rest = split_off(&mut metric, points / 2);
        divide_metric(metric, parts);
        divide_metric(rest, parts);
    } else if points > 0 {
        parts.push(metric);
    }
}

fn points_of(metric: &Metric) -> usize {
    match &metric.data {
        None => 0,
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
    }
}

/// Leaves the first points in `metric`, and gives the same metric with the others.
fn split_off(metric: &mut Metric, first: usize) -> Metric {
    let data = metric.data.as_mut().map(|data| match data {
        Data::Gauge(Gauge { data_points }) => {
            Data::Gauge(Gauge { data_points: data_points.split_off(first) })
        }
        Data::Sum(sum) => Data::Sum(Sum { data_points: sum.data_points.split_off(first), ..*sum }),
        Data::Histogram(histogram) => Data::Histogram(Histogram {
            data_points: histogram.data_points.split_off(first),
            aggregation_temporality: histogram.aggregation_temporality,
        }),
        Data::ExponentialHistogram(histogram) => Data::ExponentialHistogram(ExponentialHistogram {
            data_points: histogram.data_points.split_off(first),
            aggregation_temporality: histogram.aggregation_temporality,
        }),
        Data::Summary(Summary { data_points }) => {
            Data::Summary(Summary { data_points: data_points.split_off(first) })
        }
    });
    let (name, description) = (metric.name.clone(), metric.description.clone());
    Metric { name, description, unit: metric.unit.clone(), metadata: metric.metadata.clone(), data }
}
