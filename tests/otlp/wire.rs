//! What stands in the requests.

use std::time::Duration;

use freewheel::{
    metrics::{KeyValue, Registry},
    otlp::{Environment, Resource, Temporality},
};
use opentelemetry_proto::tonic::metrics::v1::{ExponentialHistogramDataPoint, metric::Data};

use crate::{
    collector::{Answer, Collector, PATIENCE},
    reading::{Kind, Number, of, readings, texts},
};

/// The only exponential histogram in the last accepted request.
fn last_histogram(collector: &Collector) -> ExponentialHistogramDataPoint {
    let request = collector.accepted().pop().unwrap();
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    let Some(Data::ExponentialHistogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    histogram.data_points[0].clone()
}

#[test]
fn the_resource_names_the_service() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let resource = Resource::builder()
        .environment(Environment::none())
        .service_name("ignored")
        .service_name("shop")
        .attribute("deployment.environment.name", "test")
        .build()
        .unwrap();
    let exporter = collector.exporter(&registry).resource(resource).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();

    let arrival = collector.arrivals().pop().unwrap();
    let resource = arrival.request.resource_metrics[0].resource.as_ref().unwrap();
    let attributes = texts(&resource.attributes);
    let version = concat!("telemetry.sdk.version=", env!("CARGO_PKG_VERSION"));
    for expected in
        ["service.name=shop", "deployment.environment.name=test", "telemetry.sdk.language=rust", version]
    {
        assert!(attributes.iter().any(|attribute| attribute == expected), "{expected} in {attributes:?}");
    }
    let instance = attributes.iter().find_map(|text| text.strip_prefix("service.instance.id=")).unwrap();
    assert_eq!((instance.len(), instance.as_bytes()[14]), (36, b'4'), "{instance} is a random UUID");
    assert_eq!(attributes.len(), 6, "keys are unique: {attributes:?}");

    let scope = arrival.request.resource_metrics[0].scope_metrics[0].scope.as_ref().unwrap();
    assert_eq!((scope.name.as_str(), scope.version.as_str()), ("freewheel", env!("CARGO_PKG_VERSION")));
    assert!(arrival.user_agent.starts_with("freewheel-otlp-exporter-rust/"), "{}", arrival.user_agent);
}

#[test]
fn the_schema_of_the_resource_is_named() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let schema = "https://opentelemetry.io/schemas/1.42.0";
    let resource = Resource::builder().schema_url(schema).build().unwrap();
    let exporter = collector.exporter(&registry).resource(resource).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let request = collector.accepted().pop().unwrap();
    assert_eq!(request.resource_metrics[0].schema_url, schema);
}

#[test]
fn a_metric_keeps_its_name_unit_and_description() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    registry.counter("files").unit("{file}").description("files read").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let request = collector.accepted().pop().unwrap();
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    let texts = (metric.name.as_str(), metric.unit.as_str(), metric.description.as_str());
    assert_eq!(texts, ("files", "{file}", "files read"));
}

#[test]
fn attributes_keep_their_types_of_value() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let attributes = [
        KeyValue::new("a", true),
        KeyValue::new("b", -7),
        KeyValue::new("c", 0.5),
        KeyValue::new("d", String::from("text")),
    ];
    registry.counter("events").bind(&attributes).unwrap().add(1);
    let exporter = collector.exporter(&registry).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(of(&collector.accepted(), "events")[0].attributes, ["a=true", "b=-7", "c=0.5", "d=text"]);
}

#[test]
fn an_empty_registry_sends_no_request() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let collector = Collector::start([]);
        let exporter = collector.exporter(&Registry::new()).temporality(temporality).start().unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        exporter.shutdown(PATIENCE).unwrap();
        assert!(collector.arrivals().is_empty());
    }
}

#[test]
fn quiet_series_are_left_out_of_deltas() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let (busy, quiet) =
        (registry.counter("busy").build().unwrap(), registry.counter("quiet").build().unwrap());
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert!(collector.arrivals().is_empty(), "nothing has happened yet");

    busy.add(1);
    quiet.add(1);
    sizes.record(1);
    exporter.force_flush(PATIENCE).unwrap();
    busy.add(1);
    exporter.force_flush(PATIENCE).unwrap();
    quiet.add(1);
    sizes.record(0);
    exporter.force_flush(PATIENCE).unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(collector.arrivals().len(), 3, "nothing has happened since");
    busy.add(1);
    exporter.force_flush(PATIENCE).unwrap();

    let requests = collector.accepted();
    let names: Vec<Vec<String>> = requests
        .iter()
        .map(|request| readings(request).into_iter().map(|reading| reading.name).collect())
        .collect();
    assert_eq!(names, [vec!["busy", "quiet", "sizes"], vec!["busy"], vec!["quiet", "sizes"], vec!["busy"]]);
    let (busy, quiet) = (of(&requests, "busy"), of(&requests, "quiet"));
    assert_eq!(
        quiet[1].start, busy[1].time,
        "a quiet window still ends with the export that had nothing of it"
    );
    assert!(busy[2].start > quiet[1].time, "and so it does if that export had nothing at all");
}

