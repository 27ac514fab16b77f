//! The map of words.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use freewheel::map::{Action, LoadOrStore, Word, WordMap};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(WordMap<u64, Cell2>: Send, Sync);
assert_not_impl_any!(WordMap<u64, OfOneThread>: Send, Sync);

/// A word that goes from thread to thread, but is not shared by two.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell2(std::marker::PhantomData<Cell<u8>>);

impl Word for Cell2 {
    fn into_word(self) -> u64 {
        0
    }

    fn from_word(_: u64) -> Self {
        Self(std::marker::PhantomData)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct OfOneThread(std::marker::PhantomData<Rc<u8>>);

impl Word for OfOneThread {
    fn into_word(self) -> u64 {
        0
    }

    fn from_word(_: u64) -> Self {
        Self(std::marker::PhantomData)
    }
}

#[test]
fn values_are_stored_replaced_and_deleted() {
    let map = WordMap::new();
    assert_eq!((map.load(1), map.len(), map.is_empty()), (None, 0, true));
    map.store(1, 10);
    assert_eq!((map.load(1), map.contains_key(2), map.len()), (Some(10), false, 1));
    assert_eq!((map.swap(1, 11), map.swap(2, 20)), (Some(10), None));
    assert_eq!(map.compare_and_swap(1, 11, 12), Ok(()));
    assert_eq!(map.compare_and_swap(1, 11, 13), Err(Some(12)));
    assert_eq!(map.compare_and_swap(3, 0, 1), Err(None));
    assert_eq!((map.compare_and_delete(1, 11), map.compare_and_delete(1, 12)), (false, true));
    assert_eq!(map.load_or_store(1, 5), LoadOrStore::Stored(5));
    assert_eq!(map.load_or_store_with(1, || unreachable!("it is there")), LoadOrStore::Loaded(5));
    assert_eq!((map.update(1, |value| value * 2), map.update(7, |value| value)), (Some(5), None));
    assert_eq!((map.load_and_delete(1), map.load_and_delete(1), map.delete(2)), (Some(10), None, true));
    assert_eq!((map.len(), format!("{map:?}")), (0, "{}".to_owned()));
}

#[test]
fn compute_does_what_it_is_told() {
    let map = WordMap::new();
    assert_eq!(
        map.compute(1, |value| {
            assert_eq!(value, None);
            Action::Keep
        }),
        None::<i32>
    );
    assert_eq!(map.compute(1, |_| Action::Store(3)), Some(3));
    assert_eq!(
        map.compute(1, |value| {
            assert_eq!(value, Some(3));
            Action::Keep
        }),
        Some(3)
    );
    assert_eq!(map.compute(1, |_| Action::Delete), None);
    assert_eq!(map.compute(1, |_| Action::Delete), None);
    assert!(map.is_empty());
}

#[test]
fn words_come_back_as_they_were() {
    fn round_trip<V: Word + PartialEq + std::fmt::Debug>(values: &[V]) {
        let map = WordMap::new();
        for (key, &value) in (0_u16..).zip(values) {
            map.store(key, value);
            assert_eq!(map.load(key), Some(value));
        }
    }
    round_trip(&[i8::MIN, -1, 0, i8::MAX]);
    round_trip(&[i64::MIN, -1, i64::MAX]);
    round_trip(&[u64::MAX, 0]);
    round_trip(&['a', char::MAX]);
    round_trip(&[true, false]);
    round_trip(&[f64::MIN, -0.0, f64::INFINITY]);
    round_trip(&[f32::MIN_POSITIVE]);
    round_trip(&[NonZeroU32::MAX]);
    round_trip(&[()]);
    let by_sign = WordMap::from([(0.0, 1), (-0.0, 2), (f64::NAN, 3)]);
    assert_eq!((by_sign.load(0.0), by_sign.load(-0.0), by_sign.load(f64::NAN)), (Some(1), Some(2), Some(3)));
}

/// Whatever hashes are like, the map does what a `HashMap` does.
fn does_what_a_hash_map_does<H: Hasher + Default>(operations: u64, keys: u64) {
    let map = WordMap::<u64, u64, BuildHasherDefault<H>>::default();
    let mut model = HashMap::new();
    let mut random = fastrand::Rng::with_seed(operations);
    for operation in 0..operations {
        let key = random.u64(0..keys) * 0x1_0001;
        match random.u8(0..8) {
            0..3 => assert_eq!(map.swap(key, operation), model.insert(key, operation)),
            3 => assert_eq!(map.load_and_delete(key), model.remove(&key)),
            4 => {
                let kept = map.load_or_store(key, operation).into_inner();
                assert_eq!(kept, *model.entry(key).or_insert(operation));
            }
            5 if operation % 1000 == 0 => {
                map.retain(|key, _| key % 3 != 0);
                model.retain(|key, _| key % 3 != 0);
            }
            5 if operation % 5003 == 0 => {
                map.clear();
                model.clear();
            }
            5 if operation % 100 == 1 => map.reserve(random.usize(0..1000)),
            _ => assert_eq!(map.load(key), model.get(&key).copied()),
        }
        assert_eq!(map.len(), model.len());
    }
    let mut pairs: Vec<_> = map.iter().collect();
    pairs.sort_unstable();
    let mut expected: Vec<_> = model.into_iter().collect();
    expected.sort_unstable();
    assert_eq!(pairs, expected);
}

/// Hashes that are nothing but some bits of the key.
#[derive(Default)]
struct Bits<const SHIFT: u32, const MASK: u64>(u64);

impl<const SHIFT: u32, const MASK: u64> Hasher for Bits<SHIFT, MASK> {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are words")
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (word & MASK) << SHIFT;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[test]
fn it_does_what_a_hash_map_does_with_good_hashes() {
    does_what_a_hash_map_does::<std::hash::DefaultHasher>(200_000, 20_000);
}

#[test]
fn it_does_what_a_hash_map_does_with_bad_hashes() {
    does_what_a_hash_map_does::<Bits<0, 0>>(20_000, 700);
    does_what_a_hash_map_does::<Bits<0, 0xff>>(30_000, 2_000);
    does_what_a_hash_map_does::<Bits<56, 0xff>>(30_000, 2_000);
    does_what_a_hash_map_does::<Bits<0, { u64::MAX }>>(30_000, 2_000);
}

/// Many segments, but few buckets: most keys find no room in theirs until their segment is divided.
#[derive(Default)]
struct FewBuckets(u64);

impl Hasher for FewBuckets {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are words")
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word.wrapping_mul(0x9e37_79b9_7f4a_7c15) & (0xffff << 48 | 7);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[test]
fn readers_find_what_stays_while_others_come_and_go() {
    readers_find_what_stays::<std::hash::DefaultHasher>();
}

#[test]
fn readers_find_what_stays_while_it_moves_to_nearer_buckets() {
    readers_find_what_stays::<FewBuckets>();
}

fn readers_find_what_stays<H: Hasher + Default>() {
    const STAYS: u64 = 500;
    let map: WordMap<_, _, BuildHasherDefault<H>> = (0..STAYS).map(|key| (key, key << 32)).collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in 0..2 {
            let (map, is_over) = (&map, &is_over);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                while !is_over.load(Relaxed) {
                    let key = random.u64(0..4 * STAYS);
                    match map.load(key) {
                        Some(value) => assert_eq!(value >> 32, key, "the value of another key"),
                        None => assert!(key >= STAYS, "{key} was there all the time"),
                    }
                    if key == 0 {
                        let mut keys: Vec<u64> = map.iter().map(|(key, _)| key).collect();
                        keys.sort_unstable();
                        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "a key came twice");
                        assert_eq!(keys.iter().filter(|&&key| key < STAYS).count() as u64, STAYS);
                    }
                }
            });
        }
        let writers: Vec<_> = (2..6)
            .map(|seed| {
                let map = &map;
                scope.spawn(move || {
                    let mut random = fastrand::Rng::with_seed(seed);
                    for count in 0..40_000 {
                        let key = random.u64(0..4 * STAYS + count / 8);
                        if key < STAYS || random.bool() {
                            map.store(key, key << 32 | count);
                        } else {
                            map.delete(key);
                        }
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        is_over.store(true, Relaxed);
    });
}

#[test]
fn no_update_is_lost() {
    const TIMES: u64 = 20_000;
    let map = WordMap::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for count in 0..TIMES {
                    map.compute(count % 7, |value| Action::Store(value.unwrap_or(0) + 1));
                }
            });
        }
    });
    assert_eq!(map.iter().map(|(_, value)| value).sum::<u64>(), 4 * TIMES);
}

