//! Histograms, with bounds and exponential.

use freewheel::{metrics, otlp::Temporality};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;

use crate::Bench;

/// metrics.proto, `HistogramDataPoint`; metrics/data-model.md, "Histogram: Bucket inclusivity".
#[test]
fn buckets_with_bounds_are_closed_above_and_add_up_to_the_count() {
    let bench = Bench::new(Temporality::Cumulative);
    let bounds = metrics::Buckets::explicit([-1.0, 0.0, 10.0]).unwrap();
    let balances = bench.registry.histogram::<f64>("balances").buckets(bounds).build().unwrap();
    balances.record_all(&[-2.0, -1.0, -0.5, 0.0, 0.5, 10.0, 10.5, f64::MAX]);
    let point = bench.explicit();
    assert_eq!(point.bucket_counts, [2, 2, 2, 2]);
    assert_eq!(point.explicit_bounds, [-1.0, 0.0, 10.0]);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
    for wrong in [vec![1.0, 1.0], vec![2.0, 1.0], vec![f64::NAN]] {
        assert!(metrics::Buckets::explicit(wrong).is_err(), "bounds are strictly increasing");
    }
    let bench = Bench::new(Temporality::Cumulative);
    let no_bounds = metrics::Buckets::explicit([]).unwrap();
    bench.registry.histogram::<u64>("sizes").buckets(no_bounds).build().unwrap().record(1);
    let point = bench.explicit();
    let lengths = (point.bucket_counts.len(), point.explicit_bounds.len());
    assert!(matches!(lengths, (0 | 1, 0)), "{lengths:?}");
}

/// metrics.proto, `HistogramDataPoint.sum`; metrics/sdk.md, "Histogram Aggregations".
#[test]
fn the_sum_is_left_out_where_negative_values_are_and_is_zero_where_nothing_is() {
    let bench = Bench::new(Temporality::Cumulative);
    let balances = bench.registry.histogram::<f64>("balances").build().unwrap();
    let point = bench.exponential();
    assert_eq!((point.count, point.sum, point.min, point.max), (0, Some(0.0), None, None));
    balances.record(2.5);
    assert_eq!(bench.exponential().sum, Some(2.5));
    balances.record(-0.5);
    let point = bench.exponential();
    assert_eq!((point.count, point.sum, point.min, point.max), (2, None, Some(-0.5), Some(2.5)));
}

/// metrics/data-model.md, "Histogram": extremes are those of `(start, end]`.
#[test]
fn extremes_of_a_window_are_not_those_of_the_window_before() {
    let bench = Bench::new(Temporality::Delta);
    let bounds = metrics::Buckets::explicit([10.0, 100.0]).unwrap();
    let sizes = bench.registry.histogram::<u64>("sizes").buckets(bounds).build().unwrap();
    sizes.record_all(&[1, 1000]);
    let point = bench.explicit();
    assert_eq!((point.min, point.max), (Some(1.0), Some(1000.0)));
    sizes.record_all(&[40, 50]);
    let point = bench.explicit();
    let (min, max) = (point.min.unwrap(), point.max.unwrap());
    assert!((10.0..=40.0).contains(&min) && (50.0..=100.0).contains(&max), "{min} {max}");
}

/// metrics/data-model.md, "Exponential Scale", "Exponential Buckets" and "Producer Expectations".
#[test]
fn exponential_buckets_lie_where_their_index_says() {
    let bench = Bench::new(Temporality::Cumulative);
    let values = [1e-9, 0.3, 1.0, 1.5, 2.0, 1e9, -4.0, -3.0, 0.0];
    let balances = bench.registry.histogram::<f64>("balances").build().unwrap();
    balances.record_all(&values);
    let point = bench.exponential();
    let base = 2f64.powf(2f64.powi(-point.scale));
    // At most one bucket off, as the specification allows.
    let index = |value: f64| value.ln() / base.ln();
    for (buckets, sign) in [(point.positive.as_ref().unwrap(), 1.0), (point.negative.as_ref().unwrap(), -1.0)]
    {
        let mut own: Vec<f64> =
            values.iter().map(|value| value * sign).filter(|value| *value > 0.0).collect();
        own.sort_by(f64::total_cmp);
        let filled = buckets.bucket_counts.iter().zip(buckets.offset..);
        let places = filled.flat_map(|(count, index)| vec![index; *count as usize]);
        for (value, place) in own.iter().zip(places.clone()) {
            let exact = index(*value);
            assert!(
                (f64::from(place) - (exact.ceil() - 1.0)).abs() <= 1.0,
                "{value} in {place}, not {exact}"
            );
        }
        assert_eq!(places.count(), own.len());
    }
    // The bucket of 1 is the one that ends there, exactly.
    let one = usize::try_from(-1 - point.positive.as_ref().unwrap().offset).unwrap();
    assert_eq!(point.positive.as_ref().unwrap().bucket_counts[one], 1);
    let sum =
        |buckets: Option<Buckets>| -> u64 { buckets.map_or(0, |buckets| buckets.bucket_counts.iter().sum()) };
    assert_eq!(point.count, sum(point.positive) + sum(point.negative) + point.zero_count);
}

/// metrics/data-model.md, "Zero Count and Zero Threshold".
#[test]
fn the_zero_count_is_of_exact_zeros() {
    let bench = Bench::new(Temporality::Cumulative);
    let balances = bench.registry.histogram::<f64>("balances").build().unwrap();
    balances.record_all(&[0.0, -0.0, f64::MIN_POSITIVE, -f64::MIN_POSITIVE]);
    let point = bench.exponential();
    assert_eq!((point.zero_count, point.zero_threshold, point.count), (2, 0.0, 4));
}

/// metrics/sdk.md, "Base2 Exponential Bucket Histogram Aggregation".
#[test]
fn exponential_histograms_keep_to_160_buckets_and_take_all_normal_numbers() {
    let bench = Bench::new(Temporality::Cumulative);
    let balances = bench.registry.histogram::<f64>("balances").build().unwrap();
    balances.record_all(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    balances.record_all(&[f64::MIN_POSITIVE, 1.0, f64::MAX, -f64::MAX, -f64::MIN_POSITIVE]);
    let point = bench.exponential();
    assert_eq!((point.count, point.min, point.max), (5, Some(-f64::MAX), Some(f64::MAX)));
    assert!((-10..=20).contains(&point.scale), "{}", point.scale);
    for buckets in [point.positive.unwrap(), point.negative.unwrap()] {
        assert!(buckets.bucket_counts.len() <= 160, "{}", buckets.bucket_counts.len());
    }

    let bench = Bench::new(Temporality::Cumulative);
    let sizes = bench.registry.histogram::<u64>("sizes").build().unwrap();
    (1000..1100).for_each(|size| sizes.record(size));
    let narrow = bench.exponential().scale;
    sizes.record(1_000_000_000);
    assert!(bench.exponential().scale < narrow, "the scale is the best that the values allow");
}
