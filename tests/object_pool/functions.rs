//! The user's functions: when they are called, that they may panic, and that they may use the pool.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use freewheel::ObjectPool;

use crate::{
    maker::{Figures, Maker, figures},
    values::Value,
};

/// Whether it panics. The message stays out of the test's output.
fn panics(act: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(act)).is_err()
}

#[test]
fn what_comes_back_is_reset_if_keep_wants_it_and_dropped_else() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let log = |call| {
        let calls = Arc::clone(&calls);
        move |number: u32| calls.lock().unwrap().push((call, number))
    };
    let (kept, reset) = (log("keep"), log("reset"));
    let pool = ObjectPool::builder(|| 10)
        .keep(move |number| {
            kept(*number);
            number % 2 == 0
        })
        .reset(move |number| {
            reset(*number);
            *number += 100;
        })
        .build();
    drop(pool.get());
    pool.put(20);
    let mut odd = pool.get();
    *odd += 1;
    drop(odd);
    pool.put(31);
    let expected = [("keep", 10), ("reset", 10), ("keep", 20), ("reset", 20), ("keep", 121), ("keep", 31)];
    assert_eq!(*calls.lock().unwrap(), expected);
    assert_eq!(figures(&pool), Figures { hits: 1, misses: 1, dropped: 2, in_use: 0, idle: 1 });
    assert_eq!(pool.into_inner(), [110]);
}

#[test]
fn an_init_that_panics_leaves_the_pool_as_it_was() {
    let broken = Arc::new(AtomicBool::new(false));
    let breaks = Arc::clone(&broken);
    let pool = ObjectPool::new(move || assert!(!breaks.load(SeqCst), "init panics"));
    let used = pool.get();
    let before = figures(&pool);
    broken.store(true, SeqCst);
    assert!(panics(|| drop(pool.get())));
    assert!(panics(|| drop(pool.get())));
    assert_eq!(figures(&pool), before);
    drop(used);
    drop(pool.get());
    assert_eq!(figures(&pool), Figures { hits: 1, misses: 1, idle: 1, ..Figures::default() });
}

#[test]
fn an_init_that_panics_during_prefill_leaves_nothing_behind() {
    for broken in [0, 1, 31, 32, 33, 100, 1600, 2047] {
        let maker = Maker::of(2048);
        let made = maker.clone();
        let init = move || {
            assert!(made.made() < broken, "init panics");
            made.make()
        };
        assert!(panics(|| drop(ObjectPool::builder(init).prefill(2048).build())));
        assert_eq!(maker.made(), broken);
        maker.assert_all_gone();
    }
}

/// A pool whose functions panic at an object of that number.
fn pool_that_panics(maker: &Maker, at_keep: usize, at_reset: usize) -> ObjectPool<Value> {
    let maker = maker.clone();
    ObjectPool::builder(move || maker.make())
        .keep(move |value| {
            assert!(value.number != at_keep, "keep panics");
            true
        })
        .reset(move |value| assert!(value.number != at_reset, "reset panics"))
        .max(5)
        .build()
}

#[test]
fn a_function_that_panics_has_the_object_dropped() {
    for (at_keep, at_reset) in [(2, usize::MAX), (usize::MAX, 2)] {
        let maker = Maker::of(7);
        let pool = pool_that_panics(&maker, at_keep, at_reset);
        let mut used: Vec<_> = (0..4).map(|_| pool.get()).collect();
        assert!(panics(|| drop(used.remove(2))));
        assert_eq!(maker.living(), 3);
        let expected = Figures { misses: 4, dropped: 1, in_use: 3, ..Figures::default() };
        assert_eq!(figures(&pool), expected);
        drop(used);
        assert_eq!(figures(&pool), Figures { in_use: 0, idle: 3, ..expected });
        (4..7).for_each(|_| pool.put(maker.make()));
        assert_eq!(figures(&pool), Figures { dropped: 2, in_use: 0, idle: 5, ..expected });
        drop(pool);
        maker.assert_all_gone();
    }
}

