//! What an exporter measures of itself.

use std::time::Duration;

use freewheel::{
    metrics::{PointValue, Registry, Snapshot},
    otlp::{Destination, Retry},
};
use tonic::Code;

use crate::collector::{Answer, Collector, PATIENCE, idle_exporter};

/// The value of the series of this metric that has this `error.type`, or none of that.
fn value<'a>(snapshot: &'a Snapshot, name: &str, error: Option<&str>) -> Option<PointValue<'a>> {
    let points = snapshot.metric(name)?.points();
    let mut found = points.filter(|point| {
        let of = point.attributes.iter().find(|attribute| attribute.key == "error.type");
        of.map(|attribute| attribute.value.to_string()).as_deref() == error
    });
    Some(found.next()?.value)
}

fn exported(registry: &Registry, error: Option<&str>) -> u64 {
    match value(&registry.snapshot(), "otel.sdk.exporter.metric_data_point.exported", error) {
        Some(PointValue::Counter(count)) => count,
        other => panic!("{other:?}"),
    }
}

#[test]
fn points_are_counted_by_how_their_export_ended() {
    let script = [
        Answer::Accept,
        Answer::Partial(2, "too old"),
        Answer::Fail(Code::InvalidArgument),
        Answer::Fail(Code::Unavailable),
    ];
    let collector = Collector::start(script);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let destination = Destination::grpc(collector.url()).retry(Retry::never());
    let exporter = idle_exporter(&registry).destination(destination).self_metrics().start().unwrap();
    let mut ended = [0; 4];
    for (at, ended) in ended.iter_mut().enumerate() {
        let _ = exporter.force_flush(PATIENCE);
        *ended = collector.arrivals()[at].points();
    }
    let [accepted, partly, refused, unacknowledged] = ended;
    assert!(accepted > 1, "the events, and the exporter's own");
    assert_eq!(exported(&registry, None), accepted + partly - 2);
    assert_eq!(exported(&registry, Some("rejected")), 2);
    assert_eq!(exported(&registry, Some("refused")), refused);
    assert_eq!(exported(&registry, Some("unacknowledged")), unacknowledged);
}

#[test]
fn they_arrive_under_the_names_of_the_conventions() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let exporter = collector.exporter(&registry).self_metrics().start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let snapshot = registry.snapshot();
    let in_flight = value(&snapshot, "otel.sdk.exporter.metric_data_point.inflight", None);
    assert_eq!(in_flight, Some(PointValue::UpDownCounter(0)), "nothing is under way");
    for (name, count) in
        [("otel.sdk.exporter.operation.duration", 2), ("otel.sdk.metric_reader.collection.duration", 2)]
    {
        let Some(PointValue::Histogram(durations)) = value(&snapshot, name, None) else { panic!("{name}") };
        assert_eq!(durations.count(), count, "{name}");
        assert_eq!(&*snapshot.metric(name).unwrap().unit, "s");
    }
    let metric = snapshot.metric("otel.sdk.exporter.metric_data_point.exported").unwrap();
    let keys: Vec<String> =
        metric.points().next().unwrap().attributes.iter().map(|kv| kv.key.to_string()).collect();
    assert_eq!(keys, ["otel.component.name", "otel.component.type", "server.address", "server.port"]);
    let request = collector.accepted().pop().unwrap();
    let names: Vec<_> =
        request.resource_metrics[0].scope_metrics[0].metrics.iter().map(|metric| &*metric.name).collect();
    assert!(names.contains(&"otel.sdk.exporter.operation.duration"), "{names:?}");
}

#[test]
fn points_are_in_flight_while_the_collector_hangs() {
    let collector = Collector::start([Answer::Hang]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).self_metrics().timeout(PATIENCE).start().unwrap();
    assert!(exporter.force_flush(Duration::from_millis(50)).is_err());
    collector.wait_for_arrivals(1);
    let points = collector.arrivals()[0].points().cast_signed();
    let in_flight = || {
        value(&registry.snapshot(), "otel.sdk.exporter.metric_data_point.inflight", None).map(|value| {
            let PointValue::UpDownCounter(points) = value else { panic!("{value:?}") };
            points
        })
    };
    assert_eq!(in_flight(), Some(points));
    // The hanging request is abandoned for the last export; nothing of it stays.
    exporter.shutdown(Duration::from_secs(2)).unwrap();
    assert_eq!(in_flight(), Some(0));
}
