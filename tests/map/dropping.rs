//! Each value is dropped once: when it is gone, and nobody looks at it any more.

use std::{
    cell::Cell,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use freewheel::{
    ShardedMap,
    map::{Action, LoadOrStore},
};

use crate::values::{Ledger, Value};

/// Flushes until so many values are dropped. Other tests hold references, but none for long.
fn flush_until(map: &ShardedMap<usize, Value>, ledger: &Ledger, drops: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while ledger.drops().iter().sum::<usize>() < drops {
        map.flush();
        assert!(Instant::now() < deadline, "{:?}", ledger.drops());
        thread::yield_now();
    }
    assert_eq!(ledger.drops().iter().sum::<usize>(), drops);
}

#[test]
fn what_is_replaced_or_deleted_is_dropped_by_flush() {
    let ledger = Ledger::new(6);
    let map = ShardedMap::new();
    (0..3).for_each(|key| map.store(key, ledger.value(key)));
    map.store(0, ledger.value(3));
    map.delete(&1);
    map.compute(2, |_| Action::Store(ledger.value(4)));
    map.compute(0, |_| Action::Delete);
    flush_until(&map, &ledger, 4);
    assert_eq!(ledger.drops(), [1, 1, 1, 1, 0, 0]);
    map.store(5, ledger.value(5));
    drop(map);
    ledger.assert_each_once();
}

#[test]
fn what_a_reference_shows_is_dropped_after_that() {
    let ledger = Ledger::new(3);
    let map = ShardedMap::new();
    (0..3).for_each(|key| map.store(key, ledger.value(key)));
    let (one, pinned) = (map.get(&1).expect("it is there"), map.pin());
    let two = pinned.get(&2).expect("it is there");
    map.clear();
    map.flush();
    assert_eq!((ledger.drops(), one.number, two.number), (vec![0, 0, 0], 1, 2));
    drop(one);
    map.flush();
    assert_eq!((ledger.drops(), two.number), (vec![0, 0, 0], 2));
    drop(pinned);
    flush_until(&map, &ledger, 3);
}

#[test]
fn what_is_not_stored_is_dropped_at_once_or_given_back() {
    let ledger = Ledger::new(7);
    let map = ShardedMap::new();
    assert!(!map.get_or_store(0, ledger.value(0)).is_loaded());
    assert!(map.get_or_store(0, ledger.value(1)).is_loaded());
    assert_eq!(ledger.drops(), [0, 1, 0, 0, 0, 0, 0]);
    let made = map.get_or_store_with(&9, || {
        map.store(9, ledger.value(2));
        ledger.value(3)
    });
    assert!(matches!(made, LoadOrStore::Loaded(value) if value.number == 2));
    assert_eq!(ledger.drops(), [0, 1, 0, 1, 0, 0, 0]);
    let numbers = ShardedMap::from([(1, Arc::new(1))]);
    let new = Arc::new(2);
    let refused = numbers.compare_and_swap(&1, &new, Arc::clone(&new)).expect_err("another value is there");
    assert!(Arc::ptr_eq(&refused, &new));
    drop(refused);
    assert_eq!(Arc::strong_count(&new), 1);
    // The rest is there to the end.
    (4..7).for_each(|key| map.store(key, ledger.value(key)));
    drop(map);
    ledger.assert_each_once();
}

#[test]
fn what_threads_leave_behind_is_dropped_with_the_map_or_by_a_flush() {
    for flushes in [false, true] {
        let ledger = Ledger::new(800);
        let map = ShardedMap::new();
        for first in (0..800).step_by(100) {
            let work = || {
                // Of each ten keys nine are replaced, too few at last to be dropped in passing.
                (first..first + 100).for_each(|number| map.store(number / 10, ledger.value(number)));
            };
            thread::scope(|scope| scope.spawn(work).join().expect("no panic"));
        }
        if flushes {
            flush_until(&map, &ledger, 720);
        }
        drop(map);
        ledger.assert_each_once();
    }
}

#[test]
fn iterators_by_value_drop_what_they_do_not_return() {
    let ledger = Ledger::new(1000);
    let map: ShardedMap<usize, Value> = (0..1000).map(|key| (key % 900, ledger.value(key))).collect();
    let mut entries = map.into_iter();
    let kept: Vec<_> = entries.by_ref().take(400).collect();
    drop(entries);
    assert_eq!(ledger.drops().iter().sum::<usize>(), 600);
    drop(kept);
    ledger.assert_each_once();
}

#[test]
fn shrink_to_fit_drops_what_is_not_in_the_map() {
    let ledger = Ledger::new(1000);
    let mut map: ShardedMap<usize, Value> = (0..1000).map(|key| (key, ledger.value(key))).collect();
    map.retain(|key, _| key % 4 == 0);
    map.shrink_to_fit();
    flush_until(&map, &ledger, 750);
    assert_eq!(map.len(), 250);
    drop(map);
    ledger.assert_each_once();
}

#[test]
fn each_value_is_dropped_once_with_eight_threads() {
    const EACH: usize = 20_000;
    let ledger = Ledger::new(8 * EACH);
    let map = ShardedMap::new();
    let given_back = AtomicUsize::new(0);
    let work = |thread: usize| {
        let mut random = Rng::with_seed(thread as u64);
        for number in thread * EACH..(thread + 1) * EACH {
            let key = random.usize(..1 + number % EACH / 8);
            let value = ledger.value(number);
            match random.u32(..8) {
                0..3 => map.store(key, value),
                3 => drop(map.get_or_store(key, value)),
                4 => drop(map.get_or_store_with(&key, || value)),
                5 => drop(map.compute(key, |_| Action::Store(value))),
                6 => {
                    // Only `Store` takes it.
                    map.compute(key, |_| Action::Delete);
                    given_back.fetch_add(1, SeqCst);
                }
                _ => {
                    if let Some(found) = map.get(&key) {
                        map.delete(&key);
                        assert!(found.number < 8 * EACH);
                    }
                    map.retain(|other, _| *other != key || random.bool());
                }
            }
            if number % 1000 == 0 {
                map.flush();
            }
            if number % EACH == EACH / 2 {
                map.clear();
            }
        }
    };
    thread::scope(|scope| {
        let work = &work;
        (0..8).for_each(|thread| drop(scope.spawn(move || work(thread))));
    });
    assert!(ledger.drops().iter().all(|&drops| drops <= 1));
    drop(map);
    ledger.assert_each_once();
    assert!(given_back.into_inner() > 0);
}

/// Values notice when they are dropped by a thread that only reads.
#[test]
fn destructors_never_run_within_a_read() {
    thread_local! {
        static READS: Cell<bool> = const { Cell::new(false) };
    }
    struct Noticing<'a>(&'a AtomicUsize);
    impl Drop for Noticing<'_> {
        fn drop(&mut self) {
            assert!(!READS.get(), "dropped by a reader");
            self.0.fetch_add(1, SeqCst);
        }
    }
    let drops = AtomicUsize::new(0);
    let map: ShardedMap<u32, Noticing<'_>> = ShardedMap::new();
    let (start, over) = (Barrier::new(3), AtomicBool::new(false));
    thread::scope(|scope| {
        let read = || {
            READS.set(true);
            start.wait();
            let mut seen = 0;
            while !over.load(SeqCst) {
                for key in 0..50 {
                    seen += usize::from(map.get(&key).is_some_and(|value| value.0.load(SeqCst) < usize::MAX));
                }
                map.range(|_, _| true);
                assert!(map.len() <= 50);
            }
            seen
        };
        let readers = [scope.spawn(read), scope.spawn(read)];
        start.wait();
        for number in 0..30_000 {
            map.store(number % 50, Noticing(&drops));
            map.delete(&((number + 7) % 50));
        }
        over.store(true, SeqCst);
        assert!(readers.into_iter().all(|reader| reader.join().is_ok()));
    });
    drop(map);
    assert_eq!(drops.into_inner(), 30_000);
}
