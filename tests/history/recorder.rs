//! Operations of real threads, with stamps of a clock that they share.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use super::Event;

/// Lets each of `threads` threads call `operation` so many times, all starting at once. It gets the thread, and a
/// generator of random numbers which `seed` fixes, and returns what it has done.
pub(crate) fn record<D: Send>(
    threads: usize,
    operations: usize,
    seed: u64,
    operation: impl Fn(usize, &mut fastrand::Rng) -> D + Sync,
) -> Vec<Event<D>> {
    let clock = AtomicU64::new(0);
    let start = Barrier::new(threads);
    let work = |thread: usize| {
        let mut random = fastrand::Rng::with_seed(seed * threads as u64 + thread as u64);
        start.wait();
        let run = |_| {
            let called = clock.fetch_add(1, SeqCst);
            let done = operation(thread, &mut random);
            Event { thread, called, returned: clock.fetch_add(1, SeqCst), done }
        };
        (0..operations).map(run).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no operation panics")).collect()
    })
}
