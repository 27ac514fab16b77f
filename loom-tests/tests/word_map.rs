//! Models of `src/map/words.rs` and `word_map.rs`: segments of one slot, which divide at the second key.
#![cfg(freewheel_loom)]

use std::hash::BuildHasher;

use freewheel::{
    map::{Action, WordMap},
    sync::{Arc, thread},
};
use loom_tests::{
    explore,
    watched::{Constant, Itself},
};

type Map<S = Itself> = WordMap<u64, u64, S>;

/// Keys of the lower half, of which two do not fit into one segment, and one of the upper half.
const LOW: u64 = 1;
const LOW_TOO: u64 = 1 << 62;
const HIGH: u64 = 1 << 63;

/// Runs `other` in a second thread and `main` in this one, both on a map with those pairs.
fn race<S: BuildHasher + Default + 'static, const N: usize, A: 'static, B>(
    pairs: [(u64, u64); N],
    other: impl FnOnce(&Map<S>) -> A + 'static,
    main: impl FnOnce(&Map<S>) -> B,
) -> (A, B) {
    race_on(Map::default(), pairs, other, main)
}

fn race_on<S: BuildHasher + Default + 'static, const N: usize, A: 'static, B>(
    mut map: Map<S>,
    pairs: [(u64, u64); N],
    other: impl FnOnce(&Map<S>) -> A + 'static,
    main: impl FnOnce(&Map<S>) -> B,
) -> (A, B) {
    map.extend(pairs);
    let map = Arc::new(map);
    let thread = {
        let map = Arc::clone(&map);
        thread::spawn(move || other(&map))
    };
    let main = main(&map);
    (thread.join().unwrap(), main)
}

#[test]
fn load_racing_a_store_sees_the_old_value_or_the_new_one() {
    explore(3, [1, 2], || {
        race::<Itself, 1, _, _>([(LOW, 1)], |map| map.store(LOW, 2), |map| map.load(LOW).unwrap()).1
    });
}

#[test]
fn load_racing_the_first_store_sees_the_value_or_nothing() {
    explore(3, [None, Some(1)], || {
        race::<Itself, 0, _, _>([], |map| map.store(LOW, 1), |map| map.load(LOW)).1
    });
}

#[test]
fn load_does_not_take_the_value_of_another_key_that_came_into_the_slot() {
    explore(3, [None, Some(1)], || {
        let reuse = |map: &Map| {
            map.delete(LOW);
            map.store(LOW_TOO, 2);
        };
        race([(LOW, 1)], reuse, |map| map.load(LOW)).1
    });
}

#[test]
fn load_of_a_key_that_leaves_and_comes_back_sees_a_value_of_its_own() {
    explore(2, [None, Some(1), Some(3)], || {
        let reuse = |map: &Map| {
            map.delete(LOW);
            map.store(LOW_TOO, 2);
            map.delete(LOW_TOO);
            map.store(LOW, 3);
        };
        race([(LOW, 1)], reuse, |map| map.load(LOW)).1
    });
}

#[test]
fn keys_are_found_while_their_segment_divides() {
    explore(3, [(Some(1), Some(2))], || {
        race(
            [(LOW, 1), (HIGH, 2)],
            |map: &Map| map.store(LOW_TOO, 3),
            |map| {
                let high = map.load(HIGH);
                (map.load(LOW), high)
            },
        )
        .1
    });
}

#[test]
fn a_key_that_moves_to_the_upper_half_is_found() {
    explore(3, [Some(2)], || race([(HIGH, 2)], |map: &Map| map.store(LOW, 1), |map| map.load(HIGH)).1);
}

#[test]
fn a_key_is_found_while_its_segment_becomes_larger() {
    explore(3, [Some(1)], || {
        race::<Constant, 2, _, _>([(LOW, 1), (HIGH, 2)], |map| map.store(3, 3), |map| map.load(LOW)).1
    });
}

/// Fills a segment of two buckets, with `MOVES` in the second for the first is full, and divides it; after that there is room.
fn race_with_a_move<A>(main: impl FnOnce(&Map) -> A) -> A {
    race_on(Map::with_buckets(1), [(HIGH, 1), (MOVES, 3)], |map| map.store(1, 5), main).1
}

const MOVES: u64 = 1 << 62;

#[test]
fn a_key_that_moves_to_a_nearer_bucket_is_found() {
    explore(2, [Some(3)], || race_with_a_move(|map| map.load(MOVES)));
}

#[test]
fn compute_of_two_threads_counts_twice() {
    explore(2, [2], || {
        let increment = |map: &Map| {
            map.compute(LOW, |count| Action::Store(count.unwrap_or_default() + 1));
        };
        let map = Arc::new(Map::default());
        let thread = {
            let map = Arc::clone(&map);
            thread::spawn(move || increment(&map))
        };
        increment(&map);
        thread.join().unwrap();
        map.load(LOW).unwrap()
    });
}

#[test]
fn of_two_load_or_store_one_stores() {
    explore(2, [(1, 1), (2, 2)], || {
        let store = |value| move |map: &Map| map.load_or_store(LOW, value).into_inner();
        race([], store(1), store(2))
    });
}

#[test]
fn what_was_done_before_a_store_is_seen_by_who_loads_the_value() {
    use freewheel::sync::atomic::{AtomicU64, Ordering::Relaxed};

    explore(3, [None, Some(7)], || {
        let work = Arc::new(AtomicU64::new(0));
        let other = Arc::clone(&work);
        let store = move |map: &Map| {
            other.store(7, Relaxed);
            map.store(LOW, 2);
        };
        let load = |map: &Map| (map.load(LOW) == Some(2)).then(|| work.load(Relaxed));
        race([(LOW, 1)], store, load).1
    });
}

#[test]
fn iter_racing_a_division_sees_each_key_that_is_there_once() {
    explore(2, [vec![LOW, HIGH], vec![LOW, LOW_TOO, HIGH]], || {
        let keys = |map: &Map| {
            let mut keys: Vec<u64> = map.iter().map(|(key, _)| key).collect();
            keys.sort_unstable();
            keys
        };
        race([(LOW, 1), (HIGH, 2)], |map: &Map| map.store(LOW_TOO, 3), keys).1
    });
}

#[test]
fn iter_sees_no_key_twice_that_leaves_and_comes_back() {
    explore(1, [vec![1], vec![1, 2]], || {
        let keys = |map: &Map<Constant>| {
            let mut keys: Vec<u64> = map.iter().map(|(key, _)| key).collect();
            keys.sort_unstable();
            assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:?}");
            keys.retain(|&key| key < 3);
            keys
        };
        let come_back = |map: &Map<Constant>| {
            map.delete(2);
            map.store(3, 0);
            map.delete(3);
            map.store(2, 0);
        };
        race::<Constant, 2, _, _>([(2, 0), (1, 0)], come_back, keys).1
    });
}

#[test]
fn iter_sees_no_key_twice_that_comes_back_further_on() {
    explore(2, [vec![], vec![2]], || {
        // Two buckets, of which the second one is empty.
        let map = Arc::new(Map::<Constant>::from_iter([(2, 0), (1, 0)]));
        map.delete(1);
        let come_back = {
            let map = Arc::clone(&map);
            thread::spawn(move || {
                map.delete(2);
                map.store(3, 0);
                map.store(2, 0);
            })
        };
        let mut keys: Vec<u64> = map.iter().map(|(key, _)| key).collect();
        keys.retain(|&key| key < 3);
        come_back.join().unwrap();
        keys
    });
}
