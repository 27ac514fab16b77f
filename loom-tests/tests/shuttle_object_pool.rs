//! `freewheel::ObjectPool` with more threads and longer runs than loom affords; some take the seats of others that ended.

#![cfg(freewheel_shuttle)]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use freewheel::{
    ObjectPool, Stack,
    object_pool::{Guard, OwnedPooled, Stats},
    sync::{cell::UnsafeCell, thread},
};
use loom_tests::sample;

const ITERATIONS: usize = 3_000;
const THREADS: usize = 5;
const ROUNDS: usize = 8;

/// How often each object was dropped.
type Drops = Arc<[AtomicUsize]>;

/// An object that nobody may use while somebody else does.
struct Object {
    number: usize,
    uses: UnsafeCell<usize>,
    drops: Drops,
}

// SAFETY: a guard gives its object to one thread at a time; the checker holds us to it.
unsafe impl Sync for Object {}

impl Object {
    fn count_use(&self) {
        self.uses.with_mut(|uses| {
            // SAFETY: whoever has an object has it alone; the checker holds us to it.
            unsafe { *uses += 1 };
        });
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.count_use();
        self.drops[self.number].fetch_add(1, Relaxed);
    }
}

/// A pool, where its threads leave objects for each other, and what has become of the objects.
struct Bench {
    pool: Arc<ObjectPool<Object>>,
    exchange: Stack<OwnedPooled<Object>>,
    made: Arc<AtomicUsize>,
    drops: Drops,
}

impl Bench {
    fn new(max: usize) -> Self {
        let drops: Drops = (0..3 * THREADS * ROUNDS).map(|_| AtomicUsize::new(0)).collect();
        let made = Arc::<AtomicUsize>::default();
        let (number, counts) = (Arc::clone(&made), Arc::clone(&drops));
        let make = move || {
            let (number, drops) = (number.fetch_add(1, Relaxed), Arc::clone(&counts));
            Object { number, uses: UnsafeCell::new(0), drops }
        };
        let pool = Arc::new(ObjectPool::builder(make).reset(|object| object.count_use()).max(max).build());
        Self { pool, exchange: Stack::new(), made, drops }
    }

    fn get(&self) -> OwnedPooled<Object> {
        let object = self.pool.get_owned();
        object.count_use();
        object
    }

    /// What one thread does: each round something else.
    fn script(&self, thread: usize) {
        let mut held = Vec::new();
        for round in 0..ROUNDS {
            match (thread + round) % 5 {
                0 => held.push(self.get()),
                1 => self.exchange.push(self.get()),
                2 => drop((self.exchange.pop(), held.pop())),
                // A magazine or two at once.
                3 => drop([self.get(), self.get(), self.get()]),
                _ => drop(self.pool.try_get().map(Guard::detach)),
            }
        }
    }

    /// Runs the script on some threads, and checks that each object is accounted for.
    fn run(self) -> Stats {
        let bench = Arc::new(self);
        let spawn = |thread| {
            let bench = Arc::clone(&bench);
            thread::spawn(move || bench.script(thread))
        };
        let threads: Vec<_> = (0..THREADS).map(spawn).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let Self { pool, exchange, made, drops } = Arc::into_inner(bench).expect("the threads have ended");
        drop(exchange);
        let (stats, made) = (pool.stats(), made.load(Relaxed));
        let living = drops[..made].iter().filter(|drops| drops.load(Relaxed) == 0).count();
        assert_eq!((stats.in_use, stats.idle as usize, stats.misses as usize), (0, living, made));
        let idle = Arc::into_inner(pool).expect("nobody else has it").into_inner();
        assert_eq!(idle.len(), living);
        drop(idle);
        assert!(drops[..made].iter().all(|drops| drops.load(Relaxed) == 1), "not dropped once: {drops:?}");
        stats
    }
}

/// Three magazines of one object each, and room for one more.
#[test]
fn a_pool_too_small_for_its_threads_loses_nothing() {
    sample(ITERATIONS, || assert!(Bench::new(4).run().idle <= 4));
}

/// Magazines of two objects, which threads leave half full.
#[test]
fn a_pool_large_enough_for_its_threads_drops_nothing() {
    sample(ITERATIONS, || assert_eq!(Bench::new(128).run().dropped, 0));
}
