//! Series, names, exemplars, resource.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use freewheel::{
    metrics::{KeyValue, Outcome, RegisterError, Registry},
    otlp::{Environment, ExemplarFilter, Exporter, Resource, ResourceBuilder, Temporality},
};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, metric::Data};

use crate::{
    Bench,
    collector::{Collector, PATIENCE},
    reading::{of, readings, texts},
};

/// metrics/sdk.md, "Cardinality limits".
#[test]
fn beyond_2000_series_there_is_one_more_that_loses_nothing() {
    let bench = Bench::new(Temporality::Cumulative);
    let users = bench.registry.counter("users").family(["user"]).unwrap();
    (0..3000).for_each(|user| users.with([user]).add(1));
    (0..10).for_each(|user| users.with([user]).add(1));
    bench.flush();
    let points = of(&bench.collector.accepted(), "users");
    assert_eq!(points.len(), 2000);
    assert_eq!(points.iter().map(|point| point.int()).sum::<i64>(), 3010);
    let overflow: Vec<_> =
        points.iter().filter(|point| point.attributes == ["otel.metric.overflow=true"]).collect();
    assert_eq!(overflow.iter().map(|point| point.int()).collect::<Vec<_>>(), [1001]);
    let known = points.iter().find(|point| point.attributes == ["user=9"]).unwrap();
    assert_eq!(known.int(), 2, "what was seen before stays");
}

/// metrics/data-model.md, "Single-Writer"; metrics.proto, `NumberDataPoint.attributes`.
#[test]
fn a_series_has_one_point_in_an_export_and_each_key_once() {
    let bench = Bench::new(Temporality::Cumulative);
    let counter = bench.registry.counter("events");
    let (one, two) = (KeyValue::new("one", 1), KeyValue::new("two", 2));
    counter.bind(&[one.clone(), two.clone()]).unwrap().add(1);
    counter.bind(&[two.clone(), one.clone()]).unwrap().add(1);
    assert!(matches!(counter.bind(&[one.clone(), one]), Err(RegisterError::InvalidAttributes(_))));
    bench.flush();
    let points = of(&bench.collector.accepted(), "events");
    assert_eq!(points.len(), 1, "the order of attributes makes no other series");
    assert_eq!(points[0].int(), 2);
}

/// metrics/api.md, "Instrument name syntax" and "Instrument unit".
#[test]
fn names_and_units_keep_to_the_syntax() {
    let registry = Registry::new();
    let longest = "n".repeat(255);
    for name in ["a", "A.b_c-d/e9", &longest] {
        assert!(registry.counter(name.to_owned()).build().is_ok(), "{name}");
    }
    for name in ["", "9", ".a", "a b", "ä", &"n".repeat(256)] {
        let error = registry.counter(name.to_owned()).build().unwrap_err();
        assert!(matches!(error, RegisterError::InvalidName { .. }), "{name}");
    }
    assert!(registry.counter("unit").unit("u".repeat(63)).build().is_ok());
    for unit in ["µs".to_owned(), "u".repeat(64)] {
        let error = registry.counter("unit.bad").unit(unit).build().unwrap_err();
        assert!(matches!(error, RegisterError::InvalidUnit { .. }));
    }
    let bench = Bench::new(Temporality::Cumulative);
    bench.registry.histogram::<Duration>("latency").build().unwrap().record(Duration::from_secs(1));
    bench.flush();
    assert_eq!(bench.last()[0].unit, "s", "UCUM, case-sensitive");
}

/// metrics/data-model.md, "OpenTelemetry Protocol data model: Producer recommendations".
#[test]
fn a_metric_stands_once_in_a_scope_and_conflicts_are_reported() {
    let bench = Bench::new(Temporality::Cumulative);
    bench.registry.counter("events").build().unwrap().add(1);
    bench.registry.counter("Events").build().unwrap().add(1);
    let conflict = bench.registry.gauge::<f64>("EVENTS").build().unwrap_err();
    assert!(matches!(conflict, RegisterError::Conflict { .. }), "{conflict}");
    let conflict = bench.registry.counter("events").unit("By").build().unwrap_err();
    assert!(matches!(conflict, RegisterError::Conflict { .. }), "{conflict}");
    bench.registry.requests("web").build().unwrap().record(Duration::ZERO, Outcome::Error);
    assert!(bench.registry.counter("web.count").build().is_err(), "nor may what is exported of another");
    bench.flush();
    let names: Vec<String> = bench.last().into_iter().map(|metric| metric.name.to_lowercase()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}

fn in_span(flags: TraceFlags, record: impl FnOnce()) {
    let (trace, span) = (TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]));
    let span = SpanContext::new(trace, span, flags, true, TraceState::default());
    let _active = Context::new().with_remote_span_context(span).attach();
    record();
}

