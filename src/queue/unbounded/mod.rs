//! A queue without a capacity.
//!
//! Segments are rings, the same as that of [`Bounded`](super::Bounded), in a linked list. As long as the ring at the end
//! has room it is used over and over, and nothing is allocated. Once it is full it is closed for good and a new segment
//! is appended, which already holds the value for which there was no room; pops go on to the next segment when a closed
//! one is empty. (The list of closed rings is that of LCRQ: A. Morrison and Y. Afek, *Fast Concurrent Queues for x86
//! Processors*, PPoPP 2013.)
//!
//! # Memory ordering
//! | edge       | Release side                                 | Acquire side                      | what becomes visible                        |
//! |------------|----------------------------------------------|-----------------------------------|---------------------------------------------|
//! | `APPENDED` | `next`: CAS; `head`, `tail`: CAS             | loads of these three              | the segment                                 |
//! | `PASSED`   | `Hazard`: store                              | `Everyone::protected`: load       | that its thread is done with the segment    |
//! | `RETIRED`  | `retired`: CAS                               | `retired`: swap                   | the retired segment, and its links          |
//!
//! One store-buffering pair, forbidden by two `fence(SeqCst)`: **HAZARD**, between a thread that writes its hazard and
//! reads `head` or `tail`, and one that writes these and reads all hazards.
//!
//! # Invariants
//! * **KEPT**: a segment to which a hazard points, and pointed when the segment was current, is not freed.
//! * **BEHIND**: `tail` is never behind `head`: before `head` leaves a segment, `tail` has.
//! * **FOREIGN**: the allocator may be somebody's who uses this very queue. So no segment is in use across a call of it.
//! * **BORN**: a segment is appended with a value in it. So a thread that appends one is done.

use std::{fmt, mem::needs_drop, ptr};

use self::{
    hazard::{Everyone, Hazard},
    segment::{Next, Segment},
};
use super::{
    error::{Closed, TryPopError, TryPushError},
    ring::Ring,
};
use crate::{
    sync::atomic::{
        AtomicPtr,
        Ordering::{Acquire, Relaxed, Release},
    },
    util::{Backoff, Seat, drop_all, seat},
};

mod hazard;
mod segment;

/// Elements in the first segment.
const SMALLEST: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 1 } else { 16 };
/// Each segment has twice as many as the one before, up to so many,
const LARGEST: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 2 } else { 1024 };
/// or up to about so many bytes.
const LARGEST_BYTES: usize = 32 * 1024;

/// A first in, first out queue without a capacity, for any number of threads at both ends.
///
/// As with [`Bounded`](super::Bounded), a push that has returned can be hidden behind one that has not.
///
/// # Memory
///
/// An empty queue allocates nothing until the first push. Elements are in segments of 16 to 1024 (or 32 KiB), which are given
/// back as soon as all their elements are popped, while the queue is in use. What remains is one segment, and for each
/// thread that has used the queue at most two more: those that it used last, until it uses the queue again. A thread
/// that is stopped in the middle of an operation keeps no more than these; if it is about to free segments that others
/// have kept, then those too. What is hidden behind a push that was stopped is in the queue until that goes on.
///
/// # Examples
///
/// ```
/// use freewheel::queue::Unbounded;
///
/// let queue = Unbounded::new();
/// queue.push("a")?;
/// queue.push("b")?;
/// assert_eq!(queue.len(), 2);
/// queue.close();
/// assert_eq!(queue.push("c").unwrap_err().into_inner(), "c");
/// assert_eq!((queue.try_pop()?, queue.try_pop()?), ("a", "b"));
/// assert!(queue.try_pop().unwrap_err().is_closed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Unbounded<T> {
    /// The segment to pop from; null until the first push.
    head: AtomicPtr<Segment<T>>,
    /// The segment to push into, or one before it.
    tail: AtomicPtr<Segment<T>>,
    hazards: Everyone<T>,
    /// Segments that could not be freed yet, in a list.
    retired: AtomicPtr<Segment<T>>,
}

// SAFETY: values only pass through, from the thread that pushes to the one that pops or drops the queue.
unsafe impl<T: Send> Send for Unbounded<T> {}
// SAFETY: as above; nobody gets a reference to a value that is in the queue.
unsafe impl<T: Send> Sync for Unbounded<T> {}

