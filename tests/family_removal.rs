//! Series go: by hand, with their instrument or registry, or because they are idle. Nothing goes with them that a reader
//! has not seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::{NonZeroU32, NonZeroUsize},
    sync::mpsc,
    thread,
    time::Duration,
};

use freewheel::metrics::{
    Counter, Data, Family, KeyValue, Label, Outcome, Point, Registry, SeriesId, Snapshot, Timestamp,
};

fn points<'a>(snapshot: &'a Snapshot, name: &str) -> &'a [Point<u64>] {
    match snapshot.metric(name).map(|metric| &metric.data) {
        Some(Data::Counter(points)) => points,
        None => &[],
        other => panic!("{name} is {other:?}"),
    }
}

fn totals(registry: &Registry, name: &str) -> BTreeMap<String, u64> {
    let name_of =
        |attributes: &[KeyValue]| attributes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    points(&registry.snapshot(), name).iter().map(|point| (name_of(&point.attributes), point.value)).collect()
}

fn ids(registry: &Registry, name: &str) -> BTreeSet<SeriesId> {
    points(&registry.snapshot(), name).iter().map(Point::series).collect()
}

/// On a thread that is gone, with all that it remembered, when this returns.
fn elsewhere<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(f).join().expect("it does not panic"))
}

fn rounds(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("it is not zero")
}

fn k(value: i64) -> [KeyValue; 1] {
    [KeyValue::new("k", value)]
}

#[test]
fn attributes_of_a_removed_series_get_a_new_one_from_zero() {
    let registry = Registry::new();
    let counter = registry.counter("c");
    let (family, open) = (counter.family(["k"]).unwrap(), counter.open_family().unwrap());
    let mut seen = BTreeSet::new();
    for round in 0..50 {
        family.with([1]).add(5);
        open.with(&k(1)).add(6);
        counter.bind(&k(1)).unwrap().add(7);
        family.with([2]).add(1);
        assert_eq!(totals(&registry, "c"), [("k=1".into(), 18), ("k=2".into(), round + 1)].into());
        seen.extend(ids(&registry, "c"));
        assert!(registry.remove_series("C", &k(1)));
        assert!(!registry.remove_series("c", &k(1)));
        assert_eq!(totals(&registry, "c"), [("k=2".into(), round + 1)].into());
    }
    assert_eq!(seen.len(), 51, "an identity is never used twice");
}

#[test]
fn a_series_is_removed_by_its_attributes_in_any_order_and_by_no_others() {
    let registry = Registry::new();
    let family = registry.counter("c").family(["a", "b"]).unwrap();
    family.with((1, "x")).add(1);
    let [a, b] = [KeyValue::new("a", 1), KeyValue::new("b", "x")];
    for others in [
        vec![],
        vec![a.clone()],
        vec![a.clone(), KeyValue::new("b", "y")],
        vec![a.clone(), b.clone(), KeyValue::new("c", 1)],
        vec![a.clone(), a.clone()],
        vec![a.clone(), a.clone(), b.clone()],
        vec![KeyValue::new("a", "1"), b.clone()],
    ] {
        assert!(!registry.remove_series("c", &others), "{others:?}");
    }
    assert!(!registry.remove_series("d", &[a.clone(), b.clone()]));
    assert!(registry.remove_series("c", &[b, a]));
    assert_eq!(registry.series(), 0);
}

#[test]
fn handles_on_a_removed_series_go_on_unseen() {
    let registry = Registry::new();
    let family = registry.counter("c").family(["k"]).unwrap();
    let old = family.with([1]).bind();
    old.add(1);
    assert!(registry.remove_series("c", &k(1)));
    // Ids that are free again go to these.
    drop(registry.snapshot());
    drop(registry.snapshot());
    let new = family.with([1]).bind();
    let others: Vec<Counter> = (10..100).map(|k| family.with([k]).bind()).collect();
    for round in 1..=3 {
        old.add(1);
        new.add(10);
        others.iter().for_each(|other| other.add(100));
        assert_eq!((old.total(), new.total()), (1 + round, 10 * round));
        assert!(others.iter().all(|other| other.total() == 100 * round));
    }
    assert_eq!(totals(&registry, "c")["k=1"], 30);
}

#[test]
fn other_threads_notice_that_a_series_was_removed() {
    let registry = Registry::new();
    let family = registry.counter("c").family(["k"]).unwrap();
    let (tell, told) = mpsc::channel::<()>();
    let (answer, answered) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let other = scope.spawn({
            let family = &family;
            move || {
                for () in told {
                    (0..3).for_each(|_| family.with([1]).add(1));
                    answer.send(()).unwrap();
                }
            }
        });
        for _ in 0..100 {
            tell.send(()).unwrap();
            answered.recv().unwrap();
            assert_eq!(totals(&registry, "c"), [("k=1".into(), 3)].into());
            assert!(registry.remove_series("c", &k(1)));
        }
        drop(tell);
        other.join().unwrap();
    });
}

