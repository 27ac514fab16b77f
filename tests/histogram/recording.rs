//! The ways to record.

use std::{panic, sync::Barrier, thread, time::Duration};

use freewheel::metrics::{Buckets, Histogram, HistogramSnapshot, HistogramValue, PointValue, Registry};
use proptest::prelude::*;

use crate::{at_scale, histogram};

fn all_buckets() -> [Buckets; 3] {
    [
        Buckets::default(),
        Buckets::exponential(7).unwrap(),
        Buckets::explicit([-1.0, 0.001, 1.0, 1000.0]).unwrap(),
    ]
}

/// Whether `record` does in another thread, which has no counts yet, and in this one what recording one by one does.
fn same_as_one_by_one<V: HistogramValue + Send + Sync>(
    values: &[V],
    record: impl Fn(&Histogram<V>) + Send + Sync,
) -> Result<(), TestCaseError> {
    for buckets in all_buckets() {
        let (one_by_one, other) = (histogram::<V>(buckets.clone()), histogram::<V>(buckets));
        for _ in 0..2 {
            values.iter().for_each(|&value| one_by_one.record(value));
        }
        thread::scope(|scope| scope.spawn(|| record(&other)).join().unwrap());
        record(&other);
        let (one_by_one_seen, seen) = (one_by_one.snapshot(), other.snapshot());
        prop_assert_eq!(one_by_one.rejected(), other.rejected());
        // The sums of floating-point numbers depend on the order.
        let error = 1e-9 * (1.0 + one_by_one_seen.sum().abs());
        prop_assert!((one_by_one_seen.sum() - seen.sum()).abs() <= error, "{one_by_one_seen:?} {seen:?}");
        prop_assert_eq!((one_by_one_seen.min(), one_by_one_seen.max()), (seen.min(), seen.max()));
        prop_assert_eq!(
            one_by_one_seen.clone().into_explicit().map(|seen| seen.buckets().to_vec()),
            seen.clone().into_explicit().map(|seen| seen.buckets().to_vec())
        );
        let (one_by_one_seen, seen) = (one_by_one_seen.into_exponential(), seen.into_exponential());
        prop_assert_eq!(one_by_one_seen.as_ref().map(crate::counts), seen.as_ref().map(crate::counts));
        prop_assert_eq!(
            one_by_one_seen.as_ref().map(crate::negative_counts),
            seen.as_ref().map(crate::negative_counts)
        );
    }
    Ok(())
}

