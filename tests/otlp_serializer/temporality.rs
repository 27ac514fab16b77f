//! Totals and windows.

use std::{num::NonZeroUsize, time::Duration};

use freewheel::{
    metrics::{Buckets, KeyValue, Outcome, Registry},
    otlp::{Serializer, Temporality},
};
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, any_value},
    metrics::v1::{
        AggregationTemporality::{self, Cumulative, Delta},
        Metric,
        metric::Data,
        number_data_point::Value,
    },
};

use crate::{decoded, metrics};

/// What the only point of a metric says, and how.
fn told(metric: &Metric) -> (&str, AggregationTemporality, i64) {
    let Metric { name, data: Some(data), .. } = metric else { panic!("{metric:?}") };
    let (temporality, value) = match data {
        Data::Sum(sum) => {
            let Some(Value::AsInt(value)) = sum.data_points[0].value else { panic!("{sum:?}") };
            (sum.aggregation_temporality, value)
        }
        Data::ExponentialHistogram(data) => (data.aggregation_temporality, data.data_points[0].count as i64),
        other => panic!("{other:?}"),
    };
    (name, temporality.try_into().unwrap(), value)
}

#[test]
fn low_memory_has_windows_of_what_is_recorded_and_totals_of_what_is_observed() {
    let registry = Registry::new();
    let counter = registry.counter("counter").build().unwrap();
    registry.counter("observed").observe(|observer| observer.observe(7, &[])).unwrap();
    let up_down = registry.up_down_counter("up.down").build().unwrap();
    registry.up_down_counter("up.down.observed").observe(|observer| observer.observe(-1, &[])).unwrap();
    let histogram = registry.histogram::<u64>("histogram").build().unwrap();
    let record = || {
        counter.add(2);
        up_down.add(3);
        histogram.record(4);
    };
    let mut serializer = Serializer::new([]).temporality(Temporality::LowMemory);
    record();
    let first = metrics(&mut serializer, registry.snapshot());
    assert_eq!(
        first.iter().map(told).collect::<Vec<_>>(),
        [
            ("counter", Delta, 2),
            ("observed", Cumulative, 7),
            ("up.down", Cumulative, 3),
            ("up.down.observed", Cumulative, -1),
            ("histogram", Delta, 1)
        ]
    );
    record();
    let second = metrics(&mut serializer, registry.snapshot());
    assert_eq!(
        second.iter().map(told).collect::<Vec<_>>(),
        [
            ("counter", Delta, 2),
            ("observed", Cumulative, 7),
            ("up.down", Cumulative, 6),
            ("up.down.observed", Cumulative, -1),
            ("histogram", Delta, 1)
        ]
    );
    let names: Vec<_> =
        metrics(&mut serializer, registry.snapshot()).into_iter().map(|each| each.name).collect();
    assert_eq!(names, ["observed", "up.down", "up.down.observed"], "in the others nothing happened");
}

#[test]
fn delta_has_windows_of_what_is_observed() {
    let registry = Registry::new();
    registry.counter("observed").observe(|observer| observer.observe(7, &[])).unwrap();
    let mut serializer = Serializer::new([]).temporality(Temporality::Delta);
    let first = metrics(&mut serializer, registry.snapshot());
    assert_eq!(first.iter().map(told).collect::<Vec<_>>(), [("observed", Delta, 7)]);
    assert!(serializer.requests(registry.snapshot()).is_empty());
}

#[test]
fn windows_of_divided_requests_add_up() {
    let registry = Registry::new();
    let series: Vec<_> = (0..10)
        .map(|number| {
            let attributes = [KeyValue::new("number", number)];
            registry.histogram::<u64>("sizes").bind(&attributes).unwrap()
        })
        .collect();
    let mut serializer =
        Serializer::new([]).temporality(Temporality::Delta).max_points(NonZeroUsize::new(3).unwrap());
    let mut counts = vec![0; series.len()];
    for round in 1..=4 {
        series.iter().skip(round).for_each(|series| series.record_n(1 << (round * 9), round as u64));
        for body in serializer.requests(registry.snapshot()) {
            let request = decoded(&body);
            let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
            let Some(Data::ExponentialHistogram(data)) = &metric.data else { panic!("{metric:?}") };
            for point in &data.data_points {
                let number = series_number(point.attributes[0].value.as_ref().unwrap());
                counts[number] += point.count;
                let positive = point.positive.as_ref().unwrap();
                assert_eq!(positive.bucket_counts, [round as u64], "the window has nothing of those before");
            }
        }
    }
    assert_eq!(counts, [0, 1, 3, 6, 10, 10, 10, 10, 10, 10]);
}

fn series_number(value: &AnyValue) -> usize {
    let Some(any_value::Value::IntValue(number)) = value.value else { panic!("{value:?}") };
    number as usize
}

/// A metric without times.
fn timeless(mut metric: Metric) -> Metric {
    match metric.data.as_mut().unwrap() {
        Data::Gauge(data) => data.data_points.iter_mut().for_each(|point| {
            (point.start_time_unix_nano, point.time_unix_nano) = (0, 0);
        }),
        Data::Sum(data) => data.data_points.iter_mut().for_each(|point| {
            (point.start_time_unix_nano, point.time_unix_nano) = (0, 0);
        }),
        Data::Histogram(data) => data.data_points.iter_mut().for_each(|point| {
            (point.start_time_unix_nano, point.time_unix_nano) = (0, 0);
        }),
        Data::ExponentialHistogram(data) => data.data_points.iter_mut().for_each(|point| {
            (point.start_time_unix_nano, point.time_unix_nano) = (0, 0);
        }),
        Data::Summary(_) => panic!("there are no summaries"),
    }
    metric
}

#[test]
fn snapshots_in_the_memory_of_the_one_before_are_written_as_new_ones_are() {
    for temporality in [Temporality::Cumulative, Temporality::Delta, Temporality::LowMemory] {
        let registry = Registry::new();
        let gauge = registry.gauge::<f64>("gauge").build().unwrap();
        let bounds = Buckets::explicit([10.0, 100.0]).unwrap();
        let explicit = registry.histogram::<u64>("explicit").buckets(bounds).build().unwrap();
        let exponential = registry.histogram::<u64>("exponential").build().unwrap();
        let requests = registry.requests("requests").build().unwrap();
        let serializer = || Serializer::new([]).temporality(temporality);
        let (mut fresh, mut kept) = (serializer(), serializer());
        // In the third round nothing happens, in the fourth there is less than before, and at last another range.
        for (round, values) in
            [&[1, 50, 9000][..], &[7, 1 << 40], &[], &[0], &[1 << 20]].into_iter().enumerate()
        {
            // A series more in each round.
            let number = i64::try_from(round).unwrap();
            registry.counter("counter").bind(&[KeyValue::new("number", number)]).unwrap().add(1);
            for &value in values {
                gauge.record(value as f64);
                explicit.record(value);
                exponential.record(value);
                requests.record(Duration::from_nanos(value), Outcome::Success);
            }
            let expected = metrics(&mut fresh, registry.snapshot()).into_iter().map(timeless);
            let bodies = kept.requests_of(&registry);
            let [body] = &bodies[..] else { panic!("{} requests", bodies.len()) };
            let scope = decoded(body).resource_metrics[0].scope_metrics[0].clone();
            let found = scope.metrics.into_iter().map(timeless);
            assert_eq!(
                found.collect::<Vec<_>>(),
                expected.collect::<Vec<_>>(),
                "{temporality:?}, round {round}"
            );
        }
    }
}
