//! The same values through the aggregations of opentelemetry_sdk.

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::{
    Aggregation, InMemoryMetricExporter, SdkMeterProvider, Stream,
    data::{AggregatedMetrics, ExponentialBucket, MetricData},
};

use crate::{Counts, at_scale, counts, explicit, exponential, histogram, in_use, negative_counts, regrouped};
use freewheel::metrics::{Buckets, ExponentialHistogram};

/// SplitMix64 (Steele, Lea, Flood 2014).
fn random(seed: u64) -> u64 {
    let z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Has `record` record into a meter with that aggregation, and `read` what came of it.
fn aggregated<R>(
    aggregation: Aggregation,
    record: impl FnOnce(Meter),
    read: impl FnOnce(&AggregatedMetrics) -> R,
) -> R {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .with_view(move |_: &_| Stream::builder().with_aggregation(aggregation.clone()).build().ok())
        .build();
    record(provider.meter("oracle"));
    provider.force_flush().unwrap();
    let finished = exporter.get_finished_metrics().unwrap();
    let metric = finished.last().unwrap().scope_metrics().next().unwrap().metrics().next().unwrap();
    read(metric.data())
}

/// What the SDK's exponential aggregation makes of values.
struct Oracle {
    scale: i32,
    positive: Counts,
    negative: Counts,
    zeros: u64,
    sum: f64,
    extremes: (Option<f64>, Option<f64>),
}

const EXPONENTIAL: Aggregation =
    Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };

fn side(bucket: &ExponentialBucket) -> Counts {
    in_use(bucket.offset(), &bucket.counts().collect::<Vec<_>>())
}

/// Compares at the lower of both scales: the SDK may have chosen one finer than our finest, or one that 160 buckets
/// allow.
fn assert_same(ours: ExponentialHistogram, sdk: Oracle, what: &str) {
    let scale = ours.scale().min(sdk.scale);
    let ours_at = |counts| regrouped(counts, ours.scale() - scale);
    let sdk_at = |counts| regrouped(counts, sdk.scale - scale);
    assert_eq!(ours_at(counts(&ours)), sdk_at(sdk.positive), "{what}");
    assert_eq!(ours_at(negative_counts(&ours)), sdk_at(sdk.negative), "{what}");
    assert_eq!((ours.zero_count(), (ours.min(), ours.max())), (sdk.zeros, sdk.extremes), "{what}");
    assert!((ours.sum() - sdk.sum).abs() <= 1e-12 * sdk.sum.abs(), "{what}: {} {}", ours.sum(), sdk.sum);
}

#[test]
fn exponential_buckets_of_integers_agree_with_the_opentelemetry_sdk() {
    for round in 0..20 {
        // Below 2^40 and away from exact powers of two, where the SDK's logarithm is exact enough.
        let spread = 12 + round * 2;
        let values: Vec<u64> = (0..2000).map(|i| (random(round << 32 | i) >> (64 - spread)) | 5).collect();
        let histogram = at_scale::<u64>(8);
        histogram.record_all(&values);
        let record = |meter: Meter| {
            let histogram = meter.u64_histogram("h").build();
            values.iter().for_each(|&value| histogram.record(value, &[]));
        };
        let sdk = aggregated(EXPONENTIAL, record, |data| {
            let AggregatedMetrics::U64(MetricData::ExponentialHistogram(data)) = data else {
                panic!("{data:?}")
            };
            let point = data.data_points().next().unwrap();
            Oracle {
                scale: point.scale().into(),
                positive: side(point.positive_bucket()),
                negative: side(point.negative_bucket()),
                zeros: point.zero_count(),
                sum: point.sum() as f64,
                extremes: (point.min().map(|min| min as f64), point.max().map(|max| max as f64)),
            }
        });
        assert_same(exponential(&histogram), sdk, &format!("round {round}"));
    }
}

