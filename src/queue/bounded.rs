//! A queue with a capacity.

use std::fmt;

use crossbeam_utils::CachePadded;

use super::{
    error::{Closed, TryPopError, TryPushError},
    ring::Ring,
};
use crate::{
    sync::atomic::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        fence,
    },
    util::Backoff,
};

/// How often [`Bounded::force_push`] tries again behind a peer that is in the middle of an operation, each time after a
/// longer pause: about ten microseconds together.
const PATIENCE: usize = 8;

/// A first in, first out queue with a capacity, for any number of threads at both ends.
///
/// No operation waits for another thread, nor spins behind one that was stopped in the middle of an operation. The price
/// is that what is finished can be hidden behind what is not: a push that has returned cannot be popped while an
/// earlier push has taken its place in the queue and not returned, and `try_pop` says
/// [`Empty`](TryPopError::Empty) then; likewise `try_push` says [`Full`](TryPushError::Full) while the pop of the
/// oldest element has not returned. Whoever waits for elements by other means must therefore go on as long as
/// [`len`](Self::len) says that there are some.
///
/// # Examples
///
/// ```
/// use freewheel::queue::{Bounded, TryPushError};
///
/// let queue = Bounded::new(2);
/// queue.try_push("a")?;
/// queue.try_push("b")?;
/// // A value is never lost: it comes back, or pushes the oldest one out.
/// assert_eq!(queue.try_push("c"), Err(TryPushError::Full("c")));
/// assert_eq!(queue.force_push("c")?, Some("a"));
/// assert_eq!((queue.try_pop()?, queue.try_pop()?), ("b", "c"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Bounded<T> {
    ring: Ring<T>,
    /// How many displacements are under way.
    displacing: CachePadded<AtomicUsize>,
}

