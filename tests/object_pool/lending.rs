//! What is lent and comes back, up to how many are kept, and what else can be done with them.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use freewheel::{ObjectPool, object_pool::Guard};

use crate::{
    maker::{Figures, Maker, figures},
    values::Ledger,
};

#[test]
fn an_object_comes_back_as_it_was_and_where_it_was() {
    let pool = ObjectPool::new(String::new);
    let mut first = pool.get();
    first.push_str("used");
    let place = ptr::from_ref(&*first);
    drop(first);
    let second = pool.get();
    assert_eq!((&**second, ptr::from_ref(&*second)), ("used", place));
    // While that is in use, another one is made.
    assert_eq!(*pool.get(), "");
    assert_eq!(figures(&pool), Figures { hits: 1, misses: 2, in_use: 1, idle: 1, ..Figures::default() });
}

#[test]
fn try_get_makes_nothing() {
    let pool = ObjectPool::new(|| 7);
    assert!(pool.try_get().is_none());
    assert_eq!(figures(&pool), Figures::default());
    drop(pool.get());
    assert_eq!(pool.try_get().as_deref(), Some(&7));
    assert_eq!(figures(&pool), Figures { hits: 1, misses: 1, idle: 1, ..Figures::default() });
}

#[test]
fn no_more_lie_idle_than_max_says_and_no_fewer() {
    for max in (0..300).chain([511, 512, 513, 2047, 2048, 2049, 5000]) {
        let maker = Maker::of(max + 10);
        let pool = {
            let maker = maker.clone();
            ObjectPool::builder(move || maker.make()).max(max).build()
        };
        drop((0..max + 10).map(|_| pool.get()).collect::<Vec<_>>());
        let (made, kept) = (max as u64 + 10, max as u64);
        assert_eq!(figures(&pool), Figures { misses: made, dropped: 10, idle: kept, ..Figures::default() });
        assert_eq!(maker.living(), max);

        // All of them are found again.
        let all: Vec<_> = (0..max).map(|_| pool.get()).collect();
        assert_eq!((pool.stats().hits, pool.stats().misses, pool.stats().idle), (kept, made, 0));
        drop(all);
        assert_eq!(pool.into_inner().len(), max);
        maker.assert_all_gone();
    }
}

#[test]
fn a_pool_is_full_also_of_what_was_put_and_prefilled() {
    for max in [0, 1, 4, 5, 6, 100, 2048] {
        for prefill in [0, 1, max / 2, max, max + 1, 10_000] {
            let maker = Maker::of(3 * max + 10);
            let pool = {
                let maker = maker.clone();
                ObjectPool::builder(move || maker.make()).max(max).prefill(prefill).build()
            };
            let prefilled = prefill.min(max) as u64;
            assert_eq!(maker.made() as u64, prefilled);
            assert_eq!(figures(&pool), Figures { idle: prefilled, ..Figures::default() });
            drop((0..prefilled).map(|_| pool.get()).collect::<Vec<_>>());
            assert_eq!(figures(&pool), Figures { hits: prefilled, idle: prefilled, ..Figures::default() });

            (0..max + 10).for_each(|_| pool.put(maker.make()));
            let dropped = prefilled + 10;
            let expected = Figures { hits: prefilled, dropped, idle: max as u64, ..Figures::default() };
            assert_eq!(figures(&pool), expected);
            assert_eq!(maker.living(), max);
            drop(pool);
            maker.assert_all_gone();
        }
    }
}

#[test]
fn a_detached_object_does_not_belong_to_the_pool_any_more() {
    let maker = Maker::of(2);
    let pool = {
        let maker = maker.clone();
        Arc::new(ObjectPool::new(move || maker.make()))
    };
    let borrowed = Guard::detach(pool.get());
    let owned = Guard::detach(pool.get_owned());
    assert_eq!((borrowed.number, owned.number, Arc::strong_count(&pool)), (0, 1, 1));
    assert_eq!(figures(&pool), Figures { misses: 2, ..Figures::default() });
    pool.put(owned);
    assert_eq!(figures(&pool), Figures { misses: 2, idle: 1, ..Figures::default() });
    drop(pool);
    assert_eq!(maker.living(), 1);
    drop(borrowed);
    maker.assert_all_gone();
}

