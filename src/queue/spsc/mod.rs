//! A queue with one thread at each end.
//!
//! Each end owns one counter and has a copy of the other one, which it brings up to date when the copy says that there
//! is nothing left to do: most operations touch no memory that the other thread writes, but for the element (P. P. C. Lee
//! and others, *A Lock-Free, Cache-Efficient Multi-Core Synchronization Mechanism*, IPDPS 2010).
//!
//! # Memory ordering
//! | edge     | Release side                | Acquire side              | what becomes visible                    |
//! |----------|-----------------------------|---------------------------|-----------------------------------------|
//! | `PUSHED` | producer: `tail.store`      | consumer: `tail.load`     | the values up to there                  |
//! | `POPPED` | consumer: `head.store`      | producer: `head.load`     | that the consumer is done with them     |
//! | `ENDED`  | producer's end: `closed.store` | consumer: `closed.load` | the last tail                          |
//!
//! # Invariants
//! * **OURS**: the slots from `head` to `tail` belong to the consumer and hold values, the others to the producer.

mod consumer;
mod producer;

use std::{
    fmt,
    mem::{MaybeUninit, needs_drop},
};

use crossbeam_utils::CachePadded;

pub use self::{consumer::Consumer, producer::Producer};
use crate::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Acquire, Relaxed},
        },
        cell::UnsafeCell,
    },
    util::drop_all,
};

/// A first in, first out queue with a capacity, for one thread at each end: the fastest there is.
///
/// [`split`](Self::split) parts it into its ends. Each of them can be sent to another thread, and used by one at a time.
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// use freewheel::queue::{Spsc, TryPopError};
///
/// let (mut producer, mut consumer) = Spsc::new(4).split();
/// let sum = thread::scope(|scope| {
///     scope.spawn(move || {
///         for number in 1..=1000_u64 {
///             while producer.try_push(number).is_err() {
///                 thread::yield_now();
///             }
///         }
///         // The producer ends here, which closes the queue.
///     });
///     let mut sum = 0;
///     loop {
///         match consumer.try_pop() {
///             Ok(number) => sum += number,
///             Err(TryPopError::Empty) => thread::yield_now(),
///             Err(TryPopError::Closed) => return sum,
///         }
///     }
/// });
/// assert_eq!(sum, 500_500);
/// ```
pub struct Spsc<T> {
    shared: Shared<T>,
}

/// What the two ends share.
struct Shared<T> {
    /// A power of two of them, `capacity` at least.
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
    capacity: usize,
    /// One end is gone.
    closed: AtomicBool,
    /// How many values were pushed.
    tail: CachePadded<AtomicUsize>,
    /// How many values were popped.
    head: CachePadded<AtomicUsize>,
}

// SAFETY: values only pass through, from the producer's thread to the consumer's (OURS).
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above; only the two ends come to the slots, and each can be used by one thread at a time only.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Spsc<T> {
    /// Makes a queue for `capacity` elements; allocates for the next power of two, once.
    ///
    /// # Panics
    /// If `capacity` is 0.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a queue needs room for one element at least");
        let slots =
            (0..capacity.next_power_of_two()).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect();
        let shared = Shared {
            slots,
            capacity,
            closed: AtomicBool::new(false),
            tail: CachePadded::new(AtomicUsize::new(0)),
            head: CachePadded::new(AtomicUsize::new(0)),
        };
        Self { shared }
    }

    /// How many elements there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// Parts the queue into the end that values go in at and the one that they come out from.
    #[must_use]
    pub fn split(self) -> (Producer<T>, Consumer<T>) {
        let producer = Arc::new(self.shared);
        let consumer = Arc::clone(&producer);
        (Producer::new(producer), Consumer::new(consumer))
    }
}

impl<T> fmt::Debug for Spsc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spsc").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

impl<T> Shared<T> {
    #[inline]
    fn slot(&self, position: usize) -> &UnsafeCell<MaybeUninit<T>> {
        // SAFETY: there are a power of two of slots, so the mask keeps the index within.
        unsafe { self.slots.get_unchecked(position & (self.slots.len() - 1)) }
    }

    fn len(&self) -> usize {
        // Relaxed: a number of a moment ago. The head first, so that it is not ahead of the tail.
        let head = self.head.load(Relaxed);
        self.tail.load(Relaxed).wrapping_sub(head).min(self.capacity)
    }

    /// So many slots from a position on, as two pieces of memory: up to the end of the slots, and on from their start.
    #[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
    fn pieces(&self, position: usize, len: usize) -> [*mut [MaybeUninit<T>]; 2] {
        let (before, after) = self.slots.split_at(position & (self.slots.len() - 1));
        let in_first = len.min(after.len());
        [&after[..in_first], &before[..len - in_first]].map(|slots| {
            let first = slots.as_ptr().cast::<MaybeUninit<T>>().cast_mut();
            // A cell has the layout of what is in it.
            std::ptr::slice_from_raw_parts_mut(first, slots.len())
        })
    }

    fn is_closed(&self) -> bool {
        // Acquire: edge ENDED.
        self.closed.load(Acquire)
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            // The owner is alone, so Relaxed.
            let (mut head, tail) = (self.head.load(Relaxed), self.tail.load(Relaxed));
            drop_all(|| {
                (head != tail).then(|| {
                    let slot = self.slot(head);
                    head = head.wrapping_add(1);
                    // SAFETY: values from `head` to `tail` are pushed and not popped.
                    slot.with_mut(|room| unsafe { room.cast::<T>().read() })
                })
            });
        }
    }
}
