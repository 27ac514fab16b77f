//! Memory of the map: what it allocates, how much it takes for an entry, and when it gives it back.

#[path = "map/hashers.rs"]
mod hashers;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hash::BuildHasher,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicIsize, Ordering::Relaxed},
    },
    thread,
};

use freewheel::{
    ShardedMap, ShardedSet,
    map::{Action, DefaultHashBuilder},
};
use hashbrown::HashMap;

use crate::hashers::{
    BuildConstant, BuildIdentity, FewBuckets, FewHashes, OnlyHighBits, OnlyLowBits, OnlyTags,
};

/// Counts the allocations and the live bytes of each thread, and the live entries with an `Element`.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The alignment of an `Element`, which nothing else in this process has.
const ALIGNMENT: usize = 512;

static ENTRIES: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

fn count(layout: Layout, sign: isize) {
    let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + sign * layout.size() as isize));
    if layout.align() == ALIGNMENT {
        ENTRIES.fetch_add(sign, Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        count(layout, 1);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout, -1);
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[derive(Clone, Copy)]
#[repr(align(512))]
struct Element(u64);

/// Entries that a thread keeps, of those that it has deleted, before it looks whether anybody looks at them; and as many that
/// somebody else, who was stopped, may look at.
const KEPT: isize = 2 * 64;

/// What is freed, and when, depends on what all threads do, so one test at a time does anything.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // What is allocated once, for seats, and for what guards reserve.
    let map = ShardedMap::from([(1, 1)]);
    drop(map.get(&1));
    map.delete(&1);
    map.flush();
    alone
}

fn allocations(during: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    during();
    ALLOCATIONS.get() - before
}

/// Live bytes of what `make` makes.
fn bytes_of<T>(make: impl FnOnce() -> T) -> (T, isize) {
    let before = BYTES.get();
    let made = make();
    (made, BYTES.get() - before)
}

fn entries() -> isize {
    ENTRIES.load(Relaxed)
}

fn fill<S: BuildHasher>(map: &ShardedMap<u64, u64, S>, keys: u64) {
    (0..keys).for_each(|key| map.store(key, key));
}

#[test]
fn an_empty_map_allocates_nothing() {
    let _alone = alone();
    let made = allocations(|| {
        let map = ShardedMap::<u64, String>::new();
        assert!(map.is_empty() && map.get(&1).is_none() && map.load(&1).is_none() && !map.contains_key(&1));
        map.range(|_, _| true);
        assert_eq!(map.pin().iter().count(), 0);
        drop(map.into_iter());
        drop(ShardedMap::<u64, String>::with_capacity(0));
        drop(ShardedSet::<String>::new());
    });
    assert_eq!(made, 0);
    assert!(allocations(|| drop(ShardedMap::from([(1, 1)]))) > 0, "the counter counts");
}

#[test]
fn reading_allocates_nothing() {
    let _alone = alone();
    let map: ShardedMap<u64, u64> = ShardedMap::new();
    fill(&map, 2000);
    let made = allocations(|| {
        for key in 0..4000 {
            assert_eq!(map.load(&key).is_some(), key < 2000);
            assert_eq!(map.get(&key).is_some(), map.contains_key(&key));
            let pinned = map.pin();
            assert_eq!(pinned.get(&key).is_some(), key < 2000);
        }
        assert!(map.load_or_store(1, 2).is_loaded() && map.get_or_store_with(&2, || 3).is_loaded());
        assert_eq!((map.len(), map.is_empty()), (2000, false));
    });
    assert_eq!(made, 0);
}

/// Beside a map of `hashbrown`, whose tables have room for between one and two times as many; so on average.
/// An entry goes where a replaced one was.
#[test]
fn replacing_seldom_allocates() {
    const TIMES: u64 = 64_000;
    let _alone = alone();
    let map = ShardedMap::new();
    fill(&map, 1000);
    // What is needed for the first ones.
    (0..1000).for_each(|key| map.store(key, 1));
    let seldom = allocations(|| (0..TIMES).for_each(|number| map.store(number % 1000, number)));
    assert!(seldom <= TIMES / 32, "{seldom} allocations");
}

