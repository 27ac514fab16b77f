//! Integers and durations fall into the exact bucket.

use std::time::Duration;

use proptest::prelude::*;

use crate::{Counts, SCALES, at_scale, counts, exact, exponential, tally};

const NANOS: u64 = 1_000_000_000;
/// Longer durations count as 292 years.
const LONGEST: u64 = u64::MAX >> 1;

fn expected(values: &[u64], per_unit: u64, scale: u8) -> Counts {
    let positive = values.iter().filter(|&&value| value > 0);
    tally(positive.map(|&value| exact::index(value, per_unit, scale)))
}

#[test]
fn integers_around_every_boundary_fall_into_the_exact_bucket_at_every_scale() {
    for scale in SCALES {
        let histogram = at_scale::<u64>(scale);
        let mut values = exact::integers_around_boundaries(1, scale);
        values.extend([0, 1, u64::MAX]);
        values.iter().for_each(|&value| histogram.record(value));
        let snapshot = exponential(&histogram);
        assert_eq!(counts(&snapshot), expected(&values, 1, scale), "scale {scale}");
        assert_eq!(snapshot.scale(), i32::from(scale));
        assert_eq!(snapshot.zero_count(), values.iter().filter(|&&value| value == 0).count() as u64);
        assert_eq!(snapshot.count(), values.len() as u64);
    }
}

#[test]
fn nanoseconds_around_every_boundary_fall_into_the_exact_bucket_of_seconds_at_every_scale() {
    for scale in SCALES {
        let histogram = at_scale::<Duration>(scale);
        let mut values = exact::integers_around_boundaries(NANOS, scale);
        values.extend([0, 1, NANOS - 1, NANOS, NANOS + 1, u64::MAX]);
        values.iter().for_each(|&value| histogram.record(Duration::from_nanos(value)));
        values.iter_mut().for_each(|value| *value = (*value).min(LONGEST));
        assert_eq!(counts(&exponential(&histogram)), expected(&values, NANOS, scale), "scale {scale}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_values_fall_into_the_exact_bucket(
        values in prop::collection::vec((any::<u64>(), 0..64u32).prop_map(|(value, shift)| value >> shift), 1..60),
        scale in SCALES,
    ) {
        let (bytes, times) = (at_scale::<u64>(scale), at_scale::<Duration>(scale));
        for &value in &values {
            bytes.record(value);
            times.record(Duration::from_nanos(value));
        }
        prop_assert_eq!(counts(&exponential(&bytes)), expected(&values, 1, scale));
        let nanos: Vec<u64> = values.iter().map(|&value| value.min(LONGEST)).collect();
        prop_assert_eq!(counts(&exponential(&times)), expected(&nanos, NANOS, scale));
        let snapshot = bytes.snapshot();
        prop_assert_eq!(snapshot.min(), values.iter().min().map(|&min| min as f64));
        prop_assert_eq!(snapshot.max(), values.iter().max().map(|&max| max as f64));
        let sum = values.iter().fold(0u64, |sum, value| sum.wrapping_add(*value));
        prop_assert_eq!(snapshot.sum(), sum as f64);
    }
}