impl<T> Bounded<T> {
    /// Makes a queue for `capacity` elements; allocates a `T` and a word for each, once.
    ///
    /// # Panics
    /// If `capacity` is 0, or there is no memory for so many.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { ring: Ring::new(capacity), displacing: CachePadded::new(AtomicUsize::new(0)) }
    }

    /// As [`new`](Self::new), and room can be reserved.
    pub(crate) fn reservable(capacity: usize) -> Self {
        Self { ring: Ring::reservable(capacity), displacing: CachePadded::new(AtomicUsize::new(0)) }
    }

    /// Appends `value`.
    ///
    /// Everything the caller did before happens before the pop that returns `value`.
    ///
    /// *Progress:* lock-free. *Cost:* O(1), no allocation, one compare-exchange if nobody else pushes.
    ///
    /// # Errors
    /// [`Full`](TryPushError::Full) if there is no room, or if the pop that makes room has not returned;
    /// [`Closed`](TryPushError::Closed) after [`close`](Self::close). Both give `value` back.
    #[inline]
    pub fn try_push(&self, value: T) -> Result<(), TryPushError<T>> {
        self.ring.try_push(value)
    }

    /// Takes the oldest value.
    ///
    /// Everything the caller did before happens before the push that uses the room again.
    ///
    /// *Progress:* lock-free. *Cost:* O(1), no allocation, one compare-exchange if nobody else pops.
    ///
    /// # Errors
    /// [`Empty`](TryPopError::Empty) if there is nothing, or if the oldest push has not returned;
    /// [`Closed`](TryPopError::Closed) if there is nothing and never will be. (Until [`close`](Self::close) has
    /// returned, and while a [`force_push`](Self::force_push) finds out that the queue is closed, it may be `Empty` still.)
    #[inline]
    pub fn try_pop(&self) -> Result<T, TryPopError> {
        match self.ring.try_pop() {
            Err(TryPopError::Closed) => self.try_pop_closed(),
            popped => popped,
        }
    }

    /// A displacement may still put a value into a ring that is closed and empty.
    #[cold]
    fn try_pop_closed(&self) -> Result<T, TryPopError> {
        // Acquire: edge DISPLACED. If none is under way, those that were are seen below.
        if self.displacing.load(Acquire) > 0 { Err(TryPopError::Empty) } else { self.ring.try_pop() }
    }

    /// Appends `value`; if the queue is full, takes the oldest value out to make room, and returns that.
    ///
    /// *Progress:* lock-free. Behind an operation that has not returned it pauses a few times before it gives up.
    /// *Cost:* as [`try_push`](Self::try_push) if there is room, else some exchanges more.
    ///
    /// # Errors
    /// [`Closed`](TryPushError::Closed) after [`close`](Self::close); [`Full`](TryPushError::Full) if a thread was
    /// stopped in the middle of the operation that stands in the way, and does not go on: the push or the pop of the
    /// oldest element, or another `force_push`. Both give `value` back.
    pub fn force_push(&self, mut value: T) -> Result<Option<T>, TryPushError<T>> {
        let mut backoff = Backoff::EXCHANGE;
        for _ in 0..PATIENCE {
            value = match self.ring.try_push(value) {
                Err(TryPushError::Full(value)) => value,
                pushed => return pushed.map(|()| None),
            };
            value = match self.displace(value) {
                Err(TryPushError::Full(value)) => value,
                displaced => return displaced.map(Some),
            };
            backoff.wait();
        }
        Err(TryPushError::Full(value))
    }

    /// Puts `value` in the place of the oldest one.
    fn displace(&self, value: T) -> Result<T, TryPushError<T>> {
        self.displacing.fetch_add(1, Relaxed);
        // SeqCst: pair DISPLACING. Either we see that the queue is closed, or a pop that sees it closed sees us.
        fence(SeqCst);
        let displaced = if self.ring.is_closed() {
            Err(TryPushError::Closed(value))
        } else {
            self.ring.displace(value).map_err(TryPushError::Full)
        };
        // Release: edge DISPLACED.
        self.displacing.fetch_sub(1, Release);
        displaced
    }

    /// Moves values from the front of `values` to the end of the queue, as many as there is room for, and returns how
    /// many. They stand side by side in the queue.
    ///
    /// *Progress:* lock-free. *Cost:* one compare-exchange for all; the rest of `values` is moved to its front.
    ///
    /// # Errors
    /// [`Closed`] after [`close`](Self::close); `values` is as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # use freewheel::queue::{Bounded, Closed};
    /// let queue = Bounded::new(2);
    /// let mut jobs = vec![1, 2, 3];
    /// assert_eq!(queue.push_many(&mut jobs)?, 2);
    /// assert_eq!(jobs, [3]);
    /// # Ok::<(), Closed<()>>(())
    /// ```
    pub fn push_many(&self, values: &mut Vec<T>) -> Result<usize, Closed<()>> {
        self.ring.push_many(values)
    }

    /// Moves values from the front of the queue to the end of `values`, as many as there are but at most `max`, and
    /// returns how many.
    ///
    /// *Progress:* lock-free, but for the allocator if `values` has no room. *Cost:* one compare-exchange for all.
    ///
    /// # Errors
    /// As [`try_pop`](Self::try_pop), unless `max` is 0.
    pub fn pop_many(&self, values: &mut Vec<T>, max: usize) -> Result<usize, TryPopError> {
        match self.ring.pop_many(values, max) {
            // Acquire: edge DISPLACED, as in `try_pop`.
            Err(TryPopError::Closed) if self.displacing.load(Acquire) > 0 => Err(TryPopError::Empty),
            Err(TryPopError::Closed) => self.ring.pop_many(values, max),
            popped => popped,
        }
    }

    /// Reserves room for a value; false if there is none, or too much is reserved.
    pub(crate) fn reserve(&self) -> Result<bool, Closed<()>> {
        self.ring.reserve()
    }

    /// Whether there was room a moment ago, besides what is reserved.
    pub(crate) fn has_room(&self) -> bool {
        self.ring.has_room()
    }

    /// Gives up room that the caller has reserved.
    pub(crate) fn unreserve(&self) {
        self.ring.unreserve();
    }

    /// Appends `value` where the caller has reserved room, which is used then. Returns whether one that was to reserve room may
    /// have been refused though there is some, because too much was reserved until now.
    pub(crate) fn push_reserved(&self, value: T) -> Result<bool, Closed<T>> {
        self.ring.push_reserved(value)
    }

    /// How many values were pushed from the first, and how many were popped.
    pub(crate) fn totals(&self) -> (usize, usize) {
        let popped = self.ring.popped();
        (self.ring.pushed(), popped)
    }

    /// Closes the queue: no push succeeds from here on, and pops go on until it is empty. False if it was closed before.
    ///
    /// *Progress:* wait-free.
    #[allow(clippy::must_use_candidate, reason = "it closes the queue; few ask whether they were the first")]
    pub fn close(&self) -> bool {
        self.ring.close()
    }

    /// Whether the queue is closed; there may be values in it still.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// How many elements there were a moment ago; those count that are being pushed, and those do not that are being
    /// popped. It is never too small, but what is pushed and popped while it looks may count too.
    ///
    /// *Progress:* wait-free; two loads.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether there was none a moment ago.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there was no room a moment ago.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// How many elements there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }
}

impl<T> fmt::Debug for Bounded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
