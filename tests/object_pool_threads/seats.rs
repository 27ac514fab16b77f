//! What a thread keeps for itself, and where that goes when it ends.

use std::{
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Barrier, Mutex, mpsc},
    thread,
};

use freewheel::{ObjectPool, Stack, object_pool::Guard};

use crate::{
    alone,
    maker::{Figures, Maker, figures},
    on_a_thread,
    values::Ledger,
};

/// How many objects a pool of the usual size has room for in a magazine.
const MAGAZINE: usize = 32;

/// Takes all that the calling thread finds, for good.
fn find_all<T>(pool: &ObjectPool<T>) -> usize {
    let found: Vec<_> = iter::from_fn(|| pool.try_get()).collect();
    found.into_iter().map(Guard::detach).count()
}

#[test]
fn what_an_ended_thread_has_left_is_found_by_others() {
    alone(|| {
        for objects in [1, 2, MAGAZINE, MAGAZINE + 1, 2 * MAGAZINE, 2 * MAGAZINE + 1, 1000, 2048] {
            let pool = ObjectPool::new(|| 0);
            on_a_thread(|| (0..objects).for_each(|number| pool.put(number)));
            assert_eq!(find_all(&pool), objects);
            let expected = Figures { hits: objects as u64, ..Figures::default() };
            assert_eq!(figures(&pool), expected);
        }
    });
}

#[test]
fn a_miss_looks_where_threads_have_ended_first() {
    alone(|| {
        let pool = ObjectPool::new(|| 0);
        on_a_thread(|| pool.put(7));
        assert_eq!(*pool.get(), 7);
        assert_eq!(figures(&pool), Figures { hits: 1, idle: 1, ..Figures::default() });
    });
}

#[test]
fn a_pool_of_few_objects_shares_them_with_living_threads() {
    alone(|| {
        for max in 1..5 {
            let pool = ObjectPool::builder(|| 0).max(max).build();
            thread::scope(|scope| {
                let (end, ends) = mpsc::channel::<()>();
                let (pool, (ready, is_ready)) = (&pool, mpsc::channel());
                let other = scope.spawn(move || {
                    (0..max).for_each(|number| pool.put(number));
                    ready.send(()).unwrap();
                    let _ = ends.recv();
                });
                is_ready.recv().unwrap();
                assert_eq!(find_all(pool), max);
                drop(end);
                other.join().unwrap();
            });
        }
    });
}

#[test]
fn a_living_thread_keeps_two_magazines_for_itself_and_no_more() {
    alone(|| {
        for (objects, shared) in
            [(2 * MAGAZINE, 0), (2 * MAGAZINE + 1, MAGAZINE), (5 * MAGAZINE, 3 * MAGAZINE)]
        {
            let pool = ObjectPool::new(|| 0);
            thread::scope(|scope| {
                let (end, ends) = mpsc::channel::<()>();
                let (pool, (ready, is_ready)) = (&pool, mpsc::channel());
                let other = scope.spawn(move || {
                    (0..objects).for_each(|number| pool.put(number));
                    ready.send(()).unwrap();
                    let _ = ends.recv();
                });
                is_ready.recv().unwrap();
                assert_eq!(find_all(pool), shared);
                drop(end);
                other.join().unwrap();
                assert_eq!(find_all(pool), objects - shared);
            });
        }
    });
}

/// Two magazines let a thread go to and fro at the end of one, and not come to the depot each time.
#[test]
fn a_thread_that_goes_to_and_fro_passes_nothing_on() {
    alone(|| {
        let pool = ObjectPool::new(|| 0);
        (0..3 * MAGAZINE).for_each(|number| pool.put(number));
        // One magazine is in the depot, and this thread has two that are full. It takes from one, then from both.
        for taken in 1..2 * MAGAZINE {
            drop((0..taken).map(|_| pool.get()).collect::<Vec<_>>());
        }
        assert_eq!(on_a_thread(|| find_all(&pool)), MAGAZINE);
        assert_eq!(figures(&pool).misses, 0);
    });
}

#[test]
fn the_next_thread_goes_on_with_what_one_has_left() {
    alone(|| {
        let pool = ObjectPool::new(|| 0);
        for _ in 0..100 {
            on_a_thread(|| drop((0..10).map(|_| pool.get()).collect::<Vec<_>>()));
        }
        assert_eq!(figures(&pool), Figures { hits: 990, misses: 10, idle: 10, ..Figures::default() });
    });
}

