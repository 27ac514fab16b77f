//! `OTEL_METRICS_EXEMPLAR_FILTER`.

use freewheel::{
    metrics::Registry,
    otlp::{ExemplarFilter, Exporter},
};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use crate::{
    collector::{Collector, PATIENCE, idle_exporter},
    exporting::{ENDPOINT, environment, warning},
};

const FILTER: &str = "OTEL_METRICS_EXEMPLAR_FILTER";

/// A registry with one value that was recorded within a sampled span.
fn registry() -> Registry {
    let registry = Registry::new();
    let histogram = registry.histogram::<u64>("histogram").build().unwrap();
    let (trace, span) = (TraceId::from_bytes([7; 16]), SpanId::from_bytes([9; 8]));
    let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default());
    let _active = Context::new().with_remote_span_context(span).attach();
    histogram.record(5);
    registry
}

/// How many exemplars arrive.
fn exemplars(filter: Option<&str>, in_code: Option<ExemplarFilter>) -> (usize, Exporter) {
    let collector = Collector::start([]);
    let url = collector.url();
    let variables: Vec<_> =
        [(ENDPOINT, &*url)].into_iter().chain(filter.map(|filter| (FILTER, filter))).collect();
    let builder = idle_exporter(&registry()).environment(environment(&variables));
    let builder = match in_code {
        Some(filter) => builder.exemplars(filter),
        None => builder,
    };
    let exporter = builder.start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let request = collector.accepted().swap_remove(0);
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    let Some(Data::ExponentialHistogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    (histogram.data_points[0].exemplars.len(), exporter)
}

#[test]
fn without_a_filter_exemplars_of_sampled_spans_go_out() {
    assert_eq!(exemplars(None, None).0, 1);
    assert_eq!(exemplars(Some(""), None).0, 1);
}

#[test]
fn each_filter_is_known_in_any_case() {
    for (name, expected) in [("trace_based", 1), ("Trace_Based", 1), ("always_off", 0), ("ALWAYS_OFF", 0)] {
        let (count, exporter) = exemplars(Some(name), None);
        assert_eq!((count, exporter.warnings().len()), (expected, 0), "{name}");
    }
}

#[test]
fn code_beats_the_filter_of_the_environment() {
    assert_eq!(exemplars(Some("always_off"), Some(ExemplarFilter::TraceBased)).0, 1);
    assert_eq!(exemplars(Some("trace_based"), Some(ExemplarFilter::AlwaysOff)).0, 0);
}

#[test]
fn a_filter_that_is_not_supported_is_warned_of() {
    for name in ["always_on", "sometimes"] {
        let (count, exporter) = exemplars(Some(name), None);
        assert_eq!(count, 1);
        assert!(warning(&exporter, FILTER).to_string().contains("trace_based, always_off"));
    }
}
