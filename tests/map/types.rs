//! Keys and values of all kinds of types, and what may go to another thread.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fmt::Debug,
    hash::RandomState,
    rc::Rc,
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use freewheel::{
    ShardedMap, ShardedSet,
    map::{Action, DefaultHashBuilder, IntoIter, IntoMembers, LoadOrStore, Member, Pinned, Ref},
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(ShardedMap<String, Vec<u8>>: Send, Sync, Debug, Default);
assert_impl_all!(ShardedMap<&'static str, Arc<u8>, RandomState>: Send, Sync);
// A value comes to whoever holds a reference, and is dropped by any thread: both have to be right for it.
assert_impl_all!(ShardedMap<u8, Cell<u8>>: Send);
assert_not_impl_any!(ShardedMap<u8, Cell<u8>>: Sync);
assert_not_impl_any!(ShardedMap<u8, MutexGuard<'static, u8>>: Send, Sync);
assert_not_impl_any!(ShardedMap<u8, Rc<u8>>: Send, Sync);
// So it is with keys,
assert_impl_all!(ShardedMap<Cell<u8>, u8>: Send);
assert_not_impl_any!(ShardedMap<Cell<u8>, u8>: Sync);
assert_not_impl_any!(ShardedMap<MutexGuard<'static, u8>, u8>: Send, Sync);
assert_not_impl_any!(ShardedMap<Rc<u8>, u8>: Send, Sync);
// and what makes the hashers is used in place.
assert_impl_all!(ShardedMap<u8, u8, Cell<u8>>: Send);
assert_not_impl_any!(ShardedMap<u8, u8, Cell<u8>>: Sync);
assert_impl_all!(ShardedMap<u8, u8, MutexGuard<'static, u8>>: Sync);
assert_not_impl_any!(ShardedMap<u8, u8, MutexGuard<'static, u8>>: Send);
// A guard belongs to its thread.
assert_not_impl_any!(Ref<'static, u8, u8>: Send, Sync, Clone);
assert_not_impl_any!(Pinned<'static, u8, u8, DefaultHashBuilder>: Send, Sync, Clone);
assert_not_impl_any!(Member<'static, u8>: Send, Sync);
assert_impl_all!(IntoIter<Cell<u8>, Cell<u8>>: Send, ExactSizeIterator, Debug);
assert_not_impl_any!(IntoIter<Rc<u8>, u8>: Send, Sync);
assert_not_impl_any!(IntoIter<u8, Rc<u8>>: Send, Sync);
assert_impl_all!(ShardedSet<String>: Send, Sync, Debug, Default);
assert_impl_all!(ShardedSet<Cell<u8>>: Send);
assert_not_impl_any!(ShardedSet<Cell<u8>>: Sync);
assert_not_impl_any!(ShardedSet<Rc<u8>>: Send, Sync);
assert_impl_all!(IntoMembers<Cell<u8>>: Send, Debug);
assert_impl_all!(Action<u8>: Copy, Eq, Send, Sync, Debug);
assert_impl_all!(LoadOrStore<u8>: Copy, Eq, Send, Sync, Debug);

#[test]
fn keys_and_values_may_borrow() {
    let words: Vec<String> = (0..2000).map(|number| (number % 500).to_string()).collect();
    let counts: ShardedMap<&str, Cell<u32>> = ShardedMap::new();
    for word in &words {
        let count = counts.get_or_store(word, Cell::new(0)).into_inner();
        count.set(count.get() + 1);
    }
    assert_eq!(counts.len(), 500);
    assert!(counts.pin().values().all(|count| count.get() == 4));
    let sums: ShardedMap<u8, &AtomicU64> = ShardedMap::new();
    let sum = AtomicU64::new(0);
    thread::scope(|scope| {
        for key in 0..4 {
            let (sums, sum) = (&sums, &sum);
            scope.spawn(move || {
                sums.store(key, sum);
                sums.load(&key).expect("it was stored").fetch_add(1, SeqCst);
            });
        }
    });
    drop(sums);
    assert_eq!(sum.into_inner(), 4);
}

#[test]
fn a_map_may_be_borrowed_for_less_than_its_values_live() {
    let text = "text".to_owned();
    let found = {
        let map = ShardedMap::from([(1, text.as_str())]);
        let other = "other".to_owned();
        map.contains_key(&other.len());
        map.load(&1)
    };
    assert_eq!(found, Some("text"));
}

#[test]
fn values_need_not_be_sent() {
    let map = ShardedMap::new();
    map.store("key", Rc::new(RefCell::new(1)));
    let shared = map.load("key").expect("it was stored");
    *shared.borrow_mut() += 1;
    assert_eq!(map.get("key").map(|value| *value.borrow()), Some(2));
    drop(map);
    assert_eq!(Rc::strong_count(&shared), 1);
}

#[test]
fn a_map_goes_to_another_thread_with_what_it_keeps() {
    let map = ShardedMap::new();
    for key in 0..100 {
        map.store(key, Cell::new(key));
        map.store(key, Cell::new(key + 1));
    }
    let back = thread::spawn(move || {
        (0..100).for_each(|key| assert_eq!(map.swap(key, Cell::new(key + 2)), Some(Cell::new(key + 1))));
        map
    });
    let map = back.join().expect("no panic");
    assert!((0..100).all(|key| map.load(&key) == Some(Cell::new(key + 2))));
}

#[test]
fn zero_sized_keys_and_values_are_counted_and_dropped() {
    static DROPS: AtomicU64 = AtomicU64::new(0);
    #[derive(Clone)]
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, SeqCst);
        }
    }
    let map = ShardedMap::new();
    map.store((), Nothing);
    map.store((), Nothing);
    assert_eq!(map.len(), 1);
    assert!(map.get(&()).is_some());
    assert!(map.delete(&()));
    assert!(map.load(&()).is_none());
    let many: ShardedMap<u32, Nothing> = (0..1000).map(|key| (key, Nothing)).collect();
    (0..500).for_each(|key| assert!(many.delete(&key)));
    assert_eq!(many.len(), 500);
    drop((map, many));
    assert_eq!(DROPS.load(SeqCst), 1002);
    let units = ShardedSet::new();
    assert_eq!([units.insert(()), units.insert(())], [true, false]);
}

#[test]
fn over_aligned_keys_and_values_stay_aligned() {
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    #[repr(align(256))]
    struct Wide<T>(T);
    fn is_aligned<T>(wide: &Wide<T>) -> bool {
        (&raw const *wide).addr().is_multiple_of(256)
    }
    let map = ShardedMap::new();
    for key in 0..1000_u32 {
        map.store(Wide(key), u64::from(key));
    }
    let by_value: ShardedMap<u32, Wide<u64>> = (0..1000).map(|key| (key, Wide(u64::from(key)))).collect();
    for key in 0..1000 {
        let entry = map.get(&Wide(key)).expect("it was stored");
        assert!(is_aligned(entry.key()) && *entry == u64::from(key));
        let value = by_value.get(&key).expect("it was stored");
        assert!(is_aligned(value.value()) && value.0 == u64::from(key));
    }
    assert!(by_value.into_iter().all(|(key, value)| value.0 == u64::from(key)));
}

#[test]
fn large_values_are_moved_in_and_out_whole() {
    let map = ShardedMap::new();
    let value = |key: u64| std::array::from_fn::<u64, 1024, _>(|index| key + index as u64);
    (0..50).for_each(|key| map.store(key, value(key)));
    assert!((0..50).all(|key| map.load(&key) == Some(value(key))));
    assert!(map.into_iter().all(|(key, stored)| stored == value(key)));
}

#[test]
fn values_may_be_maps_and_closures() {
    let outer: ShardedMap<&str, ShardedMap<u32, u32>> = ShardedMap::new();
    let inner = outer.get_or_store_with(&"inner", ShardedMap::new).into_inner();
    inner.store(1, 2);
    assert_eq!(outer.get("inner").and_then(|inner| inner.load(&1)), Some(2));
    type Operation = Box<dyn Fn(u32) -> u32 + Send + Sync>;
    let operations: ShardedMap<&str, Operation> = ShardedMap::new();
    operations.store("double", Box::new(|number| number * 2));
    assert_eq!(operations.get("double").map(|double| double(21)), Some(42));
    let std: HashMap<u32, u32> = inner.pin().iter().map(|(&key, &value)| (key, value)).collect();
    assert_eq!(std, HashMap::from([(1, 2)]));
}
