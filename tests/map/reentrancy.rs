//! The map within functions that it calls, and while references are held: nothing waits for itself.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
    thread,
};

use freewheel::{
    ShardedMap,
    map::{Action, LoadOrStore},
};

type Map = ShardedMap<u32, u32>;

/// Everything that only reads.
fn read_everything(map: &Map) -> usize {
    let mut ranged = 0;
    map.range(|_, _| {
        ranged += 1;
        true
    });
    let pinned = map.pin();
    assert_eq!(
        (pinned.iter().count(), pinned.keys().count(), pinned.values().count()),
        (ranged, ranged, ranged)
    );
    for key in 0..10 {
        assert_eq!(map.load(&key), pinned.get(&key).copied());
        assert_eq!(map.get(&key).map(|value| *value), map.load(&key));
        assert_eq!(map.contains_key(&key), pinned.contains_key(&key));
        if map.contains_key(&key) {
            assert!(map.load_or_store(key, 0).is_loaded());
            assert!(map.get_or_store_with(&key, || unreachable!("it is there")).is_loaded());
        }
    }
    assert_eq!(format!("{map:?}").matches(':').count(), ranged);
    assert_eq!((map.len(), map.is_empty()), (ranged, ranged == 0));
    map.flush();
    ranged
}

type Change = fn(&Map, u32);

/// Everything that changes.
const CHANGES: [(&str, Change); 12] = [
    ("store", |map, key| map.store(key, 9)),
    ("swap", |map, key| _ = map.swap(key, 9)),
    ("delete", |map, key| _ = map.delete(&key)),
    ("load_and_delete", |map, key| _ = map.load_and_delete(&key)),
    ("compare_and_swap", |map, key| _ = map.compare_and_swap(&key, &1, 9)),
    ("compare_and_delete", |map, key| _ = map.compare_and_delete(&key, &1)),
    ("load_or_store", |map, key| _ = map.load_or_store(key + 10_000, 9)),
    ("get_or_store_with", |map, key| _ = map.get_or_store_with(&(key + 10_000), || 9)),
    ("compute", |map, key| _ = map.compute(key, |_| Action::Keep)),
    ("retain", |map, _| map.retain(|_, _| false)),
    ("clear", |map, _| map.clear()),
    ("reserve", |map, _| map.reserve(100)),
];

/// That each change, wherever it is tried, panics with the message that says why.
fn assert_refused(map: &Map, key: u32) {
    for (name, change) in CHANGES {
        let refused = catch_unwind(AssertUnwindSafe(|| change(map, key)));
        let message = refused.expect_err(name).downcast::<&str>().expect("a message");
        assert!(message.contains("must not change that map"), "{name}: {message}");
    }
}

fn map_of(keys: u32) -> Map {
    (0..keys).map(|key| (key, 1)).collect()
}

#[test]
fn compute_may_read_the_map_and_not_change_it() {
    for keys in [0, 1, 5, 2000] {
        let map = map_of(keys);
        // A key that is there, another one, and one that is not.
        for key in [0, keys / 2, keys + 7] {
            let calls = map.compute(key, |value| {
                assert_eq!(value.is_some(), key < keys);
                assert_eq!(read_everything(&map), keys as usize);
                (0..keys.min(20)).for_each(|other| assert_refused(&map, other));
                assert_refused(&map, key);
                Action::Keep
            });
            assert_eq!(calls.is_some(), key < keys);
        }
        assert_eq!(
            map.pin().iter().collect::<BTreeMap<_, _>>(),
            (0..keys).map(|key| (key, 1)).collect::<BTreeMap<_, _>>().iter().collect()
        );
        // And then it may be changed again.
        CHANGES.iter().for_each(|(_, change)| change(&map, 0));
    }
}

#[test]
fn what_changes_a_map_from_compute_undoes_nothing_else() {
    let map = map_of(3);
    let refused = catch_unwind(AssertUnwindSafe(|| {
        map.compute(0, |_| {
            map.store(1, 2);
            Action::Store(2)
        });
    }));
    assert!(refused.is_err());
    assert!((0..3).all(|key| map.load(&key) == Some(1)));
    map.store(0, 2);
    thread::scope(|scope| scope.spawn(|| map.store(0, 3)).join().expect("the lock is free"));
    assert_eq!(map.load(&0), Some(3));
}

#[test]
fn compute_may_change_another_map() {
    let (outer, inner) = (map_of(3), map_of(3));
    outer.compute(1, |value| {
        CHANGES.iter().for_each(|(_, change)| change(&inner, 1));
        inner.compute(1, |_| {
            assert_refused(&outer, 1);
            assert_refused(&inner, 1);
            Action::Store(7)
        });
        Action::Store(value.copied().unwrap_or(0) + inner.load(&1).expect("it was stored"))
    });
    assert_eq!(outer.load(&1), Some(8));
}

