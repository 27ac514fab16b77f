//! A stack that any number of threads push to and pop from: [`Stack`].
//!
//! # How it works
//!
//! Treiber's stack (R. K. Treiber, *Systems Programming: Coping with Parallelism*, IBM RJ 5118, 1986): the first node is
//! replaced by compare-and-exchange, and each node has a link to the one below. Two things make it fast:
//!
//! * Nodes stand in an array that grows without moving, and are used again. No operation allocates unless the stack
//!   becomes larger than it ever was, and nobody has to find out when a node can be freed: it cannot. Links are
//!   32-bit numbers, beside which the head of the stack has room for a tag that changes with each exchange, so that
//!   nobody takes a node that was popped and pushed meanwhile for the one it has seen. Free nodes are kept by each
//!   thread for itself, and passed on in chains.
//! * Whoever loses a race pauses, longer each time (to about four microseconds). The winner then goes on alone, in
//!   its own cache: two threads that fight for one cache line get nothing done.
//!
//! # Progress
//!
//! | operation | |
//! |---|---|
//! | [`push`](Stack::push) | lock-free; the allocator's progress when the stack is larger than ever, and at a thread's first push |
//! | [`pop`](Stack::pop), [`drain`](Stack::drain) | lock-free; the allocator's at a thread's first pop |
//! | [`is_empty`](Stack::is_empty) | wait-free |
//!
//! A thread that stops in the middle of an operation, for whatever reason and however long, is in nobody's way.
//!
//! # Memory
//!
//! That of the largest number of elements there ever were at a time: a `T` and eight bytes each, rounded up as a `Vec`
//! that grows is; and room for up to 64 more for each thread that uses it. What is popped makes room for what is pushed later, by any thread; it goes back to the allocator with
//! the stack, or by [`shrink_to_fit`](Stack::shrink_to_fit).
//!
//! # A stack or a mutex?
//!
//! BENCHMARKS.md has the figures. With one thread at a time a `Mutex<Vec>` is as good. With several this is faster than
//! one, and it is immune to a thread that is descheduled in the middle of an operation, which a mutex makes all others
//! wait for. Whoever wants more than the top, such as to look at the elements, is better off with the mutex.
//!
//! # Memory ordering
//! | edge     | Release side                    | Acquire side              | what becomes visible                   |
//! |----------|---------------------------------|---------------------------|----------------------------------------|
//! | `PUSHED` | `Top::push`: CAS                | `Top::pop`: load, `Top::take`: CAS | the node: its value and links |
//!
//! The CAS of a pop carries nothing of its own, so it is Relaxed: a read-modify-write continues the release sequences
//! of the pushes before it, through which the nodes further down are seen. Free nodes that are passed on are pushed
//! and popped in the same way, so whoever gets one sees that its value is gone. Links are read by threads that may be
//! too late, and are Relaxed: who is too late fails in its CAS (STILL).
//!
//! # Invariants
//! * **MINE**: a node belongs to the thread that took it from the free ones until that has pushed it, and to the one
//!   that has popped it until that has given it back. Nobody else touches its value.
//! * **STILL**: the head is replaced only if it has not changed since it was read. Every change has another tag, so
//!   the node is still the first one, and its link still leads to the one below it.

use std::{fmt, iter::FusedIterator, mem::needs_drop};

use crossbeam_utils::CachePadded;

use self::{
    links::{Link, Top},
    nodes::{Node, Nodes},
};
use crate::util::{drop_all, seat};

mod links;
mod nodes;

/// A last in, first out stack.
///
/// The module documentation tells how it [makes progress](self#progress), what [memory](self#memory) it takes, and
/// [when a mutex is the better choice](self#a-stack-or-a-mutex).
///
/// It has no `len`: a counter would double the cost of every operation.
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// use freewheel::Stack;
///
/// let idle = Stack::from_iter(["connection 1", "connection 2"]);
/// thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| {
///             let connection = idle.pop().unwrap_or("a new connection");
///             idle.push(connection);
///         });
///     }
/// });
/// assert!(idle.drain().count() >= 2);
/// ```
pub struct Stack<T> {
    top: CachePadded<Top>,
    nodes: Nodes<T>,
}

