//! `range` and the iterators: what they must see, and what they must not.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    hash::BuildHasher,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use fastrand::Rng;
use freewheel::{
    ShardedMap,
    map::{Action, DefaultHashBuilder},
};

use crate::hashers::{BuildConstant, FewBuckets, FewHashes, OnlyHighBits, OnlyLowBits, OnlyTags};

#[test]
fn range_visits_each_key_once() {
    for keys in [0, 1, 6, 7, 373, 20_000] {
        let map: ShardedMap<u32, u32> = (0..keys).map(|key| (key, key + 1)).collect();
        let mut seen = BTreeMap::new();
        map.range(|&key, &value| {
            assert_eq!(seen.insert(key, value), None);
            true
        });
        assert!(seen.into_iter().eq((0..keys).map(|key| (key, key + 1))));
    }
}

#[test]
fn range_ends_when_it_is_told_to() {
    let map: ShardedMap<u32, ()> = (0..5000).map(|key| (key, ())).collect();
    for most in [1, 2, 400, 5000] {
        let mut calls = 0;
        map.range(|_, ()| {
            calls += 1;
            calls < most
        });
        assert_eq!(calls, most);
    }
}

#[test]
fn iterators_agree_with_range() {
    let map: ShardedMap<u32, u32> = (0..3000).map(|key| (key, key + 1)).collect();
    let pinned = map.pin();
    let entries: BTreeMap<_, _> = pinned.iter().collect();
    assert_eq!(entries.len(), 3000);
    assert!(entries.iter().all(|(key, value)| *key + 1 == **value));
    assert!(pinned.keys().collect::<BTreeSet<_>>().into_iter().eq(entries.keys().copied()));
    assert!(pinned.values().collect::<BTreeSet<_>>().into_iter().eq(entries.values().copied()));
    let mut ended = pinned.iter();
    assert_eq!(ended.by_ref().count(), 3000);
    assert_eq!(ended.next(), None);
}

#[test]
fn entries_from_an_iterator_stay_as_long_as_it() {
    let map: ShardedMap<u32, String> = (0..1000).map(|key| (key, key.to_string())).collect();
    let pinned = map.pin();
    let entries: Vec<_> = pinned.iter().collect();
    map.clear();
    map.flush();
    assert!(entries.iter().all(|(key, value)| key.to_string() == **value));
}

#[test]
fn range_sees_what_stays_whatever_its_callback_does() {
    for keys in [6, 300, 3000] {
        let map: ShardedMap<u32, u32> = (0..keys).map(|key| (key, 0)).collect();
        let mut seen = BTreeSet::new();
        map.range(|&key, _| {
            assert!(seen.insert(key), "{key} comes twice");
            // These stay, and the map grows by others.
            map.store(key % keys, 1);
            map.store(keys + key * 2 + 1, 1);
            map.delete(&(keys + key));
            map.compute(keys * 5 + key, |_| Action::Store(1));
            map.range(|_, _| seen.len() % 100 == 1);
            true
        });
        assert!((0..keys).all(|key| seen.contains(&key)));
    }
}

#[test]
fn range_goes_on_when_its_callback_deletes_everything() {
    let map: ShardedMap<u32, u32> = (0..3000).map(|key| (key, key)).collect();
    let mut seen = BTreeSet::new();
    map.range(|&key, &value| {
        assert_eq!(key, value);
        assert!(seen.insert(key));
        map.clear();
        map.flush();
        true
    });
    assert!(!seen.is_empty());
    assert!(map.is_empty());
}

#[test]
fn range_ends_though_its_callback_stores_ever_more() {
    let map = ShardedMap::from([(0_u64, ())]);
    let mut next = 1;
    let seen = RefCell::new(BTreeSet::new());
    map.range(|&key, ()| {
        assert!(seen.borrow_mut().insert(key));
        for _ in 0..3 {
            map.store(next, ());
            next += 1;
        }
        true
    });
    assert!(seen.into_inner().len() < map.len());
}

/// Keys below `STAYING` are there all the time, though their values are replaced; others come and go.
const STAYING: u64 = 100;

/// Of which key it is, and the how manieth.
fn value_of(key: u64, number: u64) -> u64 {
    key << 32 | number
}

fn churn<S: BuildHasher>(map: &ShardedMap<u64, u64, S>, keys: u64, operations: u64, seed: u64) {
    let mut random = Rng::with_seed(seed);
    for number in 0..operations {
        // It grows, up to so many keys.
        let key = random.u64(..STAYING + 1 + (keys * 2 * number / operations).min(keys));
        if key < STAYING || random.bool() {
            map.store(key, value_of(key, number));
        } else {
            map.delete(&key);
        }
    }
}

fn look<S: BuildHasher>(map: &ShardedMap<u64, u64, S>) {
    let mut seen = BTreeSet::new();
    map.range(|&key, &value| {
        assert_eq!(value >> 32, key, "the value of another key");
        assert!(seen.insert(key), "{key} comes twice");
        true
    });
    let missed = (0..STAYING).find(|key| !seen.contains(key));
    assert_eq!(missed, None, "it was there all the time");
}

fn contend<S: BuildHasher + Default + Sync>(keys: u64, operations: u64) {
    for round in 0..4 {
        let map = ShardedMap::with_hasher(S::default());
        (0..STAYING).for_each(|key| map.store(key, value_of(key, 0)));
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let lookers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        while !over.load(Relaxed) {
                            look(&map);
                        }
                    })
                })
                .collect();
            let churners: Vec<_> = (0..3)
                .map(|thread| {
                    scope.spawn({
                        let map = &map;
                        move || churn(map, keys, operations, round * 3 + thread)
                    })
                })
                .collect();
            let ends: Vec<_> = churners.into_iter().map(thread::ScopedJoinHandle::join).collect();
            over.store(true, Relaxed);
            lookers.into_iter().for_each(|looker| looker.join().expect("it sees what it must"));
            assert!(ends.iter().all(Result::is_ok));
        });
        look(&map);
    }
}

#[test]
fn range_among_writers_sees_each_key_that_stays_and_none_twice() {
    contend::<DefaultHashBuilder>(200, 20_000);
    contend::<DefaultHashBuilder>(10_000, 40_000);
}

#[test]
fn range_among_writers_does_so_however_bad_the_hashes_are() {
    contend::<BuildConstant>(30, 1500);
    contend::<OnlyTags>(200, 2500);
    contend::<FewHashes>(200, 2500);
    contend::<OnlyLowBits>(2000, 10_000);
    contend::<OnlyHighBits>(1000, 5000);
    contend::<FewBuckets>(10_000, 20_000);
}
