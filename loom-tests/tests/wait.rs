//! Models of `src/wait`: nobody sleeps while there is something for him, whoever gives up.
//!
//! A lost wake-up is a deadlock, which fails the model.
#![cfg(freewheel_loom)]

use std::{
    future::poll_fn,
    task::{Context, Waker},
    time::Instant,
};

use freewheel::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        cell::UnsafeCell,
        thread::{self, JoinHandle},
    },
    wait::{WaitList, WaitStrategy, Waiter, Wake},
};
use loom_tests::{check, explore, task::block_on};

/// Some things of one kind, for which threads wait.
struct Store {
    /// Relaxed: nothing but the list orders anything here.
    things: AtomicUsize,
    list: WaitList,
    /// How often somebody looked.
    looks: AtomicUsize,
    /// Written before the notification.
    data: UnsafeCell<u32>,
}

// SAFETY: `data` is read by who was notified, and by nobody else.
unsafe impl Sync for Store {}
// SAFETY: as above.
unsafe impl Send for Store {}

impl Store {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            things: AtomicUsize::new(0),
            list: WaitList::new(),
            looks: AtomicUsize::new(0),
            data: UnsafeCell::new(0),
        })
    }

    fn put(&self, things: usize) {
        self.things.fetch_add(things, Relaxed);
    }

    fn try_take(&self) -> Option<()> {
        let mut things = self.things.load(Relaxed);
        while things > 0 {
            match self.things.compare_exchange(things, things - 1, Relaxed, Relaxed) {
                Ok(_) => return Some(()),
                Err(now) => things = now,
            }
        }
        None
    }

    fn wait_for_looks(&self, looks: usize) {
        while self.looks.load(Relaxed) < looks {
            thread::yield_now();
        }
    }

    fn take(&self) {
        self.list.wait_until(WaitStrategy::Park, None, || self.try_take()).expect("there is no deadline");
    }

    /// As if its time were up at once.
    fn take_in_no_time(&self) -> bool {
        self.list.wait_until(WaitStrategy::Park, Some(Instant::now()), || self.try_take()).is_some()
    }

    fn take_as_task(&self) {
        let mut waiter = Waiter::new(&self.list);
        block_on(poll_fn(|context| waiter.poll_until(context, || self.try_take())));
    }
}

fn spawn<R: Send + 'static>(
    store: &Arc<Store>,
    work: impl FnOnce(&Store) -> R + Send + 'static,
) -> JoinHandle<R> {
    let store = Arc::clone(store);
    thread::spawn(move || work(&store))
}

#[test]
fn a_thread_that_waits_is_woken() {
    check(None, || {
        let store = Store::new();
        let waits = spawn(&store, Store::take);
        store.put(1);
        store.list.notify_one();
        waits.join().unwrap();
    });
}

#[test]
fn a_task_that_waits_is_woken() {
    check(None, || {
        let store = Store::new();
        let waits = spawn(&store, Store::take_as_task);
        store.put(1);
        store.list.notify_one();
        waits.join().unwrap();
    });
}

#[test]
fn who_is_woken_sees_what_was_done_before() {
    check(3, || {
        let store = Store::new();
        let waits = spawn(&store, |store| {
            let mut waiter = Waiter::new(&store.list);
            waiter.join(Wake::this_thread());
            // Else it might not be notified at all.
            if store.try_take().is_none() {
                while !waiter.is_notified() {
                    thread::park();
                }
                // SAFETY: it was written before the notification, and never again.
                assert_eq!(store.data.with(|data| unsafe { *data }), 7);
            }
        });
        // SAFETY: nobody reads it before the notification.
        store.data.with_mut(|data| unsafe { *data = 7 });
        store.put(1);
        store.list.notify_one();
        waits.join().unwrap();
    });
}

#[test]
fn two_tokens_wake_two() {
    check(2, || {
        let store = Store::new();
        let waits = spawn(&store, Store::take);
        let also_waits = spawn(&store, Store::take_as_task);
        for _ in 0..2 {
            store.put(1);
            store.list.notify_one();
        }
        waits.join().unwrap();
        also_waits.join().unwrap();
    });
}

#[test]
fn all_are_woken_at_once() {
    check(2, || {
        let store = Store::new();
        let waits = [spawn(&store, Store::take), spawn(&store, Store::take)];
        store.put(2);
        store.list.notify_all();
        waits.into_iter().for_each(|waits| waits.join().unwrap());
    });
}

#[test]
fn who_gives_up_passes_its_token_on() {
    check(2, || {
        let store = Store::new();
        let gives_up = spawn(&store, |store| {
            let mut waiter = Waiter::new(&store.list);
            waiter.join(Wake::this_thread());
        });
        let waits = spawn(&store, Store::take);
        store.put(1);
        store.list.notify_one();
        gives_up.join().unwrap();
        waits.join().unwrap();
    });
}

#[test]
fn whose_time_is_up_passes_its_token_on() {
    explore(2, [true, false], || {
        let store = Store::new();
        let is_late = spawn(&store, Store::take_in_no_time);
        let waits = spawn(&store, Store::take);
        store.put(1);
        store.list.notify_one();
        let was_in_time = is_late.join().unwrap();
        if was_in_time {
            store.put(1);
            store.list.notify_one();
        }
        waits.join().unwrap();
        was_in_time
    });
}

#[test]
fn a_task_is_woken_by_its_last_waker() {
    check(2, || {
        let store = Store::new();
        let waits = spawn(&store, |store| {
            let mut waiter = Waiter::new(&store.list);
            let nobody = Context::from_waker(Waker::noop());
            if waiter.poll_until(&nobody, || store.try_take()).is_pending() {
                block_on(poll_fn(|context| waiter.poll_until(context, || store.try_take())));
            }
        });
        store.put(1);
        store.list.notify_one();
        waits.join().unwrap();
    });
}

/// As a task does that waits for other things too: it takes what was announced to another one, and is announced the next.
#[test]
fn who_looks_without_a_token_passes_on_the_one_that_comes_meanwhile() {
    check(2, || {
        let store = Store::new();
        let waits = spawn(&store, |store| {
            let look = || {
                store.looks.fetch_add(1, Relaxed);
                store.try_take()
            };
            store.list.wait_until(WaitStrategy::Park, None, look).expect("there is no deadline");
        });
        let mut waiter = Waiter::new(&store.list);
        let mut poll = |attempt: &dyn Fn() -> Option<()>| {
            waiter.poll_until(&Context::from_waker(Waker::noop()), attempt)
        };
        // Behind the other one, who looks a second time when it is in the line.
        store.wait_for_looks(2);
        assert!(poll(&|| None).is_pending());
        store.put(1);
        store.list.notify_one();
        let _ = poll(&|| {
            store.try_take()?;
            // The other one comes too late, and is in the line again, behind this.
            store.wait_for_looks(4);
            store.put(1);
            store.list.notify_one();
            Some(())
        });
        waits.join().unwrap();
    });
}
