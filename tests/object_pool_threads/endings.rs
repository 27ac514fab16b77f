//! Objects that end on other threads than they began on, and in the last moments of a thread.

use std::{
    cell::RefCell,
    iter,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use freewheel::{
    ObjectPool,
    object_pool::{Guard, OwnedPooled},
};

use crate::{
    alone,
    maker::{Figures, Maker, figures},
    on_a_thread,
    values::Value,
};

fn shared_pool(maker: &Maker) -> Arc<ObjectPool<Value>> {
    let maker = maker.clone();
    Arc::new(ObjectPool::new(move || maker.make()))
}

#[test]
fn an_object_that_ends_on_another_thread_goes_to_the_pool_from_there() {
    alone(|| {
        let maker = Maker::of(2);
        let pool = shared_pool(&maker);
        let (borrowed, owned) = (pool.get(), pool.get_owned());
        on_a_thread(move || drop((borrowed, owned)));
        assert_eq!(figures(&pool), Figures { misses: 2, idle: 2, ..Figures::default() });
        let (one, other) = (pool.get(), pool.get());
        assert_eq!((one.number + other.number, pool.stats().hits, maker.living()), (1, 2, 2));
        drop((one, other));
        drop(pool);
        maker.assert_all_gone();
    });
}

/// One thread takes them, another one gives them back.
#[test]
fn objects_that_go_one_way_are_used_again() {
    const OBJECTS: u64 = 20_000;
    alone(|| {
        let pool = ObjectPool::new(|| 0_u64);
        thread::scope(|scope| {
            let (sender, objects) = mpsc::sync_channel(0);
            let consumer = scope.spawn(move || objects.into_iter().for_each(drop));
            for number in 0..OBJECTS {
                let mut object = pool.get();
                *object = number;
                sender.send(object).unwrap();
            }
            drop(sender);
            consumer.join().unwrap();
        });
        let stats = figures(&pool);
        assert_eq!((stats.hits + stats.misses, stats.dropped, stats.in_use), (OBJECTS, 0, 0));
        // The consumer keeps two magazines, and passes on the next one as soon as that has an object too many; one more
        // for what is between them.
        assert!(stats.misses <= 3 * 32, "{stats:?}");
        assert_eq!(stats.idle, stats.misses);
    });
}

/// What a thread does when it is nearly gone.
struct AtExit(RefCell<Option<Box<dyn FnOnce()>>>);

impl AtExit {
    const fn new() -> Self {
        Self(RefCell::new(None))
    }

    fn set(&self, act: impl FnOnce() + 'static) {
        self.0.replace(Some(Box::new(act)));
    }
}

impl Drop for AtExit {
    fn drop(&mut self) {
        self.0.take().expect("there is something to do")();
    }
}

thread_local! {
    static FIRST: AtExit = const { AtExit::new() };
    static LAST: AtExit = const { AtExit::new() };
}

/// Runs a thread that uses a pool, and whose thread-locals do so in their destructors: one while the thread still has its
/// seat, and one when it has left it. Which is which is the platform's choice.
fn with_last_moments(
    during: impl FnOnce() + Send,
    first: impl FnOnce() + Send + 'static,
    last: impl FnOnce() + Send + 'static,
) {
    on_a_thread(|| {
        FIRST.with(|exit| exit.set(first));
        // Here the thread takes its seat.
        during();
        LAST.with(|exit| exit.set(last));
    });
}

#[test]
fn objects_that_end_in_the_last_moments_of_a_thread_go_to_the_pool() {
    alone(|| {
        let maker = Maker::of(10_000);
        let pool = shared_pool(&maker);
        for round in 0..100 {
            let many = |count| (0..count).map(|_| pool.get_owned()).collect::<Vec<OwnedPooled<Value>>>();
            // From none to more than a magazine.
            let (during, first, last) = (many(round), many(round), many(round));
            with_last_moments(|| drop(during), move || drop(first), move || drop(last));
            let stats = figures(&pool);
            assert_eq!((stats.in_use, stats.idle), (0, maker.made() as u64));
            // And all are found from here.
            let found: Vec<_> = iter::from_fn(|| pool.try_get()).collect();
            assert_eq!(found.len(), maker.made());
        }
        let stats = figures(&pool);
        assert_eq!((maker.made() as u64, stats.dropped), (stats.misses, 0));
        drop(pool);
        maker.assert_all_gone();
    });
}

#[test]
fn a_thread_can_take_and_put_in_its_last_moments() {
    alone(|| {
        let maker = Maker::of(1000);
        let pool = shared_pool(&maker);
        // One is in use all the time: a count that is off by one put is off below zero otherwise, and shown as zero.
        let kept = pool.get_owned();
        for _ in 0..50 {
            let use_it = |mut objects: usize| {
                let (pool, maker) = (Arc::clone(&pool), maker.clone());
                move || {
                    objects += 1;
                    drop((0..objects).map(|_| pool.get()).collect::<Vec<_>>());
                    pool.put(maker.make());
                    drop(Guard::detach(pool.try_get().expect("there was one just now")));
                }
            };
            with_last_moments(use_it(1), use_it(2), use_it(3));
        }
        let stats = figures(&pool);
        assert_eq!(
            (stats.hits + stats.misses, stats.dropped, stats.in_use),
            (1 + 50 * (2 + 3 + 4 + 3), 0, 1)
        );
        assert_eq!(
            ((stats.in_use + stats.idle) as usize, maker.made()),
            (maker.living(), 150 + stats.misses as usize)
        );
        assert!(stats.misses <= 5, "{stats:?}");
        drop((kept, pool));
        maker.assert_all_gone();
    });
}

#[test]
fn keep_and_reset_see_what_comes_back_in_the_last_moments_of_a_thread() {
    alone(|| {
        let pool =
            ObjectPool::builder(|| 0).keep(|number| number % 2 == 0).reset(|number| *number += 10).build();
        let pool = Arc::new(pool);
        let give_back = || {
            let mut objects = [(); 4].map(|()| pool.get_owned());
            objects.iter_mut().zip(0..).for_each(|(object, number)| **object = number);
            move || drop(objects)
        };
        with_last_moments(give_back(), give_back(), give_back());
        assert_eq!(figures(&pool), Figures { misses: 12, dropped: 6, idle: 6, ..Figures::default() });
        let pool = Arc::into_inner(pool).expect("nobody else has it");
        let mut kept = pool.into_inner();
        kept.sort_unstable();
        assert_eq!(kept, [10, 10, 10, 12, 12, 12]);
    });
}

#[test]
fn the_last_owner_may_end_in_the_last_moments_of_a_thread() {
    alone(|| {
        for round in 0..3 {
            let maker = Maker::of(300);
            let pool = shared_pool(&maker);
            drop((0..200).map(|_| pool.get()).collect::<Vec<_>>());
            let [during, first, last] = [(); 3].map(|()| pool.get_owned());
            let theirs = on_a_thread(|| pool.get_owned());
            drop(pool);
            let living = maker.living();
            // One of them, or none, gives its object back; the others detach theirs. The last one ends the pool.
            let end = |guard: OwnedPooled<Value>, turn| {
                move || drop(if turn == round { None } else { Some(Guard::detach(guard)) })
            };
            with_last_moments(end(during, 0), end(first, 1), end(last, 2));
            assert!(maker.living() <= living && maker.living() >= living - 3);
            drop(theirs);
            maker.assert_all_gone();
        }
        let maker = Maker::of(10);
        let pool = shared_pool(&maker);
        let [during, first, last] = [(); 3].map(|()| pool.get_owned());
        drop(pool);
        with_last_moments(move || drop(during), move || drop(first), move || drop(last));
        maker.assert_all_gone();
    });
}

/// In the last moments a thread has a seat for each call only. What it leaves there is the next thread's.
#[test]
fn a_thread_that_has_left_its_seat_does_not_touch_what_the_next_one_has_there() {
    alone(|| {
        let pool = Arc::new(ObjectPool::new(|| 0));
        let found = Arc::new(Mutex::new(Vec::new()));
        let meet_the_next = || {
            let (pool, found) = (Arc::clone(&pool), Arc::clone(&found));
            move || {
                pool.put(1);
                thread::scope(|scope| {
                    let (end, ends) = mpsc::channel::<()>();
                    let (pool, (ready, is_ready)) = (&pool, mpsc::channel());
                    let next = scope.spawn(move || {
                        pool.put(2);
                        ready.send(()).unwrap();
                        let _ = ends.recv();
                    });
                    is_ready.recv().unwrap();
                    found.lock().unwrap().push(pool.try_get().map(Guard::detach));
                    drop(end);
                    next.join().unwrap();
                });
                pool.clear();
            }
        };
        with_last_moments(|| drop(pool.get()), meet_the_next(), meet_the_next());
        // While it has its seat it has its object there; afterwards the next thread has both.
        found.lock().unwrap().sort_unstable();
        assert_eq!(*found.lock().unwrap(), [None, Some(1)]);
    });
}
