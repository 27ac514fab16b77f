//! What is done with histograms as plain data: merging, differences, quantiles.

use std::{collections::BTreeMap, time::Duration};

use freewheel::metrics::{Buckets, ExponentialHistogram, HistogramValue};
use proptest::prelude::*;

use crate::{SCALES, at_scale, counts, explicit, exponential, histogram, negative_counts, regrouped};

fn any_integer() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64u32).prop_map(|(value, shift)| value >> shift)
}

/// Numbers that add up without rounding, whatever the order.
fn any_eighths() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-1_000_000..1_000_000i32).prop_map(|eighths| f64::from(eighths) / 8.0),
        (0..100i32).prop_map(|eighths| f64::from(eighths) / 8.0),
        Just(1e-30),
    ]
}

fn recorded<V: HistogramValue>(values: &[V], scale: u8) -> ExponentialHistogram {
    let histogram = at_scale::<V>(scale);
    histogram.record_all(values);
    exponential(&histogram)
}

/// All but the sum, which depends on the order if it is one of floating-point numbers.
fn same_but_the_sum(a: &ExponentialHistogram, b: &ExponentialHistogram) -> Result<(), TestCaseError> {
    prop_assert_eq!(
        (counts(a), negative_counts(a), a.zero_count()),
        (counts(b), negative_counts(b), b.zero_count())
    );
    prop_assert_eq!((a.scale(), a.min(), a.max()), (b.scale(), b.min(), b.max()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merged_buckets_keep_every_count_and_stay_within_the_limit(
        values in prop::collection::vec(any::<f64>(), 1..100),
        near in prop::collection::vec(-1e6..1e6f64, 1..100),
        max_buckets in 2usize..200,
    ) {
        let whole = recorded(&[values, near].concat(), 5);
        let merged = whole.clone().with_max_buckets(max_buckets);
        prop_assert!(merged.buckets().len() <= max_buckets && merged.negative_buckets().len() <= max_buckets);
        prop_assert_eq!(merged.count(), whole.count());
        prop_assert_eq!((merged.min(), merged.max(), merged.sum()), (whole.min(), whole.max(), whole.sum()));
        let steps = whole.scale() - merged.scale();
        prop_assert_eq!(counts(&merged), regrouped(counts(&whole), steps));
        prop_assert_eq!(negative_counts(&merged), regrouped(negative_counts(&whole), steps));
        // One step less would not have been enough.
        if steps > 0 {
            let width = |counts: BTreeMap<i32, u64>| match (counts.first_key_value(), counts.last_key_value()) {
                (Some((first, _)), Some((last, _))) => (last >> (steps - 1)) - (first >> (steps - 1)) + 1,
                _ => 0,
            };
            let widest = width(counts(&whole)).max(width(negative_counts(&whole)));
            prop_assert!(widest as usize > max_buckets);
        }
    }

    #[test]
    fn parts_merged_are_the_whole(parts in prop::collection::vec(prop::collection::vec(any_integer(), 0..30), 0..6)) {
        let mut merged = ExponentialHistogram::default();
        parts.iter().for_each(|part| merged.merge(&recorded(part, 5)));
        let whole = recorded(&parts.concat(), 5);
        // Without values it does not matter what of.
        prop_assert!(merged == whole || merged.count() == 0 && whole.count() == 0);
    }

    #[test]
    fn parts_of_floating_point_numbers_merged_are_the_whole(
        parts in prop::collection::vec(prop::collection::vec(any_eighths(), 0..30), 0..6),
    ) {
        let mut merged = ExponentialHistogram::default();
        parts.iter().for_each(|part| merged.merge(&recorded(part, 5)));
        let whole = recorded(&parts.concat(), 5);
        same_but_the_sum(&merged, &whole)?;
        prop_assert!((merged.sum() - whole.sum()).abs() < 1e-6);
    }

    #[test]
    fn parts_at_any_scales_merged_are_the_whole_at_the_lowest(
        parts in prop::collection::vec((prop::collection::vec(any_eighths(), 1..30), SCALES), 1..6),
    ) {
        let mut merged = ExponentialHistogram::default();
        parts.iter().for_each(|(part, scale)| merged.merge(&recorded(part, *scale)));
        let lowest = parts.iter().map(|(_, scale)| *scale).min().unwrap();
        let all: Vec<f64> = parts.iter().flat_map(|(part, _)| part.clone()).collect();
        same_but_the_sum(&merged, &recorded(&all, lowest))?;
    }

    #[test]
    fn a_difference_merged_with_its_base_is_the_whole(
        before in prop::collection::vec(any_integer(), 0..50),
        after in prop::collection::vec(any_integer(), 0..50),
        max_buckets in 2usize..300,
        coarse_base in any::<bool>(),
    ) {
        let histogram = at_scale::<u64>(5);
        histogram.record_all(&before);
        let mut base = exponential(&histogram);
        histogram.record_all(&after);
        let whole = exponential(&histogram);
        if coarse_base {
            base = base.with_max_buckets(max_buckets);
        }
        let window = whole.since(&base);
        prop_assert_eq!(window.count(), after.len() as u64);
        base.merge(&window);
        prop_assert_eq!(counts(&base), regrouped(counts(&whole), whole.scale() - base.scale()));
        prop_assert_eq!((base.count(), base.zero_count(), base.sum()), (whole.count(), whole.zero_count(), whole.sum()));
        prop_assert_eq!((base.min(), base.max()), (whole.min(), whole.max()));
    }

    #[test]
    fn a_difference_of_floating_point_numbers_merged_with_its_base_is_the_whole(
        before in prop::collection::vec(any_eighths(), 0..50),
        after in prop::collection::vec(any_eighths(), 0..50),
    ) {
        let histogram = at_scale::<f64>(5);
        histogram.record_all(&before);
        let mut base = exponential(&histogram);
        histogram.record_all(&after);
        let whole = exponential(&histogram);
        let window = whole.since(&base);
        let exact = recorded(&after, 5);
        prop_assert_eq!(counts(&window), counts(&exact));
        prop_assert_eq!(negative_counts(&window), negative_counts(&exact));
        prop_assert!((window.sum() - exact.sum()).abs() < 1e-6);
        if let (Some(min), Some(exact_min)) = (window.min(), exact.min()) {
            prop_assert!(min <= exact_min + exact_min.abs() * 1e-12, "{min} {exact_min}");
        }
        if let (Some(max), Some(exact_max)) = (window.max(), exact.max()) {
            prop_assert!(max >= exact_max - exact_max.abs() * 1e-12, "{max} {exact_max}");
        }
        base.merge(&window);
        same_but_the_sum(&base, &whole)?;
    }

    #[test]
    fn with_given_bounds_parts_and_differences_are_the_whole(
        before in prop::collection::vec(any_eighths(), 0..50),
        after in prop::collection::vec(any_eighths(), 0..50),
        bounds in prop::collection::btree_set(-2000..2000i32, 0..20),
    ) {
        let buckets = Buckets::explicit(bounds.into_iter().map(f64::from)).unwrap();
        let [all, first, second] = [(); 3].map(|()| histogram::<f64>(buckets.clone()));
        all.record_all(&before);
        let mut base = explicit(&all);
        all.record_all(&after);
        first.record_all(&before);
        second.record_all(&after);
        let (whole, first, second) = (explicit(&all), explicit(&first), explicit(&second));

        let mut parts = first.clone();
        parts.merge(&second).unwrap();
        prop_assert_eq!((parts.buckets(), parts.count()), (whole.buckets(), whole.count()));
        prop_assert_eq!((parts.min(), parts.max()), (whole.min(), whole.max()));
        prop_assert!((parts.sum() - whole.sum()).abs() < 1e-6);

        let window = whole.since(&base).unwrap();
        prop_assert_eq!(window.buckets(), second.buckets());
        if let (Some(min), Some(exact)) = (window.min(), second.min()) {
            prop_assert!(min <= exact && exact <= window.max().unwrap());
        }
        base.merge(&window).unwrap();
        prop_assert_eq!((base.buckets(), base.min(), base.max()), (whole.buckets(), whole.min(), whole.max()));
        prop_assert!((base.sum() - whole.sum()).abs() < 1e-6);
    }

    #[test]
    fn differences_between_snapshots_are_what_was_recorded_between(
        before in prop::collection::vec(1u64..1_000_000, 0..50),
        after in prop::collection::vec(1u64..1_000_000, 0..50),
    ) {
        let (all, window) = (at_scale::<u64>(5), at_scale::<u64>(5));
        all.record_all(&before);
        let base = exponential(&all);
        all.record_all(&after);
        window.record_all(&after);
        let (difference, exact) = (exponential(&all).since(&base), exponential(&window));
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
        scale in SCALES,
    ) {
        let snapshot = recorded(&values, scale);
        values.sort_unstable();
        let exact = values[rank(q, values.len()) - 1] as f64;
        let estimate = snapshot.quantile(q).unwrap();
        prop_assert!((estimate / exact - 1.0).abs() <= snapshot.relative_error() * (1.0 + 1e-9), "{estimate} for {exact}");
    }

    #[test]
    fn values_and_estimates_are_within_the_range_of_their_quantile(
        mut values in prop::collection::vec(prop_oneof![any_eighths(), any::<f64>()], 1..100),
        q in 0.0f64..=1.0,
        bounds in prop::collection::btree_set(-2000..2000i32, 0..20),
    ) {
        values.retain(|value| value.is_finite());
        prop_assume!(!values.is_empty());
        let bounded = histogram::<f64>(Buckets::explicit(bounds.into_iter().map(f64::from)).unwrap());
        bounded.record_all(&values);
        let exponential = recorded(&values, 5);
        values.sort_by(f64::total_cmp);
        let exact = values[rank(q, values.len()) - 1];
        // Bounds of exponential buckets are irrational, so they are rounded.
        let room = exact.abs() * 1e-14 + f64::from_bits(1);
        let (range, bounded_range) = (exponential.quantile_range(q).unwrap(), explicit(&bounded).quantile_range(q).unwrap());
        prop_assert!(range.start() - room <= exact && exact <= range.end() + room, "{exact} in {range:?}");
        prop_assert!(bounded_range.contains(&exact), "{exact} in {bounded_range:?}");
        prop_assert!(range.contains(&exponential.quantile(q).unwrap()));
        prop_assert!(bounded_range.contains(&explicit(&bounded).quantile(q).unwrap()));
        prop_assert!(*range.start() >= values[0] && *range.end() <= values[values.len() - 1]);
    }
}

/// The rank, from 1, of the value that the share `q` lies at or below.
fn rank(q: f64, count: usize) -> usize {
    ((q * count as f64).ceil() as usize).clamp(1, count)
}

#[test]
fn differences_are_right_also_from_merged_buckets() {
    let histogram = at_scale::<u64>(5);
    (1..1000).for_each(|value| histogram.record(value));
    let merged = exponential(&histogram).with_max_buckets(10);
    histogram.record(5);
    let window = exponential(&histogram).since(&merged);
    assert_eq!((window.count(), window.sum(), window.scale()), (1, 5.0, merged.scale()));
    let bounds = window.min().unwrap()..=window.max().unwrap();
    assert!(bounds.contains(&5.0), "{bounds:?}");
    // And the other way round.
    let whole = exponential(&histogram);
    histogram.record(7);
    let window = exponential(&histogram).with_max_buckets(10).since(&whole);
    assert_eq!((window.count(), window.sum(), window.scale()), (1, 7.0, merged.scale()));
}

#[test]
fn histograms_of_different_units_merge_in_units() {
    let (times, seconds) = (at_scale::<Duration>(5), at_scale::<f64>(5));
    times.record(Duration::from_millis(1500));
    seconds.record(-2.0);
    seconds.record(1.5);
    let mut both = exponential(&times);
    both.merge(&exponential(&seconds));
    assert_eq!((both.count(), both.sum(), both.min(), both.max()), (3, 1.0, Some(-2.0), Some(1.5)));
    // 1.5 s and 1.5 lie in the same bucket.
    assert_eq!((both.buckets(), both.negative_buckets()), (&[2][..], &[1][..]));
}

#[test]
fn the_extremes_of_a_difference_are_as_exact_as_buckets_tell() {
    let histogram = at_scale::<f64>(5);
    histogram.record_all(&[-100.0, 100.0]);
    let base = exponential(&histogram);
    histogram.record_all(&[-3.0, -2.0]);
    let window = exponential(&histogram).since(&base);
    // Magnitudes between 2 and 3, both ends included, and the width of a bucket.
    let (min, max) = (window.min().unwrap(), window.max().unwrap());
    assert!((-3.07..=-3.0).contains(&min) && (-2.0..=-1.95).contains(&max), "{min} {max}");
    histogram.record(-200.0);
    assert_eq!(exponential(&histogram).since(&base).min(), Some(-200.0));

    let bounded = self::histogram::<f64>(Buckets::explicit([0.0, 10.0, 20.0]).unwrap());
    bounded.record_all(&[-100.0, 100.0]);
    let base = explicit(&bounded);
    bounded.record_all(&[12.0, 15.0]);
    let window = explicit(&bounded).since(&base).unwrap();
    assert_eq!((window.min(), window.max()), (Some(10.0), Some(20.0)));
}

#[test]
fn bounds_that_differ_are_not_put_together_and_nothing_is_lost() {
    let [mut few, many] = [&[1.0][..], &[1.0, 2.0]].map(|bounds| {
        let histogram = histogram::<u64>(Buckets::explicit(bounds.iter().copied()).unwrap());
        histogram.record(1);
        explicit(&histogram)
    });
    let before = few.clone();
    let error = few.merge(&many).unwrap_err();
    assert_eq!((error.bounds(), error.other()), (&[1.0][..], &[1.0, 2.0][..]));
    assert_eq!(
        error.to_string(),
        "histograms with bounds [1.0] and [1.0, 2.0] do not fit together; give both the same bounds"
    );
    assert_eq!(few, before);
    assert_eq!(many.since(&few).unwrap_err().other(), [1.0]);
    // The same bounds of another registry fit.
    let other = histogram::<u64>(Buckets::explicit([1.0]).unwrap());
    other.record(5);
    few.merge(&explicit(&other)).unwrap();
    assert_eq!((few.buckets(), few.sum()), (&[1, 1][..], 6.0));
}

#[test]
fn quantiles_with_given_bounds_are_interpolated() {
    let histogram = histogram::<u64>(Buckets::explicit([10.0, 20.0, 40.0]).unwrap());
    (1..=40).for_each(|value| histogram.record(value));
    let seen = explicit(&histogram);
    assert_eq!(seen.quantile(0.25), Some(10.0));
    assert_eq!(seen.quantile(0.5), Some(20.0));
    assert_eq!(seen.quantile(0.75), Some(30.0));
    assert_eq!((seen.quantile(0.0), seen.quantile(1.0)), (Some(1.0), Some(40.0)));
    assert_eq!((seen.quantile(f64::NAN), seen.quantile(7.0)), (Some(1.0), Some(40.0)));
    assert_eq!(seen.quantile_range(0.6), Some(20.0..=40.0));
    assert_eq!(seen.mean(), Some(20.5));
}

#[test]
fn the_relative_error_is_that_of_the_scale() {
    for (scale, error) in [(3, 0.0433), (5, 0.01083), (8, 0.001354)] {
        let found = exponential(&at_scale::<u64>(scale)).relative_error();
        assert!((found / error - 1.0).abs() < 0.001, "{found} at scale {scale}");
    }
    let coarse = recorded(&[f64::MAX, f64::MIN_POSITIVE], 3).with_max_buckets(2);
    assert!(coarse.scale() < 0 && (0.9..=1.0).contains(&coarse.relative_error()));
}

#[test]
fn histograms_without_values_have_none_to_tell() {
    let exponential = exponential(&at_scale::<f64>(5));
    assert_eq!(
        (exponential.count(), exponential.sum(), exponential.min(), exponential.mean()),
        (0, 0.0, None, None)
    );
    assert_eq!((exponential.quantile(0.5), exponential.quantile_range(0.5)), (None, None));
    assert_eq!(exponential, exponential.since(&exponential));
    let explicit = explicit(&histogram::<f64>(Buckets::explicit([1.0]).unwrap()));
    assert_eq!((explicit.count(), explicit.sum(), explicit.max(), explicit.mean()), (0, 0.0, None, None));
    assert_eq!((explicit.quantile(0.5), explicit.quantile_range(0.5)), (None, None));
    assert_eq!(explicit.since(&explicit), Ok(explicit));
}