/// metrics/sdk.md, "Exemplar" and "ExemplarFilter"; metrics/data-model.md, "Exemplars".
#[test]
fn exemplars_are_of_sampled_spans_and_of_the_time_of_their_point() {
    let bench = Bench::new(Temporality::Delta);
    let sizes = bench.registry.histogram::<u64>("sizes").build().unwrap();
    sizes.record(1);
    in_span(TraceFlags::NOT_SAMPLED, || sizes.record(2));
    assert!(bench.exponential().exemplars.is_empty(), "by default only those of sampled spans");
    in_span(TraceFlags::SAMPLED, || (0..1000).for_each(|size| sizes.record(size)));
    let point = bench.exponential();
    assert!((1..=20).contains(&point.exemplars.len()), "min(20, max_size) at most");
    for Exemplar { time_unix_nano, span_id, trace_id, .. } in &point.exemplars {
        assert!(point.start_time_unix_nano < *time_unix_nano && *time_unix_nano <= point.time_unix_nano);
        assert_eq!((&trace_id[..], &span_id[..]), (&[1; 16][..], &[2; 8][..]));
    }

    let (collector, registry) = (Collector::start([]), Registry::new());
    let builder = collector.exporter(&registry).exemplars(ExemplarFilter::AlwaysOff);
    let exporter = builder.start().unwrap();
    in_span(TraceFlags::SAMPLED, || registry.histogram::<u64>("sizes").build().unwrap().record(1));
    let bench = Bench { collector, registry, exporter };
    assert!(bench.exponential().exemplars.is_empty(), "and none if they are off");
}

/// An exemplar of a value that comes while the snapshot is taken belongs to the next point. metrics/data-model.md,
/// "Exemplars".
#[test]
fn exemplars_stay_within_their_point_while_threads_record() {
    let bench = Bench::new(Temporality::Delta);
    // Something that takes time to collect, between the time of the snapshot and the exemplars.
    let many = bench.registry.counter("many").family(["index"]).unwrap();
    (0..1900).for_each(|index| many.with([index]).add(1));
    let sizes = bench.registry.histogram::<u64>("sizes").family(["series"]).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        // A few values in each series, as the later ones hardly ever become exemplars.
        scope.spawn(|| {
            let span = || (0..20_000).for_each(|index| sizes.with([index / 20]).record(1));
            while !stop.load(Relaxed) {
                in_span(TraceFlags::SAMPLED, span);
            }
        });
        (0..30).for_each(|_| bench.flush());
        stop.store(true, Relaxed);
    });
    let mut seen = 0;
    for request in bench.collector.accepted() {
        for metric in &request.resource_metrics[0].scope_metrics[0].metrics {
            let Some(Data::ExponentialHistogram(histogram)) = &metric.data else { continue };
            for point in &histogram.data_points {
                let within = point.start_time_unix_nano + 1..=point.time_unix_nano;
                assert!(point.exemplars.iter().all(|exemplar| within.contains(&exemplar.time_unix_nano)));
                seen += point.exemplars.len();
            }
        }
    }
    assert!(seen > 0);
}

/// Semantic conventions, docs/resource/service.md and docs/resource/telemetry-sdk.md.
#[test]
fn the_resource_names_service_instance_and_sdk() {
    let attributes = |builder: ResourceBuilder| {
        let (collector, registry) = (Collector::start([]), Registry::new());
        registry.counter("events").build().unwrap().add(1);
        let resource = builder.environment(Environment::none()).build().unwrap();
        let exporter: Exporter = collector.exporter(&registry).resource(resource).start().unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        let request = collector.accepted().swap_remove(0);
        assert_eq!(readings(&request).len(), 1);
        texts(&request.resource_metrics[0].resource.as_ref().unwrap().attributes)
    };
    let value = |attributes: &[String], key: &str| -> String {
        attributes.iter().find_map(|text| text.strip_prefix(&format!("{key}="))).unwrap().to_owned()
    };
    let unnamed = attributes(Resource::builder());
    assert!(value(&unnamed, "service.name").starts_with("unknown_service:otlp_conformance"), "{unnamed:?}");
    let named = attributes(Resource::builder().service_name("shop"));
    assert_eq!(value(&named, "service.name"), "shop");
    assert_eq!(value(&named, "service.instance.id").as_bytes()[14], b'4', "a random UUID");
    assert_eq!(value(&named, "telemetry.sdk.language"), "rust");
    assert_eq!(value(&named, "telemetry.sdk.version"), env!("CARGO_PKG_VERSION"));
    assert!(!value(&named, "telemetry.sdk.name").is_empty());
}
