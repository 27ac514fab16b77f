//! Treiber's stack: the smallest structure that needs `freewheel::reclaim`, and four ways to get it wrong.
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
//! * **WHOLE**: a node that can be reached does not change; it stays in memory while a guard lives that has found it.

use std::{
    fmt, mem,
    ptr::{self, NonNull},
    sync::{Mutex, PoisonError},
};

use freewheel::{
    reclaim::{self, Bin, Birth, Born, Guard},
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
    birth: Birth,
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
type Dispose<T> = fn(&Stack<T>, NonNull<Node<T>>);

/// How a pop loads the node on top.
type Load<T> = fn(&Guard, &dyn Fn() -> Option<NonNull<Node<T>>>) -> Option<NonNull<Node<T>>>;

/// A last in, first out stack.
pub struct Stack<T> {
    head: AtomicPtr<Node<T>>,
    /// Nodes that somebody looked at when they were unlinked. Not the checker's mutex, which would order the threads.
    left: Mutex<Vec<Unlinked<T>>>,
}

// SAFETY: values only pass through, from the thread that pushes to the one that pops (MINE).
unsafe impl<T: Send> Send for Stack<T> {}
// SAFETY: as above; nobody gets a reference to a value.
unsafe impl<T: Send> Sync for Stack<T> {}

impl<T: Send> Stack<T> {
    /// Makes a stack of `values`, the last one on top.
    pub fn new<const N: usize>(values: [T; N]) -> Self {
        let stack = Self { head: AtomicPtr::new(ptr::null_mut()), left: Mutex::default() };
        values.into_iter().for_each(|value| stack.push(value));
        stack
    }

    /// Puts `value` on top.
    pub fn push(&self, value: T) {
        let mut head = self.head.load(Relaxed);
        let (value, next) = (UnsafeCell::new(Some(value)), UnsafeCell::new(Next::Node(head)));
        let node = Node { birth: Birth::now(), value, next };
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
        self.pop_with(protect, retire)
    }

    /// Takes the value on top, rightly, and leaks its node: company for the wrong ones below.
    pub fn pop_leaking(&self) -> Option<T> {
        self.pop_with(protect, bury_later)
    }

    /// Takes the value on top, and frees its node before its readers are done.
    pub fn pop_freeing_at_once(&self) -> Option<T> {
        self.pop_with(protect, |_, node| drop(Burial(node)))
    }

    /// Takes the value on top, and pins when it has seen the node.
    pub fn pop_pinning_too_late(&self) -> Option<T> {
        // Acquire: edge PUSHED.
        let head = NonNull::new(self.head.load(Acquire))?;
        let guard = reclaim::pin();
        match self.unlink(head) {
            Ok(value) => {
                drop(guard);
                bury_later(self, head);
                value
            }
            Err(()) => self.pop_leaking(),
        }
    }

    /// Takes the value on top, and reserves no more eras than that in which it pinned.
    pub fn pop_without_protecting(&self) -> Option<T> {
        self.pop_with(|_, load| load(), bury_later)
    }

    /// Takes the value on top, and retires its node before it has unlinked it.
    pub fn pop_retiring_too_early(&self) -> Option<T> {
        // Acquire: edge PUSHED.
        let head = NonNull::new(self.head.load(Acquire))?;
        bury_later(self, head);
        let _guard = reclaim::pin();
        self.unlink(head).unwrap_or(None)
    }

    fn pop_with(&self, load: Load<T>, dispose: Dispose<T>) -> Option<T> {
        let guard = reclaim::pin();
        loop {
            // Acquire: edge PUSHED.
            let head = load(&guard, &|| NonNull::new(self.head.load(Acquire)))?;
            if let Ok(value) = self.unlink(head) {
                // Ours would hold it back too.
                drop(guard);
                dispose(self, head);
                return value;
            }
        }
    }

    /// Takes that node off the top and returns its value, unless another one is there.
    fn unlink(&self, head: NonNull<Node<T>>) -> Result<Option<T>, ()> {
        // SAFETY: by WHOLE a node that we reached under the guard is still there.
        let node = unsafe { head.as_ref() };
        let unlinked = self.head.compare_exchange(head.as_ptr(), node.next(), Relaxed, Relaxed);
        // SAFETY: by MINE nobody else touches the value.
        unlinked.map(|_| node.value.with_mut(|value| unsafe { (*value).take() })).map_err(drop)
    }
}

fn protect<T>(guard: &Guard, load: &dyn Fn() -> Option<NonNull<Node<T>>>) -> Option<NonNull<Node<T>>> {
    guard.protect(load)
}

/// A node that is no more in the stack; it is freed with this.
struct Unlinked<T>(NonNull<Node<T>>);

// SAFETY: its value is gone, and by MINE nobody else has it.
unsafe impl<T> Send for Unlinked<T> {}

impl<T> Born for Unlinked<T> {
    fn birth(&self) -> Birth {
        // SAFETY: it is freed with this.
        unsafe { self.0.as_ref() }.birth
    }
}

impl<T> Drop for Unlinked<T> {
    fn drop(&mut self) {
        // SAFETY: the node came from a box (`push`), our CAS unlinked it, and the bin says that nobody has it.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// The right way.
fn retire<T>(stack: &Stack<T>, node: NonNull<Node<T>>) {
    let mut bin = Bin::default();
    bin.add(Unlinked(node));
    drop(bin.flush());
    stack.left.lock().unwrap_or_else(PoisonError::into_inner).extend(bin.take());
}

/// Marks a node as freed but leaks it: a wrong pop may still read it, and is found out without undefined behaviour.
struct Burial<T>(NonNull<Node<T>>);

impl<T> Drop for Burial<T> {
    fn drop(&mut self) {
        // SAFETY: a node that is buried is never deallocated.
        unsafe { self.0.as_ref() }.mark_freed();
    }
}

impl<T> Born for Burial<T> {
    fn birth(&self) -> Birth {
        // SAFETY: as above.
        unsafe { self.0.as_ref() }.birth
    }
}

fn bury_later<T>(_: &Stack<T>, node: NonNull<Node<T>>) {
    let mut bin = Bin::default();
    bin.add(Burial(node));
    drop(bin.flush());
    bin.take().for_each(mem::forget);
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