/// Numbers of both signs and of magnitudes up to `2^octaves` and down to its inverse, with zeros and what is no number.
fn numbers(round: u64, octaves: f64) -> Vec<f64> {
    let uniform = |i: u64| (random(round << 32 | i) >> 11) as f64 / (1_u64 << 53) as f64;
    let number = |i: u64| match i % 50 {
        0 => 0.0,
        1 => f64::NAN,
        2 => f64::INFINITY,
        i => (octaves * (2.0 * uniform(i * 7 + round) - 1.0)).exp2() * if i % 3 == 0 { -1.0 } else { 1.0 },
    };
    (0..2000).map(|i| number(random(round << 32 | i) % 100_000)).collect()
}

#[test]
fn exponential_buckets_of_numbers_agree_with_the_opentelemetry_sdk() {
    for (round, octaves) in (0..).zip([0.5, 2.0, 10.0, 30.0, 100.0, 900.0]) {
        let values = numbers(round, octaves);
        let histogram = at_scale::<f64>(8);
        histogram.record_all(&values);
        let record = |meter: Meter| {
            let histogram = meter.f64_histogram("h").build();
            values.iter().for_each(|&value| histogram.record(value, &[]));
        };
        let sdk = aggregated(EXPONENTIAL, record, |data| {
            let AggregatedMetrics::F64(MetricData::ExponentialHistogram(data)) = data else {
                panic!("{data:?}")
            };
            let point = data.data_points().next().unwrap();
            Oracle {
                scale: point.scale().into(),
                positive: side(point.positive_bucket()),
                negative: side(point.negative_bucket()),
                zeros: point.zero_count(),
                sum: point.sum(),
                extremes: (point.min(), point.max()),
            }
        });
        assert_same(exponential(&histogram), sdk, &format!("{octaves} octaves"));
    }
}

#[test]
fn given_bounds_agree_with_the_opentelemetry_sdk() {
    let bounds = [-100.0, -0.5, 0.0, 0.1, 1.0, 7.0, 1e3, 1e15];
    let aggregation =
        || Aggregation::ExplicitBucketHistogram { boundaries: bounds.to_vec(), record_min_max: true };
    let numbers: Vec<f64> = numbers(77, 60.0).into_iter().chain(bounds).collect();
    let ours = histogram::<f64>(Buckets::explicit(bounds).unwrap());
    ours.record_all(&numbers);
    let record = |meter: Meter| {
        let histogram = meter.f64_histogram("h").build();
        numbers.iter().for_each(|&value| histogram.record(value, &[]));
    };
    aggregated(aggregation(), record, |data| {
        let AggregatedMetrics::F64(MetricData::Histogram(data)) = data else { panic!("{data:?}") };
        let (point, ours) = (data.data_points().next().unwrap(), explicit(&ours));
        assert_eq!(point.bounds().collect::<Vec<_>>(), ours.bounds());
        assert_eq!(point.bucket_counts().collect::<Vec<_>>(), ours.buckets());
        assert_eq!((point.count(), point.min(), point.max()), (ours.count(), ours.min(), ours.max()));
        assert!((point.sum() - ours.sum()).abs() <= 1e-12 * ours.sum().abs());
    });

    let integers: Vec<u64> =
        (0..2000).map(|i| random(i) >> (16 + random(!i) % 48)).chain([0, 1, 7, 1000]).collect();
    let ours = histogram::<u64>(Buckets::explicit(bounds).unwrap());
    ours.record_all(&integers);
    let record = |meter: Meter| {
        let histogram = meter.u64_histogram("h").build();
        integers.iter().for_each(|&value| histogram.record(value, &[]));
    };
    aggregated(aggregation(), record, |data| {
        let AggregatedMetrics::U64(MetricData::Histogram(data)) = data else { panic!("{data:?}") };
        let (point, ours) = (data.data_points().next().unwrap(), explicit(&ours));
        assert_eq!(point.bucket_counts().collect::<Vec<_>>(), ours.buckets());
        assert_eq!((point.count(), point.sum() as f64), (ours.count(), ours.sum()));
        assert_eq!((point.min(), point.max()), (Some(0), integers.iter().copied().max()));
    });
}