/// But no more rooms are kept than are worth it.
#[test]
fn large_entries_are_given_back() {
    let _alone = alone();
    let before = entries();
    let map = ShardedMap::new();
    (0..1000).for_each(|_| map.store(0, [Element(0); 20]));
    assert!(entries() - before <= 64, "{} of 1 entry", entries() - before);
}

#[test]
fn an_entry_takes_little_more_than_in_a_table() {
    let _alone = alone();
    let (mut ours, mut theirs, mut most) = (0.0, 0.0, 0.0_f64);
    let sizes = (0..40).map(|step| (1000.0 * 1.13_f64.powi(step)) as u64);
    for keys in sizes {
        let (map, bytes) = bytes_of(|| {
            let map: ShardedMap<u64, u64> = ShardedMap::new();
            fill(&map, keys);
            map
        });
        assert_eq!(map.len() as u64, keys);
        let per_entry = bytes as f64 / keys as f64;
        let table =
            bytes_of(|| (0..keys).map(|key| (key, key)).collect::<HashMap<u64, u64, DefaultHashBuilder>>());
        (ours, theirs, most) = (ours + per_entry, theirs + table.1 as f64 / keys as f64, most.max(per_entry));
    }
    assert!(ours <= 1.6 * theirs, "{} and {} bytes per entry", ours / 40.0, theirs / 40.0);
    assert!(most <= 52.0, "{most} bytes per entry");
}

/// For so many keys; on an average map one segment in some hundred divides nevertheless, for hashes are random.
#[test]
fn with_capacity_and_reserve_make_room_at_once() {
    let _alone = alone();
    const ENTRY: isize = 2 * ALIGNMENT as isize;
    // What a map keeps for the first threads.
    const SEATS: isize = 1024;
    for keys in [5, 300, 50_000] {
        let (reserved, bytes) = bytes_of(|| {
            let map = ShardedMap::<u64, Element>::new();
            map.reserve(keys as usize);
            map
        });
        let (made, _) = bytes_of(|| ShardedMap::<u64, Element>::with_capacity(keys as usize));
        // It has as many segments as it takes, but small ones.
        let small = ShardedMap::<u64, Element>::with_shards(256);
        small.reserve(keys as usize);
        for map in [reserved, made, small] {
            let ((), more) = bytes_of(|| (0..keys).for_each(|key| map.store(key, Element(key))));
            let more = more - keys as isize * ENTRY;
            assert!(more <= SEATS + bytes / 20, "{more} bytes beside {bytes} for {keys}");
        }
    }
}

fn bad_hashes<S: BuildHasher + Default>(keys: u64, most: isize) {
    let (map, bytes) = bytes_of(|| {
        let map = ShardedMap::with_hasher(S::default());
        fill(&map, keys);
        map
    });
    let per_entry = bytes / keys as isize;
    assert!(per_entry <= most, "{per_entry} bytes for each of {keys}");
    drop(map);
}

#[test]
fn bad_hashes_take_time_and_not_memory() {
    let _alone = alone();
    for keys in [100, 1000, 3000] {
        bad_hashes::<BuildConstant>(keys, 160);
        bad_hashes::<BuildConstant<{ u64::MAX }>>(keys, 160);
        bad_hashes::<OnlyTags>(keys, 160);
        bad_hashes::<FewHashes>(keys, 160);
    }
    for keys in [1000, 10_000, 30_000] {
        bad_hashes::<BuildIdentity>(keys, 160);
        bad_hashes::<OnlyLowBits>(keys, 160);
        bad_hashes::<OnlyHighBits>(keys, 160);
        bad_hashes::<FewBuckets>(keys, 160);
    }
}

#[test]
fn what_is_replaced_and_deleted_comes_back() {
    let _alone = alone();
    let before = entries();
    let live = || entries() - before;
    let map = ShardedMap::new();
    for round in 1..=3 {
        (0..5000).for_each(|key| map.store(key, Element(key)));
        (0..5000).for_each(|key| map.store(key, Element(key + round)));
        assert!((5000..=5000 + KEPT).contains(&live()), "{} of 5000", live());
        map.flush();
        assert_eq!(live(), 5000);
        (0..4000).for_each(|key| assert!(map.delete(&key)));
        assert!((1000..=1000 + KEPT).contains(&live()), "{} of 1000", live());
        map.flush();
        assert_eq!(live(), 1000);
    }
    drop(map);
    assert_eq!(live(), 0);
}