#[test]
fn a_guard_that_owns_its_pool_keeps_it_alive() {
    let maker = Maker::of(2);
    let pool = {
        let maker = maker.clone();
        Arc::new(ObjectPool::new(move || maker.make()))
    };
    let (last, detached) = (pool.get_owned(), pool.get_owned());
    drop(pool);
    let detached = Guard::detach(detached);
    assert_eq!((Guard::pool(&last).stats().in_use, maker.living()), (1, 2));
    drop(last);
    assert_eq!(maker.living(), 1);
    drop(detached);
    maker.assert_all_gone();
}

#[test]
fn what_is_detached_last_of_all_is_dropped_once_also_if_the_pool_ends_with_a_panic() {
    let maker = Maker::of(2);
    let pool = {
        let maker = maker.clone();
        Arc::new(ObjectPool::new(move || maker.make()))
    };
    let last = pool.get_owned();
    pool.put(maker.make_panicking());
    drop(pool);
    assert!(catch_unwind(AssertUnwindSafe(|| Guard::detach(last))).is_err());
    maker.assert_all_gone();
}

#[test]
fn a_leaked_object_counts_as_in_use() {
    // Of no size, so that no memory is leaked.
    let pool = ObjectPool::new(|| ());
    mem::forget(pool.get());
    assert_eq!(figures(&pool), Figures { misses: 1, in_use: 1, ..Figures::default() });
    drop(pool.get());
    assert_eq!(figures(&pool), Figures { misses: 2, in_use: 1, idle: 1, ..Figures::default() });
}

#[test]
fn clear_drops_what_is_idle_and_nothing_else() {
    let maker = Maker::of(1000);
    let pool = {
        let maker = maker.clone();
        ObjectPool::builder(move || maker.make()).max(800).prefill(500).build()
    };
    let used: Vec<_> = (0..600).map(|_| pool.get()).collect();
    drop((0..300).map(|_| pool.get()).collect::<Vec<_>>());
    let before = Figures { hits: 500, misses: 400, in_use: 600, idle: 300, dropped: 0 };
    assert_eq!(figures(&pool), before);
    pool.clear();
    assert_eq!(figures(&pool), Figures { idle: 0, ..before });
    assert_eq!(maker.living(), 600);
    pool.clear();
    assert_eq!(figures(&pool), Figures { idle: 0, ..before });
    drop(used);
    assert_eq!(figures(&pool), Figures { in_use: 0, idle: 600, ..before });
    drop(pool);
    maker.assert_all_gone();
}

#[test]
fn clear_drops_each_object_once_also_if_a_destructor_panics() {
    let maker = Maker::of(300);
    let pool = {
        let maker = maker.clone();
        ObjectPool::new(move || maker.make())
    };
    for number in 0..300 {
        pool.put(if number == 150 { maker.make_panicking() } else { maker.make() });
    }
    assert!(catch_unwind(AssertUnwindSafe(|| pool.clear())).is_err());
    maker.assert_all_gone();
    assert_eq!(figures(&pool), Figures::default());
    assert!(pool.try_get().is_none());
}

/// Each object that is dropped takes one from the pool, and finds none.
#[test]
fn clear_ends_though_destructors_have_objects_made() {
    static POOL: LazyLock<ObjectPool<Successor>> = LazyLock::new(|| ObjectPool::new(|| Successor));
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Successor;
    impl Drop for Successor {
        fn drop(&mut self) {
            let drops = DROPS.fetch_add(1, SeqCst);
            assert!(drops < 3, "clear goes on for ever");
            drop(POOL.get());
        }
    }
    drop([POOL.get(), POOL.get(), POOL.get()]);
    POOL.clear();
    assert_eq!(DROPS.load(SeqCst), 3);
    assert_eq!(figures(&POOL), Figures { hits: 2, misses: 4, idle: 1, ..Figures::default() });
}

#[test]
fn a_pool_that_ends_drops_each_object_once_also_if_destructors_panic() {
    // In the magazines at hand, in those of the depot, and among those that no magazine has room for.
    for panicking in [0, 40, 500, 1000, 2047] {
        for into_inner in [false, true] {
            let ledger = Ledger::new(2048);
            let pool = ObjectPool::new(|| unreachable!("nothing is taken"));
            for number in 0..2048 {
                let panics = number == panicking;
                pool.put(if panics { ledger.panicking(number) } else { ledger.value(number) });
            }
            let end = AssertUnwindSafe(|| if into_inner { drop(pool.into_inner()) } else { drop(pool) });
            assert!(catch_unwind(end).is_err());
            ledger.assert_each_once();
        }
    }
}
