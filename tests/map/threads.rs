//! Many threads, whose keys share segments: each finds its own as if it were alone.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use fastrand::Rng;
use freewheel::{
    ShardedMap,
    map::{Action, DefaultHashBuilder},
};

use crate::hashers::{
    BuildConstant, BuildIdentity, FewBuckets, FewHashes, OnlyHighBits, OnlyLowBits, OnlyTags,
};

const THREADS: u64 = 8;

/// What a key's value says: the key, and what its owner has counted.
fn value_of(key: u64, number: u64) -> u64 {
    key << 32 | number
}

/// A thread that alone changes its keys, which are those that leave `number` when divided by `THREADS`.
struct Owner<'a, S> {
    map: &'a ShardedMap<u64, u64, S>,
    number: u64,
    random: Rng,
    expected: HashMap<u64, u64>,
}

impl<'a, S: BuildHasher> Owner<'a, S> {
    fn new(map: &'a ShardedMap<u64, u64, S>, number: u64, round: u64) -> Self {
        let random = Rng::with_seed(round * THREADS + number);
        Self { map, number, random, expected: HashMap::new() }
    }

    fn step(&mut self, keys: u64, count: u64, is_growing: bool) {
        let key = self.random.u64(..keys) * THREADS + self.number;
        let (map, before) = (self.map, self.expected.get(&key).copied());
        let new = value_of(key, count);
        let chance = self.random.u32(..20);
        match if is_growing { chance } else { chance + 8 } {
            0..5 => {
                assert_eq!(map.swap(key, new), before);
                self.expected.insert(key, new);
            }
            5..8 => {
                assert_eq!(map.load_or_store(key, new).is_loaded(), before.is_some());
                self.expected.entry(key).or_insert(new);
            }
            8..10 => {
                let swapped = map.compare_and_swap(&key, &before.unwrap_or(0), new);
                assert_eq!(swapped.is_ok(), before.is_some());
                self.expected.entry(key).and_modify(|value| *value = new);
            }
            10..12 => {
                let stored = map.compute(key, |value| {
                    assert_eq!(value.copied(), before);
                    Action::Store(new)
                });
                assert_eq!(stored.map(|value| *value), Some(new));
                self.expected.insert(key, new);
            }
            12..18 => assert_eq!(map.load(&key), before),
            18..22 => {
                assert_eq!(map.load_and_delete(&key), before);
                self.expected.remove(&key);
            }
            // Seldom, for it looks at all keys.
            22 if self.random.u32(..50) == 0 => {
                map.retain(|other, _| *other != key);
                self.expected.remove(&key);
            }
            _ => self.look_at_others(keys),
        }
    }

    /// What others have stored is whole.
    fn look_at_others(&mut self, keys: u64) {
        let key = self.random.u64(..keys * THREADS);
        if let Some(value) = self.map.get(&key) {
            assert_eq!(*value >> 32, key);
        }
    }

    fn check(&self, keys: u64) {
        for key in (self.number..keys * THREADS).step_by(THREADS as usize) {
            assert_eq!(self.map.load(&key), self.expected.get(&key).copied());
        }
    }
}

/// Lets the map grow and shrink twice, by eight threads.
fn grow_and_shrink<S: BuildHasher + Default + Sync>(rounds: u64, keys: u64, operations: u64) {
    for round in 0..rounds {
        let map = match round % 3 {
            0 => ShardedMap::with_hasher(S::default()),
            1 => ShardedMap::with_shards_and_hasher(16, S::default()),
            _ => ShardedMap::with_capacity_and_hasher(keys as usize, S::default()),
        };
        let work = |number| {
            let mut owner = Owner::new(&map, number, round);
            for count in 0..operations {
                owner.step(keys, count, (count * 4 / operations).is_multiple_of(2));
            }
            owner.check(keys);
            owner.expected
        };
        let expected: HashMap<u64, u64> = thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = (0..THREADS).map(|number| scope.spawn(move || work(number))).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("each finds its own")).collect()
        });
        assert_eq!(map.len(), expected.len());
        let entries: HashMap<u64, u64> = map.into_iter().collect();
        assert_eq!(entries, expected);
    }
}