/// They hold a guard while they go through the map, so nothing could be freed in passing.
#[test]
fn retain_and_clear_give_memory_back_by_themselves() {
    let _alone = alone();
    let before = entries();
    let live = || entries() - before;
    let map = ShardedMap::new();
    (0..5000).for_each(|key| map.store(key, Element(key)));
    map.retain(|key, _| key % 5 == 0);
    assert!(live() <= 1000 + KEPT, "{} of 1000", live());
    map.clear();
    assert!(live() <= KEPT, "{} of 0", live());
}

#[test]
fn a_map_that_is_in_use_for_long_takes_no_more_and_no_more() {
    const KEYS: u64 = 3000;
    let _alone = alone();
    let before = entries();
    let map = ShardedMap::new();
    let mut bytes = Vec::new();
    let ((), _) = bytes_of(|| {
        for key in 0..20 * KEYS {
            map.store(key, Element(0));
            map.compute(key, |_| Action::Store(Element(1)));
            if let Some(old) = key.checked_sub(KEYS) {
                assert!(map.delete(&old));
            }
            let live = entries() - before;
            assert!(live <= KEYS as isize + 1 + KEPT, "{live} of {KEYS} entries");
            if (key + 1) % KEYS == 0 {
                map.flush();
                bytes.push(BYTES.get());
            }
        }
    });
    assert_eq!(map.len() as u64, KEYS);
    // After the first rounds all segments are there that so many keys ever need.
    assert!(bytes[19] - bytes[4] <= bytes[4] / 10, "{bytes:?}");
}

#[test]
fn what_a_thread_leaves_at_its_seat_the_next_one_frees() {
    let _alone = alone();
    let before = entries();
    let map = ShardedMap::new();
    for round in 0..200 {
        let work = || {
            (0..20).for_each(|key| map.store(key, Element(round)));
            (0..20).for_each(|key| assert!(map.delete(&key)));
        };
        thread::scope(|scope| scope.spawn(work).join().expect("no panic"));
        let live = entries() - before;
        assert!(live <= KEPT, "{live} entries of threads that are gone");
    }
    map.flush();
    assert_eq!(entries(), before);
}

/// One that is kept and not used keeps what there was, and little of what comes later.
#[test]
fn what_waits_for_a_reference_is_bounded() {
    const TIMES: u64 = if cfg!(freewheel_chaos) { 100 } else { 1000 };
    const KEYS: u64 = 1000;
    let _alone = alone();
    let before = entries();
    let map = ShardedMap::new();
    let store_all = |_| (0..KEYS).for_each(|key| map.store(key, Element(key)));
    store_all(0);
    let kept = map.get(&0).expect("it is there");
    (0..TIMES).for_each(store_all);
    // A reference of another thread, which has stopped.
    thread::scope(|scope| {
        scope.spawn(|| (0..TIMES).for_each(store_all)).join().unwrap();
    });
    let waiting = entries() - before - KEYS as isize;
    assert!(waiting < 50_000, "{waiting} entries wait, of {} that were replaced", 2 * TIMES * KEYS);
    assert_eq!(kept.0, 0);
}

#[test]
fn what_a_reference_keeps_comes_back_after_it() {
    let _alone = alone();
    let before = entries();
    let map = ShardedMap::from([(0, Element(0))]);
    let kept = map.get(&0).expect("it is there");
    (0..1000).for_each(|number| map.store(0, Element(number)));
    map.flush();
    assert_eq!((entries() - before, kept.0), (1001, 0));
    drop(kept);
    map.flush();
    assert_eq!(entries() - before, 1);
}

#[test]
fn shrink_to_fit_gives_segments_back() {
    let _alone = alone();
    let (mut map, full) = bytes_of(|| {
        let map = ShardedMap::new();
        fill(&map, 100_000);
        map
    });
    let ((), freed) = bytes_of(|| {
        map.retain(|&key, _| key < 100);
        map.shrink_to_fit();
    });
    let left = full + freed;
    assert!(left < full / 200, "{left} of {full} bytes are left");
    assert_eq!(map.len(), 100);
}
