//! The windows between snapshots.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::Duration,
};

use freewheel::metrics::{Buckets, KeyValue, Outcome, PointValue, Registry, Snapshot};
use proptest::prelude::*;

use crate::sorted;

/// A reader of windows, and all that it has seen so far.
#[derive(Default)]
pub(crate) struct Reader {
    before: Snapshot,
    seen: Snapshot,
}

impl Reader {
    fn read(&mut self, registry: &Registry) {
        let now = registry.snapshot();
        self.seen.merge(now.since(&self.before)).unwrap();
        self.before = now;
    }

    /// The windows add up to the totals, in every number and every time.
    fn check(mut self, registry: &Registry) {
        self.read(registry);
        assert_eq!(sorted(self.seen), sorted(self.before));
    }
}

/// A step of somebody who records, or of a reader. The series is one of three.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Add(i64, u64),
    AddUpDown(i64, i64),
    SetI64(i64, i64),
    SetF64(i64, f64),
    Record(i64, u64),
    RecordF64(i64, f64),
    Time(i64, Duration),
    Request(i64, Duration, bool),
    Read(usize),
}

const READERS: usize = 3;

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let series = || 0..3i64;
    let spread = || (any::<u64>(), 0..64u32).prop_map(|(value, shift)| value >> shift);
    let duration = || spread().prop_map(|nanos| Duration::from_nanos(nanos >> 1));
    // Their sums are exact, in whatever order they are added up. One of them has no slot of its own.
    let exact = prop_oneof![any::<i32>().prop_map(|n| f64::from(n) / 1024.0), Just(0.0), Just(2f64.powi(33))];
    let record = prop_oneof![
        (series(), any::<u64>()).prop_map(|(series, n)| Step::Add(series, n)),
        (series(), any::<i64>()).prop_map(|(series, n)| Step::AddUpDown(series, n)),
        (series(), any::<i64>()).prop_map(|(series, value)| Step::SetI64(series, value)),
        (series(), -1e300..1e300).prop_map(|(series, value)| Step::SetF64(series, value)),
        (series(), spread()).prop_map(|(series, value)| Step::Record(series, value)),
        (series(), exact).prop_map(|(series, value)| Step::RecordF64(series, value)),
        (series(), duration()).prop_map(|(series, value)| Step::Time(series, value)),
        (series(), duration(), any::<bool>())
            .prop_map(|(series, value, failed)| Step::Request(series, value, failed)),
    ];
    prop_oneof![3 => record, 1 => (0..READERS).prop_map(Step::Read)]
}

