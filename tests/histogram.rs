//! The buckets of a histogram, against arithmetic on big integers and against another implementation.

use std::{collections::BTreeMap, time::Duration};

use freewheel::metrics::{ExponentialHistogram, Registry};
use num_bigint::BigUint;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::{
    Aggregation, InMemoryMetricExporter, SdkMeterProvider, Stream,
    data::{AggregatedMetrics, MetricData},
};
use proptest::prelude::*;

/// The index of the bucket of `value / per_unit` at `scale`: the `i` with `2^i < (value / per_unit)^(2^scale) <=
/// 2^(i + 1)`.
fn exact_index(value: u64, per_unit: u64, scale: u32) -> i32 {
    let power = |base: u64| BigUint::from(base).pow(1 << scale);
    let (value, unit) = (power(value), power(per_unit));
    // The smallest exponent with `value <= unit * 2^exponent`; `bits` tells it to within one.
    let mut exponent = value.bits() as i64 - unit.bits() as i64 - 1;
    let fits = |exponent: i64| {
        if exponent >= 0 { value <= &unit << exponent } else { &value << -exponent <= unit }
    };
    while !fits(exponent) {
        exponent += 1;
    }
    exponent as i32 - 1
}

/// Every integer below, at and above a boundary `per_unit * 2^(k / 2^scale)`, over the whole range of `u64`.
fn around_all_boundaries(per_unit: u64, scale: u32) -> Vec<u64> {
    let n = 1 << scale;
    let unit = BigUint::from(per_unit).pow(n);
    let octaves_above = per_unit.leading_zeros();
    // The boundaries between 2^63 and 2^64, rounded down. Those of the octaves below are these, shifted.
    let exponents = (octaves_above - 1) * n..=(octaves_above + 1) * n;
    let roots = exponents.filter_map(|exponent| u64::try_from((&unit << exponent).nth_root(n)).ok());
    let highest: Vec<u64> = roots.filter(|&boundary| boundary >= 1 << 63).collect();
    assert_eq!(highest.len(), n as usize);
    let boundaries = highest.iter().flat_map(|boundary| (0..64).map(move |octave| boundary >> octave));
    boundaries.flat_map(|at| at.saturating_sub(1)..=at.saturating_add(1)).collect()
}

fn counts(histogram: &ExponentialHistogram) -> BTreeMap<i32, u64> {
    let buckets = (histogram.offset()..).zip(histogram.buckets().iter().copied());
    buckets.filter(|&(_, count)| count > 0).collect()
}

fn expected(values: &[u64], per_unit: u64, scale: u32) -> BTreeMap<i32, u64> {
    let mut counts = BTreeMap::new();
    for &value in values.iter().filter(|&&value| value > 0) {
        *counts.entry(exact_index(value, per_unit, scale)).or_insert(0) += 1;
    }
    counts
}

fn check_integers<const SCALE: u8>() {
    let histogram = Registry::new().histogram::<u64>("h").scale::<SCALE>().build().unwrap();
    let mut values: Vec<u64> = around_all_boundaries(1, SCALE.into());
    values.extend([0, 1, u64::MAX]);
    values.iter().for_each(|&value| histogram.record(value));
    let snapshot = histogram.snapshot();
    assert_eq!(counts(&snapshot), expected(&values, 1, SCALE.into()), "scale {SCALE}");
    assert_eq!(snapshot.zero_count(), values.iter().filter(|&&value| value == 0).count() as u64);
    assert_eq!(snapshot.count(), values.len() as u64);
}

/// Longer durations count as 292 years.
const LONGEST: u64 = u64::MAX >> 1;

fn check_durations<const SCALE: u8>() {
    const NANOS: u64 = 1_000_000_000;
    let histogram = Registry::new().histogram::<Duration>("h").scale::<SCALE>().build().unwrap();
    let mut values: Vec<u64> = around_all_boundaries(NANOS, SCALE.into());
    values.extend([0, 1, NANOS - 1, NANOS, NANOS + 1, u64::MAX]);
    values.iter().for_each(|&value| histogram.record(Duration::from_nanos(value)));
    values.iter_mut().for_each(|value| *value = (*value).min(LONGEST));
    assert_eq!(counts(&histogram.snapshot()), expected(&values, NANOS, SCALE.into()), "scale {SCALE}");
}

