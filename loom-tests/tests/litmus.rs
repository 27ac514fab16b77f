//! The checker checked: which outcomes loom must show for programs whose outcomes are known.
//!
//! A new version of loom may fail here by finding more; then the notes on it, here and in `freewheel::sync`, are out
//! of date.

#![cfg(freewheel_loom)]

use freewheel::sync::{
    Arc,
    atomic::{
        AtomicUsize,
        Ordering::{self, Acquire, Relaxed, Release, SeqCst},
        fence,
    },
    thread,
};
use loom_tests::explore;

/// Runs two threads on two words that start at 0; the outcome is what they return, `first` first.
fn two_threads<A, B>(
    first: impl FnOnce(&AtomicUsize, &AtomicUsize) -> A + Send + 'static,
    second: impl FnOnce(&AtomicUsize, &AtomicUsize) -> B,
) -> (A, B)
where
    A: Send + 'static,
{
    let words = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let other = {
        let words = Arc::clone(&words);
        thread::spawn(move || first(&words.0, &words.1))
    };
    let second = second(&words.0, &words.1);
    (other.join().unwrap(), second)
}

/// Each thread stores to its word and loads the other's.
fn store_buffering(store: Ordering, load: Ordering, between: fn()) -> (usize, usize) {
    let half = move |mine: &AtomicUsize, other: &AtomicUsize| {
        mine.store(1, store);
        between();
        other.load(load)
    };
    two_threads(half, move |x, y| half(y, x))
}

/// The first thread writes data and raises a flag; the outcome is what the second reads of flag and data.
fn message_passing(raise: Ordering, look: Ordering) -> (usize, usize) {
    let write = move |data: &AtomicUsize, flag: &AtomicUsize| {
        data.store(1, Relaxed);
        flag.store(1, raise);
    };
    two_threads(write, move |data, flag| (flag.load(look), data.load(Relaxed))).1
}

#[test]
fn store_buffering_happens_with_relaxed() {
    explore(None, [(0, 0), (0, 1), (1, 0), (1, 1)], || store_buffering(Relaxed, Relaxed, || ()));
}

#[test]
fn store_buffering_happens_with_acquire_and_release() {
    explore(None, [(0, 0), (0, 1), (1, 0), (1, 1)], || store_buffering(Release, Acquire, || ()));
}

/// The language forbids (0, 0). loom takes a SeqCst access for AcqRel and raises a false alarm; write a fence.
#[test]
fn store_buffering_with_seqcst_accesses_is_a_false_alarm_of_loom() {
    explore(None, [(0, 0), (0, 1), (1, 0), (1, 1)], || store_buffering(SeqCst, SeqCst, || ()));
}

#[test]
fn store_buffering_is_forbidden_by_seqcst_fences() {
    explore(None, [(0, 1), (1, 0), (1, 1)], || store_buffering(Relaxed, Relaxed, || fence(SeqCst)));
}

#[test]
fn message_passing_with_relaxed_loses_the_data() {
    explore(None, [(0, 0), (0, 1), (1, 0), (1, 1)], || message_passing(Relaxed, Relaxed));
}

#[test]
fn message_passing_needs_both_sides() {
    explore(None, [(0, 0), (0, 1), (1, 0), (1, 1)], || message_passing(Release, Relaxed));
    explore(None, [(0, 0), (0, 1), (1, 0), (1, 1)], || message_passing(Relaxed, Acquire));
}

#[test]
fn message_passing_with_acquire_and_release_keeps_the_data() {
    explore(None, [(0, 0), (0, 1), (1, 1)], || message_passing(Release, Acquire));
}

/// The language allows (1, 1), and hardware other than x86 shows it. loom does not: a load never sees a later store.
#[test]
fn load_buffering_is_invisible_to_loom() {
    explore(None, [(0, 0), (0, 1), (1, 0)], || {
        let half = |mine: &AtomicUsize, other: &AtomicUsize| {
            let seen = mine.load(Relaxed);
            other.store(1, Relaxed);
            seen
        };
        two_threads(half, move |x, y| half(y, x))
    });
}

/// tokio-rs/loom#392: without twins, loom runs one schedule and never lets the load see the store.
#[test]
fn twins_show_a_load_racing_a_load_and_a_store() {
    explore(None, [0, 1], || {
        let load_and_store = |word: &AtomicUsize, _: &AtomicUsize| {
            word.load(Relaxed);
            word.store(1, Relaxed);
        };
        two_threads(load_and_store, |word, _| word.load(Relaxed)).1
    });
}

/// tokio-rs/loom#166: without twins, the extra load hides that flag and data can be read as (1, 0).
#[test]
fn twins_show_what_an_extra_load_hides() {
    explore(None, [(0, 0), (0, 1), (1, 0), (1, 1)], || {
        let write = |data: &AtomicUsize, flag: &AtomicUsize| {
            data.store(1, SeqCst);
            flag.store(1, SeqCst);
            flag.store(0, SeqCst);
            flag.load(SeqCst);
            data.store(0, SeqCst);
        };
        two_threads(write, |data, flag| (flag.load(SeqCst), data.load(SeqCst))).1
    });
}

/// The outcome is how often each thread had to repeat.
#[test]
fn twins_show_a_cas_loop_losing_a_race() {
    explore(None, [(0, 0), (0, 1), (1, 0)], || {
        let increment = |word: &AtomicUsize, _: &AtomicUsize| {
            let mut repeats = 0;
            let mut value = word.load(Relaxed);
            while let Err(now) = word.compare_exchange(value, value + 1, Relaxed, Relaxed) {
                value = now;
                repeats += 1;
            }
            repeats
        };
        two_threads(increment, increment)
    });
}
