//! What the OpenTelemetry specification asks of whoever exports metrics, rule by rule, on the wire.
//!
//! The rules are those of `opentelemetry-specification` (`metrics/` and `protocol/`), of `opentelemetry-proto` and of the
//! semantic conventions; each test names the section. What takes longer to show is shown elsewhere: in `tests/otlp`,
//! `tests/otlp_serializer`, `tests/family_limit.rs`, and by somebody else's decoder in `tests/otlp_third_party`.

#[allow(dead_code, unused_imports, reason = "what other tests need")]
#[path = "../otlp/collector/mod.rs"]
mod collector;
mod delivery;
mod histograms;
mod identity;
#[allow(dead_code, reason = "what other tests need")]
#[path = "../otlp/reading.rs"]
mod reading;
mod sums;

use freewheel::{
    metrics::Registry,
    otlp::{Exporter, Temporality},
};
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, Metric, metric::Data,
};

use collector::{Collector, PATIENCE};

/// A registry, and an exporter with a collector for it.
struct Bench {
    collector: Collector,
    registry: Registry,
    exporter: Exporter,
}

impl Bench {
    fn new(temporality: Temporality) -> Self {
        let (collector, registry) = (Collector::start([]), Registry::new());
        let exporter = collector.exporter(&registry).temporality(temporality).start().unwrap();
        Self { collector, registry, exporter }
    }

    fn flush(&self) {
        self.exporter.force_flush(PATIENCE).unwrap();
    }

    /// The metrics of the last request.
    fn last(&self) -> Vec<Metric> {
        let request = self.collector.accepted().pop().unwrap();
        request.resource_metrics.into_iter().next().unwrap().scope_metrics.swap_remove(0).metrics
    }

    /// Exports, and returns the first point of the only metric.
    fn exponential(&self) -> ExponentialHistogramDataPoint {
        self.flush();
        let Some(Data::ExponentialHistogram(histogram)) = self.last().swap_remove(0).data else { panic!() };
        histogram.data_points[0].clone()
    }

    fn explicit(&self) -> HistogramDataPoint {
        self.flush();
        let Some(Data::Histogram(histogram)) = self.last().swap_remove(0).data else { panic!() };
        histogram.data_points[0].clone()
    }
}
