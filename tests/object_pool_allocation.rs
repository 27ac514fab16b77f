//! What the pool allocates and frees: nothing, as long as it finds and keeps what it lends.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    array,
    cell::Cell,
    iter,
    sync::{Arc, Barrier},
    thread,
};

use freewheel::{
    ObjectPool,
    object_pool::{Guard, Pooled},
    queue::{Bounded, TryPopError},
};

/// Counts how often each thread allocates and frees.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How often this thread allocates and frees meanwhile.
fn calls(during: impl FnOnce()) -> u64 {
    let before = CALLS.get();
    during();
    CALLS.get() - before
}

#[test]
fn an_empty_pool_allocates_nothing() {
    let made = calls(|| drop(ObjectPool::builder(|| 0_u64).reset(|_| ()).keep(|_| true).max(1000).build()));
    assert_eq!(made, 0);
    assert!(calls(|| drop(ObjectPool::builder(|| 0_u64).prefill(1).build())) > 0, "the counter counts");
}

#[test]
fn a_hit_allocates_nothing_and_coming_back_frees_nothing() {
    // In magazines and in the common room, up to the last object, and one at a time where there are no magazines; and in
    // a few of the magazines that there may be.
    for (max, most) in [(1, 1), (4, 4), (100, 100), (2048, 2048), (2048, 200)] {
        let pool = Arc::new(ObjectPool::builder(Vec::<u8>::new).reset(Vec::clear).max(max).build());
        let mut used: Vec<Pooled<'_, Vec<u8>>> = Vec::with_capacity(most);
        let mut use_all = || {
            for taken in [1, most / 3, most - 1, most] {
                used.extend(iter::from_fn(|| Some(pool.get())).take(taken));
                used.clear();
                used.extend(iter::from_fn(|| pool.try_get()).take(taken));
                used.reverse();
                used.clear();
                drop(pool.get_owned());
            }
        };
        use_all();
        let misses = pool.stats().misses;
        assert_eq!(calls(|| (0..20).for_each(|_| use_all())), 0, "{most} of {max} objects");
        assert_eq!((pool.stats().misses, pool.stats().dropped), (misses, 0));
    }
}

/// Takes what comes, and returns how many calls that took, but for the first `warm_up`.
fn give_back<T>(objects: &Bounded<Pooled<'_, T>>, warm_up: usize) -> u64 {
    let mut calls_after = 0;
    for taken in 0.. {
        let object = loop {
            match objects.try_pop() {
                Ok(object) => break object,
                Err(TryPopError::Empty) => thread::yield_now(),
                Err(TryPopError::Closed) => return calls_after,
            }
        };
        let counted = calls(|| drop(object));
        calls_after += if taken < warm_up { 0 } else { counted };
    }
    calls_after
}

/// Sends `count` objects, and returns how many calls it took to get them, but for the first `warm_up`.
fn send<'a, T>(
    pool: &'a ObjectPool<T>,
    objects: &Bounded<Pooled<'a, T>>,
    count: usize,
    warm_up: usize,
) -> u64 {
    let mut calls_after = 0;
    for sent in 0..count {
        let mut object = None;
        let counted = calls(|| object = Some(pool.get()));
        calls_after += if sent < warm_up { 0 } else { counted };
        let mut object = object.expect("it was set");
        while let Err(refused) = objects.try_push(object) {
            object = refused.into_inner();
            thread::yield_now();
        }
    }
    calls_after
}

/// A pool in whose depot half of the magazines are filled and half are empty, and all of them once were this and that. So
/// there is memory for them, and for as many more as some threads keep for themselves (`Stack`'s *Memory*).
fn roomy_pool() -> ObjectPool<[u8; 100]> {
    const OBJECTS: usize = 16_000;
    let pool = ObjectPool::builder(|| [0; 100]).max(2 * OBJECTS).prefill(OBJECTS).build();
    let mut all: Vec<_> = iter::from_fn(|| pool.try_get()).collect();
    let _detached: Vec<_> = all.drain(OBJECTS / 2..).map(Guard::detach).collect();
    drop(all);
    pool
}

/// Producers only take, and consumers only give back.
#[test]
fn objects_that_go_one_way_between_threads_allocate_and_free_nothing() {
    const WARM_UP: usize = 1000;
    const OBJECTS: usize = 60_000;
    for pairs in [1, 2] {
        let pool = roomy_pool();
        let before = pool.stats();
        let queues: [_; 2] = array::from_fn(|_| Bounded::new(64));
        let start = Barrier::new(2 * pairs);
        let totals = thread::scope(|scope| {
            let (pool, start) = (&pool, &start);
            let pair = |objects| {
                let producer = scope.spawn(move || {
                    start.wait();
                    let calls = send(pool, objects, OBJECTS, WARM_UP);
                    objects.close();
                    calls
                });
                let consumer = scope.spawn(move || {
                    start.wait();
                    give_back(objects, WARM_UP)
                });
                [producer, consumer]
            };
            let threads: Vec<_> = queues[..pairs].iter().flat_map(pair).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<u64>>()
        });
        assert!(totals.iter().all(|&calls| calls == 0), "{totals:?} calls in {pairs} pairs");
        let stats = pool.stats();
        assert_eq!((stats.hits - before.hits, stats.misses, stats.dropped), ((OBJECTS * pairs) as u64, 0, 0));
    }
}

#[test]
fn a_miss_allocates_the_object_and_nothing_else() {
    let pool = ObjectPool::new(|| 0_u64);
    let mut used = Vec::with_capacity(1000);
    // The thread's first visit, at which the pool makes room for its counts.
    drop(pool.get());
    used.push(pool.get());
    assert_eq!(calls(|| used.extend(iter::from_fn(|| Some(pool.get())).take(999))), 999);
}
