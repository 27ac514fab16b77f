//! Exemplars on the wire.

use freewheel::{
    metrics::{Buckets, Registry},
    otlp::{Destination, Retry, Temporality},
};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, exemplar::Value, metric::Data};

use crate::collector::{Answer, Collector, PATIENCE, idle_exporter};

fn record_sampled(record: impl FnOnce()) {
    let (trace, span) = (TraceId::from_bytes([7; 16]), SpanId::from_bytes([9; 8]));
    let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default());
    let _active = Context::new().with_remote_span_context(span).attach();
    record();
}

fn last_exemplars(collector: &Collector) -> Vec<Vec<Exemplar>> {
    let request = collector.accepted().pop().unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let exemplars = metrics.iter().map(|metric| match metric.data.as_ref().unwrap() {
        Data::Histogram(histogram) => histogram.data_points[0].exemplars.clone(),
        Data::ExponentialHistogram(histogram) => histogram.data_points[0].exemplars.clone(),
        other => panic!("{other:?}"),
    });
    exemplars.collect()
}

#[test]
fn each_exemplar_is_sent_until_the_collector_has_it_and_then_no_more() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let collector = Collector::start([]);
        let registry = Registry::new();
        let exponential = registry.histogram::<u64>("exponential").build().unwrap();
        let buckets = Buckets::explicit([10.0]).unwrap();
        let explicit = registry.histogram::<f64>("explicit").buckets(buckets).build().unwrap();
        let exporter = collector.exporter(&registry).temporality(temporality).start().unwrap();

        record_sampled(|| {
            exponential.record(5);
            explicit.record(0.25);
        });
        exporter.force_flush(PATIENCE).unwrap();
        let sent = last_exemplars(&collector);
        let values: Vec<_> = sent.iter().map(|of_metric| of_metric[0].value).collect();
        assert_eq!(values, [Some(Value::AsDouble(5.0)), Some(Value::AsDouble(0.25))]);
        for exemplar in sent.iter().flatten() {
            assert_eq!((&exemplar.trace_id[..], &exemplar.span_id[..]), (&[7; 16][..], &[9; 8][..]));
            assert!(exemplar.time_unix_nano > 0 && exemplar.filtered_attributes.is_empty());
        }

        exponential.record(6);
        explicit.record(20.0);
        exporter.force_flush(PATIENCE).unwrap();
        assert!(last_exemplars(&collector).iter().all(Vec::is_empty), "{temporality:?}");
    }
}

#[test]
fn an_exemplar_comes_again_after_an_export_that_failed() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let collector = Collector::start([Answer::Accept, Answer::Fail(tonic::Code::Unavailable)]);
        let registry = Registry::new();
        let sizes = registry.histogram::<u64>("sizes").build().unwrap();
        sizes.record(4);
        let destination = Destination::grpc(collector.url()).temporality(temporality).retry(Retry::never());
        let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        record_sampled(|| sizes.record(5));
        exporter.force_flush(PATIENCE).unwrap_err();
        exporter.force_flush(PATIENCE).unwrap();
        assert_eq!(last_exemplars(&collector)[0].len(), 1, "{temporality:?}");
    }
}