#[test]
fn integers_around_every_boundary_fall_into_the_exact_bucket_at_every_scale() {
    check_integers::<3>();
    check_integers::<4>();
    check_integers::<5>();
    check_integers::<6>();
    check_integers::<7>();
    check_integers::<8>();
}

#[test]
fn nanoseconds_around_every_boundary_fall_into_the_exact_bucket_of_seconds_at_every_scale() {
    check_durations::<3>();
    check_durations::<4>();
    check_durations::<5>();
    check_durations::<6>();
    check_durations::<7>();
    check_durations::<8>();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_values_fall_into_the_exact_bucket(
        values in prop::collection::vec((any::<u64>(), 0..64u32).prop_map(|(value, shift)| value >> shift), 1..60),
    ) {
        let registry = Registry::new();
        let bytes = registry.histogram::<u64>("bytes").build().unwrap();
        let times = registry.histogram::<Duration>("times").build().unwrap();
        for &value in &values {
            bytes.record(value);
            times.record(Duration::from_nanos(value));
        }
        prop_assert_eq!(counts(&bytes.snapshot()), expected(&values, 1, 5));
        let nanos: Vec<u64> = values.iter().map(|&value| value.min(LONGEST)).collect();
        prop_assert_eq!(counts(&times.snapshot()), expected(&nanos, 1_000_000_000, 5));
        let snapshot = bytes.snapshot();
        prop_assert_eq!(snapshot.min(), values.iter().min().map(|&min| min as f64));
        prop_assert_eq!(snapshot.max(), values.iter().max().map(|&max| max as f64));
        let sum = values.iter().fold(0u64, |sum, &value| sum.wrapping_add(value));
        prop_assert_eq!(snapshot.sum(), sum as f64);
    }

    #[test]
    fn merged_buckets_keep_every_count_and_stay_within_the_limit(
        values in prop::collection::vec((any::<u64>(), 0..64u32).prop_map(|(value, shift)| value >> shift), 1..200),
        max_buckets in 2usize..200,
    ) {
        let histogram = Registry::new().histogram::<u64>("h").build().unwrap();
        values.iter().for_each(|&value| histogram.record(value));
        let whole = histogram.snapshot();
        let merged = whole.clone().with_max_buckets(max_buckets);
        prop_assert!(merged.buckets().len() <= max_buckets);
        prop_assert_eq!(merged.count(), whole.count());
        let steps = whole.scale() - merged.scale();
        let mut regrouped = BTreeMap::new();
        for (index, count) in counts(&whole) {
            *regrouped.entry(index >> steps).or_insert(0) += count;
        }
        prop_assert_eq!(counts(&merged), regrouped);
        // One step less would not have been enough.
        if steps > 0 {
            let first = whole.offset() >> (steps - 1);
            let last = (whole.offset() + whole.buckets().len() as i32 - 1) >> (steps - 1);
            prop_assert!((last - first + 1) as usize > max_buckets);
        }
    }

    #[test]
    fn differences_between_snapshots_are_what_was_recorded_between(
        before in prop::collection::vec(1u64..1_000_000, 0..50),
        after in prop::collection::vec(1u64..1_000_000, 0..50),
    ) {
        let registry = Registry::new();
        let (all, window) = (registry.histogram::<u64>("all").build().unwrap(), registry.histogram::<u64>("w").build().unwrap());
        before.iter().for_each(|&value| all.record(value));
        let base = all.snapshot();
        after.iter().for_each(|&value| { all.record(value); window.record(value); });
        let (difference, exact) = (all.snapshot().since(&base), window.snapshot());
        prop_assert_eq!(counts(&difference), counts(&exact));
        prop_assert_eq!(difference.count(), exact.count());
        prop_assert_eq!(difference.sum(), exact.sum());
        if let (Some(min), Some(exact_min), Some(max), Some(exact_max)) =
            (difference.min(), exact.min(), difference.max(), exact.max())
        {
            let error = 2f64.powf(1.0 / 32.0);
            prop_assert!(min <= exact_min && exact_min <= (min + 1.0) * error, "{min} {exact_min}");
            prop_assert!(exact_max <= max.ceil() && max <= exact_max * error, "{max} {exact_max}");
        }
    }

    #[test]
    fn quantiles_are_within_the_relative_error_of_the_scale(
        mut values in prop::collection::vec(1u64..1_000_000_000, 1..100),
        q in 0.0f64..=1.0,
    ) {
        let histogram = Registry::new().histogram::<u64>("h").build().unwrap();
        values.iter().for_each(|&value| histogram.record(value));
        values.sort_unstable();
        let rank = ((q * values.len() as f64).ceil() as usize).clamp(1, values.len());
        let exact = values[rank - 1] as f64;
        let estimate = histogram.snapshot().quantile(q).unwrap();
        prop_assert!((estimate / exact - 1.0).abs() <= 0.01090, "{estimate} for {exact}");
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn random(seed: u64) -> u64 {
    let z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// The same values through opentelemetry_sdk's exponential aggregation: scale, offset and counts.
fn sdk_buckets(values: &[u64]) -> (i32, BTreeMap<i32, u64>, u64) {
    let exporter = InMemoryMetricExporter::default();
    let aggregation =
        Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .with_view(move |_: &_| Stream::builder().with_aggregation(aggregation.clone()).build().ok())
        .build();
    let histogram = provider.meter("oracle").u64_histogram("h").build();
    values.iter().for_each(|&value| histogram.record(value, &[]));
    provider.force_flush().unwrap();
    let finished = exporter.get_finished_metrics().unwrap();
    let metric = finished.last().unwrap().scope_metrics().next().unwrap().metrics().next().unwrap();
    let AggregatedMetrics::U64(MetricData::ExponentialHistogram(data)) = metric.data() else {
        panic!("an exponential histogram was asked for");
    };
    let point = data.data_points().next().unwrap();
    let buckets = point.positive_bucket();
    let counts = (buckets.offset()..).zip(buckets.counts()).filter(|&(_, count)| count > 0);
    (point.scale().into(), counts.collect(), point.zero_count())
}

#[test]
fn differences_are_right_also_from_merged_buckets() {
    let histogram = Registry::new().histogram::<u64>("h").build().unwrap();
    (1..1000).for_each(|value| histogram.record(value));
    let merged = histogram.snapshot().with_max_buckets(10);
    histogram.record(5);
    let window = histogram.snapshot().since(&merged);
    assert_eq!((window.count(), window.sum(), window.scale()), (1, 5.0, merged.scale()));
    let bounds = window.min().unwrap()..=window.max().unwrap();
    assert!(bounds.contains(&5.0), "{bounds:?}");
    // And the other way round.
    let whole = histogram.snapshot();
    histogram.record(7);
    let window = histogram.snapshot().with_max_buckets(10).since(&whole);
    assert_eq!((window.count(), window.sum(), window.scale()), (1, 7.0, merged.scale()));
}

#[test]
fn buckets_agree_with_the_opentelemetry_sdk() {
    for round in 0..20 {
        // Below 2^40 and away from exact powers of two, where the SDK's logarithm is exact enough.
        let spread = 12 + round * 2;
        let values: Vec<u64> = (0..2000).map(|i| (random(round << 32 | i) >> (64 - spread)) | 5).collect();
        let histogram = Registry::new().histogram::<u64>("h").scale::<8>().build().unwrap();
        values.iter().for_each(|&value| histogram.record(value));
        let (sdk_scale, sdk, sdk_zeros) = sdk_buckets(&values);
        let mut ours = histogram.snapshot();
        let mut limit = ours.buckets().len();
        while ours.scale() > sdk_scale {
            limit = limit.div_ceil(2).max(2);
            ours = ours.with_max_buckets(limit);
        }
        // The SDK may have chosen a scale finer than our finest.
        let steps = sdk_scale - ours.scale();
        let mut regrouped = BTreeMap::new();
        for (index, count) in sdk {
            *regrouped.entry(index >> steps).or_insert(0) += count;
        }
        assert_eq!(counts(&ours), regrouped, "round {round}");
        assert_eq!(ours.zero_count(), sdk_zeros);
    }
}