#[test]
fn up_down_counters_stay_cumulative_under_delta() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let depth = registry.up_down_counter("depth").build().unwrap();
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    for change in [5, -7, 0] {
        depth.add(change);
        exporter.force_flush(PATIENCE).unwrap();
    }
    let totals = of(&collector.accepted(), "depth");
    assert_eq!(totals.iter().map(|total| total.int()).collect::<Vec<_>>(), [5, -2, -2]);
    for total in &totals {
        assert_eq!(total.kind, Kind::Sum { delta: false, monotonic: false });
        assert_eq!(total.start, totals[0].start);
    }
}

#[test]
fn counters_are_monotonic() {
    for (temporality, delta) in [(Temporality::Cumulative, false), (Temporality::Delta, true)] {
        let collector = Collector::start([]);
        let registry = Registry::new();
        registry.counter("events").build().unwrap().add(1);
        let exporter = collector.exporter(&registry).temporality(temporality).start().unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        assert_eq!(of(&collector.accepted(), "events")[0].kind, Kind::Sum { delta, monotonic: true });
    }
}

#[test]
fn a_gauge_has_its_last_value_and_no_start() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let load = registry.gauge::<f64>("load").build().unwrap();
    load.record(0.25);
    load.record(-0.5);
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let values = of(&collector.accepted(), "load");
    assert_eq!(values.len(), 2, "a gauge goes out each time");
    assert_eq!((values[1].kind, values[1].value, values[1].start), (Kind::Gauge, Number::Double(-0.5), 0));
}

#[test]
fn what_no_signed_integer_can_hold_goes_out_as_double() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    let exporter = collector.exporter(&registry).start().unwrap();
    events.add(i64::MAX as u64);
    exporter.force_flush(PATIENCE).unwrap();
    events.add(1);
    exporter.force_flush(PATIENCE).unwrap();
    let values: Vec<Number> = of(&collector.accepted(), "events").iter().map(|total| total.value).collect();
    assert_eq!(values, [Number::Int(i64::MAX), Number::Double(9_223_372_036_854_775_808.0)]);
}

#[test]
fn a_histogram_has_its_count_sum_extremes_and_zeros() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let sizes = registry.histogram::<u64>("sizes").unit("By").build().unwrap();
    [0, 0, 1, 3, 1000].into_iter().for_each(|size| sizes.record(size));
    let exporter = collector.exporter(&registry).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let point = last_histogram(&collector);
    assert_eq!((point.count, point.zero_count, point.sum), (5, 2, Some(1004.0)));
    assert_eq!((point.min, point.max, point.zero_threshold), (Some(0.0), Some(1000.0), 0.0));
    let positive = point.positive.unwrap();
    assert_eq!(positive.bucket_counts.iter().sum::<u64>(), 3);
    // The bucket of 1 = 2^0 is (2^(-1/2^scale), 2^0], whatever the scale.
    assert_eq!((positive.offset, positive.bucket_counts[0]), (-1, 1));
    assert!(positive.bucket_counts.len() <= 160 && point.negative.is_none());
}

#[test]
fn a_histogram_of_all_magnitudes_fits_160_buckets() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    (0..64).for_each(|bit| sizes.record(1 << bit));
    let exporter = collector.exporter(&registry).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let point = last_histogram(&collector);
    let positive = point.positive.unwrap();
    assert!(positive.bucket_counts.len() <= 160, "{}", positive.bucket_counts.len());
    assert_eq!((point.count, positive.bucket_counts.iter().sum::<u64>()), (64, 64));
}

#[test]
fn a_delta_histogram_has_only_its_window() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    [1, 1_000_000].into_iter().for_each(|size| sizes.record(size));
    exporter.force_flush(PATIENCE).unwrap();
    [0, 500, 600].into_iter().for_each(|size| sizes.record(size));
    exporter.force_flush(PATIENCE).unwrap();
    let point = last_histogram(&collector);
    assert_eq!((point.count, point.zero_count, point.sum), (3, 1, Some(1100.0)));
    assert_eq!(point.min, Some(0.0));
    assert!((600.0..620.0).contains(&point.max.unwrap()), "{:?}", point.max);
}

#[test]
fn a_window_starts_with_the_last_acknowledged_export() {
    let collector = Collector::start([Answer::Accept, Answer::Hang, Answer::Accept]);
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    let timeout = Duration::from_secs(1);
    let exporter =
        collector.exporter(&registry).temporality(Temporality::Delta).timeout(timeout).start().unwrap();
    for expected in [true, false, true, true] {
        events.add(1);
        sizes.record(1);
        assert_eq!(exporter.force_flush(PATIENCE).is_ok(), expected);
    }
    for name in ["events", "sizes"] {
        let windows = of(&collector.accepted(), name);
        assert_eq!(windows.iter().map(|window| window.int()).collect::<Vec<_>>(), [1, 2, 1]);
        assert!(windows.windows(2).all(|pair| pair[0].time == pair[1].start), "{windows:?}");
    }
}

#[test]
fn a_new_series_starts_when_it_was_made() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    registry.counter("old").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let first_export = of(&collector.accepted(), "old")[0].time;
    registry.counter("new").build().unwrap().add(1);
    exporter.force_flush(PATIENCE).unwrap();
    let new = &of(&collector.accepted(), "new")[0];
    assert!(first_export < new.start && new.start < new.time);
}