/// A seat is one for all structures.
#[test]
fn what_lies_at_a_seat_that_is_taken_again_is_found_when_it_is_left() {
    alone(|| {
        let pool = ObjectPool::new(|| 0);
        pool.put(0);
        on_a_thread(|| (0..10).for_each(|number| pool.put(number)));
        thread::scope(|scope| {
            let (end, ends) = mpsc::channel::<()>();
            let (ready, is_ready) = mpsc::channel();
            let other = scope.spawn(move || {
                Stack::new().push(0);
                ready.send(()).unwrap();
                let _ = ends.recv();
            });
            is_ready.recv().unwrap();
            assert_eq!(find_all(&pool), 1, "the other thread has not the seat of the one that ended");
            drop(end);
            other.join().unwrap();
        });
        assert_eq!(find_all(&pool), 10);
    });
}

#[test]
fn more_threads_than_magazines_lose_nothing() {
    const THREADS: usize = 40;
    alone(|| {
        let maker = Maker::of(THREADS * 3);
        let made = maker.clone();
        // Twelve magazines of four objects, and room for sixteen more.
        let pool = ObjectPool::builder(move || made.make()).max(64).build();
        let all_alive = Barrier::new(THREADS);
        thread::scope(|scope| {
            let run = || {
                let used = [pool.get(), pool.get(), pool.get()];
                all_alive.wait();
                drop(used);
                all_alive.wait();
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        let stats = figures(&pool);
        assert_eq!((stats.misses, stats.in_use, stats.dropped + stats.idle), (120, 0, 120));
        // No thread needs two magazines, and whoever gets none shares the common room.
        assert_eq!(stats.idle, 12 * 3 + 16);
        assert_eq!(maker.living() as u64, stats.idle);
        assert_eq!(find_all(&pool) as u64, stats.idle);
        maker.assert_all_gone();
    });
}

#[test]
fn clear_reaches_what_ended_threads_have_left() {
    alone(|| {
        let ledger = Ledger::new(400);
        let pool = ObjectPool::new(|| unreachable!("nothing is taken"));
        for part in 0..4 {
            let (pool, ledger) = (&pool, &ledger);
            on_a_thread(move || {
                (part * 100..(part + 1) * 100).for_each(|number| pool.put(ledger.value(number)))
            });
        }
        pool.clear();
        ledger.assert_each_once();
        assert_eq!(figures(&pool), Figures::default());
    });
}

#[test]
fn a_pool_that_ends_takes_along_what_lies_with_living_threads() {
    alone(|| {
        for into_inner in [false, true] {
            let maker = Maker::of(300);
            let made = maker.clone();
            let pool = Arc::new(ObjectPool::new(move || made.make()));
            thread::scope(|scope| {
                let (end, ends) = mpsc::channel::<()>();
                let (theirs, (ready, is_ready)) = (Arc::clone(&pool), mpsc::channel());
                let other = scope.spawn(move || {
                    drop((0..100).map(|_| theirs.get()).collect::<Vec<_>>());
                    drop(theirs);
                    ready.send(()).unwrap();
                    let _ = ends.recv();
                });
                is_ready.recv().unwrap();
                drop((0..200).map(|_| pool.get()).collect::<Vec<_>>());
                let all = figures(&pool).idle as usize;
                assert_eq!((maker.living(), maker.made()), (all, all));
                let pool = Arc::into_inner(pool).expect("the other thread has dropped its own");
                if into_inner {
                    assert_eq!(pool.into_inner().len(), all);
                } else {
                    drop(pool);
                }
                maker.assert_all_gone();
                drop(end);
                other.join().unwrap();
            });
        }
    });
}

#[test]
fn a_pool_that_ends_drops_what_lies_at_each_seat_once_also_if_a_destructor_panics() {
    const THREADS: usize = 12;
    const EACH: usize = 50;
    alone(|| {
        // In the first place of the first magazine, in the second magazine, and at seats of the second bucket.
        for panicking in [0, 40, THREADS * EACH / 2, THREADS * EACH - 1] {
            let maker = Maker::of(THREADS * EACH);
            let pool = ObjectPool::new(|| unreachable!("nothing is taken"));
            let (all_alive, turn) = (Barrier::new(THREADS), Mutex::new(()));
            thread::scope(|scope| {
                let run = || {
                    {
                        let _turn = turn.lock().unwrap();
                        let make =
                            || if maker.made() == panicking { maker.make_panicking() } else { maker.make() };
                        (0..EACH).for_each(|_| pool.put(make()));
                    }
                    all_alive.wait();
                };
                let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            });
            assert_eq!(maker.living(), THREADS * EACH);
            assert!(catch_unwind(AssertUnwindSafe(|| drop(pool))).is_err());
            maker.assert_all_gone();
        }
    });
}