pub(crate) fn take(registry: &Registry, step: Step, readers: &mut [Reader]) {
    let series = |series: i64| [KeyValue::new("series", series)];
    match step {
        Step::Add(at, n) => registry.counter("counter").bind(&series(at)).unwrap().add(n),
        Step::AddUpDown(at, n) => registry.up_down_counter("up_down").bind(&series(at)).unwrap().add(n),
        Step::SetI64(at, value) => registry.gauge::<i64>("integer").bind(&series(at)).unwrap().record(value),
        Step::SetF64(at, value) => registry.gauge::<f64>("number").bind(&series(at)).unwrap().record(value),
        Step::Record(at, value) => {
            registry.histogram::<u64>("sizes").bind(&series(at)).unwrap().record(value);
        }
        Step::RecordF64(at, value) => {
            registry.histogram::<f64>("numbers").bind(&series(at)).unwrap().record(value);
        }
        Step::Time(at, value) => {
            let coarse = Buckets::exponential(3).unwrap();
            registry.histogram::<Duration>("times").buckets(coarse).bind(&series(at)).unwrap().record(value);
            let few = Buckets::request_seconds();
            registry.histogram::<Duration>("few").buckets(few).bind(&series(at)).unwrap().record(value);
        }
        Step::Request(at, value, failed) => {
            let outcome = if failed { Outcome::Error } else { Outcome::Success };
            registry.requests("web").bind(&series(at)).unwrap().record(value, outcome);
        }
        Step::Read(reader) => readers[reader].read(registry),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_windows_of_each_of_several_readers_add_up_to_the_totals(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let registry = Registry::new();
        let mut readers: [Reader; READERS] = Default::default();
        for step in steps {
            take(&registry, step, &mut readers);
        }
        readers.into_iter().for_each(|reader| reader.check(&registry));
    }
}

#[test]
fn windows_add_up_while_threads_record() {
    const WINDOWS: usize = 300;
    let registry = Registry::new();
    let counter = registry.counter("counter").build().unwrap();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    let requests = registry.requests("web").build().unwrap();
    let reading = AtomicUsize::new(2);
    let record = |thread: u64| {
        for round in 0u64.. {
            counter.add(1);
            sizes.record(round.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (round % 64) | thread);
            requests.record(Duration::from_nanos(round * round), Outcome::Success);
            if reading.load(Relaxed) == 0 {
                return round + 1;
            }
        }
        unreachable!("the readers end");
    };
    let read = || {
        let mut reader = Reader::default();
        (0..WINDOWS).for_each(|_| reader.read(&registry));
        reading.fetch_sub(1, Relaxed);
        reader
    };
    let (readers, recorded) = thread::scope(|scope| {
        let readers = [scope.spawn(read), scope.spawn(read)];
        let recording: Vec<_> = (0..3).map(|thread| scope.spawn(move || record(thread))).collect();
        let recorded: u64 = recording.into_iter().map(|thread| thread.join().unwrap()).sum();
        (readers.map(|reader| reader.join().unwrap()), recorded)
    });
    readers.into_iter().for_each(|reader| reader.check(&registry));
    let totals = registry.snapshot();
    assert_eq!(
        (totals.counter("counter", &[]), totals.counter("web.count", &[])),
        (Some(recorded), Some(recorded))
    );
}

#[test]
fn a_window_reaches_from_one_snapshot_to_the_other_and_keeps_what_did_not_change() {
    let registry = Registry::new();
    let jobs = registry.counter("jobs");
    let (old, queue) = (jobs.build().unwrap(), registry.up_down_counter("queue").build().unwrap());
    let ratio = registry.gauge::<f64>("ratio").build().unwrap();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    old.add(5);
    queue.add(7);
    ratio.record(0.5);
    sizes.record(9);
    let earlier = registry.snapshot();
    let new = jobs.bind(&[KeyValue::new("kind", "new")]).unwrap();
    new.add(2);
    let later = registry.snapshot();
    let window = later.since(&earlier);

    assert_eq!(window.taken_at, later.taken_at);
    let old = window.point("jobs", &[]).unwrap();
    assert_eq!((old.start, old.time), (earlier.taken_at, later.taken_at));
    assert_eq!(window.counter("jobs", &[]), Some(0), "nothing happened, but the series stays");
    let kind = [KeyValue::new("kind", "new")];
    assert_eq!(window.counter("jobs", &kind), Some(2));
    let own_start = later.point("jobs", &kind).unwrap().start;
    assert_eq!(window.point("jobs", &kind).unwrap().start, own_start, "it began within the window");
    assert_eq!((window.up_down_counter("queue", &[]), window.gauge_f64("ratio", &[])), (Some(7), Some(0.5)));
    assert_eq!(window.point("queue", &[]), later.point("queue", &[]));
    let sizes = window.histogram("sizes", &[]).unwrap();
    assert_eq!((sizes.count(), sizes.sum(), sizes.min(), sizes.max()), (0, 0.0, None, None));
}

#[test]
fn the_window_since_nothing_is_everything() {
    let registry = Registry::new();
    registry.requests("web").build().unwrap().record(Duration::from_secs(1), Outcome::Error);
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.since(&Snapshot::default()), snapshot);
}

#[test]
fn a_snapshot_taken_over_a_window_is_cumulative_again() {
    let registry = Registry::new();
    let counter = registry.counter("c").build().unwrap();
    counter.add(1);
    let earlier = registry.snapshot();
    counter.add(2);
    let mut over = registry.snapshot().since(&earlier);
    registry.snapshot_into(&mut over);
    let (point, first) = (over.point("c", &[]).unwrap(), earlier.point("c", &[]).unwrap());
    assert_eq!((point.start, point.value), (first.start, PointValue::Counter(3)));
}

#[test]
fn a_series_that_was_removed_and_registered_anew_counts_from_zero() {
    let registry = Registry::new();
    registry.counter("c").build().unwrap().add(9);
    registry.counter("gone").build().unwrap().add(1);
    let earlier = registry.snapshot();
    assert!(registry.unregister("c") && registry.unregister("gone"));
    registry.counter("c").build().unwrap().add(2);
    let window = registry.snapshot().since(&earlier);
    assert_eq!(window.counter("c", &[]), Some(2));
    assert!(window.point("c", &[]).unwrap().start >= earlier.taken_at);
    assert_eq!(window.counter("gone", &[]), None);
}

#[test]
fn the_parts_of_request_metrics_have_windows_of_their_own() {
    let registry = Registry::new();
    let web = registry.requests("web").build().unwrap();
    web.record(Duration::from_millis(1), Outcome::Error);
    web.record(Duration::from_millis(2), Outcome::Success);
    let earlier = registry.snapshot();
    web.record(Duration::from_millis(3), Outcome::Error);
    let window = registry.snapshot().since(&earlier);
    assert_eq!((window.counter("web.count", &[]), window.counter("web.errors", &[])), (Some(1), Some(1)));
    let durations = window.histogram("web.duration", &[]).unwrap();
    assert_eq!((durations.count(), durations.sum()), (1, 0.003));
}

#[test]
fn a_counter_that_passes_its_largest_value_still_has_a_window() {
    let registry = Registry::new();
    let counter = registry.counter("c").build().unwrap();
    counter.add(u64::MAX - 1);
    let earlier = registry.snapshot();
    counter.add(5);
    let window = registry.snapshot().since(&earlier);
    assert_eq!(window.counter("c", &[]), Some(5));
}
