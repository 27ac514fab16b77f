//! The contract of `freewheel::reclaim`: what it gives, what it does not, and that breaking it is noticed.
//!
//! Under ASan a node that is freed too early aborts the test; here a freed node is marked, which loom sees.

#![cfg(freewheel_loom)]

use freewheel::{
    reclaim,
    sync::{
        Arc,
        atomic::{
            AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
        cell::UnsafeCell,
        thread,
    },
};
use loom_tests::{
    check, explore, refute,
    treiber::{Stack, USE_AFTER_FREE},
};

/// Runs `other` in a second thread and `main` in this one, both on `subject`.
fn race<S, A, B>(
    subject: S,
    other: impl FnOnce(&S) -> A + Send + 'static,
    main: impl FnOnce(&S) -> B,
) -> (A, B)
where
    S: Send + Sync + 'static,
    A: Send + 'static,
{
    let subject = Arc::new(subject);
    let thread = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || other(&subject))
    };
    let main = main(&subject);
    (thread.join().unwrap(), main)
}

#[test]
fn pop_racing_push_gets_the_whole_value_or_nothing() {
    explore(3, [None, Some(7)], || {
        let push = |stack: &Stack<Arc<u32>>| stack.push(Arc::new(7));
        race(Stack::new([]), push, |stack| stack.pop().map(|value| *value)).1
    });
}

#[test]
fn racing_pops_share_out_the_values() {
    explore(3, [(Some(1), Some(2)), (Some(2), Some(1))], || race(Stack::new([1, 2]), Stack::pop, Stack::pop));
}

#[test]
fn pop_racing_pop_and_push_never_sees_a_reused_node() {
    explore(3, [(Some(1), Some(2)), (Some(2), Some(1)), (Some(3), Some(2))], || {
        let pop_and_push = |stack: &Stack<Arc<u32>>| {
            let value = stack.pop().map(|value| *value);
            stack.push(Arc::new(3));
            value
        };
        race(Stack::new([Arc::new(1), Arc::new(2)]), |stack| stack.pop().map(|value| *value), pop_and_push)
    });
}

#[test]
fn what_is_left_in_a_stack_is_dropped_once() {
    check(3, || {
        let left = Arc::new(());
        race(Stack::new([Arc::clone(&left), Arc::clone(&left)]), Stack::pop, |stack| stack.push(left));
    });
}

/// Notes its end in a cell: every use that does not happen before it is a race.
struct Object<'a> {
    ended: &'a UnsafeCell<bool>,
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        // SAFETY: what the tests below show is that nobody else is in here.
        self.ended.with_mut(|ended| unsafe { ended.write(true) });
    }
}

/// A cell that an [`Object`] notes its end in, and a flag that says whether the object is unlinked.
struct Subject {
    ended: UnsafeCell<bool>,
    unlinked: AtomicUsize,
    after: AtomicUsize,
}

// SAFETY: `ended` is written by the object's destructor, which the contract keeps away from all readers.
unsafe impl Sync for Subject {}

impl Subject {
    fn new() -> Self {
        Self { ended: UnsafeCell::new(false), unlinked: AtomicUsize::new(0), after: AtomicUsize::new(0) }
    }

    /// Unlinks the object and retires it, with Relaxed throughout: every edge comes from the contract.
    fn unlink_and_retire(&self) {
        let guard = reclaim::pin();
        let object = Box::into_raw(Box::new(Object { ended: &self.ended }));
        self.unlinked.store(1, Relaxed);
        // SAFETY: the object came from a box, and readers that see `unlinked` stay away from it; the collector frees
        // it within the execution, and `self` lives as long.
        unsafe { guard.retire(object) };
        drop(guard);
        self.after.store(1, Relaxed);
    }

    /// Reads the object under a guard if it is still linked; true if so.
    fn read_if_linked(&self) -> bool {
        let _guard = reclaim::pin();
        let linked = self.unlinked.load(Relaxed) == 0;
        if linked {
            // SAFETY: edge GONE: the object was linked when we pinned, so our guard keeps it.
            let ended = self.ended.with(|ended| unsafe { ended.read() });
            assert!(!ended, "freed under a guard");
        }
        linked
    }
}

#[test]
fn guard_keeps_what_was_linked_when_it_was_pinned() {
    explore(3, [false, true], || race(Subject::new(), Subject::unlink_and_retire, Subject::read_if_linked).1);
}

#[test]
fn last_of_two_guards_frees() {
    explore(2, [(false, false), (false, true), (true, false), (true, true)], || {
        let subject = Arc::new(Subject::new());
        let reader = {
            let subject = Arc::clone(&subject);
            thread::spawn(move || subject.read_if_linked())
        };
        let (_, second) = race(Arc::clone(&subject), |s| s.unlink_and_retire(), |s| s.read_if_linked());
        let first = reader.join().unwrap();
        // SAFETY: all threads are joined.
        assert!(subject.ended.with(|ended| unsafe { ended.read() }), "kept without a guard");
        (first, second)
    });
}

/// Edge GONE. Who sees what its owner did after retiring, and then pins, sees the unlinking: never (1, 0).
#[test]
fn pin_after_retire_sees_the_unlinking() {
    explore(3, [(0, 0), (0, 1), (1, 1)], || {
        let look = |subject: &Subject| {
            let after = subject.after.load(Relaxed);
            let _guard = reclaim::pin();
            (after, subject.unlinked.load(Relaxed))
        };
        race(Subject::new(), Subject::unlink_and_retire, look).1
    });
}

/// No edge: pinning and dropping a guard publish nothing, so (1, 0) must occur.
#[test]
fn guards_publish_nothing() {
    explore(3, [(0, 0), (0, 1), (1, 0), (1, 1)], || {
        let write = |words: &[AtomicUsize; 2]| {
            words[0].store(1, Relaxed);
            drop(reclaim::pin());
            words[1].store(1, Relaxed);
        };
        let read = |words: &[AtomicUsize; 2]| {
            let second = words[1].load(Relaxed);
            drop(reclaim::pin());
            (second, words[0].load(Relaxed))
        };
        race([AtomicUsize::new(0), AtomicUsize::new(0)], write, read).1
    });
}

#[test]
fn leaking_pops_are_right() {
    check(3, pops_race_with(Stack::pop_leaking));
}

/// A model of two pops. Both leak their nodes, so that a wrong one reads a mark and not freed memory.
fn pops_race_with(pop: fn(&Stack<u32>) -> Option<u32>) -> impl Fn() {
    move || {
        race(Stack::new([1, 2]), pop, Stack::pop_leaking);
    }
}

fn assert_caught(wrong_pop: fn(&Stack<u32>) -> Option<u32>) {
    let message = refute(3, pops_race_with(wrong_pop));
    let caught = message.contains("Causality violation") || message.contains(USE_AFTER_FREE);
    assert!(caught, "failed for another reason: {message}");
}

#[test]
fn freeing_at_once_is_caught() {
    assert_caught(Stack::pop_freeing_at_once);
}

#[test]
fn pinning_too_late_is_caught() {
    assert_caught(Stack::pop_pinning_too_late);
}

#[test]
fn retiring_before_unlinking_is_caught() {
    assert_caught(Stack::pop_retiring_too_early);
}

/// Nothing reads through this edge, so `ci/mutate-orderings --self-test` must report it as needless.
#[test]
fn planted_needless_orderings() {
    explore(3, [0, 1], || {
        race(
            AtomicUsize::new(0),
            |word| {
                word.store(1, Release);
            },
            |word| word.load(Acquire),
        )
        .1
    });
}
