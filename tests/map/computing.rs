//! `compute`: what it is told, what it does, how often it asks.

use freewheel::{
    ShardedMap,
    map::{Action, Ref},
};

fn value(stored: Option<Ref<'_, &'static str, i32>>) -> Option<i32> {
    stored.map(|stored| *stored)
}

#[test]
fn compute_sees_the_value_and_does_what_it_is_told() {
    let map = ShardedMap::new();
    let mut seen = Vec::new();
    let mut compute = |action| {
        value(map.compute("key", |value| {
            seen.push(value.copied());
            action
        }))
    };
    assert_eq!(compute(Action::Keep), None);
    assert_eq!(compute(Action::Delete), None);
    assert_eq!(compute(Action::Store(1)), Some(1));
    assert_eq!(compute(Action::Keep), Some(1));
    assert_eq!(compute(Action::Store(2)), Some(2));
    assert_eq!(compute(Action::Delete), None);
    assert_eq!(compute(Action::Store(3)), Some(3));
    assert_eq!(seen, [None, None, None, Some(1), Some(1), Some(2), None]);
    assert_eq!((map.load("key"), map.len()), (Some(3), 1));
}

#[test]
fn compute_asks_once_also_when_segments_divide() {
    let map = ShardedMap::new();
    let mut calls = 0;
    for key in 0..10_000 {
        let stored = map.compute(key % 5000, |value| {
            calls += 1;
            Action::Store(value.map_or(1, |value| value + 1))
        });
        assert_eq!(*stored.expect("it was stored"), 1 + key / 5000);
    }
    assert_eq!((calls, map.len()), (10_000, 5000));
}

#[test]
fn what_compute_returns_stays() {
    let map = ShardedMap::from([("key", 1)]);
    let kept = map.compute("key", |_| Action::Keep);
    let stored = map.compute("key", |_| Action::Store(2));
    map.delete("key");
    assert_eq!((value(kept), value(stored)), (Some(1), Some(2)));
}

#[test]
fn compute_adds_exactly_with_eight_threads() {
    const EACH: u64 = 5000;
    let map = ShardedMap::new();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let map = &map;
            scope.spawn(move || {
                for number in 0..EACH {
                    // One key for all, and many of which some threads have the same.
                    for key in [0, 1 + (number * 7 + thread % 2) % 3000] {
                        map.compute(key, |value| Action::Store(value.map_or(1, |value| value + 1)));
                    }
                }
            });
        }
    });
    assert_eq!(map.load(&0), Some(8 * EACH));
    let sum: u64 = map.pin().values().sum();
    assert_eq!(sum, 2 * 8 * EACH);
}

/// Half of the calls delete what the other half has stored: each value is deleted once.
#[test]
fn compute_takes_each_value_once() {
    let map = ShardedMap::new();
    let takes = |thread: u64| {
        let mut taken = Vec::new();
        for number in 0..20_000 {
            let new = thread * 20_000 + number;
            map.compute(number % 7, |value| match value {
                Some(&value) => {
                    taken.push(value);
                    Action::Delete
                }
                None => Action::Store(new),
            });
        }
        taken
    };
    let taken: Vec<u64> = std::thread::scope(|scope| {
        let takes = &takes;
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(move || takes(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let mut distinct = taken.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), taken.len(), "a value was deleted twice");
    assert_eq!(taken.len() * 2 + map.len(), 4 * 20_000, "each call deletes or stores");
}
