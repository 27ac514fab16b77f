//! Timing threads that do different things, or that there are more of than cores: a fixed number of operations, from the
//! first one's begin to the last one's end.

use std::{
    hint,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
    time::Instant,
};

/// Messages, or operations, of one measurement.
pub(crate) const MESSAGES: usize = 1_000_000;

/// Nanoseconds for each of [`MESSAGES`] messages from one half of the threads to the other. `push` and `pop` say whether
/// they succeeded; whoever does not tries again, after a pause as crossbeam's `Backoff` makes it.
pub(crate) fn messages(
    threads: usize,
    push: &(impl Fn(usize) -> bool + Sync),
    pop: &(impl Fn() -> bool + Sync),
) -> f64 {
    let share = MESSAGES / (threads / 2);
    operations(threads, &|thread| {
        for message in 0..share {
            let backoff = crossbeam_utils::Backoff::new();
            while !(if thread % 2 == 0 { push(message) } else { pop() }) {
                backoff.snooze();
            }
        }
    })
}

/// Nanoseconds for each of [`MESSAGES`] operations that the threads share; `run` does a thread's share.
pub(crate) fn operations(threads: usize, run: &(impl Fn(usize) + Sync)) -> f64 {
    let arrivals = AtomicUsize::new(0);
    let thread = &|thread| {
        arrivals.fetch_add(1, SeqCst);
        while arrivals.load(SeqCst) < threads {
            hint::spin_loop();
        }
        let begin = Instant::now();
        run(thread);
        (begin, Instant::now())
    };
    let times: Vec<_> = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|number| scope.spawn(move || thread(number))).collect();
        handles.into_iter().map(|handle| handle.join().expect("no operation panics")).collect()
    });
    let begin = times.iter().map(|time| time.0).min().expect("there is a thread");
    let end = times.iter().map(|time| time.1).max().expect("there is a thread");
    (end - begin).as_nanos() as f64 / MESSAGES as f64
}