#[test]
fn a_family_of_an_unregistered_instrument_goes_on_unseen() {
    let registry = Registry::new();
    let old = registry.counter("c").cardinality_limit(NonZeroUsize::new(3).unwrap()).family(["k"]).unwrap();
    (0..5).for_each(|k| old.with([k]).add(1));
    assert!(registry.unregister("c"));
    assert!(!registry.remove_series("c", &k(0)) && registry.overflowed("c") == 0);
    let new = registry.counter("c").unit("By").family(["k"]).unwrap();
    for _ in 0..2 {
        (0..5).for_each(|k| old.with([k]).add(100));
        (0..5).for_each(|k| new.with([k]).add(1));
    }
    assert_eq!(totals(&registry, "c"), (0..5).map(|k| (format!("k={k}"), 2)).collect());
    assert_eq!(old.with([0]).bind().total(), 201);
    assert_eq!(old.with([4]).bind().total(), 603, "the overflow series");
}

#[test]
fn a_family_outlives_its_registry() {
    let registry = Registry::new();
    let counter = registry.counter("c");
    let (family, open) = (counter.family(["k"]).unwrap(), counter.open_family().unwrap());
    let requests = registry.requests("r").family(["k"]).unwrap();
    family.with([1]).add(1);
    requests.with([1]).record(Duration::ZERO, Outcome::Success);
    drop((counter, registry));
    // Others take what ids are free.
    let others = Registry::new();
    let other = others.counter("c").family(["k"]).unwrap();
    for _ in 0..3 {
        (0..100).for_each(|k| other.with([k]).add(1000));
        (0..100).for_each(|k| family.with([k]).add(1));
        open.with(&k(1)).add(1);
        requests.with([1]).record(Duration::ZERO, Outcome::Success);
        drop(others.snapshot());
    }
    assert_eq!((family.with([1]).bind().total(), family.with([2]).bind().total()), (7, 3));
    assert_eq!(requests.with([1]).bind().snapshot().requests, 4);
    assert!(totals(&others, "c").values().all(|&total| total == 3000));
}

#[test]
fn a_series_goes_that_did_not_change_for_as_many_rounds_as_asked() {
    for patience in 1..5 {
        let registry = Registry::new();
        let counter = registry.counter("c").remove_idle_after(rounds(patience));
        let family = counter.family(["k"]).unwrap();
        elsewhere(|| family.with([1]).add(1));
        // The first one sees it.
        for round in 0..patience {
            drop(registry.snapshot());
            assert_eq!(registry.series(), 1, "{round} of {patience}");
        }
        elsewhere(|| family.with([1]).add(1));
        for round in 0..patience {
            assert_eq!(totals(&registry, "c"), [("k=1".into(), 2)].into(), "{round} of {patience}");
        }
        assert_eq!(totals(&registry, "c"), [("k=1".into(), 2)].into(), "the last time");
        assert_eq!((registry.series(), totals(&registry, "c")), (0, BTreeMap::new()));
        elsewhere(|| family.with([1]).add(3));
        assert_eq!(totals(&registry, "c"), [("k=1".into(), 3)].into());
    }
}

#[test]
fn a_series_that_is_not_said_to_go_stays() {
    let registry = Registry::new();
    let family = registry.counter("c").family(["k"]).unwrap();
    elsewhere(|| family.with([1]).add(1));
    (0..20).for_each(|_| drop(registry.snapshot()));
    assert_eq!(registry.series(), 1);
}

/// Registers `c`, whose series go at once, and records in one that nobody holds.
fn idle(registry: &Registry) -> Family<Counter, 1> {
    let family = registry.counter("c").remove_idle_after(rounds(1)).family(["k"]).unwrap();
    elsewhere(|| family.with([1]).add(1));
    family
}

#[test]
fn a_series_waits_for_the_slowest_reader() {
    let registry = Registry::new();
    let (mut fast, mut slow) = (registry.reader(), registry.reader());
    let family = idle(&registry);
    for _ in 0..20 {
        assert_eq!(points(&fast.snapshot(), "c").len(), 1);
    }
    assert_eq!(points(&slow.snapshot(), "c")[0].value, 1);
    elsewhere(|| family.with([1]).add(1));
    for _ in 0..20 {
        assert_eq!(points(&fast.snapshot(), "c").len(), 1);
    }
    assert_eq!(points(&slow.snapshot(), "c")[0].value, 2, "nobody has removed it before");
    for _ in 0..20 {
        assert_eq!(points(&fast.snapshot(), "c").len(), 1);
    }
    drop(slow.snapshot());
    assert_eq!(registry.series(), 0);
}

