//! The exposition of a registry for Prometheus, as text. What other parsers make of it is in `prometheus_third_party.rs`.
#![cfg(feature = "prometheus")]

mod exposition;
mod format;
mod histograms;
mod labels;
mod names;

use freewheel::{
    metrics::{Data, KeyValue, Registry},
    prometheus::{Encoder, Format},
};

fn text(registry: &Registry) -> String {
    Encoder::new().encode(&registry.snapshot())
}

fn open_metrics(registry: &Registry) -> String {
    Encoder::new().format(Format::OpenMetrics).encode(&registry.snapshot())
}

/// The exposition of one counter that was incremented once with these attributes, without the name, the value and the
/// line's end.
fn labels(encoder: &Encoder, attributes: &[KeyValue]) -> String {
    let registry = Registry::new();
    registry.counter("counter").bind(attributes).unwrap().add(1);
    let text = encoder.encode(&registry.snapshot());
    let lines: Vec<&str> = text.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
    let [line] = lines[..] else { panic!("{text}") };
    line.strip_prefix("counter_total").unwrap().strip_suffix(" 1\n").unwrap().to_owned()
}

/// A snapshot of one gauge with this value, which gauges may not take.
fn snapshot_of(value: f64) -> freewheel::metrics::Snapshot {
    let registry = Registry::new();
    registry.gauge::<f64>("gauge").build().unwrap().record(0.0);
    let mut snapshot = registry.snapshot();
    let Data::GaugeF64(points) = &mut snapshot.metrics[0].data else { panic!("{snapshot:?}") };
    points[0].value = value;
    snapshot
}
