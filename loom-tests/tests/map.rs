//! Models of `src/map` with entries: segments of two slots, which divide at the third key.
#![cfg(freewheel_loom)]

use std::hash::{BuildHasher, Hash};

use equivalent::Equivalent;
use freewheel::{
    ShardedMap,
    map::Action,
    sync::{Arc, thread},
};
use loom_tests::{
    explore,
    watched::{Constant, Itself, Watched},
};

/// Keys that the checker watches, and values that it does.
type Map<S = Itself> = ShardedMap<Watched, Watched, S>;

#[derive(Hash)]
struct Key(u64);

impl Equivalent<Watched> for Key {
    fn equivalent(&self, key: &Watched) -> bool {
        self.0 == key.get()
    }
}

/// Keys of the lower half, of which two fit into a segment, and of the upper half.
const LOW: u64 = 1;
const LOW_TOO: u64 = 1 << 61;
const HIGH: u64 = 1 << 63;

fn store<S: BuildHasher>(map: &Map<S>, key: u64, value: u64) {
    map.store(Watched::new(key), Watched::new(value));
}

fn load<S: BuildHasher>(map: &Map<S>, key: u64) -> Option<u64> {
    map.get(&Key(key)).map(|value| value.get())
}

/// Runs `other` in a second thread and `main` in this one, both on a map with those entries.
fn race<S: BuildHasher + Default + 'static, const N: usize, A: 'static, B>(
    entries: [(u64, u64); N],
    other: impl FnOnce(&Map<S>) -> A + 'static,
    main: impl FnOnce(&Map<S>) -> B,
) -> (A, B) {
    race_on(Map::default(), entries, other, main)
}

fn race_on<S: BuildHasher + Default + 'static, const N: usize, A: 'static, B>(
    map: Map<S>,
    entries: [(u64, u64); N],
    other: impl FnOnce(&Map<S>) -> A + 'static,
    main: impl FnOnce(&Map<S>) -> B,
) -> (A, B) {
    let map = Arc::new(map);
    entries.iter().for_each(|(key, value)| store(&map, *key, *value));
    let thread = {
        let map = Arc::clone(&map);
        thread::spawn(move || other(&map))
    };
    let main = main(&map);
    (thread.join().unwrap(), main)
}

#[test]
fn get_racing_a_store_sees_the_old_value_or_the_new_one() {
    explore(2, [1, 2], || {
        race::<Itself, 1, _, _>([(LOW, 1)], |map| store(map, LOW, 2), |map| load(map, LOW).unwrap()).1
    });
}

#[test]
fn get_racing_the_first_store_sees_the_value_or_nothing() {
    explore(2, [None, Some(1)], || {
        race::<Itself, 0, _, _>([], |map| store(map, LOW, 1), |map| load(map, LOW)).1
    });
}

#[test]
fn what_is_deleted_is_not_freed_before_who_looks_at_it() {
    explore(2, [None, Some(1)], || {
        let delete = |map: &Map| {
            map.delete(&Key(LOW));
            // Drops what nobody looks at.
            map.flush();
        };
        race([(LOW, 1)], delete, |map| load(map, LOW)).1
    });
}

#[test]
fn get_does_not_take_the_entry_of_another_key_that_came_into_the_slot() {
    explore(2, [None, Some(1)], || {
        let reuse = |map: &Map| {
            map.delete(&Key(LOW));
            store(map, LOW_TOO, 2);
        };
        race([(LOW, 1)], reuse, |map| load(map, LOW)).1
    });
}

#[test]
fn keys_are_found_while_their_segment_divides() {
    explore(2, [(Some(1), Some(2))], || {
        let look = |map: &Map| {
            let high = load(map, HIGH);
            (load(map, LOW), high)
        };
        race([(LOW, 1), (HIGH, 2)], |map| store(map, LOW_TOO, 3), look).1
    });
}

#[test]
fn nobody_meets_an_entry_in_the_lower_half_that_was_deleted_from_the_upper_one() {
    explore(2, [Some(1)], || {
        let look = |map: &Map| {
            map.delete(&Key(HIGH));
            map.flush();
            load(map, LOW)
        };
        race([(HIGH, 2), (LOW, 1)], |map| store(map, LOW_TOO, 3), look).1
    });
}

#[test]
fn a_key_is_found_while_its_segment_becomes_larger() {
    explore(2, [Some(1)], || {
        let look = |map: &Map<Constant>| load(map, LOW);
        race([(LOW, 1), (HIGH, 2), (LOW_TOO, 3)], |map| store(map, 5, 5), look).1
    });
}

/// Fills a segment of two buckets, with `MOVES` in the second for the first is full, and divides it; after that there is room.
fn race_with_a_move<A>(main: impl FnOnce(&Map) -> A) -> A {
    let (high_too, beside, last) = (3 << 62, 1, 1 << 60);
    let entries = [(HIGH, 1), (high_too, 2), (MOVES, 3), (beside, 4)];
    race_on(Map::with_buckets(1), entries, move |map| store(map, last, 5), main).1
}

const MOVES: u64 = 1 << 61;

#[test]
fn a_key_that_moves_to_a_nearer_bucket_is_found() {
    explore(2, [Some(3)], || race_with_a_move(|map| load(map, MOVES)));
}

#[test]
fn iter_sees_a_key_that_moves_to_a_nearer_bucket_once() {
    explore(1, [1], || race_with_a_move(|map| keys(map).iter().filter(|&&key| key == MOVES).count()));
}

#[test]
fn compute_of_two_threads_counts_twice() {
    explore(2, [2], || {
        let increment = |map: &Map| {
            let decide =
                |count: Option<&Watched>| Action::Store(Watched::new(count.map_or(0, Watched::get) + 1));
            drop(map.compute(Watched::new(LOW), decide));
        };
        let map = Arc::new(Map::default());
        let thread = {
            let map = Arc::clone(&map);
            thread::spawn(move || increment(&map))
        };
        increment(&map);
        thread.join().unwrap();
        load(&map, LOW).unwrap()
    });
}

#[test]
fn of_two_get_or_store_one_stores() {
    explore(2, [(1, 1), (2, 2)], || {
        let store = |value| {
            move |map: &Map| map.get_or_store(Watched::new(LOW), Watched::new(value)).into_inner().get()
        };
        race([], store(1), store(2))
    });
}

#[test]
fn iter_racing_a_division_sees_each_key_that_is_there_once() {
    explore(2, [vec![LOW, HIGH], vec![LOW, LOW_TOO, HIGH]], || {
        race([(LOW, 1), (HIGH, 2)], |map: &Map| store(map, LOW_TOO, 3), keys).1
    });
}

fn keys<S: BuildHasher>(map: &Map<S>) -> Vec<u64> {
    let pinned = map.pin();
    let mut keys: Vec<u64> = pinned.keys().map(Watched::get).collect();
    keys.sort_unstable();
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:?}");
    keys
}
