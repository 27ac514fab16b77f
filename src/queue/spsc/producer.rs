//! The end that values go in at.

use std::fmt;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
use std::mem::MaybeUninit;

use super::Shared;
use crate::{
    queue::error::{Closed, TryPushError},
    sync::{
        Arc,
        atomic::Ordering::{Acquire, Release},
    },
};

/// The end of a [`Spsc`](super::Spsc) that values go in at. Dropping it closes the queue.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    /// How many values were pushed.
    tail: usize,
    /// How many were popped, when we last looked.
    head: usize,
}

impl<T> Producer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared, tail: 0, head: 0 }
    }

    /// How many slots are known to be free; looks again if they are fewer than `wanted`.
    #[inline]
    fn free(&mut self, wanted: usize) -> usize {
        let capacity = self.shared.capacity;
        if capacity - self.tail.wrapping_sub(self.head) < wanted {
            // Acquire: edge POPPED. The consumer is done with the slots before we fill them.
            self.head = self.shared.head.load(Acquire);
        }
        capacity - self.tail.wrapping_sub(self.head)
    }

    /// Hands the consumer the next `count` slots, which hold values.
    #[inline]
    fn publish(&mut self, count: usize) {
        self.tail = self.tail.wrapping_add(count);
        // Release: edge PUSHED. The consumer sees the values before it sees the tail.
        self.shared.tail.store(self.tail, Release);
    }

    /// Puts `value` into a free slot that we have not handed over, `ahead` of the next one.
    #[inline]
    fn put(&mut self, ahead: usize, value: T) {
        let slot = self.shared.slot(self.tail.wrapping_add(ahead));
        // SAFETY: by OURS nobody else uses a free slot.
        slot.with_mut(|room| unsafe { room.cast::<T>().write(value) });
    }

    /// Appends `value`.
    ///
    /// Everything the caller did before happens before the pop that returns `value`.
    ///
    /// *Progress:* wait-free. *Cost:* O(1), no allocation, no exchange.
    ///
    /// # Errors
    /// [`Full`](TryPushError::Full) if there is no room; [`Closed`](TryPushError::Closed) if there is none and the
    /// consumer is gone. (As long as there is room a push succeeds, and the value is dropped with the queue;
    /// [`is_closed`](Self::is_closed) tells.) Both give `value` back.
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), TryPushError<T>> {
        if self.free(1) == 0 {
            return Err(if self.is_closed() {
                TryPushError::Closed(value)
            } else {
                TryPushError::Full(value)
            });
        }
        self.put(0, value);
        self.publish(1);
        Ok(())
    }

    /// Moves values from the front of `values` to the end of the queue, as many as there is room for, and returns how
    /// many.
    ///
    /// *Progress:* wait-free. *Cost:* one store for all; the rest of `values` is moved to its front.
    ///
    /// # Errors
    /// [`Closed`] if there is no room and the consumer is gone; `values` is as it was.
    pub fn push_many(&mut self, values: &mut Vec<T>) -> Result<usize, Closed<()>> {
        let count = self.free(values.len()).min(values.len());
        if count == 0 && !values.is_empty() && self.is_closed() {
            return Err(Closed(()));
        }
        for (ahead, value) in values.drain(..count).enumerate() {
            self.put(ahead, value);
        }
        self.publish(count);
        Ok(count)
    }

    /// How many elements there were a moment ago.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Whether there was none a moment ago.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many elements there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// Whether the consumer is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }
}

/// In place.
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl<T> Producer<T> {
    /// The free slots, in the order in which they will be popped, as two pieces of memory of which the second one may be
    /// empty: to write values in place, and then [`commit`](Self::commit) them.
    ///
    /// *Progress:* wait-free; one load.
    pub fn vacant_slices(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        let free = self.free(self.capacity());
        let [first, second] = self.shared.pieces(self.tail, free);
        // SAFETY: by OURS nobody else uses free slots, until we hand them over; that takes the borrow to end.
        let first = unsafe { &mut *first };
        // SAFETY: as above; the two do not overlap.
        let second = unsafe { &mut *second };
        (first, second)
    }

    /// Appends the values that were written into the first `count` of the [vacant slots](Self::vacant_slices).
    ///
    /// # Panics
    /// If there are not so many vacant slots.
    ///
    /// # Safety
    /// Those slots were written to since the last commit.
    pub unsafe fn commit(&mut self, count: usize) {
        let free = self.free(count);
        assert!(count <= free, "{count} values are committed, but only {free} slots are vacant");
        self.publish(count);
    }

    /// Appends copies from the front of `values`, as many as there is room for, and returns how many.
    ///
    /// *Progress:* wait-free. *Cost:* a memory copy and one store.
    ///
    /// # Examples
    ///
    /// ```
    /// # use freewheel::queue::Spsc;
    /// let (mut producer, mut consumer) = Spsc::new(4).split();
    /// assert_eq!(producer.push_slice(b"hello"), 4);
    /// let mut received = [0; 8];
    /// assert_eq!(consumer.pop_slice(&mut received), 4);
    /// assert_eq!(&received[..4], b"hell");
    /// ```
    pub fn push_slice(&mut self, values: &[T]) -> usize
    where
        T: Copy,
    {
        let count = self.free(values.len()).min(values.len());
        let (first, second) = self.vacant_slices();
        let (in_first, in_second) = values[..count].split_at(count.min(first.len()));
        first[..in_first.len()].write_copy_of_slice(in_first);
        second[..in_second.len()].write_copy_of_slice(in_second);
        self.publish(count);
        count
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        // Release: edge ENDED. The consumer sees our last values.
        self.shared.closed.store(true, Release);
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