impl<T> Unbounded<T> {
    /// Makes an empty queue. Allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            head: AtomicPtr::new(ptr::null_mut()),
            tail: AtomicPtr::new(ptr::null_mut()),
            hazards: Everyone::default(),
            retired: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// The segment to push into, for as long as the call lasts that has the seat, or until it allocates or frees (FOREIGN).
    #[inline]
    fn protect_tail(&self, seat: &Seat) -> Option<&Segment<T>> {
        self.protect(&self.hazards.at(seat).tail, &self.tail)
    }

    /// The segment to pop from, likewise.
    #[inline]
    fn protect_head(&self, seat: &Seat) -> Option<&Segment<T>> {
        self.protect(&self.hazards.at(seat).head, &self.head)
    }

    #[inline]
    fn protect(&self, hazard: &Hazard<T>, source: &AtomicPtr<Segment<T>>) -> Option<&Segment<T>> {
        let mut segment = hazard.protect(source);
        while segment.moved {
            self.free_retired();
            // By FOREIGN it may have moved again.
            segment = hazard.protect(source);
        }
        // SAFETY: by KEPT it is not freed while the hazard points to it, which this thread alone changes.
        let segment = unsafe { segment.pointer.as_ref() };
        segment.inspect(|segment| segment.touch())
    }

    /// Appends `value`.
    ///
    /// Everything the caller did before happens before the pop that returns `value`.
    ///
    /// *Progress:* lock-free, but for the allocator when the last segment is full.
    /// *Cost:* O(1), one compare-exchange if nobody else pushes and the last segment has room.
    ///
    /// # Errors
    /// [`Closed`] after [`close`](Self::close); gives `value` back.
    #[inline]
    pub fn push(&self, value: T) -> Result<(), Closed<T>> {
        seat::with(|seat| {
            let Some(segment) = self.protect_tail(seat) else { return self.push_further(seat, value) };
            segment.ring.try_push(value).or_else(|refused| self.push_further(seat, refused.into_inner()))
        })
    }

    /// Pushes where the last segment is not there yet, or full, or not the last one any more.
    #[cold]
    fn push_further(&self, seat: &Seat, mut value: T) -> Result<(), Closed<T>> {
        let mut backoff = Backoff::ALLOCATION;
        loop {
            let Some(full) = self.protect_tail(seat) else {
                self.begin();
                continue;
            };
            value = match full.ring.try_push(value) {
                Ok(()) => return Ok(()),
                Err(TryPushError::Full(value) | TryPushError::Closed(value)) => value,
            };
            // All pushes into it come before those into the next one.
            if !full.ring.close() {
                // Somebody else has closed it, and is about to append a segment. We shall not wait for that, but a moment.
                backoff.wait();
            }
            match full.next() {
                Next::End => return Err(Closed(value)),
                Next::Segment(next) => self.advance_tail(full, next),
                Next::Open => {
                    let segment = Box::new(Segment::new(Self::capacity_after(full)));
                    value = match self.append(seat, segment, value) {
                        Ok(()) => return Ok(()),
                        Err(value) => value,
                    };
                }
            }
        }
    }

    fn capacity_after(segment: &Segment<T>) -> usize {
        let largest = (LARGEST_BYTES / Ring::<T>::BYTES_PER_ELEMENT).clamp(SMALLEST, LARGEST);
        (segment.ring.capacity() * 2).min(largest)
    }

    /// Appends `segment` with `value` in it, if the last one is closed and none comes after it.
    fn append(&self, seat: &Seat, mut segment: Box<Segment<T>>, value: T) -> Result<(), T> {
        // Again, for the segment was allocated meanwhile (FOREIGN).
        let Some(last) = self.protect_tail(seat).filter(|last| last.ring.is_closed()) else {
            return Err(value);
        };
        segment.before = last.before.wrapping_add(last.ring.pushed());
        // BORN.
        segment.ring.try_push(value).map_err(TryPushError::into_inner)?;
        let segment = Box::into_raw(segment);
        if last.append(segment).is_ok() {
            self.advance_tail(last, segment);
            return Ok(());
        }
        // SAFETY: it is the box of a moment ago, which nobody else has seen.
        let segment = unsafe { Box::from_raw(segment) };
        let Ok(value) = segment.ring.try_pop() else { unreachable!("the value was pushed by this call") };
        Err(value)
    }