#[test]
fn snapshots_of_nobody_do_not_count_while_there_are_readers() {
    let registry = Registry::new();
    let mut reader = registry.reader();
    let _family = idle(&registry);
    (0..20).for_each(|_| drop(registry.snapshot()));
    assert_eq!(registry.series(), 1);
    drop(reader.snapshot());
    (0..20).for_each(|_| drop(registry.snapshot()));
    assert_eq!(registry.series(), 1);
    drop(reader);
    (0..2).for_each(|_| drop(registry.snapshot()));
    assert_eq!(registry.series(), 0);
}

#[test]
fn a_reader_that_is_gone_is_not_waited_for() {
    let registry = Registry::new();
    let (mut stays, gone) = (registry.reader(), registry.reader());
    let _family = idle(&registry);
    (0..5).for_each(|_| drop(stays.snapshot()));
    assert_eq!(registry.series(), 1);
    drop(gone);
    (0..2).for_each(|_| drop(stays.snapshot()));
    assert_eq!(registry.series(), 0);
}

#[test]
fn a_reader_that_comes_late_is_waited_for() {
    let registry = Registry::new();
    let mut first = registry.reader();
    let _family = idle(&registry);
    drop(first.snapshot());
    let mut late = registry.reader();
    (0..5).for_each(|_| drop(first.snapshot()));
    assert_eq!(points(&late.snapshot(), "c").len(), 1);
}

#[test]
fn a_series_with_a_handle_stays() {
    let registry = Registry::new();
    let family = idle(&registry);
    let held = elsewhere(|| family.with([1]).bind());
    (0..10).for_each(|_| drop(registry.snapshot()));
    held.add(1);
    assert_eq!(totals(&registry, "c"), [("k=1".into(), 2)].into());
    drop(held);
    (0..2).for_each(|_| drop(registry.snapshot()));
    assert_eq!(registry.series(), 0);
}

#[test]
fn a_series_of_a_typed_family_stays() {
    #[derive(Clone, Copy)]
    struct One;
    impl Label for One {
        const KEY: &'static str = "k";
        const VALUES: &'static [&'static str] = &["one"];
        fn index(self) -> usize {
            0
        }
    }
    let registry = Registry::new();
    let typed = registry.counter("c").remove_idle_after(rounds(1)).typed_family::<One>().unwrap();
    elsewhere(|| typed.with(One).add(1));
    (0..10).for_each(|_| drop(registry.snapshot()));
    typed.with(One).add(1);
    assert_eq!(totals(&registry, "c"), [("k=one".into(), 2)].into());
    drop(typed);
    (0..2).for_each(|_| drop(registry.snapshot()));
    assert_eq!(registry.series(), 0);
}

#[test]
fn a_series_that_a_thread_remembers_stays_until_that_thread_looks_something_up() {
    let registry = Registry::new();
    let family = idle(&registry);
    let (go_on, wait) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn({
            let (family, tell) = (&family, tell.clone());
            move || {
                family.with([1]).add(1);
                tell.send(()).unwrap();
                wait.recv().unwrap();
                family.with([2]).add(1);
                tell.send(()).unwrap();
                wait.recv().unwrap();
            }
        });
        told.recv().unwrap();
        (0..10).for_each(|_| drop(registry.snapshot()));
        assert_eq!(totals(&registry, "c"), [("k=1".into(), 2)].into());
        go_on.send(()).unwrap();
        told.recv().unwrap();
        assert_eq!(totals(&registry, "c"), [("k=1".into(), 2), ("k=2".into(), 1)].into());
        assert_eq!(totals(&registry, "c"), [("k=2".into(), 1)].into());
        go_on.send(()).unwrap();
    });
    // The thread has ended; but a scope does not wait for its thread-locals.
    while registry.series() > 0 {
        drop(registry.snapshot());
        thread::yield_now();
    }
}

#[test]
fn an_up_down_counter_that_is_not_zero_stays() {
    let registry = Registry::new();
    let family = registry.up_down_counter("u").remove_idle_after(rounds(1)).family(["k"]).unwrap();
    elsewhere(|| family.with([1]).add(3));
    (0..10).for_each(|_| drop(registry.snapshot()));
    assert_eq!(registry.series(), 1);
    elsewhere(|| family.with([1]).add(-3));
    (0..2).for_each(|_| drop(registry.snapshot()));
    assert_eq!(registry.series(), 0);
}