#[test]
fn a_function_that_changes_the_map_it_is_called_by_panics_and_nothing_has_changed() {
    let map = WordMap::from([(1, 1)]);
    for key in [1, 2] {
        let changed = catch_unwind(AssertUnwindSafe(|| {
            map.compute(1, |_| {
                map.store(key, 5);
                Action::Keep
            })
        }));
        let message = *changed.unwrap_err().downcast::<&str>().unwrap();
        assert!(message.contains("must not change that map"), "{message}");
    }
    // It may read, and other maps may change.
    let other = WordMap::new();
    map.compute(1, |value| {
        assert_eq!((map.load(1), map.iter().count()), (value, 1));
        other.store(1, 1);
        Action::Store(2)
    });
    assert!(catch_unwind(AssertUnwindSafe(|| map.update(1, |_| panic!("of the user's")))).is_err());
    assert_eq!((map.swap(1, 3), map.len(), other.len()), (Some(2), 1, 1));
}

thread_local! {
    /// What a hasher does at each hash, but for those that it takes to do it.
    static AT_EACH_HASH: RefCell<Option<Box<dyn FnMut()>>> = const { RefCell::new(None) };
}

/// Hashes a word to itself, its bits reversed; and does something else beside.
#[derive(Default)]
struct Doing(u64);