/// What is recorded in threads that are there at the same time, in blocks of their own.
fn record_side_by_side(histogram: &Histogram<u64>, threads: &[Vec<u64>]) {
    let all_have_recorded = Barrier::new(threads.len());
    thread::scope(|scope| {
        for values in threads {
            scope.spawn(|| {
                histogram.record_all(values);
                all_have_recorded.wait();
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn threads_add_up_whatever_the_ranges_of_their_values(
        // Zero, and values that are far apart from those of another thread.
        threads in prop::collection::vec(prop::collection::vec(
            prop_oneof![Just(0), (0..64u32).prop_map(|bit| 1 << bit), any::<u64>()], 0..4,
        ), 1..4),
        before in prop::collection::vec(any::<u64>(), 0..4),
    ) {
        for buckets in [Buckets::default(), Buckets::explicit([-1.0, 1.0, 1e6, 1e12]).unwrap()] {
            let registry = Registry::new();
            let threaded = registry.histogram("h").buckets(buckets.clone()).build().unwrap();
            let one = histogram::<u64>(buckets);
            before.iter().for_each(|&value| threaded.record(value));
            let mut snapshot = registry.snapshot();
            record_side_by_side(&threaded, &threads);
            threads.iter().flatten().chain(&before).for_each(|&value| one.record(value));
            prop_assert_eq!(threaded.snapshot(), one.snapshot());
            // And over the snapshot before.
            registry.snapshot_into(&mut snapshot);
            match (snapshot.point("h", &[]).unwrap().value, one.snapshot()) {
                (PointValue::Histogram(over), HistogramSnapshot::Exponential(one)) => prop_assert_eq!(over, &one),
                (PointValue::ExplicitHistogram(over), HistogramSnapshot::Explicit(one)) => prop_assert_eq!(over, &one),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }

    #[test]
    fn recording_all_is_recording_one_by_one(
        integers in prop::collection::vec(0..10_000u64, 0..100),
        floats in prop::collection::vec(prop_oneof![
            4 => -1.0..1e6f64, 1 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(1e-40), 1 => Just(1e12),
        ], 0..100),
    ) {
        same_as_one_by_one(&integers, |histogram| histogram.record_all(&integers))?;
        same_as_one_by_one(&floats, |histogram| histogram.record_all(&floats))?;
        let times: Vec<Duration> = integers.iter().map(|&nanos| Duration::from_nanos(nanos * nanos)).collect();
        same_as_one_by_one(&times, |histogram| histogram.record_all(&times))?;
    }

    #[test]
    fn recording_n_times_is_recording_so_often(
        integers in prop::collection::vec((0..10_000u64, 0..5usize), 0..20),
        floats in prop::collection::vec(
            (prop_oneof![4 => -1.0..1e6f64, 1 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(1e-40)], 0..5usize), 0..20),
    ) {
        let each = |n: &usize| *n;
        let repeated: Vec<u64> = integers.iter().flat_map(|(value, n)| vec![*value; each(n)]).collect();
        same_as_one_by_one(&repeated, |histogram| {
            integers.iter().for_each(|&(value, n)| histogram.record_n(value, n as u64));
        })?;
        let repeated: Vec<f64> = floats.iter().flat_map(|(value, n)| vec![*value; each(n)]).collect();
        same_as_one_by_one(&repeated, |histogram| {
            floats.iter().for_each(|&(value, n)| histogram.record_n(value, n as u64));
        })?;
    }
}

#[test]
fn recording_no_times_changes_nothing() {
    for buckets in all_buckets() {
        let histogram = histogram::<u64>(buckets);
        histogram.record(5);
        let before = histogram.snapshot();
        histogram.record_n(1, 0);
        histogram.record_n(1000, 0);
        histogram.record_all(&[]);
        assert_eq!(histogram.snapshot(), before);
    }
}

#[test]
fn counts_beyond_all_integers_do_no_harm() {
    for buckets in all_buckets() {
        let histogram = histogram::<u64>(buckets);
        histogram.record_n(2, u64::MAX);
        histogram.record_n(2, 4);
        histogram.record_n(2000, u64::MAX);
        assert_eq!(histogram.snapshot().count(), u64::MAX);
        assert!(histogram.snapshot().quantile(1.0).is_some());
    }
}

#[test]
fn an_unregistered_histogram_ignores_everything() {
    let histogram = Histogram::<f64>::default();
    histogram.record(1.0);
    histogram.record(f64::NAN);
    histogram.record(-1.0);
    histogram.record_n(1.0, 3);
    histogram.record_all(&[1.0, -2.0]);
    assert_eq!((histogram.snapshot().count(), histogram.rejected()), (0, 0));
    assert_eq!(histogram.snapshot().quantile_range(0.5), None);
}

#[test]
fn handles_outlive_their_registry_and_ids_that_are_used_again_begin_empty() {
    // The length of a block goes with its id, so series of all kinds come and go.
    for round in 0..20 {
        let registry = Registry::new();
        for buckets in all_buckets() {
            let name = buckets.to_string().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let histogram = registry.histogram::<f64>(name).buckets(buckets).build().unwrap();
            assert_eq!(histogram.snapshot().count(), 0, "round {round}");
            histogram.record(2.0);
            histogram.record(-2.0);
            let seen = histogram.snapshot();
            assert_eq!((seen.count(), seen.min(), seen.max(), seen.sum()), (2, Some(-2.0), Some(2.0), 0.0));
        }
    }
}

#[test]
fn a_timer_records_once_however_it_ends() {
    let histogram = at_scale::<Duration>(5);
    let timer = histogram.start_timer();
    thread::sleep(Duration::from_millis(2));
    let took = timer.stop();
    assert!(took >= Duration::from_millis(2));
    let seen = histogram.snapshot();
    assert_eq!((seen.count(), seen.max()), (1, Some(took.as_nanos() as f64 / 1e9)));

    drop(histogram.start_timer());
    assert_eq!(histogram.snapshot().count(), 2);

    let panicked = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        let _timer = histogram.start_timer();
        panic::resume_unwind(Box::new("on purpose"));
    }));
    assert!(panicked.is_err());
    assert_eq!(histogram.snapshot().count(), 3);

    histogram.start_timer().cancel();
    assert_eq!(histogram.snapshot().count(), 3);
}
