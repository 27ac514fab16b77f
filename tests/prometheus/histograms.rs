//! From exponential buckets to upper bounds.

use std::collections::BTreeSet;

use freewheel::{
    metrics::{Buckets, Registry, Snapshot},
    prometheus::Encoder,
};
use num_bigint::BigUint;
use proptest::prelude::*;

/// The bounds of the histogram `h`, with what they count; the last is infinite.
fn buckets(encoder: &Encoder, snapshot: &Snapshot) -> Vec<(f64, u64)> {
    let text = encoder.encode(snapshot);
    let bucket = |line: &str| {
        let (bound, count) = line.strip_prefix("h_bucket{le=\"")?.split_once("\"} ")?;
        Some((bound.parse().unwrap(), count.parse().unwrap()))
    };
    text.lines().filter_map(bucket).collect()
}

fn snapshot_of(values: &[u64], scale: u8) -> Snapshot {
    let registry = Registry::new();
    let buckets = Buckets::exponential(scale).unwrap();
    let histogram = registry.histogram::<u64>("h").buckets(buckets).build().unwrap();
    values.iter().for_each(|value| histogram.record(*value));
    registry.snapshot()
}

/// The `index` with `bound = 2^(index / 2^scale)`.
fn index_of(bound: f64, scale: i32) -> i64 {
    let per_doubling = f64::from(scale).exp2();
    let index = (bound.log2() * per_doubling).round();
    let exact = (index / per_doubling).exp2();
    assert!((bound / exact - 1.0).abs() < 4.0 * f64::EPSILON, "{bound} is not on the grid of scale {scale}");
    index as i64
}

/// Whether `value <= 2^(index / 2^scale)`.
fn fits(value: u64, index: i64, scale: i32) -> bool {
    let (power, doublings) = if scale >= 0 { (1 << scale, index) } else { (1, index << -scale) };
    match u64::try_from(doublings) {
        Ok(doublings) => BigUint::from(value).pow(power) <= BigUint::from(1_u8) << doublings,
        Err(_) => value == 0,
    }
}

/// All magnitudes.
fn values() -> impl Strategy<Value = Vec<u64>> {
    let value = (any::<u64>(), 0..=64_u32).prop_map(|(value, bits)| value.checked_shr(bits).unwrap_or(0));
    prop::collection::vec(value, 1..50)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_bound_counts_the_values_up_to_it(values in values(), from in 3..=8_u8, to in -4..=8_i32) {
        let snapshot = snapshot_of(&values, from);
        let buckets = buckets(&Encoder::new().histogram_scale(to), &snapshot);
        // That of a finer grid: each coarser one is part of it.
        let scale = to.min(from.into());
        let (last, finite) = buckets.split_last().unwrap();
        prop_assert_eq!(*last, (f64::INFINITY, values.len() as u64));
        prop_assert!(finite.windows(2).all(|pair| pair[0].0 < pair[1].0), "{finite:?}");
        for (bound, count) in finite {
            let up_to = match *bound {
                0.0 => values.iter().filter(|value| **value == 0).count(),
                bound => {
                    let index = index_of(bound, scale);
                    values.iter().filter(|value| fits(**value, index, scale)).count()
                }
            };
            prop_assert_eq!(*count, up_to as u64, "up to {} at scale {}", bound, scale);
        }
        prop_assert_eq!(finite.last().map(|(_, count)| *count), Some(values.len() as u64));
    }

    #[test]
    fn bounds_stay_where_they_are_while_values_come(values in values()) {
        let registry = Registry::new();
        let histogram = registry.histogram::<u64>("h").build().unwrap();
        let mut before: Vec<(f64, u64)> = Vec::new();
        for value in values {
            histogram.record(value);
            let after = buckets(&Encoder::new(), &registry.snapshot());
            let bounds: BTreeSet<u64> = after.iter().map(|(bound, _)| bound.to_bits()).collect();
            prop_assert!(before.iter().all(|(bound, _)| bounds.contains(&bound.to_bits())), "{before:?} {after:?}");
            before = after;
        }
    }
}

#[test]
fn buckets_in_use_have_both_bounds_and_no_gaps() {
    let bounds = |values: &[u64], scale| {
        let buckets = buckets(&Encoder::new().histogram_scale(scale), &snapshot_of(values, 5));
        buckets.iter().map(|(bound, _)| *bound).collect::<Vec<f64>>()
    };
    assert_eq!(bounds(&[3], 0), [2.0, 4.0, f64::INFINITY]);
    assert_eq!(bounds(&[4], 0), [2.0, 4.0, f64::INFINITY]);
    assert_eq!(bounds(&[5, 60], 0), [4.0, 8.0, 16.0, 32.0, 64.0, f64::INFINITY]);
    assert_eq!(bounds(&[5, 60], -1), [4.0, 16.0, 64.0, f64::INFINITY]);
    assert_eq!(bounds(&[0], 0), [0.0, f64::INFINITY]);
    assert_eq!(bounds(&[0, 3], 0), [0.0, 2.0, 4.0, f64::INFINITY]);
    assert_eq!(bounds(&[1], 0), [0.5, 1.0, f64::INFINITY]);
}

#[test]
fn the_scale_is_limited_to_that_of_the_data_and_to_what_makes_sense() {
    let encode = |scale| Encoder::new().histogram_scale(scale).encode(&snapshot_of(&[1, 1000], 3));
    assert!(encode(4) == encode(3) && encode(i32::MAX) == encode(3));
    assert!(encode(2) != encode(3) && encode(-4) != encode(-3));
    assert!(encode(i32::MIN) == encode(-4));
    assert!(encode(Encoder::DEFAULT_HISTOGRAM_SCALE) == Encoder::new().encode(&snapshot_of(&[1, 1000], 3)));
}

#[test]
fn there_are_at_most_160_buckets() {
    let buckets = buckets(&Encoder::new().histogram_scale(8), &snapshot_of(&[1, u64::MAX], 8));
    assert!((80..=161).contains(&(buckets.len() - 1)), "{}", buckets.len());
    assert_eq!(index_of(buckets[1].0, 1), 0);
    assert_eq!(buckets[1..3], [(1.0, 1), (2_f64.sqrt(), 1)]);
}

#[test]
fn bounds_are_the_nearest_numbers() {
    // Powers of two are exact.
    let values: Vec<u64> = (0..64).map(|power| 1 << power).collect();
    let buckets = buckets(&Encoder::new().histogram_scale(0), &snapshot_of(&values, 5));
    let expected = (0..64).map(|power| ((1_u64 << power) as f64, power + 1));
    assert_eq!(buckets[1..65], expected.collect::<Vec<_>>());
}