// SAFETY: values only pass through, from the thread that pushes to the one that pops or drops the stack (MINE).
unsafe impl<T: Send> Send for Stack<T> {}
// SAFETY: as above; nobody gets a reference to a value that is in the stack.
unsafe impl<T: Send> Sync for Stack<T> {}

impl<T> Stack<T> {
    /// Makes an empty stack. Allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { top: CachePadded::default(), nodes: Nodes::default() }
    }

    /// Puts `value` on top.
    ///
    /// Everything the caller did before happens before the `pop` or `drain` that returns `value`.
    ///
    /// *Progress:* lock-free, but for the allocator when the stack becomes larger than it ever was.
    /// *Cost:* one compare-exchange if nobody else is about; O(1).
    ///
    /// # Panics
    /// If the stack holds about four billion elements. `value` is dropped.
    #[inline]
    pub fn push(&self, value: T) {
        seat::with(|seat| {
            let (link, node) = self.nodes.take(seat);
            // SAFETY: by MINE the node is ours, and a free one holds no value.
            unsafe { node.put(value) };
            self.top.push(link, &node.next);
        });
    }

    /// Takes the value on top; `None` if the stack is empty.
    ///
    /// *Progress:* lock-free. *Cost:* one compare-exchange if nobody else is about; O(1). Never frees memory.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        let (link, node) = self.top.pop(|link| self.nodes.at(link), Node::below)?;
        Some(self.take_from(link, node))
    }

    /// Takes the value from a node that was popped, and gives the node back.
    #[inline]
    fn take_from(&self, link: Link, node: &Node<T>) -> T {
        // SAFETY: by MINE the node is ours; it was pushed with a value.
        let value = unsafe { node.take() };
        seat::with(|seat| self.nodes.give(seat, link, node));
        value
    }

    /// Takes all values at once, and iterates over them from the top down.
    ///
    /// They are gone from the stack when this returns, whatever becomes of the iterator: dropping it drops the rest,
    /// leaking it leaks them.
    ///
    /// *Progress:* lock-free. *Cost:* one compare-exchange for all, then O(1) for each.
    #[allow(clippy::must_use_candidate, reason = "dropping what it returns empties the stack")]
    pub fn drain(&self) -> Drain<'_, T> {
        Drain { stack: self, next: self.top.take() }
    }

    /// Whether there was nothing in it a moment ago.
    ///
    /// *Progress:* wait-free; one load.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.top.is_empty()
    }

    /// Gives memory back that the elements of now do not need; moves them.
    pub fn shrink_to_fit(&mut self) {
        let mut upside_down: Vec<T> = self.drain().collect();
        let shrunk = Self::new();
        while let Some(value) = upside_down.pop() {
            shrunk.push(value);
        }
        *self = shrunk;
    }

    /// How many bytes of memory it has for elements, in use or not.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.nodes.bytes()
    }
}

impl<T> Drop for Stack<T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            drop(self.drain());
        }
    }
}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Stack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}

/// The last item is on top.
impl<T> FromIterator<T> for Stack<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut stack = Self::new();
        stack.extend(values);
        stack
    }
}

impl<T> Extend<T> for Stack<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

/// From the top down.
impl<T> IntoIterator for Stack<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { stack: self }
    }
}

/// The elements of a [`Stack`] that is no more, from the top down.
#[derive(Debug)]
pub struct IntoIter<T> {
    stack: Stack<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.stack.pop()
    }
}

impl<T> FusedIterator for IntoIter<T> {}

/// What [`Stack::drain`] has taken, from the top down.
pub struct Drain<'a, T> {
    stack: &'a Stack<T>,
    /// The first node that is still ours; 0 at the end.
    next: Link,
}

impl<T> Iterator for Drain<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.next == 0 {
            return None;
        }
        let link = self.next;
        let node = self.stack.nodes.at(link);
        self.next = node.below();
        Some(self.stack.take_from(link, node))
    }
}

impl<T> FusedIterator for Drain<'_, T> {}

impl<T> Drop for Drain<'_, T> {
    fn drop(&mut self) {
        drop_all(|| self.next());
    }
}

impl<T> fmt::Debug for Drain<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").finish_non_exhaustive()
    }
}