#[test]
fn an_up_down_counter_that_somebody_saw_not_zero_stays_until_he_sees_zero() {
    let registry = Registry::new();
    let (mut one, mut other) = (registry.reader(), registry.reader());
    let family = registry.up_down_counter("u").remove_idle_after(rounds(1)).family(["k"]).unwrap();
    let value = |snapshot: Snapshot| match snapshot.metric("u").map(|metric| &metric.data) {
        Some(Data::UpDownCounter(points)) => Some(points[0].value),
        _ => None,
    };
    elsewhere(|| family.with([1]).add(0));
    assert_eq!((value(one.snapshot()), value(other.snapshot())), (Some(0), Some(0)));
    for _ in 0..5 {
        elsewhere(|| family.with([1]).add(3));
        assert_eq!(value(one.snapshot()), Some(3));
        elsewhere(|| family.with([1]).add(-3));
        // At the end of each round it is zero.
        assert_eq!(value(other.snapshot()), Some(0));
    }
    assert_eq!((value(one.snapshot()), value(other.snapshot())), (Some(0), Some(0)));
    assert_eq!((value(one.snapshot()), value(other.snapshot())), (None, None));
}

#[test]
fn a_gauge_that_is_recorded_with_the_same_value_is_not_idle() {
    let registry = Registry::new();
    let family = registry.gauge::<i64>("g").remove_idle_after(rounds(1)).family(["k"]).unwrap();
    let value = || match registry.snapshot().metric("g").map(|metric| &metric.data) {
        Some(Data::GaugeI64(points)) => Some((points[0].value, points[0].series())),
        _ => None,
    };
    elsewhere(|| family.with([1]).record(7));
    let first = value();
    for _ in 0..10 {
        elsewhere(|| family.with([1]).record(7));
        assert_eq!(value(), first);
    }
    assert_eq!((value(), value()), (first, None));
}

#[test]
fn requests_that_come_are_not_idle() {
    let registry = Registry::new();
    let requests = registry.requests("r").remove_idle_after(rounds(1)).family(["k"]).unwrap();
    let last = registry.last_request("l").remove_idle_after(rounds(1)).family(["k"]).unwrap();
    let at = Timestamp::from_unix_nanos(7);
    let seen = || {
        let snapshot = registry.snapshot();
        let last = snapshot.metric("l").map(|metric| match &metric.data {
            Data::GaugeF64(points) => points[0].value,
            other => panic!("{other:?}"),
        });
        (points(&snapshot, "r.count").first().map(|point| point.value), last)
    };
    // All at the same time by their time stamps: a coarse clock.
    for i in 1..=10 {
        elsewhere(|| {
            requests.with([1]).record_at(Duration::ZERO, Outcome::Success, at);
            last.with([1]).record_at(Duration::from_secs(i), Outcome::Success, at);
        });
        assert_eq!(seen(), (Some(i), Some(i as f64)));
    }
    assert_eq!(seen(), (Some(10), Some(10.0)));
    assert_eq!(seen(), (None, None));
}

#[test]
fn samples_that_were_not_recorded_stay_counted_when_their_series_goes() {
    let registry = Registry::new();
    let family = registry.gauge::<f64>("g").remove_idle_after(rounds(1)).family(["k"]).unwrap();
    let rejected = || points(&registry.snapshot(), "freewheel.samples.rejected").first().map(|p| p.value);
    for removed in 0..5 {
        elsewhere(|| {
            family.with([1]).record(1.0);
            family.with([1]).record(f64::NAN);
            family.with([2]).record(f64::INFINITY);
        });
        for _ in 0..3 {
            assert_eq!(rejected(), Some(2 * (removed + 1)));
        }
        assert_eq!(registry.series(), 0);
    }
    elsewhere(|| family.with([3]).record(f64::NAN));
    assert!(registry.remove_series("g", &k(3)));
    assert_eq!(rejected(), Some(11));
    assert!(registry.unregister("g"));
    assert_eq!(rejected(), None);
}

#[test]
fn an_overflow_series_that_was_used_stays() {
    let registry = Registry::new();
    let counter = registry.counter("c").cardinality_limit(NonZeroUsize::new(2).unwrap());
    let family = counter.remove_idle_after(rounds(1)).family(["k"]).unwrap();
    elsewhere(|| (0..3).for_each(|k| family.with([k]).add(1)));
    let overflow = || ("otel.metric.overflow=true".to_owned(), 2);
    assert_eq!(totals(&registry, "c"), [("k=0".into(), 1), overflow()].into());
    drop(registry.snapshot());
    for _ in 0..5 {
        assert_eq!(totals(&registry, "c"), [overflow()].into());
    }
    // What is idle makes room.
    elsewhere(|| family.with([1]).add(1));
    assert_eq!(totals(&registry, "c"), [("k=1".into(), 1), overflow()].into());
}