    /// Makes the first segment, or sees to it that everybody finds the one that there is.
    #[cold]
    fn begin(&self) {
        let segment = Box::into_raw(Box::new(Segment::new(SMALLEST)));
        // Release: edge APPENDED. Acquire on failure: edge APPENDED.
        let first = match self.head.compare_exchange(ptr::null_mut(), segment, Release, Acquire) {
            Ok(_) => segment,
            Err(first) => {
                // SAFETY: it is the box of a moment ago, which nobody else has seen.
                drop(unsafe { Box::from_raw(segment) });
                first
            }
        };
        // `head` does not move on while there is no `tail` to append to. If there is one by now, this does nothing.
        // Release: edge APPENDED.
        let _ = self.tail.compare_exchange(ptr::null_mut(), first, Release, Relaxed);
    }

    /// Lets `tail` go on from a segment to the next, unless it has already.
    fn advance_tail(&self, from: &Segment<T>, to: *mut Segment<T>) {
        // Release: edge APPENDED.
        let _ = self.tail.compare_exchange(ptr::from_ref(from).cast_mut(), to, Release, Relaxed);
    }

    /// Takes the oldest value.
    ///
    /// *Progress:* lock-free, but for the allocator when a segment is freed.
    /// *Cost:* O(1), one compare-exchange if nobody else pops.
    ///
    /// # Errors
    /// [`Empty`](TryPopError::Empty) if there is nothing, or if the oldest push has not returned;
    /// [`Closed`](TryPopError::Closed) if there is nothing and never will be.
    #[inline]
    pub fn try_pop(&self) -> Result<T, TryPopError> {
        seat::with(|seat| {
            loop {
                let Some(segment) = self.protect_head(seat) else { return Err(TryPopError::Empty) };
                match segment.ring.try_pop() {
                    Err(TryPopError::Closed) => self.leave(segment)?,
                    popped => return popped,
                }
            }
        })
    }

    /// Lets `head` go on from a segment that is closed and empty.
    #[cold]
    fn leave(&self, segment: &Segment<T>) -> Result<(), TryPopError> {
        let next = match segment.next() {
            Next::Open => return Err(TryPopError::Empty),
            Next::Segment(next) => next,
            Next::End => return Err(TryPopError::Closed),
        };
        // BEHIND: now nobody finds the segment by way of `tail`.
        self.advance_tail(segment, next);
        let segment = ptr::from_ref(segment).cast_mut();
        // Release: edge APPENDED.
        if self.head.compare_exchange(segment, next, Release, Relaxed).is_ok() {
            self.retire(segment);
            // Our own hazard points to it still; the next look at `head` moves that, and frees it.
        }
        Ok(())
    }

    /// Puts a segment that is unlinked to the retired ones.
    fn retire(&self, segment: *mut Segment<T>) {
        let mut top = self.retired.load(Relaxed);
        loop {
            // SAFETY: whoever has unlinked it, or taken it out of the list, is the only one who frees it.
            unsafe { &*segment }.next_retired.store(top, Relaxed);
            // Release: edge RETIRED.
            match self.retired.compare_exchange_weak(top, segment, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Frees the retired segments that nobody protects.
    #[cold]
    fn free_retired(&self) {
        // The look spares those a write that come here when there is nothing, which is nearly always.
        if self.retired.load(Relaxed).is_null() {
            return;
        }
        // Acquire: edge RETIRED.
        let mut segment = self.retired.swap(ptr::null_mut(), Acquire);
        let protected = self.hazards.protected();
        while !segment.is_null() {
            // SAFETY: what was taken out of the list is ours until it is put back, and not freed yet.
            let next = unsafe { &*segment }.next_retired.load(Relaxed);
            if protected.contains(&segment) {
                self.retire(segment);
            } else {
                // SAFETY: it came from a box. It was unlinked before it was retired, and no hazard points to it: nobody
                // uses it, nor will (KEPT).
                drop(unsafe { Box::from_raw(segment) });
            }
            segment = next;
        }
    }

    /// Closes the queue: no push succeeds from here on, and pops go on until it is empty. False if it was closed before.
    ///
    /// *Progress:* lock-free, but for the allocator if nothing was ever pushed.
    #[allow(clippy::must_use_candidate, reason = "it closes the queue; few ask whether they were the first")]
    pub fn close(&self) -> bool {
        seat::with(|seat| {
            loop {
                let Some(segment) = self.protect_tail(seat) else {
                    self.begin();
                    continue;
                };
                segment.ring.close();
                match segment.finish() {
                    Ok(()) => return true,
                    Err(Next::Segment(next)) => self.advance_tail(segment, next),
                    Err(Next::Open | Next::End) => return false,
                }
            }
        })
    }

    /// Whether the queue is closed; there may be values in it still.
    ///
    /// *Progress:* lock-free, but for the allocator when a segment is freed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        seat::with(|seat| {
            let mut segment = self.protect_tail(seat);
            while let Some(current) = segment {
                match current.next() {
                    Next::Open => return false,
                    Next::End => return true,
                    Next::Segment(next) => self.advance_tail(current, next),
                }
                segment = self.protect_tail(seat);
            }
            false
        })
    }

