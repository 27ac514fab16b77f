//! Exponential histograms as histograms with explicit bounds.

use freewheel::{
    metrics::{Buckets, Registry, Snapshot},
    otlp::{HistogramAggregation, Serializer, Temporality},
};
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, metric::Data};
use proptest::{collection::vec, prelude::*};

use crate::metrics;

const DEFAULT: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1e3, 2.5e3, 5e3, 7.5e3, 1e4];
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

fn serializer(temporality: Temporality) -> Serializer {
    Serializer::new([]).histograms(HistogramAggregation::ExplicitBucket).temporality(temporality)
}

/// The only point of the only histogram, if there is one.
fn point(serializer: &mut Serializer, snapshot: Snapshot) -> Option<HistogramDataPoint> {
    let metric = metrics(serializer, snapshot).pop()?;
    let Some(Data::Histogram(mut histogram)) = metric.data else { panic!("{metric:?}") };
    let point = histogram.data_points.pop();
    assert!(histogram.data_points.is_empty());
    point
}

#[test]
fn values_lie_between_the_bounds_of_the_specification() {
    let registry = Registry::new();
    let sizes = registry.histogram::<f64>("sizes").build().unwrap();
    // Powers of two end a bucket, and zero is below the first bound.
    sizes.record_all(&[0.0, -3.0, 4.0, 8.0, 8.1, 64.0, 1e5]);
    let point = point(&mut serializer(Temporality::Cumulative), registry.snapshot()).unwrap();
    assert_eq!(point.explicit_bounds, DEFAULT);
    assert_eq!(point.bucket_counts, [2, 1, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!((point.count, point.sum, point.min, point.max), (7, None, Some(-3.0), Some(1e5)));
}

#[test]
fn seconds_lie_between_the_bounds_of_the_semantic_conventions() {
    let registry = Registry::new();
    let durations = registry.histogram::<f64>("durations").unit("s").build().unwrap();
    durations.record_all(&[0.0, 0.004, 0.006, 0.5, 1.0, 1.1, 11.0]);
    let point = point(&mut serializer(Temporality::Cumulative), registry.snapshot()).unwrap();
    assert_eq!(point.explicit_bounds, SECONDS);
    assert_eq!(point.bucket_counts, [2, 1, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1]);
    assert_eq!((point.count, point.min, point.max), (7, Some(0.0), Some(11.0)));
}

#[test]
fn given_bounds_stay() {
    let registry = Registry::new();
    let buckets = Buckets::explicit([1.0, 2.0]).unwrap();
    registry.histogram::<u64>("sizes").buckets(buckets).build().unwrap().record(2);
    let point = point(&mut serializer(Temporality::Cumulative), registry.snapshot()).unwrap();
    assert_eq!((point.explicit_bounds, point.bucket_counts), (vec![1.0, 2.0], vec![0, 1, 0]));
}

/// Values of all magnitudes, of both signs, and many close to bounds.
fn values() -> impl Strategy<Value = f64> {
    let near = (prop::sample::select(&DEFAULT[1..]), 0.97..1.03_f64).prop_map(|(bound, by)| bound * by);
    let near_seconds =
        (prop::sample::select(&SECONDS[..]), 0.97..1.03_f64).prop_map(|(bound, by)| bound * by);
    let any = (-30.0..30.0_f64).prop_map(f64::exp2);
    prop_oneof![near, near_seconds, any.clone(), any.prop_map(|value| -value), Just(0.0)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn totals_never_fall_windows_add_up_and_values_are_within_the_error(
        batches in vec(vec(values(), 0..30), 1..6),
        unit in prop_oneof![Just("s"), Just("By")],
    ) {
        let registry = Registry::new();
        let sizes = registry.histogram::<f64>("sizes").unit(unit).build().unwrap();
        let (mut totals, mut windows) = (serializer(Temporality::Cumulative), serializer(Temporality::Delta));
        let mut summed = vec![0; if unit == "s" { SECONDS.len() } else { DEFAULT.len() } + 1];
        let mut recorded = Vec::new();
        let mut before = summed.clone();
        for batch in batches {
            sizes.record_all(&batch);
            recorded.extend(batch);
            let total = point(&mut totals, registry.snapshot()).unwrap();
            if let Some(window) = point(&mut windows, registry.snapshot()) {
                summed.iter_mut().zip(&window.bucket_counts).for_each(|(sum, count)| *sum += count);
            }
            prop_assert_eq!(&summed, &total.bucket_counts);
            let mut up_to = 0;
            for (at, bound) in total.explicit_bounds.iter().enumerate() {
                up_to += total.bucket_counts[at];
                let below = |limit: f64| recorded.iter().filter(|value| **value <= limit).count() as u64;
                // Half a bucket at scale 5, relative to the bound.
                prop_assert!((below(bound * 0.989)..=below(bound * 1.011)).contains(&up_to));
            }
            prop_assert_eq!(total.count, recorded.len() as u64);
            prop_assert_eq!(total.bucket_counts.iter().sum::<u64>(), total.count);
            let cumulative = |counts: &[u64]| -> Vec<u64> {
                counts.iter().scan(0, |sum, count| { *sum += count; Some(*sum) }).collect()
            };
            let (was, is) = (cumulative(&before), cumulative(&total.bucket_counts));
            prop_assert!(was.iter().zip(&is).all(|(was, is)| was <= is));
            before = total.bucket_counts;
        }
    }
}
