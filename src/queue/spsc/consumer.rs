//! The end that values come out from.

use std::fmt;

use super::Shared;
use crate::{
    queue::error::TryPopError,
    sync::{
        Arc,
        atomic::Ordering::{Acquire, Relaxed, Release},
    },
};

/// The end of a [`Spsc`](super::Spsc) that values come out from. Dropping it closes the queue.
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    /// How many values were popped.
    head: usize,
    /// How many were pushed, when we last looked.
    tail: usize,
}

impl<T> Consumer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared, head: 0, tail: 0 }
    }

    /// How many values are known to be there; looks again if they are fewer than `wanted`.
    #[inline]
    fn ready(&mut self, wanted: usize) -> usize {
        if self.tail.wrapping_sub(self.head) < wanted {
            // Acquire: edge PUSHED. We see the values up to there.
            self.tail = self.shared.tail.load(Acquire);
        }
        self.tail.wrapping_sub(self.head)
    }

    /// Why nothing is ready, or that something is by now.
    fn nothing(&mut self) -> Result<(), TryPopError> {
        // In this order: once the producer is gone, the tail is the last one.
        let closed = self.is_closed();
        match self.ready(1) {
            0 if closed => Err(TryPopError::Closed),
            0 => Err(TryPopError::Empty),
            _ => Ok(()),
        }
    }

    /// Moves out the next value, which is there.
    #[inline]
    fn take(&mut self) -> T {
        // SAFETY: by OURS nobody else uses a slot that is ready, and it holds a value.
        let value = self.shared.slot(self.head).with_mut(|room| unsafe { room.cast::<T>().read() });
        self.head = self.head.wrapping_add(1);
        value
    }

    /// Gives the slots of the values taken so far back to the producer.
    #[inline]
    fn release(&self) {
        // Release: edge POPPED. We are done with the slots before they are filled again.
        self.shared.head.store(self.head, Release);
    }

    /// Takes the oldest value.
    ///
    /// *Progress:* wait-free. *Cost:* O(1), no allocation, no exchange.
    ///
    /// # Errors
    /// [`Empty`](TryPopError::Empty) if there is nothing; [`Closed`](TryPopError::Closed) if there is nothing and the
    /// producer is gone.
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, TryPopError> {
        if self.ready(1) == 0 {
            self.nothing()?;
        }
        let value = self.take();
        self.release();
        Ok(value)
    }

    /// Moves values from the front of the queue to the end of `values`, as many as there are but at most `max`, and
    /// returns how many.
    ///
    /// *Progress:* wait-free, but for the allocator if `values` has no room. *Cost:* one store for all.
    ///
    /// # Errors
    /// As [`try_pop`](Self::try_pop), unless `max` is 0.
    pub fn pop_many(&mut self, values: &mut Vec<T>, max: usize) -> Result<usize, TryPopError> {
        if max > 0 && self.ready(max) == 0 {
            self.nothing()?;
        }
        let count = self.ready(max).min(max);
        values.reserve(count);
        (0..count).for_each(|_| values.push(self.take()));
        self.release();
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

    /// Whether the producer is gone; there may be values left.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }
}

/// In place.
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl<T> Consumer<T> {
    /// The values that are there, oldest first, as two pieces of memory of which the second one may be empty: to look at
    /// them in place, and then [`discard`](Self::discard) them.
    ///
    /// *Progress:* wait-free; one load.
    pub fn as_slices(&mut self) -> (&[T], &[T]) {
        let ready = self.ready(self.capacity());
        let [first, second] = self.shared.pieces(self.head, ready);
        // SAFETY: by OURS the slots are ours until we give them back, which takes the borrow to end; they hold values.
        let first = unsafe { &*(first as *const [T]) };
        // SAFETY: as above.
        let second = unsafe { &*(second as *const [T]) };
        (first, second)
    }

    /// Drops the oldest values: so many, or all if there are fewer. Returns how many.
    pub fn discard(&mut self, count: usize) -> usize {
        struct Release<'a, T>(&'a mut Consumer<T>);

        impl<T> Drop for Release<'_, T> {
            fn drop(&mut self) {
                self.0.release();
            }
        }

        let count = self.ready(count).min(count);
        let mut left = count;
        // Also if a destructor panics.
        let consumer = Release(self);
        crate::util::drop_all(|| {
            left = left.checked_sub(1)?;
            Some(consumer.0.take())
        });
        count
    }

    /// Moves values into `values`, as many as there are and as it has room for, and returns how many.
    ///
    /// *Progress:* wait-free. *Cost:* a memory copy and one store.
    pub fn pop_slice(&mut self, values: &mut [T]) -> usize
    where
        T: Copy,
    {
        let (first, second) = self.as_slices();
        let in_first = first.len().min(values.len());
        let in_second = second.len().min(values.len() - in_first);
        values[..in_first].copy_from_slice(&first[..in_first]);
        values[in_first..in_first + in_second].copy_from_slice(&second[..in_second]);
        self.head = self.head.wrapping_add(in_first + in_second);
        self.release();
        in_first + in_second
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        // Relaxed: the producer looks at nothing that we did before.
        self.shared.closed.store(true, Relaxed);
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
