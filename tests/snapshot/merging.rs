//! Snapshots of several registries as one.

use std::time::Duration;

use freewheel::metrics::{Buckets, KeyValue, Mismatch, Registry, Snapshot};
use proptest::prelude::*;

use crate::sorted;

/// The sum of the snapshots, which fit.
fn merged(snapshots: impl IntoIterator<Item = Snapshot>) -> Snapshot {
    let mut all = Snapshot::default();
    snapshots.into_iter().for_each(|snapshot| all.merge(snapshot).unwrap());
    all
}

fn series(at: i64) -> [KeyValue; 2] {
    [KeyValue::new("at", at), KeyValue::new("weight", at as f64 / 2.0)]
}

/// What two points must have in common to say the same.
fn told(snapshot: &Snapshot) -> Vec<String> {
    snapshot
        .points()
        .map(|(metric, point)| format!("{} {:?} {:?}", metric.name, point.attributes, point.value))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn registries_together_say_what_one_would_say(
        records in prop::collection::vec((0..3usize, 0..3i64, any::<u64>(), 0..64u32), 0..60),
    ) {
        let (shards, one) = ([Registry::new(), Registry::new(), Registry::new()], Registry::new());
        for (shard, at, value, shift) in records {
            let value = value >> shift;
            for registry in [&shards[shard], &one] {
                registry.counter("counter").bind(&series(at)).unwrap().add(value);
                registry.up_down_counter("up_down").bind(&series(at)).unwrap().add(value.cast_signed());
                registry.gauge::<i64>("gauge").bind(&series(at)).unwrap().record(value.cast_signed());
                registry.histogram::<u64>("sizes").bind(&series(at)).unwrap().record(value);
                registry.histogram::<Duration>("times").build().unwrap().record(Duration::from_nanos(value));
            }
        }
        let snapshots = shards.each_ref().map(Registry::snapshot);
        let all = sorted(merged(snapshots.clone()));
        let expected = sorted(one.snapshot());
        let without_gauges = |snapshot: &Snapshot| {
            told(snapshot).into_iter().filter(|told| !told.starts_with("gauge")).collect::<Vec<_>>()
        };
        prop_assert_eq!(without_gauges(&all), without_gauges(&expected));
        // Which of them comes first does not matter to anything.
        let mut backwards = sorted(merged(snapshots.into_iter().rev()));
        prop_assert_eq!(all.points().count(), backwards.points().count());
        backwards.metrics.iter_mut().zip(&all.metrics).for_each(|(b, a)| b.name.clone_from(&a.name));
        prop_assert_eq!(all, backwards);
    }
}

#[test]
fn points_that_meet_reach_from_the_earlier_start_to_the_later_time() {
    let (first, second) = (Registry::new(), Registry::new());
    first.counter("Jobs").description("here").build().unwrap().add(1);
    first.gauge::<f64>("ratio").build().unwrap().record(0.1);
    second.counter("jobs").description("there").build().unwrap().add(2);
    second.gauge::<f64>("ratio").build().unwrap().record(0.2);
    let (early, late) = (first.snapshot(), second.snapshot());
    for (one, other) in [(&early, &late), (&late, &early)] {
        let all = merged([one.clone(), other.clone()]);
        let jobs = all.point("jobs", &[]).unwrap();
        assert_eq!(jobs.start, early.point("jobs", &[]).unwrap().start);
        assert_eq!((jobs.time, all.taken_at), (late.taken_at, late.taken_at));
        assert_eq!((all.counter("jobs", &[]), all.gauge_f64("ratio", &[])), (Some(3), Some(0.2)));
        assert_eq!(all.metrics[0], all.metric("JOBS").unwrap().clone());
        assert_eq!(all.metrics[0].name, one.metrics[0].name, "name and description of the one merged into");
        assert_eq!(all.metrics[0].description, one.metrics[0].description);
    }
}

#[test]
fn histograms_meet_at_the_coarser_scale() {
    let (fine, coarse) = (Registry::new(), Registry::new());
    fine.histogram::<u64>("h").buckets(Buckets::exponential(8).unwrap()).build().unwrap().record(1000);
    coarse.histogram::<u64>("h").buckets(Buckets::exponential(3).unwrap()).build().unwrap().record(3);
    let all = merged([fine.snapshot(), coarse.snapshot()]);
    let both = all.histogram("h", &[]).unwrap();
    assert_eq!((both.scale(), both.count(), both.sum()), (3, 2, 1003.0));
    assert_eq!((both.min(), both.max()), (Some(3.0), Some(1000.0)));
}

#[test]
fn windows_since_a_merged_snapshot_know_when_one_of_the_registries_began_anew() {
    let count = |registry: &Registry, n| registry.counter("c").build().unwrap().add(n);
    let (stays, ends) = (Registry::new(), Registry::new());
    count(&stays, 10);
    count(&ends, 20);
    let earlier = merged([stays.snapshot(), ends.snapshot()]);
    count(&stays, 1);
    count(&ends, 2);
    // In the other order too.
    let later = merged([ends.snapshot(), stays.snapshot()]);
    assert_eq!(later.since(&earlier).counter("c", &[]), Some(3));
    let begins = Registry::new();
    count(&begins, 4);
    let after = merged([stays.snapshot(), begins.snapshot()]);
    assert_eq!(after.since(&later).counter("c", &[]), Some(15), "whole, not 15 - 33");
}

#[test]
fn what_does_not_fit_comes_back_whole_and_the_rest_is_merged() {
    let (here, there) = (Registry::new(), Registry::new());
    here.counter("kind").build().unwrap().add(1);
    here.counter("unit").unit("By").build().unwrap().add(1);
    here.counter("same").build().unwrap().add(1);
    let tags = [KeyValue::new("a", 1)];
    there.gauge::<i64>("KIND").bind(&tags).unwrap().record(5);
    there.counter("unit").unit("kBy").build().unwrap().add(6);
    there.counter("same").build().unwrap().add(7);
    there.counter("other").build().unwrap().add(8);
    let mut all = here.snapshot();
    let added = there.snapshot();
    let error = all.merge(added.clone()).unwrap_err();
    let names: Vec<&str> = error.conflicts().iter().map(|conflict| &*conflict.metric.name).collect();
    assert_eq!(names, ["KIND", "unit"]);
    assert_eq!(error.conflicts()[0].mismatch, Mismatch::Kind { here: "counter", there: "gauge of i64" });
    assert_eq!(
        error.to_string(),
        "metrics were not merged: \"KIND\" has kind counter here and gauge of i64 there, \"unit\" has unit \"By\" here \
         and \"kBy\" there; give one of the two another name"
    );
    assert_eq!((all.counter("same", &[]), all.counter("other", &[])), (Some(8), Some(8)));
    assert_eq!((all.counter("kind", &[]), all.counter("unit", &[])), (Some(1), Some(1)));
    let rest = error.into_snapshot();
    assert_eq!(rest.taken_at, added.taken_at);
    assert_eq!(rest.metrics, [added.metric("kind").unwrap().clone(), added.metric("unit").unwrap().clone()]);
}
