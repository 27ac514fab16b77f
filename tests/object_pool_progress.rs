//! The pool is lock-free: wherever a thread stops in it, the others go on, and no object is lost or in two places.
//!
//! Only in the chaos world can a thread be stopped at a chosen step: `RUSTFLAGS="--cfg freewheel_chaos"`.
#![cfg(freewheel_chaos)]

#[path = "object_pool/maker.rs"]
mod maker;
mod stopped;
mod values;

use std::{collections::BTreeSet, iter, thread};

use freewheel::{ObjectPool, object_pool::Guard};

use crate::{
    maker::{Maker, figures},
    stopped::{Stops, at_each_step, at_each_two_steps},
    values::Value,
};

type Pool = ObjectPool<Value>;

/// Twelve magazines of four objects, and room for sixteen in none.
const MAX: usize = 64;
const MAGAZINE: usize = 4;
const MAGAZINES: usize = 12;

/// What was done to a pool.
struct Past {
    /// By a thread that has ended, and whose seat is not the lowest.
    others: fn(&Pool),
    /// By the thread that is stopped later.
    own: fn(&Pool),
}

const PASTS: [Past; 9] = [
    // It is the thread's first use, and there is nothing.
    Past { others: |_| (), own: |_| () },
    // There is something where another one has ended, and nowhere else.
    Past { others: |pool| use_objects(pool, MAGAZINE + 1), own: |_| () },
    // There is nothing, and the thread has two magazines without objects.
    Past { others: |_| (), own: |pool| lose_objects(pool, 2 * MAGAZINE) },
    // The thread has an object of its own; then as many as it can have.
    Past { others: |_| (), own: |pool| use_objects(pool, 1) },
    Past { others: |_| (), own: |pool| use_objects(pool, 2 * MAGAZINE) },
    // It has two magazines without objects, and the depot has some with; then the other way round.
    Past { others: |pool| use_objects(pool, 6 * MAGAZINE), own: |pool| lose_objects(pool, 2 * MAGAZINE) },
    Past { others: |pool| lose_objects(pool, 6 * MAGAZINE), own: |pool| use_objects(pool, 2 * MAGAZINE) },
    // There is room in none but the common room; then nowhere.
    Past { others: |pool| use_objects(pool, MAGAZINES * MAGAZINE), own: |_| () },
    Past { others: |pool| use_objects(pool, MAX), own: |_| () },
];

/// Has so many objects in use at once, which lie idle then.
fn use_objects<T>(pool: &ObjectPool<T>, objects: usize) {
    drop((0..objects).map(|_| pool.get()).collect::<Vec<_>>());
}

/// The same, and takes them out for good, so that only magazines are left.
fn lose_objects<T>(pool: &ObjectPool<T>, objects: usize) {
    use_objects(pool, objects);
    (0..objects).for_each(|_| drop(pool.try_get().map(Guard::detach)));
}

fn on_another_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// What others do meanwhile, with so many objects at once.
fn use_everything(pool: &Pool, maker: &Maker, objects: usize) {
    let used: Vec<_> = (0..objects).map(|_| pool.get()).collect();
    let numbers: BTreeSet<_> = used.iter().map(|value| value.number).collect();
    assert_eq!(numbers.len(), used.len(), "two have the same object");
    assert!(pool.stats().in_use >= used.len() as u64);
    drop(used);
    // One with other magazines comes by.
    on_another_thread(|| {
        use_objects(pool, MAGAZINE + 1);
        pool.put(maker.make());
    });
    drop(pool.try_get().map(Guard::detach));
}

/// What the thread does that is stopped, to a pool and to an object that it has.
type Operation = fn(&Pool, &Maker, Guard<Value, &Pool>);

const GIVE_BACK: Operation = |_, _, object| drop(object);
const GET: Operation = |pool, _, object| {
    drop(Guard::detach(object));
    drop(Guard::detach(pool.get()));
};

/// Stops `operation` on a pool with that past, while others use so many objects at once.
fn stopped_in(stops: &Stops, past: &Past, objects: usize, operation: Operation) {
    let maker = Maker::of(2000);
    let made = maker.clone();
    let pool = ObjectPool::builder(move || made.make()).max(MAX).build();
    // The lowest seat is that of the thread that is stopped.
    let object = on_another_thread(|| {
        let object = pool.get();
        on_another_thread(|| (past.others)(&pool));
        object
    });
    let others = || use_everything(&pool, &maker, objects);
    stops.during(|| (past.own)(&pool), || operation(&pool, &maker, object), others);

    let stats = figures(&pool);
    assert_eq!((stats.in_use, stats.idle as usize), (0, maker.living()));
    assert!(stats.idle <= MAX as u64);
    let found: Vec<_> = iter::from_fn(|| pool.try_get()).collect();
    assert_eq!(found.len(), stats.idle as usize, "all threads have ended, and not all is found");
    drop(found);
    drop(pool);
    maker.assert_all_gone();
}

#[test]
fn a_thread_stopped_while_it_gives_an_object_back_is_in_nobodys_way() {
    for past in PASTS {
        at_each_step(|stops| stopped_in(stops, &past, MAX + 6, GIVE_BACK));
    }
}

#[test]
fn a_thread_stopped_while_it_gets_an_object_is_in_nobodys_way() {
    for past in PASTS {
        at_each_step(|stops| stopped_in(stops, &past, MAX + 6, GET));
    }
}

#[test]
fn a_thread_stopped_while_it_puts_and_clears_is_in_nobodys_way() {
    for past in [&PASTS[1], &PASTS[6], &PASTS[8]] {
        at_each_step(|stops| {
            stopped_in(stops, past, MAX + 6, |pool, maker, object| {
                drop(object);
                pool.put(maker.make());
                pool.clear();
            });
        });
    }
}

#[test]
fn a_thread_stopped_while_it_looks_at_the_figures_is_in_nobodys_way() {
    at_each_step(|stops| {
        stopped_in(stops, &PASTS[5], MAX + 6, |pool, _, object| {
            drop(object);
            assert!(pool.stats().misses > 0);
        });
    });
}

#[test]
fn a_thread_stopped_twice_loses_nothing() {
    at_each_two_steps(|stops| stopped_in(stops, &PASTS[2], 2, GET));
    at_each_two_steps(|stops| stopped_in(stops, &PASTS[6], 2, GIVE_BACK));
}

/// How many steps a thread needs to find nothing, which has looked at the seats of others before.
fn steps_of_a_miss(others: impl Fn(&ObjectPool<u32>) + Sync) -> usize {
    let missed = at_each_step(|stops| {
        let pool = ObjectPool::builder(|| 0).max(MAX).build();
        // The lowest seat is that of the thread that finds nothing.
        on_another_thread(|| {
            assert!(pool.try_get().is_none());
            on_another_thread(|| others(&pool));
        });
        stops.during(|| lose_objects(&pool, 2 * MAGAZINE), || assert!(pool.try_get().is_none()), || ());
    });
    missed.len()
}

#[test]
fn a_seat_where_nothing_is_left_is_not_looked_at_again() {
    assert_eq!(steps_of_a_miss(|pool| use_objects(pool, 1)), steps_of_a_miss(|_| ()));
}