#[test]
fn eight_threads_find_their_own_while_the_map_grows_and_shrinks() {
    grow_and_shrink::<DefaultHashBuilder>(3, 50, 5000);
    grow_and_shrink::<DefaultHashBuilder>(3, 2000, 20_000);
}

#[test]
fn eight_threads_find_their_own_however_bad_the_hashes_are() {
    grow_and_shrink::<BuildConstant>(2, 10, 1500);
    grow_and_shrink::<BuildConstant<{ u64::MAX }>>(2, 10, 1500);
    grow_and_shrink::<BuildIdentity>(3, 500, 5000);
    grow_and_shrink::<FewHashes>(3, 40, 2000);
    grow_and_shrink::<OnlyTags>(2, 60, 2000);
    grow_and_shrink::<OnlyHighBits>(2, 300, 4000);
    grow_and_shrink::<FewBuckets>(2, 2000, 10_000);
    grow_and_shrink::<OnlyLowBits>(2, 1000, 10_000);
}

#[test]
fn a_key_that_is_never_deleted_is_always_found_while_the_map_grows() {
    for round in 0..20 {
        let map = ShardedMap::new();
        (0..100).for_each(|key| map.store(key, key));
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let read = || {
                let mut random = Rng::with_seed(round);
                while !over.load(Relaxed) {
                    let key = random.u64(..100);
                    assert_eq!(map.load(&key), Some(key));
                    assert!(map.pin().contains_key(&key));
                }
            };
            let readers = [scope.spawn(read), scope.spawn(read)];
            for key in 100..10_000 {
                map.store(key, key);
                map.store(key % 100, key % 100);
            }
            over.store(true, Relaxed);
            assert!(readers.into_iter().all(|reader| reader.join().is_ok()));
        });
    }
}

/// Threads that come after others have their seats, and what they have left there.
#[test]
fn threads_come_and_go() {
    let map = ShardedMap::new();
    for round in 0..60_u64 {
        thread::scope(|scope| {
            for number in 0..4 {
                let map = &map;
                scope.spawn(move || {
                    let key = |index: u64| index * 4 + number;
                    for index in 0..150 {
                        // Each deletes what another has stored.
                        assert_eq!(map.load_and_delete(&key(index)).is_some(), round % 2 == 1);
                    }
                    (0..150).filter(|_| round % 2 == 0).for_each(|index| map.store(key(index), round));
                });
            }
        });
        assert_eq!(map.len(), if round % 2 == 0 { 600 } else { 0 });
    }
}

/// More than any structure has room for at first.
#[test]
fn three_hundred_threads_are_there_at_once() {
    const MANY: usize = 300;
    let map = ShardedMap::new();
    let all_are_there = std::sync::Barrier::new(MANY);
    thread::scope(|scope| {
        for number in 0..MANY {
            let (map, all_are_there) = (&map, &all_are_there);
            scope.spawn(move || {
                map.store(number, number);
                all_are_there.wait();
                assert_eq!(map.load_and_delete(&((number + 1) % MANY)), Some((number + 1) % MANY));
                map.store(number, number);
            });
        }
    });
    let left = map.pin().iter().inspect(|(key, value)| assert_eq!(key, value)).count();
    assert_eq!(map.len(), left);
    map.clear();
    map.flush();
    assert!(map.is_empty());
}

/// By one thread, whose word on what there is counts for all.
#[test]
fn what_happens_before_a_read_is_seen_by_it() {
    let map = ShardedMap::new();
    let (sender, receiver) = std::sync::mpsc::sync_channel(16);
    thread::scope(|scope| {
        scope.spawn(|| {
            for key in 0..50_000_u64 {
                map.store(key, key);
                if key >= 1000 {
                    map.delete(&(key - 1000));
                }
                sender.send(key).expect("somebody listens");
            }
            drop(sender);
        });
        for key in receiver {
            // It is deleted a thousand keys later, and the sender is ahead by a few.
            assert_eq!(map.load(&key), Some(key));
            if let Some(deleted) = key.checked_sub(1000) {
                assert_eq!(map.load(&deleted), None);
            }
        }
    });
}
