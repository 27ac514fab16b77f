//! Histograms with given bounds, and of floating-point numbers, in the requests.

use freewheel::{
    metrics::{Buckets, KeyValue, Registry},
    otlp::Temporality,
};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, Histogram, metric::Data,
};

use crate::{
    collector::{Collector, PATIENCE},
    reading::{of, sum_of_windows},
};

/// The only metric of the last accepted request.
fn last_data(collector: &Collector) -> Data {
    let mut request = collector.accepted().pop().unwrap();
    request.resource_metrics[0].scope_metrics[0].metrics.pop().unwrap().data.unwrap()
}

fn explicit(collector: &Collector) -> Histogram {
    let Data::Histogram(histogram) = last_data(collector) else { panic!("{:?}", last_data(collector)) };
    histogram
}

fn exponential(collector: &Collector) -> ExponentialHistogramDataPoint {
    let Data::ExponentialHistogram(histogram) = last_data(collector) else {
        panic!("{:?}", last_data(collector))
    };
    histogram.data_points[0].clone()
}

#[test]
fn a_histogram_with_bounds_has_them_and_one_bucket_more() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let sizes = registry.histogram::<u64>("sizes").buckets(Buckets::explicit([0.5, 10.0, 100.0]).unwrap());
    [0, 10, 11, 1000].into_iter().for_each(|size| sizes.build().unwrap().record(size));
    let _empty = sizes.bind(&[KeyValue::new("empty", true)]).unwrap();
    let exporter = collector.exporter(&registry).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let histogram = explicit(&collector);
    assert_eq!(histogram.aggregation_temporality, AggregationTemporality::Cumulative as i32);
    let [point, empty] = &histogram.data_points[..] else { panic!("{histogram:?}") };
    assert_eq!(
        (&point.explicit_bounds[..], &point.bucket_counts[..]),
        (&[0.5, 10.0, 100.0][..], &[1, 1, 1, 1][..])
    );
    assert_eq!((point.count, point.sum, point.min, point.max), (4, Some(1021.0), Some(0.0), Some(1000.0)));
    assert!(0 < point.start_time_unix_nano && point.start_time_unix_nano < point.time_unix_nano);
    assert_eq!((empty.count, empty.sum, empty.min, empty.max), (0, Some(0.0), None, None));
    assert_eq!(empty.bucket_counts, [0; 4]);
}

#[test]
fn windows_of_a_histogram_with_bounds_add_up() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let sizes = registry.histogram::<u64>("sizes").buckets(Buckets::explicit([10.0, 100.0]).unwrap()).build();
    let sizes = sizes.unwrap();
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    [5, 500].into_iter().for_each(|size| sizes.record(size));
    exporter.force_flush(PATIENCE).unwrap();
    // A window in which nothing happened is left out.
    exporter.force_flush(PATIENCE).unwrap();
    [50, 60].into_iter().for_each(|size| sizes.record(size));
    exporter.force_flush(PATIENCE).unwrap();
    let histogram = explicit(&collector);
    assert_eq!(histogram.aggregation_temporality, AggregationTemporality::Delta as i32);
    let point = &histogram.data_points[0];
    assert_eq!((&point.bucket_counts[..], point.count, point.sum), (&[0, 2, 0][..], 2, Some(110.0)));
    // The extremes of a window that are not those of the series are known by the bounds.
    assert_eq!((point.min, point.max), (Some(10.0), Some(100.0)));
    assert_eq!(
        (of(&collector.accepted(), "sizes").len(), sum_of_windows(&collector.accepted(), "sizes")),
        (2, 4)
    );
}

#[test]
fn negative_values_have_buckets_and_no_sum() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let balance = registry.histogram::<f64>("balance").build().unwrap();
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    balance.record_all(&[1.0, 4.0, 0.0]);
    exporter.force_flush(PATIENCE).unwrap();
    let point = exponential(&collector);
    assert_eq!((point.count, point.sum, point.negative), (3, Some(5.0), None));

    balance.record_all(&[-1.0, -2.0, -2.0, 1e-30, 0.0, f64::NAN]);
    exporter.force_flush(PATIENCE).unwrap();
    let requests = collector.accepted();
    let metrics = &requests.last().unwrap().resource_metrics[0].scope_metrics[0].metrics;
    let Some(Data::ExponentialHistogram(histogram)) = &metrics[0].data else { panic!("{metrics:?}") };
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.zero_count, point.sum), (5, 1, None));
    let (negative, positive) = (point.negative.clone().unwrap(), point.positive.clone().unwrap());
    // The bucket of 1 = 2^0 ends there, whatever the scale; that of 2 = 2^1 is 2^scale further.
    assert_eq!((negative.offset, negative.bucket_counts[0]), (-1, 1));
    assert_eq!(
        (negative.bucket_counts.len(), negative.bucket_counts.last()),
        ((1 << point.scale) + 1, Some(&2))
    );
    assert_eq!(positive.bucket_counts, [1]);
    assert_eq!(point.min, Some(-2.0));
    // What is no number was counted.
    assert_eq!(sum_of_windows(&requests, "freewheel.samples.rejected"), 1);
}

#[test]
fn each_side_of_zero_fits_160_buckets() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let balance = registry.histogram::<f64>("balance").build().unwrap();
    (-300..=300).for_each(|exponent| balance.record(10f64.powi(exponent)));
    (1..100).for_each(|tenths| balance.record(-f64::from(tenths) / 10.0));
    let exporter = collector.exporter(&registry).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let point = exponential(&collector);
    let (negative, positive) = (point.negative.unwrap(), point.positive.unwrap());
    assert!(positive.bucket_counts.len() <= 160 && negative.bucket_counts.len() <= 160);
    assert_eq!(positive.bucket_counts.iter().sum::<u64>(), 601);
    assert_eq!(negative.bucket_counts.iter().sum::<u64>(), 99);
    assert_eq!(point.count, 700);
}

#[test]
fn bounds_below_zero_leave_the_sum_out_once_negative_values_are_recorded() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let balance = registry.histogram::<f64>("balance").buckets(Buckets::explicit([-1.0, 1.0]).unwrap());
    let balance = balance.build().unwrap();
    let exporter = collector.exporter(&registry).start().unwrap();
    balance.record(0.5);
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(explicit(&collector).data_points[0].sum, Some(0.5));
    balance.record(-0.5);
    exporter.force_flush(PATIENCE).unwrap();
    let point = explicit(&collector).data_points[0].clone();
    assert_eq!((point.sum, point.min, &point.bucket_counts[..]), (None, Some(-0.5), &[0, 2, 0][..]));
}
