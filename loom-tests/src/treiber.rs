//! Treiber's stack: the smallest structure that needs `freewheel::reclaim`, and three ways to get it wrong.
//!
//! # Memory ordering
//! | edge     | Release side | Acquire side | what becomes visible               |
//! |----------|--------------|--------------|------------------------------------|
//! | `PUSHED` | `push`: CAS  | `pop`: load  | the node: its value and its `next` |
//!
//! The CAS of a pop carries nothing of its own, so it is Relaxed; `PUSHED` edges of the nodes below pass through it,
//! because a read-modify-write continues the release sequence of the push.
//! # Invariants
//! * **MINE**: the thread whose CAS unlinked a node alone touches its value.
//! * **WHOLE**: a node that can be reached does not change; it stays in memory while a guard older than its
//!   unlinking lives.

use std::{fmt, ptr};

use freewheel::{
    reclaim::{self, Guard},
    sync::{
        atomic::{
            AtomicPtr,
            Ordering::{Acquire, Relaxed, Release},
        },
        cell::UnsafeCell,
    },
};

/// The panic of a pop that reads a node after its end.
pub const USE_AFTER_FREE: &str = "use after free";

struct Node<T> {
    value: UnsafeCell<Option<T>>,
    next: UnsafeCell<Next<T>>,
}

#[derive(Clone, Copy)]
enum Next<T> {
    Node(*mut Node<T>),
    Freed,
}

impl<T> Node<T> {
    fn next(&self) -> *mut Self {
        // SAFETY: by WHOLE nobody writes while we read; the checkers hold us to it.
        match self.next.with(|next| unsafe { ptr::read(next) }) {
            Next::Node(next) => next,
            Next::Freed => panic!("{USE_AFTER_FREE}"),
        }
    }

    /// Freeing counts as a write, so a checker takes it for a race with whoever still reads.
    fn mark_freed(&self) {
        // SAFETY: by WHOLE nobody reads any more; the checkers hold us to it.
        self.next.with_mut(|next| unsafe { ptr::write(next, Next::Freed) });
    }
}

impl<T> Drop for Node<T> {
    fn drop(&mut self) {
        self.mark_freed();
    }
}

/// What a pop does with the node it has unlinked.
type Dispose<T> = fn(&Guard, *mut Node<T>);

/// A last in, first out stack.
pub struct Stack<T> {
    head: AtomicPtr<Node<T>>,
}

// SAFETY: values only pass through, from the thread that pushes to the one that pops (MINE).
unsafe impl<T: Send> Send for Stack<T> {}
// SAFETY: as above; nobody gets a reference to a value.
unsafe impl<T: Send> Sync for Stack<T> {}

impl<T: Send> Stack<T> {
    /// Makes a stack of `values`, the last one on top.
    pub fn new<const N: usize>(values: [T; N]) -> Self {
        let stack = Self { head: AtomicPtr::new(ptr::null_mut()) };
        values.into_iter().for_each(|value| stack.push(value));
        stack
    }

    /// Puts `value` on top.
    pub fn push(&self, value: T) {
        let mut head = self.head.load(Relaxed);
        let node = Node { value: UnsafeCell::new(Some(value)), next: UnsafeCell::new(Next::Node(head)) };
        let node = Box::into_raw(Box::new(node));
        // Release: edge PUSHED. The node is whole before anyone can reach it.
        while let Err(now) = self.head.compare_exchange_weak(head, node, Release, Relaxed) {
            head = now;
            // SAFETY: the node is not linked yet, so it is ours.
            let next = unsafe { &(*node).next };
            // SAFETY: as above.
            next.with_mut(|next| unsafe { ptr::write(next, Next::Node(head)) });
        }
    }

    /// Takes the value on top.
    pub fn pop(&self) -> Option<T> {
        let guard = reclaim::pin();
        // Acquire: edge PUSHED.
        self.pop_from(self.head.load(Acquire), &guard, retire)
    }

    /// Takes the value on top, rightly, and leaks its node: company for the wrong ones below.
    pub fn pop_leaking(&self) -> Option<T> {
        let guard = reclaim::pin();
        // Acquire: edge PUSHED.
        self.pop_from(self.head.load(Acquire), &guard, bury_later)
    }

    /// Takes the value on top, and frees its node before its readers are done.
    pub fn pop_freeing_at_once(&self) -> Option<T> {
        let guard = reclaim::pin();
        // Acquire: edge PUSHED.
        self.pop_from(self.head.load(Acquire), &guard, |_, node| drop(Burial(node)))
    }

    /// Takes the value on top, and pins after it has seen the node.
    pub fn pop_pinning_too_late(&self) -> Option<T> {
        // Acquire: edge PUSHED.
        let head = self.head.load(Acquire);
        let guard = reclaim::pin();
        self.pop_from(head, &guard, bury_later)
    }

    /// Takes the value on top, and retires its node before it has unlinked it.
    pub fn pop_retiring_too_early(&self) -> Option<T> {
        let guard = reclaim::pin();
        // Acquire: edge PUSHED.
        let head = self.head.load(Acquire);
        if !head.is_null() {
            bury_later(&guard, head);
        }
        self.pop_from(head, &guard, |_, _| ())
    }

    fn pop_from(&self, mut head: *mut Node<T>, guard: &Guard, dispose: Dispose<T>) -> Option<T> {
        loop {
            // SAFETY: by WHOLE a node that we reached under the guard is still there.
            let node = unsafe { head.as_ref() }?;
            // Acquire on failure: edge PUSHED, for the node that is on top by now.
            match self.head.compare_exchange(head, node.next(), Relaxed, Acquire) {
                Ok(_) => {
                    // SAFETY: by MINE nobody else touches the value.
                    let value = node.value.with_mut(|value| unsafe { (*value).take() });
                    dispose(guard, head);
                    return value;
                }
                Err(now) => head = now,
            }
        }
    }
}

/// The right way.
fn retire<T>(guard: &Guard, node: *mut Node<T>) {
    // SAFETY: the node came from a box (`push`), our CAS unlinked it (REACH and ONCE), and its value is gone.
    unsafe { guard.retire(node) };
}

/// Marks a node as freed but leaks it: a wrong pop may still read it, and is found out without undefined behaviour.
struct Burial<T>(*mut Node<T>);

impl<T> Drop for Burial<T> {
    fn drop(&mut self) {
        // SAFETY: a node that is buried is never deallocated.
        unsafe { &*self.0 }.mark_freed();
    }
}

fn bury_later<T>(guard: &Guard, node: *mut Node<T>) {
    // SAFETY: the burial came from a box, nobody else knows of it, and any thread may write its mark.
    unsafe { guard.retire(Box::into_raw(Box::new(Burial(node)))) };
}

impl<T> Drop for Stack<T> {
    fn drop(&mut self) {
        // The owner is alone, so Relaxed.
        let mut head = self.head.load(Relaxed);
        while !head.is_null() {
            // SAFETY: the node came from a box (`push`) and is linked, so nobody has freed it.
            let node = unsafe { Box::from_raw(head) };
            head = node.next();
        }
    }
}

impl<T> fmt::Debug for Stack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").finish_non_exhaustive()
    }
}