thread_local! {
    /// What is called when a `Calling` is compared or cloned next, once: for what is called compares keys too.
    static CALLED: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

fn call() {
    let called = CALLED.take();
    if let Some(called) = called {
        called();
    }
}

struct Calling(u32);

impl Hash for Calling {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Calling {
    fn eq(&self, other: &Self) -> bool {
        call();
        self.0 == other.0
    }
}

impl Eq for Calling {}

impl Clone for Calling {
    fn clone(&self) -> Self {
        call();
        Self(self.0)
    }
}

type CallingMap = ShardedMap<Calling, Calling>;

/// That `operation` panics if the keys and values that it compares and clones try to change the map.
fn assert_refused_within(operation: impl Fn(&CallingMap)) {
    let map: Arc<CallingMap> = Arc::new((0..5).map(|number| (Calling(number), Calling(number))).collect());
    let theirs = Arc::clone(&map);
    CALLED.set(Some(Box::new(move || {
        assert!(theirs.get(&Calling(1)).is_some_and(|value| value.0 == 1));
        assert_eq!(theirs.pin().iter().count(), 5);
        theirs.delete(&Calling(2));
    })));
    let refused = catch_unwind(AssertUnwindSafe(|| operation(&map)));
    let message = refused.expect_err("it is called").downcast::<&str>().expect("a message");
    assert!(message.contains("must not change that map"), "{message}");
    assert!((0..5).all(|number| map.get(&Calling(number)).is_some_and(|value| value.0 == number)));
    assert!(map.delete(&Calling(2)), "the map goes on");
    assert_eq!(map.len(), 4);
}

#[test]
fn eq_and_clone_may_read_the_map_and_not_change_it() {
    assert_refused_within(|map| map.store(Calling(1), Calling(1)));
    assert_refused_within(|map| _ = map.swap(Calling(1), Calling(1)));
    assert_refused_within(|map| _ = map.delete(&Calling(1)));
    assert_refused_within(|map| _ = map.load_and_delete(&Calling(1)));
    assert_refused_within(|map| _ = map.compute(Calling(1), |_| Action::Keep));
    assert_refused_within(|map| _ = map.compare_and_swap(&Calling(1), &Calling(1), Calling(2)));
    assert_refused_within(|map| _ = map.compare_and_delete(&Calling(1), &Calling(1)));
}

/// Of which the key is equal, so that it is the value, or the clone of the key, that calls.
#[test]
fn eq_of_values_and_clone_of_keys_may_read_the_map_and_not_change_it() {
    #[derive(PartialEq, Eq, Hash)]
    struct Key;
    impl Clone for Key {
        fn clone(&self) -> Self {
            call();
            Self
        }
    }
    let by_value = Arc::new(ShardedMap::from([(1, Calling(1))]));
    let by_key = Arc::new(ShardedMap::from([(Key, 1)]));
    let refused = |operation: &dyn Fn()| {
        let (value, key) = (Arc::clone(&by_value), Arc::clone(&by_key));
        CALLED.set(Some(Box::new(move || {
            assert_eq!((value.contains_key(&1), key.contains_key(&Key)), (true, true));
            // One of them is changing.
            value.store(2, Calling(2));
            key.delete(&Key);
        })));
        let refused = catch_unwind(AssertUnwindSafe(operation)).expect_err("it is called");
        assert!(refused.downcast::<&str>().expect("a message").contains("must not change that map"));
    };
    refused(&|| _ = by_value.compare_and_delete(&1, &Calling(1)));
    refused(&|| _ = by_value.compare_and_swap(&1, &Calling(1), Calling(3)));
    refused(&|| _ = by_key.compare_and_swap(&Key, &1, 2));
    assert_eq!((by_key.load(&Key), by_value.get(&1).map(|value| value.0)), (Some(1), Some(1)));
    by_value.store(1, Calling(2));
    assert!(by_key.delete(&Key));
}

#[test]
fn references_and_iterators_are_in_nobodys_way() {
    let map = map_of(2000);
    let references: Vec<_> = (0..2000).map(|key| map.get(&key).expect("it is there")).collect();
    let pinned = map.pin();
    let mut entries = pinned.iter();
    let first = *entries.next().expect("there are some").0;
    for (_, change) in CHANGES {
        change(&map, first);
        change(&map, first + 1);
    }
    thread::scope(|scope| {
        let changes = || CHANGES.iter().for_each(|(_, change)| change(&map, first));
        scope.spawn(changes).join().expect("nobody waits");
    });
    assert!(references.iter().all(|value| **value == 1));
    assert!(entries.count() < 2000);
}

#[test]
fn what_makes_a_value_may_change_the_map() {
    let map = map_of(3);
    let stored = map.load_or_store_with(&10, || {
        CHANGES.iter().for_each(|(_, change)| change(&map, 1));
        5
    });
    assert_eq!(stored, LoadOrStore::Stored(5));
    // Also what it is called for, and then that counts.
    let loaded = map.load_or_store_with(&11, || {
        map.store(11, 6);
        7
    });
    assert_eq!((loaded, map.load(&11)), (LoadOrStore::Loaded(6), Some(6)));
}

#[test]
fn what_retain_asks_may_change_the_map() {
    let map = map_of(1000);
    map.retain(|&key, _| {
        map.store(key + 2000, 2);
        map.delete(&((key + 1) % 1000));
        read_everything(&ShardedMap::new());
        key % 2 == 0
    });
    assert!(map.pin().iter().all(|(&key, &value)| value == 2 || key < 1000));
    assert!(map.pin().keys().all(|&key| key >= 1000 || key % 2 == 0));
}

#[test]
fn destructors_may_use_the_map() {
    thread_local! {
        static MAP: RefCell<Weak<ShardedMap<u64, Last>>> = const { RefCell::new(Weak::new()) };
    }
    struct Last(u64);
    impl Drop for Last {
        fn drop(&mut self) {
            let Some(map) = MAP.with_borrow(Weak::upgrade) else { return };
            assert!(map.get(&self.0).is_none_or(|value| value.0 == self.0));
            map.compute(self.0, |_| Action::Keep);
            map.delete(&(self.0 + 1));
            if self.0 < 50_000 {
                map.store(self.0 + 100_000, Last(self.0 + 100_000));
            }
            map.flush();
        }
    }
    let map = Arc::new(ShardedMap::new());
    MAP.set(Arc::downgrade(&map));
    for key in 0..20_000 {
        map.store(key % 300, Last(key % 300));
    }
    map.clear();
    map.flush();
    MAP.set(Weak::new());
    map.clear();
    assert_eq!(map.len(), 0);
}

#[test]
fn readers_and_other_writers_go_on_while_a_segment_is_locked() {
    let map = map_of(5000);
    map.compute(0, |_| {
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(read_everything(&map), 5000)).join().expect("readers do not wait");
        });
        Action::Keep
    });
}

