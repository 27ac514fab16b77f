//! Threads that use a pool all at once, after which each object is accounted for.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Barrier, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use fastrand::Rng;
use freewheel::{
    ObjectPool,
    object_pool::{Guard, OwnedPooled},
};

use crate::{
    alone,
    maker::{Maker, figures},
    values::{Ledger, Value},
};

/// Runs `script` on so many threads at once, and comes back when they have ended.
fn together<R: Send>(threads: usize, script: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let (script, start) = (&script, &Barrier::new(threads));
    thread::scope(|scope| {
        let spawn = |thread| {
            scope.spawn(move || {
                start.wait();
                script(thread)
            })
        };
        let threads: Vec<_> = (0..threads).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// How often a thread has done what.
#[derive(Default)]
struct Done {
    gets: usize,
    hits: usize,
    puts: usize,
    came_back: usize,
}

/// Where threads leave objects for each other.
type Exchange = Mutex<Vec<OwnedPooled<Value>>>;

/// Does what comes to mind, with some objects in hand and some that go to other threads.
fn mess_about(pool: &Arc<ObjectPool<Value>>, maker: &Maker, exchange: &Exchange, seed: u64) -> Done {
    let (mut random, mut done, mut used) = (Rng::with_seed(seed), Done::default(), Vec::new());
    for _ in 0..4000 {
        match random.u32(..16) {
            0..6 => {
                done.gets += 1;
                used.push(pool.get_owned());
            }
            6 => {
                let found = pool.try_get().map(Guard::detach);
                done.hits += usize::from(found.is_some());
            }
            7 => {
                done.puts += 1;
                pool.put(maker.make());
            }
            8..10 => {
                let passed_on = used.pop();
                exchange.lock().unwrap_or_else(PoisonError::into_inner).extend(passed_on);
            }
            10..12 => {
                let theirs = exchange.lock().unwrap_or_else(PoisonError::into_inner).pop();
                done.came_back += theirs.iter().count();
                drop(theirs);
            }
            12 if random.u32(..64) == 0 => pool.clear(),
            _ if used.is_empty() => {}
            _ => {
                done.came_back += 1;
                drop(used.swap_remove(random.usize(..used.len())));
            }
        }
    }
    done.came_back += used.len();
    done
}

#[test]
fn every_object_is_accounted_for_whatever_threads_do() {
    alone(|| {
        // From one that is full at once to one that never is; threads come and go between them.
        for (round, max) in [0, 1, 4, 5, 20, 64, 100, 2048].into_iter().enumerate() {
            let maker = Maker::of(50_000);
            let made = maker.clone();
            let pool = Arc::new(ObjectPool::builder(move || made.make()).max(max).build());
            let exchange = Exchange::default();
            let mut all = Done::default();
            for wave in 0..2 {
                let seed = |thread| (round * 100 + wave * 10 + thread) as u64;
                for done in together(4, |thread| mess_about(&pool, &maker, &exchange, seed(thread))) {
                    all.gets += done.gets;
                    all.hits += done.hits;
                    all.puts += done.puts;
                    all.came_back += done.came_back;
                }
                let stats = figures(&pool);
                let left = exchange.lock().unwrap().len();
                assert_eq!(stats.in_use as usize, left);
                assert_eq!(all.gets, all.came_back + left);
                assert_eq!((stats.hits + stats.misses) as usize, all.gets + all.hits);
                assert_eq!(stats.misses as usize, maker.made() - all.puts);
                assert_eq!((stats.idle + stats.in_use) as usize, maker.living());
                assert!(stats.idle as usize <= max, "{stats:?}");
            }
            exchange.lock().unwrap().clear();
            let idle = figures(&pool).idle as usize;
            assert_eq!((figures(&pool).in_use, maker.living()), (0, idle));
            let pool = Arc::into_inner(pool).expect("nobody else has it");
            assert_eq!(pool.into_inner().len(), idle);
            maker.assert_all_gone();
        }
    });
}

#[test]
fn threads_that_put_at_once_keep_no_more_than_max() {
    const THREADS: usize = 4;
    alone(|| {
        for max in [1, 3, 4, 5, 7, 12, 50, 130] {
            let each = max / 2 + 9;
            let maker = Maker::of(20 * THREADS * each);
            let made = maker.clone();
            let pool = ObjectPool::builder(move || made.make()).max(max).build();
            let all_have_some = Barrier::new(THREADS);
            for _ in 0..20 {
                together(THREADS, |_| {
                    let used: Vec<_> = (0..each).map(|_| pool.get()).collect();
                    all_have_some.wait();
                    drop(used);
                });
                let stats = figures(&pool);
                assert_eq!((stats.in_use, stats.idle as usize), (0, maker.living()));
                assert_eq!((stats.dropped + stats.idle) as usize, maker.made());
                assert!(stats.idle as usize <= max, "{stats:?}, and {max} at most");
            }
            drop(pool);
            maker.assert_all_gone();
        }
    });
}

/// Each thread's objects are its own while it has them.
#[test]
fn nobody_has_an_object_that_another_one_has() {
    alone(|| {
        let pool = ObjectPool::builder(|| 0_u64).max(40).build();
        together(4, |thread| {
            let thread = thread as u64;
            for round in 0..5_000 {
                let mut objects: Vec<_> = (0..1 + round % 9).map(|_| pool.get()).collect();
                objects.iter_mut().for_each(|object| **object = thread << 32 | round);
                thread::yield_now();
                assert!(objects.iter().all(|object| **object == thread << 32 | round));
            }
        });
        let stats = figures(&pool);
        assert_eq!((stats.in_use, stats.misses), (0, stats.idle + stats.dropped));
    });
}

#[test]
fn objects_of_threads_that_come_and_go_are_found_again_and_again() {
    alone(|| {
        let maker = Maker::of(10_000);
        let made = maker.clone();
        let pool = ObjectPool::new(move || made.make());
        for _ in 0..100 {
            together(5, |thread| drop((0..thread * 9).map(|_| pool.get()).collect::<Vec<_>>()));
            // All have ended, so nothing is out of reach.
            let all: Vec<_> = std::iter::from_fn(|| pool.try_get()).collect();
            assert_eq!((all.len(), pool.stats().idle), (maker.made(), 0));
        }
        // At most what was in use at once, and what others kept for themselves meanwhile.
        assert!(maker.made() <= 90 + 4 * 64, "{} were made", maker.made());
        drop(pool);
        maker.assert_all_gone();
    });
}

#[test]
fn functions_that_panic_on_any_thread_lose_nothing() {
    const EACH: usize = 2000;
    alone(|| {
        let maker = Maker::of(4 * EACH);
        let (calls, made) = (AtomicUsize::new(0), maker.clone());
        // One in eight. `resume_unwind`, for the hook would print each of them.
        let perhaps = Arc::new(move || {
            if calls.fetch_add(1, SeqCst) % 8 == 7 {
                resume_unwind(Box::new("a function panics"));
            }
        });
        let [at_init, at_reset, at_keep] = [(); 3].map(|()| Arc::clone(&perhaps));
        let pool = ObjectPool::builder(move || {
            at_init();
            made.make()
        });
        let pool = pool.reset(move |_| at_reset()).keep(move |_| {
            at_keep();
            true
        });
        let pool = pool.max(50).build();
        let ends = together(4, |_| {
            let round = |round| {
                let objects = || drop((0..1 + round % 2).map(|_| pool.get()).collect::<Vec<_>>());
                usize::from(catch_unwind(AssertUnwindSafe(objects)).is_err())
            };
            (0..EACH).map(round).sum::<usize>()
        });
        assert!(ends.iter().all(|&panics| panics > EACH / 100), "{ends:?} panics");
        let stats = figures(&pool);
        assert_eq!((stats.in_use, stats.idle as usize), (0, maker.living()));
        assert_eq!((stats.misses as usize, stats.dropped), (maker.made(), stats.misses - stats.idle));
        drop(pool);
        maker.assert_all_gone();
    });
}

#[test]
fn clears_at_once_drop_each_object_once() {
    alone(|| {
        for _ in 0..50 {
            let ledger = Ledger::new(4 * 150);
            let pool = ObjectPool::new(|| unreachable!("nothing is taken"));
            together(4, |thread| {
                for number in thread * 150..(thread + 1) * 150 {
                    pool.put(ledger.value(number));
                    if number % 40 == 0 {
                        pool.clear();
                    }
                }
            });
            let stats = figures(&pool);
            assert_eq!(stats.idle as usize, ledger.drops().iter().filter(|&&drops| drops == 0).count());
            pool.clear();
            assert_eq!((pool.stats().idle, pool.stats().hits), (0, 0));
            ledger.assert_each_once();
        }
    });
}
