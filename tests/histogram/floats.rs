//! Floating-point numbers fall into the exact bucket, those without a slot of their own too.

use std::thread;

use freewheel::metrics::{Buckets, Data, Registry};
use proptest::prelude::*;

use crate::{Counts, SCALES, at_scale, counts, exact, exponential, histogram, negative_counts, tally};

fn expected(values: &[f64], scale: u8) -> (Counts, Counts) {
    let mut exact = exact::Floats::new(scale);
    let mut counts = |sign: f64| {
        let magnitudes = values.iter().map(|value| value * sign).filter(|value| *value > 0.0);
        tally(magnitudes.map(|value| exact.index(value)))
    };
    (counts(1.0), counts(-1.0))
}

/// Records, and checks all that is exact.
fn check(values: &[f64], scale: u8) {
    let histogram = at_scale::<f64>(scale);
    values.iter().for_each(|&value| histogram.record(value));
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let snapshot = exponential(&histogram);
    let found = (counts(&snapshot), negative_counts(&snapshot));
    assert_eq!(found, expected(&values, scale), "scale {scale}");
    assert_eq!(snapshot.scale(), i32::from(scale));
    assert_eq!(snapshot.zero_count(), values.iter().filter(|&&value| value == 0.0).count() as u64);
    assert_eq!(snapshot.count(), values.len() as u64);
    assert_eq!(snapshot.min(), values.iter().copied().reduce(f64::min));
    assert_eq!(snapshot.max(), values.iter().copied().reduce(f64::max));
    // Each addition rounds, by at most this much of the largest sum on the way.
    let magnitude: f64 = values.iter().map(|value| value.abs()).sum();
    let (sum, error) = (values.iter().sum::<f64>(), magnitude * f64::EPSILON * values.len() as f64);
    assert!(!magnitude.is_finite() || (snapshot.sum() - sum).abs() <= error, "{} {sum}", snapshot.sum());
    assert!(snapshot.sum().is_finite());
}

#[test]
fn numbers_around_every_boundary_fall_into_the_exact_bucket_at_every_scale() {
    for scale in SCALES {
        let octave = exact::floats_around_boundaries(scale);
        let octaves = (-33..=33).map(|exponent| f64::from(exponent).exp2());
        let values: Vec<f64> =
            octaves.flat_map(|power| octave.iter().map(move |value| value * power)).collect();
        check(&values, scale);
    }
}

#[test]
fn numbers_far_from_one_fall_into_the_exact_bucket_too() {
    for scale in SCALES {
        let octave = exact::floats_around_boundaries(scale);
        let octaves = [-1022, -1021, -500, 500, 1022].map(|exponent| f64::from(exponent).exp2());
        let mut values: Vec<f64> = octaves
            .iter()
            .flat_map(|power| octave.iter().map(move |value| value * power))
            .filter(|value| value.is_finite())
            .collect();
        values.extend([f64::MAX, f64::MAX.next_down(), f64::MIN_POSITIVE, f64::MIN_POSITIVE.next_down()]);
        // Subnormal numbers: the smallest, and around each power of two.
        values.extend((1..40).map(f64::from_bits));
        values.extend((6..52).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1]).map(f64::from_bits));
        let negative = values.iter().map(|value| -value);
        let both: Vec<f64> = values.iter().copied().chain(negative).collect();
        check(&both, scale);
    }
}

/// Numbers of all magnitudes that have slots, mixed with everything that a float can be.
fn any_number() -> impl Strategy<Value = f64> {
    let near = (-34.0..34.0_f64, any::<bool>()).prop_map(|(log, negative)| {
        let value = log.exp2();
        if negative { -value } else { value }
    });
    let zero = prop_oneof![Just(0.0), Just(-0.0)];
    prop_oneof![6 => near, 3 => any::<f64>(), 1 => zero]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_numbers_fall_into_the_exact_bucket(values in prop::collection::vec(any_number(), 1..80), scale in SCALES) {
        check(&values, scale);
    }

    #[test]
    fn with_given_bounds_any_numbers_fall_into_the_bucket_that_comparisons_tell(
        values in prop::collection::vec(any_number(), 1..80),
        mut bounds in prop::collection::vec(prop_oneof![any_number(), -4.0..4.0f64], 0..70),
    ) {
        bounds.retain(|bound| bound.is_finite());
        // Some values equal a bound.
        let values: Vec<f64> = values.iter().chain(&bounds).copied().collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        let histogram = histogram::<f64>(Buckets::explicit(bounds.clone()).unwrap());
        values.iter().for_each(|&value| histogram.record(value));
        let snapshot = crate::explicit(&histogram);
        let finite = || values.iter().filter(|value| value.is_finite());
        let mut expected = vec![0; bounds.len() + 1];
        finite().for_each(|value| expected[bounds.partition_point(|bound| bound < value)] += 1);
        prop_assert_eq!(snapshot.buckets(), expected);
        prop_assert_eq!(snapshot.min(), finite().copied().reduce(f64::min));
        prop_assert_eq!(snapshot.max(), finite().copied().reduce(f64::max));
        prop_assert!(snapshot.sum().is_finite());
        prop_assert_eq!(histogram.rejected(), (values.len() - finite().count()) as u64);
    }
}