#[test]
fn writers_of_other_segments_go_on_while_one_is_locked() {
    use crate::hashers::BuildIdentity;
    let map = ShardedMap::with_shards_and_hasher(4, BuildIdentity::default());
    let key = |segment: u64, number: u64| segment << 62 | number;
    map.compute(key(0, 0), |_| {
        thread::scope(|scope| {
            let change = || {
                for number in 0..5 {
                    map.store(key(1, number), 1);
                    map.store(key(2, number), 2);
                    map.compute(key(3, number), |_| Action::Store(3));
                    assert!(map.delete(&key(2, number)));
                }
            };
            scope.spawn(change).join().expect("they do not wait");
        });
        Action::Store(0)
    });
    assert_eq!(map.len(), 11);
}

/// Before its seat is gone, and after.
#[test]
fn compute_may_not_change_the_map_in_the_destructor_of_a_thread_local_either() {
    struct AtExit(RefCell<Option<Arc<Map>>>, u32);
    impl Drop for AtExit {
        fn drop(&mut self) {
            let map = self.0.take().expect("it was set");
            map.compute(self.1, |_| {
                let refused = catch_unwind(AssertUnwindSafe(|| map.store(self.1, 1)));
                Action::Store(u32::from(refused.is_err()) + 1)
            });
        }
    }
    thread_local! {
        static BEFORE: AtExit = const { AtExit(RefCell::new(None), 100) };
        static AFTER: AtExit = const { AtExit(RefCell::new(None), 200) };
    }
    let map = Arc::new(Map::new());
    for _ in 0..10 {
        let theirs = Arc::clone(&map);
        let user = thread::spawn(move || {
            BEFORE.with(|exit| exit.0.replace(Some(Arc::clone(&theirs))));
            // The thread's first use of a map, so that one destructor comes before that of its seat and one after.
            theirs.store(0, 0);
            AFTER.with(|exit| exit.0.replace(Some(Arc::clone(&theirs))));
        });
        user.join().expect("no panic");
        assert_eq!((map.swap(100, 0), map.swap(200, 0)), (Some(2), Some(2)));
    }
}