impl Hasher for Doing {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are words")
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word.reverse_bits();
    }

    fn finish(&self) -> u64 {
        if let Some(mut action) = AT_EACH_HASH.take() {
            action();
            AT_EACH_HASH.set(Some(action));
        }
        self.0
    }
}

/// Has the hasher do that after so many hashes.
fn after(mut hashes: u64, action: impl Fn() + 'static) {
    AT_EACH_HASH.set(Some(Box::new(move || match hashes.checked_sub(1) {
        Some(left) => hashes = left,
        None => action(),
    })));
}

/// The map hashes its keys when it grows, and has locked a segment then.
#[test]
fn a_hasher_that_panics_while_the_map_grows_changes_nothing_and_locks_nothing() {
    type Map = WordMap<u64, u64, BuildHasherDefault<Doing>>;
    type Change = fn(&Map);
    // A segment becomes larger; the same and divides, again and again; a segment that is full divides.
    let cases: [(u64, Change); 3] =
        [(3, |map| map.store(1000, 1)), (3, |map| map.reserve(700)), (160, |map| map.store(1000, 1))];
    for (keys, change) in cases {
        let map = Map::default();
        (0..keys).for_each(|key| map.store(key, !key));
        for hashes in 0.. {
            after(hashes, || panic!("there are no hashes left"));
            let changed = catch_unwind(AssertUnwindSafe(|| change(&map)));
            AT_EACH_HASH.set(None);
            // The thread, and others.
            map.store(0, !0);
            thread::scope(|scope| scope.spawn(|| map.store(1, !1)).join().expect("the lock is free"));
            assert!((0..keys).all(|key| map.load(key) == Some(!key)), "after {hashes} hashes");
            if changed.is_ok() {
                assert!(hashes > keys, "only {hashes} hashes");
                break;
            }
            assert_eq!((map.len() as u64, map.load(1000)), (keys, None));
        }
    }
}

/// It would wait for itself.
#[test]
fn a_hasher_that_writes_to_the_map_that_makes_room_panics() {
    let map = Rc::new(WordMap::<u64, u64, BuildHasherDefault<Doing>>::default());
    (0..100).for_each(|key| map.store(key, key));
    for hashes in [0, 49, 149] {
        let theirs = Rc::clone(&map);
        after(hashes, move || theirs.store(7, 7));
        let made_room = catch_unwind(AssertUnwindSafe(|| map.reserve(5000)));
        let panic = made_room.expect_err("it writes under the lock");
        assert!(panic.downcast_ref::<&str>().is_some_and(|text| text.contains("must not change that map")));
        map.store(0, 0);
    }
    map.reserve(5000);
    assert!((0..100).all(|key| map.load(key) == Some(key)));
    assert_eq!(map.len(), 100);
}
