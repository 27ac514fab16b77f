//! From exponential buckets to upper bounds.

use std::collections::BTreeSet;

use freewheel::{
    metrics::{Buckets, Registry, Snapshot},
    prometheus::{Encoder, Format},
};
use num_bigint::BigUint;
use proptest::prelude::*;

use super::{open_metrics, text};

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

fn snapshot_of_floats(values: &[f64]) -> Snapshot {
    let registry = Registry::new();
    registry.histogram::<f64>("h").build().unwrap().record_all(values);
    registry.snapshot()
}

/// All magnitudes, of both signs.
fn floats() -> impl Strategy<Value = Vec<f64>> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        prop::collection::vec(-100.0..100.0, 1..50),
        prop::collection::vec(NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE, 1..50),
    ]
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

    #[test]
    fn each_bound_counts_the_floating_point_numbers_up_to_it(values in floats(), scale in -4..=8_i32) {
        let buckets = buckets(&Encoder::new().histogram_scale(scale), &snapshot_of_floats(&values));
        let (last, finite) = buckets.split_last().unwrap();
        prop_assert_eq!(*last, (f64::INFINITY, values.len() as u64));
        prop_assert!(finite.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1), "{finite:?}");
        for (bound, count) in finite {
            // Bounds are rounded to numbers, and of negative values one that equals a bound comes after it.
            let room = if *bound == 0.0 { 0.0 } else { bound.abs() * 4.0 * f64::EPSILON + f64::from_bits(4) };
            let up_to = |limit: f64| values.iter().filter(|value| **value <= limit).count() as u64;
            let expected = up_to(bound - room)..=up_to(bound + room);
            prop_assert!(expected.contains(count), "{count} up to {bound}, not {expected:?}");
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

#[test]
fn negative_values_come_first_and_leave_no_sum() {
    let snapshot = snapshot_of_floats(&[-5.0, -4.0, -3.0, 0.0, 0.75]);
    let lines = "\
h_bucket{le=\"-8.0\"} 0
h_bucket{le=\"-4.0\"} 1
h_bucket{le=\"-2.0\"} 3
h_bucket{le=\"0.0\"} 4
h_bucket{le=\"0.5\"} 4
h_bucket{le=\"1.0\"} 5
h_bucket{le=\"+Inf\"} 5
";
    let encoder = Encoder::new().histogram_scale(0);
    assert_eq!(encoder.encode(&snapshot), format!("# TYPE h histogram\n{lines}h_count 5\n"));
    let encoder = encoder.format(Format::OpenMetrics);
    assert_eq!(encoder.encode(&snapshot), format!("# TYPE h histogram\n{lines}# EOF\n"));
}

#[test]
fn bounds_beyond_the_range_of_numbers_are_left_out() {
    let bounds = |values: &[f64], scale| {
        let buckets = buckets(&Encoder::new().histogram_scale(scale), &snapshot_of_floats(values));
        buckets.iter().map(|(bound, _)| *bound).collect::<Vec<f64>>()
    };
    assert_eq!(bounds(&[f64::MAX], 0), [2_f64.powi(1023), f64::INFINITY]);
    assert_eq!(bounds(&[f64::MIN], 0), [-2_f64.powi(1023), 0.0, f64::INFINITY]);
    // The least number: its bucket begins below it, where there is only zero.
    assert_eq!(bounds(&[5e-324], 0), [0.0, 5e-324, f64::INFINITY]);
    assert_eq!(bounds(&[-5e-324], 0), [-5e-324, 0.0, f64::INFINITY]);
    // Both: from 2^-1088, which is zero as a number, to 2^1008, each 2^16 times the one before.
    let all = bounds(&[5e-324, f64::MAX], 8);
    assert_eq!((all.len(), &all[..2]), (133, &[0.0, (-1072_f64).exp2()][..]));
}

#[test]
fn given_bounds_are_exposed_as_they_are() {
    let registry = Registry::new();
    let given = Buckets::explicit([-0.0, 0.1, 2.5, 1e6]).unwrap();
    let histogram = registry.histogram::<f64>("h").buckets(given).build().unwrap();
    [0.0, 0.1, 0.10000000000000002, 7.0, 1e9].into_iter().for_each(|value| histogram.record(value));
    let expected = "\
# TYPE h histogram
h_bucket{le=\"0.0\"} 1
h_bucket{le=\"0.1\"} 2
h_bucket{le=\"2.5\"} 3
h_bucket{le=\"1e+06\"} 4
h_bucket{le=\"+Inf\"} 5
h_sum 1.0000000072e+09
h_count 5
";
    assert_eq!(text(&registry), expected);
}

#[test]
fn given_bounds_have_a_sum_as_long_as_it_can_only_rise() {
    let has_sum = |bounds: &[f64], values: &[f64]| {
        let registry = Registry::new();
        let given = Buckets::explicit(bounds.iter().copied()).unwrap();
        let histogram = registry.histogram::<f64>("h").buckets(given).build().unwrap();
        histogram.record_all(values);
        let (text, open_metrics) = (text(&registry), open_metrics(&registry));
        assert!(text.contains(&format!("h_count {}\n", values.len())), "{text}");
        let [sum, count] = ["\nh_sum ", "\nh_count "].map(|name| open_metrics.contains(name));
        assert!(sum == count && sum == text.contains("\nh_sum "), "{open_metrics}");
        sum
    };
    assert!(has_sum(&[1.0], &[0.5, 2.0]));
    assert!(has_sum(&[], &[0.5]));
    assert!(has_sum(&[1.0], &[]));
    assert!(!has_sum(&[1.0], &[0.5, -1.0]));
    assert!(!has_sum(&[-1.0, 1.0], &[0.5]));
}