    /// How many elements there were a moment ago; those count that are being pushed, and those do not that are being
    /// popped. It is never too small, but what is pushed and popped while it looks may count too.
    ///
    /// *Progress:* lock-free, but for the allocator when a segment is freed.
    #[must_use]
    pub fn len(&self) -> usize {
        seat::with(|seat| {
            // The head first, so that it is not ahead of the tail.
            let Some(head) = self.protect_head(seat) else { return 0 };
            let (in_head, before_next) = (head.ring.len(), head.before.wrapping_add(head.ring.pushed()));
            // By FOREIGN it is in use no more from here on.
            let head = ptr::from_ref(head);
            let Some(tail) = self.protect_tail(seat) else { return 0 };
            let before_tail =
                if ptr::eq(head, tail) { 0 } else { in_head + tail.before.wrapping_sub(before_next) };
            before_tail + tail.ring.len()
        })
    }

    /// How many values were pushed from the first, and how many were popped.
    pub(crate) fn totals(&self) -> (usize, usize) {
        seat::with(|seat| {
            // The head first, so that it is not ahead of the tail.
            let Some(head) = self.protect_head(seat) else { return (0, 0) };
            let popped = head.before.wrapping_add(head.ring.popped());
            let Some(tail) = self.protect_tail(seat) else { return (0, 0) };
            (tail.before.wrapping_add(tail.ring.pushed()), popped)
        })
    }

    /// Whether there was none a moment ago.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Drop for Unbounded<T> {
    fn drop(&mut self) {
        struct Segments<'a, T>(&'a Unbounded<T>);

        impl<T> Drop for Segments<'_, T> {
            fn drop(&mut self) {
                // SAFETY: the queue is being dropped, so we are alone, and nobody comes after us.
                unsafe { self.0.free_all() };
            }
        }

        // Also if a destructor panics.
        let segments = Segments(self);
        if needs_drop::<T>() {
            drop_all(|| segments.0.try_pop().ok());
        }
    }
}

impl<T> Unbounded<T> {
    /// Frees all segments.
    ///
    /// # Safety
    /// The caller owns the queue, and nobody uses it afterwards.
    unsafe fn free_all(&self) {
        // The owner is alone, so Relaxed.
        let mut segment = self.head.load(Relaxed);
        while !segment.is_null() {
            // SAFETY: it came from a box, and is linked, so nobody has freed it.
            let current = unsafe { Box::from_raw(segment) };
            segment = current.next_in_drop().unwrap_or(ptr::null_mut());
        }
        let mut segment = self.retired.load(Relaxed);
        while !segment.is_null() {
            // SAFETY: it came from a box, and is retired, so it is not linked, and nobody has freed it.
            let current = unsafe { Box::from_raw(segment) };
            segment = current.next_retired.load(Relaxed);
        }
    }
}

impl<T> Default for Unbounded<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Unbounded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unbounded")
            .field("len", &self.len())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl<T> Extend<T> for Unbounded<T> {
    /// # Panics
    /// If the queue is closed.
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        for value in values {
            self.push(value).expect("only a queue that is open can be extended");
        }
    }
}

impl<T> FromIterator<T> for Unbounded<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut queue = Self::new();
        queue.extend(values);
        queue
    }
}
