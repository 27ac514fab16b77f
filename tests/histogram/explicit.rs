//! Integers and durations in buckets with given bounds.

use std::time::Duration;

use freewheel::metrics::Buckets;
use proptest::prelude::*;

use crate::{explicit, histogram};

/// How many bounds lie below each value, as tallied.
fn tally(bounds: &[f64], values: impl Iterator<Item = f64>) -> Vec<u64> {
    let mut buckets = vec![0; bounds.len() + 1];
    values.for_each(|value| buckets[bounds.partition_point(|bound| *bound < value)] += 1);
    buckets
}

#[test]
fn a_value_that_equals_a_bound_lies_below_it() {
    let histogram = histogram::<u64>(Buckets::explicit([1.0, 10.0, 10.5, 100.0]).unwrap());
    [0, 1, 2, 10, 11, 100, 101, u64::MAX].iter().for_each(|&value| histogram.record(value));
    let seen = explicit(&histogram);
    assert_eq!(seen.bounds(), [1.0, 10.0, 10.5, 100.0]);
    assert_eq!(seen.buckets(), [2, 2, 0, 2, 2]);
    assert_eq!((seen.count(), seen.min(), seen.max()), (8, Some(0.0), Some(u64::MAX as f64)));
}

#[test]
fn bounds_beyond_the_range_of_the_values_do_no_harm() {
    let bounds = [f64::MIN, -1.0, -1e-300, 0.0, 2f64.powi(64), f64::MAX];
    let integers = histogram::<u64>(Buckets::explicit(bounds).unwrap());
    let times = histogram::<Duration>(Buckets::explicit(bounds).unwrap());
    [0, 1, u64::MAX].iter().for_each(|&value| integers.record(value));
    times.record(Duration::ZERO);
    times.record(Duration::MAX);
    assert_eq!(explicit(&integers).buckets(), [0, 0, 0, 1, 2, 0, 0]);
    assert_eq!(explicit(&times).buckets(), [0, 0, 0, 1, 1, 0, 0]);
    let unbounded = histogram::<u64>(Buckets::explicit([]).unwrap());
    unbounded.record(7);
    assert_eq!((explicit(&unbounded).buckets(), explicit(&unbounded).quantile(0.5)), (&[1][..], Some(7.0)));
}

#[test]
fn a_duration_lies_within_its_own_seconds_and_a_nanosecond_more_does_not() {
    // Written in decimal, most of these are not what the floating-point number is.
    let nanos: Vec<u64> =
        (1..1000).map(|thousandths| thousandths * 1_000_000).chain([1, 3, 123_456_789]).collect();
    for nanos in nanos {
        let bound: f64 = format!("0.{nanos:09}").parse().unwrap();
        let histogram = histogram::<Duration>(Buckets::explicit([bound]).unwrap());
        [nanos - 1, nanos, nanos + 1].iter().for_each(|&nanos| histogram.record(Duration::from_nanos(nanos)));
        assert_eq!(explicit(&histogram).buckets(), [2, 1], "{bound}");
    }
    let histogram = histogram::<Duration>(Buckets::request_seconds());
    let bounds = explicit(&histogram).bounds().to_vec();
    for &bound in &bounds {
        let duration = Duration::from_secs_f64(bound);
        histogram.record(duration);
        histogram.record(duration + Duration::from_nanos(1));
    }
    let buckets = explicit(&histogram).buckets().to_vec();
    assert_eq!(buckets, [[1].as_slice(), &[2; 13], &[1]].concat());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn integers_and_durations_fall_into_the_bucket_that_comparisons_tell(
        mut bounds in prop::collection::vec(prop_oneof![0.0..100.0f64, 0.0..1e20f64, -5.0..5.0f64], 0..40),
        values in prop::collection::vec((any::<u64>(), 0..64u32).prop_map(|(value, shift)| value >> shift), 1..80),
    ) {
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        // Some values equal a bound.
        let values: Vec<u64> = values.into_iter().chain(bounds.iter().map(|&bound| bound as u64)).collect();
        let buckets = Buckets::explicit(bounds.clone()).unwrap();
        let (integers, times) = (histogram::<u64>(buckets.clone()), histogram::<Duration>(buckets));
        for &value in &values {
            integers.record(value);
            times.record(Duration::from_nanos(value));
        }
        let (integers, times) = (explicit(&integers), explicit(&times));
        prop_assert_eq!(integers.buckets(), tally(&bounds, values.iter().map(|&value| value as f64)));
        let seconds = values.iter().map(|&nanos| nanos.min(u64::MAX >> 1) as f64 / 1e9);
        prop_assert_eq!(times.buckets(), tally(&bounds, seconds));
        let sum = values.iter().fold(0u64, |sum, value| sum.wrapping_add(*value));
        prop_assert_eq!(integers.sum(), sum as f64);
        prop_assert_eq!(integers.min(), values.iter().min().map(|&min| min as f64));
        prop_assert_eq!(integers.max(), values.iter().max().map(|&max| max as f64));
    }
}
