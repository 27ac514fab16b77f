//! `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` and `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`.

use freewheel::{
    metrics::Registry,
    otlp::{Destination, ExporterBuilder, HistogramAggregation, Temporality},
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest, metrics::v1::metric::Data,
};

use crate::{
    collector::{Collector, PATIENCE, idle_exporter},
    exporting::{ENDPOINT, Variables, environment, warning},
    reading::{Kind, of},
};

const TEMPORALITY: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
const HISTOGRAMS: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";

/// Instruments of which each temporality makes something else.
fn registry() -> Registry {
    let registry = Registry::builder().observe_timeout(PATIENCE).build();
    registry.counter("recorded").build().unwrap().add(1);
    registry.up_down_counter("up_down").build().unwrap().add(1);
    registry.histogram::<u64>("histogram").build().unwrap().record(1);
    registry.counter("observed").observe(|observer| observer.observe(1, &[])).unwrap();
    registry
}

/// What arrives from an exporter of these settings, and the names of the variables it warned of.
fn request(
    variables: Variables<'_>,
    change: impl FnOnce(ExporterBuilder) -> ExporterBuilder,
) -> (ExportMetricsServiceRequest, Vec<String>) {
    let collector = Collector::start([]);
    let url = collector.url();
    let variables: Vec<_> = [(ENDPOINT, &*url)].into_iter().chain(variables.iter().copied()).collect();
    let exporter = change(idle_exporter(&registry()).environment(environment(&variables))).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let warned = exporter.warnings().iter().map(|warning| warning.variable.to_string()).collect();
    (collector.accepted().swap_remove(0), warned)
}

/// Which metrics are windows.
fn windows(variables: Variables<'_>, in_code: Option<Temporality>) -> Vec<&'static str> {
    let (request, warned) = request(variables, |builder| match in_code {
        Some(temporality) => builder.temporality(temporality),
        None => builder,
    });
    assert!(warned.is_empty(), "{warned:?}");
    delta(&request)
}

fn delta(request: &ExportMetricsServiceRequest) -> Vec<&'static str> {
    let is_delta = |name: &&str| {
        let readings = of(std::slice::from_ref(request), name);
        assert_eq!(readings.len(), 1, "{name}");
        matches!(readings[0].kind, Kind::Sum { delta: true, .. } | Kind::Histogram { delta: true })
    };
    ["recorded", "up_down", "histogram", "observed"].into_iter().filter(is_delta).collect()
}

#[test]
fn without_a_temporality_all_is_cumulative() {
    assert!(windows(&[], None).is_empty());
    assert!(windows(&[(TEMPORALITY, "")], None).is_empty());
}

#[test]
fn each_temporality_is_known_in_any_case() {
    let known: [(&str, &[&str]); 3] = [
        ("cumulative", &[]),
        ("delta", &["recorded", "histogram", "observed"]),
        ("lowmemory", &["recorded", "histogram"]),
    ];
    for (name, expected) in known {
        for name in [name, &name.to_uppercase()] {
            assert_eq!(windows(&[(TEMPORALITY, name)], None), expected, "{name}");
        }
    }
}

#[test]
fn code_beats_the_temporality_of_the_environment() {
    assert!(windows(&[(TEMPORALITY, "delta")], Some(Temporality::Cumulative)).is_empty());
    let low = windows(&[(TEMPORALITY, "delta")], Some(Temporality::LowMemory));
    assert_eq!(low, ["recorded", "histogram"]);
}

#[test]
fn an_unknown_temporality_leaves_all_cumulative() {
    let (request, warned) = request(&[(TEMPORALITY, "deltas")], |builder| builder);
    assert_eq!(warned, [TEMPORALITY]);
    assert!(delta(&request).is_empty());
    let exporter = crate::exporting::start(&[(TEMPORALITY, "deltas")]);
    assert!(warning(&exporter, TEMPORALITY).to_string().contains("cumulative, delta, lowmemory"));
}

/// Whether the histogram has explicit bounds.
fn has_bounds(variables: Variables<'_>, in_code: Option<HistogramAggregation>) -> bool {
    let (request, warned) = request(variables, |builder| match in_code {
        Some(aggregation) => builder.destination(Destination::from_environment().histograms(aggregation)),
        None => builder,
    });
    assert!(warned.is_empty(), "{warned:?}");
    bounded(&request)
}

fn bounded(request: &ExportMetricsServiceRequest) -> bool {
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    match metrics.iter().find(|metric| metric.name == "histogram").unwrap().data {
        Some(Data::Histogram(_)) => true,
        Some(Data::ExponentialHistogram(_)) => false,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn without_an_aggregation_histograms_are_exponential() {
    assert!(!has_bounds(&[], None));
    assert!(!has_bounds(&[(HISTOGRAMS, "")], None));
}

#[test]
fn each_aggregation_is_known_in_any_case() {
    let known = [("explicit_bucket_histogram", true), ("base2_exponential_bucket_histogram", false)];
    for (name, expected) in known {
        for name in [name, &name.to_uppercase()] {
            assert_eq!(has_bounds(&[(HISTOGRAMS, name)], None), expected, "{name}");
        }
    }
}

#[test]
fn code_beats_the_aggregation_of_the_environment() {
    let (explicit, exponential) =
        ((HISTOGRAMS, "explicit_bucket_histogram"), (HISTOGRAMS, "base2_exponential_bucket_histogram"));
    assert!(!has_bounds(&[explicit], Some(HistogramAggregation::Base2Exponential)));
    assert!(has_bounds(&[exponential], Some(HistogramAggregation::ExplicitBucket)));
}

#[test]
fn an_unknown_aggregation_leaves_histograms_exponential() {
    let (request, warned) = request(&[(HISTOGRAMS, "summary")], |builder| builder);
    assert_eq!(warned, [HISTOGRAMS]);
    assert!(!bounded(&request));
    let exporter = crate::exporting::start(&[(HISTOGRAMS, "summary")]);
    let text = warning(&exporter, HISTOGRAMS).to_string();
    assert!(text.contains("explicit_bucket_histogram, base2_exponential_bucket_histogram"), "{text}");
}