#[test]
fn what_is_no_number_is_rejected_and_spoils_nothing() {
    let registry = Registry::new();
    let bounds = Buckets::explicit([1.0]).unwrap();
    for buckets in [Buckets::default(), Buckets::exponential(8).unwrap(), bounds] {
        let name = buckets.to_string().chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        let histogram = registry.histogram::<f64>(name).buckets(buckets).build().unwrap();
        histogram.record(0.5);
        [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
            .iter()
            .for_each(|&value| histogram.record(value));
        histogram.record_n(f64::NAN, 10);
        let seen = histogram.snapshot();
        assert_eq!((seen.count(), seen.sum(), seen.min(), seen.max()), (1, 0.5, Some(0.5), Some(0.5)));
        assert_eq!(histogram.rejected(), 14);
    }
    let snapshot = registry.snapshot();
    let Some(Data::Counter(rejected)) =
        snapshot.metric("freewheel.samples.rejected").map(|metric| &metric.data)
    else {
        panic!("the rejected samples are exported")
    };
    assert_eq!(rejected.iter().map(|point| point.value).collect::<Vec<_>>(), [14; 3]);
}

#[test]
fn negative_zero_is_zero() {
    for buckets in [Buckets::default(), Buckets::explicit([-0.0]).unwrap()] {
        let histogram = histogram::<f64>(buckets);
        histogram.record(-0.0);
        histogram.record(0.0);
        let seen = histogram.snapshot();
        assert_eq!((seen.count(), seen.sum(), seen.min(), seen.max()), (2, 0.0, Some(0.0), Some(0.0)));
        assert!(seen.min().is_some_and(|min| min.is_sign_positive()));
        if let Some(seen) = seen.clone().into_exponential() {
            assert_eq!((seen.zero_count(), seen.buckets().len()), (2, 0));
        }
        if let Some(seen) = seen.into_explicit() {
            assert_eq!(seen.buckets(), [2, 0]);
        }
    }
}

#[test]
fn a_sum_beyond_all_numbers_stays_at_the_largest() {
    for buckets in [Buckets::default(), Buckets::explicit([0.0]).unwrap()] {
        let histogram = histogram::<f64>(buckets);
        (0..3).for_each(|_| histogram.record(f64::MAX));
        assert_eq!(histogram.snapshot().sum(), f64::MAX);
        let base = histogram.snapshot();
        histogram.record_n(f64::MIN, u64::MAX);
        let seen = histogram.snapshot();
        assert!(seen.sum().is_finite() && seen.mean().is_some_and(f64::is_finite));
        assert_eq!((seen.min(), seen.max()), (Some(f64::MIN), Some(f64::MAX)));
        if let (Some(seen), Some(base)) = (seen.into_exponential(), base.into_exponential()) {
            assert!(seen.since(&base).sum().is_finite());
        }
    }
}

#[test]
fn threads_put_their_far_numbers_together() {
    let histogram = at_scale::<f64>(5);
    thread::scope(|scope| {
        for thread in 1..=4 {
            let histogram = &histogram;
            scope.spawn(move || {
                for i in 1..=1000 {
                    histogram.record(-f64::from(i));
                    histogram.record(1e-30 * f64::from(thread));
                    histogram.record(f64::from(i));
                    histogram.record(0.0);
                }
            });
        }
    });
    let seen = exponential(&histogram);
    assert_eq!((seen.count(), seen.zero_count()), (16_000, 4000));
    assert_eq!(seen.negative_buckets().iter().sum::<u64>(), 4000);
    assert_eq!((seen.min(), seen.max()), (Some(-1000.0), Some(1000.0)));
    assert!(seen.sum().abs() < 1e-6);
}
