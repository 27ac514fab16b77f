//! The instruments of the SDK, each with its values.

use freewheel::{metrics::Registry, otlp::sdk::SdkMetrics};
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream};

use crate::{
    collector::{Collector, PATIENCE, idle_exporter},
    reading::{Kind, Number, of},
};

const TOTAL: Kind = Kind::Sum { delta: false, monotonic: true };
const UP_DOWN: Kind = Kind::Sum { delta: false, monotonic: false };

fn record_numbers(meter: &Meter) {
    let attributes = [opentelemetry::KeyValue::new("region", "eu")];
    meter.u64_counter("u64_counter").build().add(3, &attributes);
    meter.f64_counter("f64_counter").build().add(0.5, &attributes);
    meter.i64_up_down_counter("i64_up_down").build().add(-4, &attributes);
    meter.f64_up_down_counter("f64_up_down").build().add(-0.25, &attributes);
    meter.u64_gauge("u64_gauge").build().record(5, &attributes);
    meter.i64_gauge("i64_gauge").build().record(-6, &attributes);
    meter.f64_gauge("f64_gauge").build().record(1.5, &attributes);
}

fn observe_numbers(meter: &Meter) {
    let attributes = || [opentelemetry::KeyValue::new("region", "eu")];
    let at = attributes();
    meter.u64_observable_counter("u64_observed").with_callback(move |seen| seen.observe(7, &at)).build();
    let at = attributes();
    meter.f64_observable_counter("f64_observed").with_callback(move |seen| seen.observe(2.5, &at)).build();
    let at = attributes();
    let up_down = meter.i64_observable_up_down_counter("i64_up_down_observed");
    up_down.with_callback(move |seen| seen.observe(-8, &at)).build();
    let at = attributes();
    let up_down = meter.f64_observable_up_down_counter("f64_up_down_observed");
    up_down.with_callback(move |seen| seen.observe(-3.5, &at)).build();
    let at = attributes();
    meter.u64_observable_gauge("u64_gauge_observed").with_callback(move |seen| seen.observe(9, &at)).build();
    let at = attributes();
    meter
        .i64_observable_gauge("i64_gauge_observed")
        .with_callback(move |seen| seen.observe(-10, &at))
        .build();
    let at = attributes();
    meter
        .f64_observable_gauge("f64_gauge_observed")
        .with_callback(move |seen| seen.observe(4.5, &at))
        .build();
}

/// What the collector gets of the instruments that `record` makes and uses.
fn exported(record: impl Fn(&Meter)) -> Collector {
    let collector = Collector::start([]);
    let door = SdkMetrics::new().timeout(PATIENCE);
    let exponential = |instrument: &Instrument| {
        let aggregation =
            Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };
        let stream = Stream::builder().with_aggregation(aggregation);
        (instrument.name() == "exponential").then(|| stream.build().unwrap())
    };
    let provider = SdkMeterProvider::builder().with_reader(door.reader()).with_view(exponential).build();
    record(&provider.meter("library"));
    let exporter =
        idle_exporter(&Registry::new()).endpoint(collector.url()).sdk(door, provider).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    collector
}

fn metric(collector: &Collector, name: &str) -> Metric {
    let accepted = collector.accepted();
    let scopes = accepted.iter().flat_map(|request| &request.resource_metrics[0].scope_metrics);
    scopes.flat_map(|scope| &scope.metrics).find(|metric| metric.name == name).unwrap().clone()
}

#[test]
fn numbers_arrive_as_they_were_recorded_and_observed() {
    let collector = exported(|meter| {
        record_numbers(meter);
        observe_numbers(meter);
    });
    let accepted = &collector.accepted()[..1];
    for (name, kind, value) in [
        ("u64_counter", TOTAL, Number::Int(3)),
        ("f64_counter", TOTAL, Number::Double(0.5)),
        ("i64_up_down", UP_DOWN, Number::Int(-4)),
        ("f64_up_down", UP_DOWN, Number::Double(-0.25)),
        ("u64_gauge", Kind::Gauge, Number::Int(5)),
        ("i64_gauge", Kind::Gauge, Number::Int(-6)),
        ("f64_gauge", Kind::Gauge, Number::Double(1.5)),
        ("u64_observed", TOTAL, Number::Int(7)),
        ("f64_observed", TOTAL, Number::Double(2.5)),
        ("i64_up_down_observed", UP_DOWN, Number::Int(-8)),
        ("f64_up_down_observed", UP_DOWN, Number::Double(-3.5)),
        ("u64_gauge_observed", Kind::Gauge, Number::Int(9)),
        ("i64_gauge_observed", Kind::Gauge, Number::Int(-10)),
        ("f64_gauge_observed", Kind::Gauge, Number::Double(4.5)),
    ] {
        let readings = of(accepted, name);
        let [reading] = &readings[..] else { panic!("{name}: {readings:?}") };
        assert_eq!((reading.kind, reading.value), (kind, value), "{name}");
        assert_eq!(reading.attributes, ["region=eu"]);
    }
}

#[test]
fn names_descriptions_and_units_arrive() {
    let collector = exported(|meter| {
        let counter = meter.u64_counter("sent").with_description("Bytes sent.").with_unit("By");
        counter.build().add(1, &[]);
    });
    let metric = metric(&collector, "sent");
    assert_eq!((&*metric.description, &*metric.unit), ("Bytes sent.", "By"));
}

#[test]
fn histograms_with_bounds_arrive_bucket_by_bucket() {
    let collector = exported(|meter| {
        let histogram = meter.f64_histogram("delays").with_boundaries(vec![1.0, 2.0]).build();
        [0.5, 1.0, 1.5, 8.0].iter().for_each(|delay| histogram.record(*delay, &[]));
    });
    let Some(Data::Histogram(histogram)) = metric(&collector, "delays").data else { panic!("no histogram") };
    let point = &histogram.data_points[0];
    assert_eq!((&*point.explicit_bounds, &*point.bucket_counts), (&[1.0, 2.0][..], &[2, 1, 1][..]));
    assert_eq!((point.count, point.sum, point.min, point.max), (4, Some(11.0), Some(0.5), Some(8.0)));
}

#[test]
fn exponential_histograms_arrive_bucket_by_bucket() {
    let collector = exported(|meter| {
        let histogram = meter.f64_histogram("exponential").build();
        [0.0, 1.0, 4.0].iter().for_each(|value| histogram.record(*value, &[]));
    });
    let data = metric(&collector, "exponential").data;
    let Some(Data::ExponentialHistogram(histogram)) = data else { panic!("{data:?}") };
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.zero_count, point.sum), (3, 1, Some(5.0)));
    assert_eq!((point.min, point.max), (Some(0.0), Some(4.0)));
    let positive = point.positive.as_ref().unwrap();
    let base = 2f64.powf(2f64.powi(-point.scale));
    let bounds = (0..).zip(&positive.bucket_counts).filter(|(_, count)| **count > 0);
    let upper: Vec<f64> = bounds.map(|(index, _)| base.powi(positive.offset + index + 1)).collect();
    let [one, four] = upper[..] else { panic!("{upper:?}") };
    assert!(
        (one >= 1.0 && one / base < 1.0 + 1e-9) && (four >= 4.0 - 1e-9 && four / base < 4.0),
        "{upper:?}"
    );
}
