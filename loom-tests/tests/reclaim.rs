//! The contract of `freewheel::reclaim`: what it gives, what it does not, and that breaking it is noticed.
//!
//! Under ASan a node that is freed too early aborts the test; here a freed node is marked, which loom sees.

#![cfg(freewheel_loom)]

use freewheel::{
    reclaim::{self, Bin, Birth, Born},
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
    explore(2, [(Some(1), Some(2)), (Some(2), Some(1))], || race(Stack::new([1, 2]), Stack::pop, Stack::pop));
}

#[test]
fn pop_racing_pop_and_push_never_sees_a_reused_node() {
    explore(2, [(Some(1), Some(2)), (Some(2), Some(1)), (Some(3), Some(2))], || {
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
struct Object {
    birth: Birth,
    subject: Arc<Subject>,
}

impl Born for Object {
    fn birth(&self) -> Birth {
        self.birth
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: what the tests below show is that nobody else is in here.
        self.subject.ended.with_mut(|ended| unsafe { ended.write(true) });
    }
}

/// A cell that an [`Object`] notes its end in, and a flag that says whether the object is unlinked.
struct Subject {
    ended: UnsafeCell<bool>,
    unlinked: AtomicUsize,
}

// SAFETY: `ended` is written by the object's destructor, which the bin keeps away from all readers.
unsafe impl Sync for Subject {}
// SAFETY: as above.
unsafe impl Send for Subject {}

impl Subject {
    fn new() -> Arc<Self> {
        Arc::new(Self { ended: UnsafeCell::new(false), unlinked: AtomicUsize::new(0) })
    }

    /// Unlinks the object and frees it if nobody is there, with Relaxed throughout: every edge comes from the contract.
    fn unlink(subject: &Arc<Self>) -> Bin<Object> {
        let mut bin = Bin::default();
        let object = Object { birth: Birth::now(), subject: Arc::clone(subject) };
        subject.unlinked.store(1, Relaxed);
        assert!(bin.add(object), "in a model a bin is always due");
        drop(bin.free());
        bin
    }

    /// Reads the object under a guard if it is still linked; true if so.
    fn read_if_linked(&self) -> bool {
        let _guard = reclaim::pin();
        let linked = self.unlinked.load(Relaxed) == 0;
        if linked {
            self.read();
        }
        linked
    }

    fn read(&self) {
        // SAFETY: the object was linked when a guard was there, or is covered.
        let ended = self.ended.with(|ended| unsafe { ended.read() });
        assert!(!ended, "freed under a guard");
    }

    fn has_ended(&self) -> bool {
        // SAFETY: all threads are joined.
        self.ended.with(|ended| unsafe { ended.read() })
    }
}

#[test]
fn a_guard_keeps_what_it_finds() {
    explore(3, [false, true], || {
        let (bin, is_linked) = race(Subject::new(), Subject::unlink, |subject| subject.read_if_linked());
        drop(bin);
        is_linked
    });
}

/// Edge LEFT: who has found the object, and is in a later era now, is done with it.
#[test]
fn a_guard_of_a_later_era_says_that_the_one_before_is_gone() {
    explore(3, [(false, false), (true, false), (true, true)], || {
        let read_twice = |subject: &Arc<Subject>| (subject.read_if_linked(), subject.read_if_linked());
        race(Subject::new(), Subject::unlink, read_twice).1
    });
}

#[test]
fn what_waits_is_free_when_all_guards_are_gone() {
    explore(2, [(false, false), (false, true), (true, false), (true, true)], || {
        let subject = Subject::new();
        let reader = {
            let subject = Arc::clone(&subject);
            thread::spawn(move || subject.read_if_linked())
        };
        let (second, mut bin) = race(Arc::clone(&subject), |s| s.read_if_linked(), Subject::unlink);
        let first = reader.join().unwrap();
        drop(bin.flush());
        assert!(subject.has_ended(), "kept without a guard");
        (first, second)
    });
}

#[test]
fn a_guard_does_not_keep_what_came_after_it() {
    check(1, || {
        let subject = Subject::new();
        let guard = reclaim::pin();
        // Another era.
        drop(Subject::unlink(&Subject::new()));
        drop(Subject::unlink(&subject));
        assert!(subject.has_ended(), "kept by a guard that had not found it");
        drop(guard);
    });
}

#[test]
fn a_guard_keeps_what_came_after_it_if_it_is_covered() {
    check(1, || {
        let subject = Subject::new();
        let guard = reclaim::pin();
        drop(Subject::unlink(&Subject::new()));
        guard.cover();
        let mut bin = Subject::unlink(&subject);
        subject.read();
        drop(guard);
        drop(bin.flush());
        assert!(subject.has_ended(), "kept without a guard");
    });
}

#[test]
fn an_inner_guard_leaves_the_outer_one() {
    check(1, || {
        let subject = Subject::new();
        let outer = reclaim::pin();
        drop(reclaim::pin());
        let mut bin = Subject::unlink(&subject);
        subject.read();
        drop(outer);
        drop(bin.flush());
        assert!(subject.has_ended(), "kept without a guard");
    });
}

#[test]
fn a_node_that_came_after_the_guard_is_kept() {
    explore(2, [(None, Some(1)), (Some(1), None), (Some(1), Some(2))], || {
        let churn = |stack: &Stack<u32>| {
            let first = stack.pop();
            stack.push(2);
            stack.pop();
            first
        };
        race(Stack::new([1]), churn, Stack::pop)
    });
}

#[test]
fn leaking_pops_are_right() {
    check(2, pops_race_with(Stack::pop_leaking));
}

/// A model of two pops. Both leak their nodes, so that a wrong one reads a mark and not freed memory.
fn pops_race_with(pop: fn(&Stack<u32>) -> Option<u32>) -> impl Fn() {
    move || {
        race(Stack::new([1, 2]), pop, Stack::pop_leaking);
    }
}

fn assert_caught(wrong_pop: fn(&Stack<u32>) -> Option<u32>) {
    let message = refute(2, pops_race_with(wrong_pop));
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
fn loading_without_protecting_is_caught() {
    let churn = || {
        let churn = |stack: &Stack<u32>| {
            stack.pop_leaking();
            stack.push(2);
            stack.pop_leaking();
        };
        race(Stack::new([1]), churn, Stack::pop_without_protecting);
    };
    let message = refute(2, churn);
    let caught = message.contains("Causality violation") || message.contains(USE_AFTER_FREE);
    assert!(caught, "failed for another reason: {message}");
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
