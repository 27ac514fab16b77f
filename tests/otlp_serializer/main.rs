//! Snapshots as OTLP requests, read by the messages that opentelemetry-proto has.
#![cfg(all(feature = "otlp", feature = "serde"))]

mod conversion;
mod expected;
mod foreign;
mod limits;
mod snapshots;
mod temporality;
mod values;

use freewheel::{metrics::Snapshot, otlp::Serializer};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{Metric, metric::Data},
};
use prost::Message;

/// The request of these bytes, which are also those that prost writes for it.
fn decoded(body: &[u8]) -> ExportMetricsServiceRequest {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    assert!(request.encode_to_vec() == body, "prost writes {request:?} in other bytes");
    request
}

fn requests(serializer: &mut Serializer, snapshot: Snapshot) -> Vec<ExportMetricsServiceRequest> {
    serializer.requests(snapshot).iter().map(|body| decoded(body)).collect()
}

/// The metrics of freewheel's own scope in the only request; none if there is none.
fn metrics(serializer: &mut Serializer, snapshot: Snapshot) -> Vec<Metric> {
    match &mut requests(serializer, snapshot)[..] {
        [] => Vec::new(),
        [request] => std::mem::take(&mut request.resource_metrics[0].scope_metrics[0].metrics),
        several => panic!("{} requests", several.len()),
    }
}

/// How many points a metric has.
fn points(metric: &Metric) -> usize {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(data) => data.data_points.len(),
        Data::Sum(data) => data.data_points.len(),
        Data::Histogram(data) => data.data_points.len(),
        Data::ExponentialHistogram(data) => data.data_points.len(),
        Data::Summary(_) => panic!("there are no summaries"),
    }
}