#[test]
fn a_function_that_panics_at_put_has_the_object_dropped() {
    for (at_keep, at_reset) in [(1, usize::MAX), (usize::MAX, 1)] {
        let maker = Maker::of(3);
        let pool = pool_that_panics(&maker, at_keep, at_reset);
        pool.put(maker.make());
        assert!(panics(|| pool.put(maker.make())));
        pool.put(maker.make());
        assert_eq!(figures(&pool), Figures { dropped: 1, idle: 2, ..Figures::default() });
        assert_eq!(maker.living(), 2);
        drop(pool);
        maker.assert_all_gone();
    }
}

#[test]
fn a_destructor_that_panics_is_counted_and_not_repeated() {
    let maker = Maker::of(8);
    let made = maker.clone();
    let pool =
        ObjectPool::builder(move || made.make_panicking()).max(1).keep(|value| value.number < 6).build();
    let mut used: Vec<_> = (0..8).map(|_| pool.get()).collect();
    // Those that `keep` refuses; then those that there is no room for.
    assert!(panics(|| drop(used.pop())));
    assert!(panics(|| drop(used.pop())));
    drop(used.pop());
    for _ in 0..5 {
        assert!(panics(|| drop(used.pop())));
    }
    drop(used);
    assert_eq!(figures(&pool), Figures { misses: 8, dropped: 7, idle: 1, ..Figures::default() });
    assert_eq!(maker.living(), 1);
    assert!(panics(|| drop(pool)));
    maker.assert_all_gone();
}

#[test]
fn what_a_panic_finds_in_use_is_dropped_and_neither_kept_nor_reset() {
    let maker = Maker::of(3);
    let made = maker.clone();
    let pool = Arc::new(
        ObjectPool::builder(move || made.make())
            .keep(|_| panic!("keep is called"))
            .reset(|_| panic!("reset is called"))
            .build(),
    );
    let panicked = panics(|| {
        let (_borrowed, _owned) = (pool.get(), pool.get_owned());
        let _added = PutAtEnd(&pool, Some(maker.make()));
        resume_unwind(Box::new("in the midst of it"));
    });
    assert!(panicked);
    assert_eq!(figures(&pool), Figures { misses: 2, dropped: 3, ..Figures::default() });
    assert_eq!(Arc::strong_count(&pool), 1);
    maker.assert_all_gone();
}

/// Puts its object into the pool when it is dropped.
struct PutAtEnd<'a>(&'a ObjectPool<Value>, Option<Value>);

impl Drop for PutAtEnd<'_> {
    fn drop(&mut self) {
        self.0.put(self.1.take().expect("it is dropped once"));
    }
}

/// An object all of whose functions use the pool that it belongs to, with objects of which the same is true.
struct Nested;

static NESTED: LazyLock<ObjectPool<Nested>> = LazyLock::new(|| {
    let functions = ObjectPool::builder(Nested::make).reset(|_| Nested::use_pool()).keep(|_| {
        Nested::use_pool();
        !CALLS.fetch_add(1, SeqCst).is_multiple_of(7)
    });
    functions.max(6).build()
});
static LIVING: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

impl Nested {
    fn make() -> Self {
        Self::use_pool();
        LIVING.fetch_add(1, SeqCst);
        Self
    }

    fn use_pool() {
        const DEEPEST: u32 = 3;
        if DEPTH.get() == DEEPEST {
            return;
        }
        DEPTH.set(DEPTH.get() + 1);
        let used = (NESTED.get(), NESTED.try_get());
        NESTED.put(Self::make());
        drop(used);
        assert!(NESTED.stats().idle <= 6);
        DEPTH.set(DEPTH.get() - 1);
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        Self::use_pool();
        LIVING.fetch_sub(1, SeqCst);
    }
}

#[test]
fn all_functions_may_use_the_pool() {
    let living = || LIVING.load(SeqCst) as u64;
    for round in 0..20 {
        let used: Vec<_> = (0..10).map(|_| NESTED.get()).collect();
        let stats = figures(&NESTED);
        assert_eq!((stats.in_use, stats.in_use + stats.idle), (10, living()), "round {round}");
        drop(used);
        if round % 5 == 0 {
            NESTED.clear();
        }
        let stats = figures(&NESTED);
        assert_eq!((stats.in_use, stats.idle), (0, living()), "round {round}");
        assert!(stats.idle <= 6);
    }
    let stats = figures(&NESTED);
    assert!(stats.hits > 0 && stats.misses > 0 && stats.dropped > 0, "not all of it was tried: {stats:?}");
}
