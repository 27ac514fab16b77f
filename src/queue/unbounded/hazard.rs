//! Which segments threads are about to use.
//!
//! Hazard pointers (M. Michael, *Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects*, IEEE TPDS 15(6), 2004)
//! that stay where they are when an operation ends: the thread's next operation finds the same segment protected, and
//! needs no fence. So each thread that has used a queue keeps up to two of its segments from being freed, until it uses
//! the queue again or its seat is taken by a thread that does.

use std::ptr;

use super::segment::Segment;
use crate::{
    sync::atomic::{
        AtomicPtr,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        fence,
    },
    util::{PerSeat, Seat, Zeroed},
};

/// A segment that one thread may use; null at first.
#[derive(Debug)]
pub(super) struct Hazard<T>(AtomicPtr<Segment<T>>);

/// What a hazard points to by now.
pub(super) struct Protected<T> {
    pub(super) pointer: *mut Segment<T>,
    /// It pointed elsewhere before, at what can be freed now, perhaps.
    pub(super) moved: bool,
}

impl<T> Default for Hazard<T> {
    fn default() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }
}

impl<T> Hazard<T> {
    /// The segment that `source` points to, which is not freed while this hazard points to it. Null if there is none.
    #[inline]
    pub(super) fn protect(&self, source: &AtomicPtr<Segment<T>>) -> Protected<T> {
        // Relaxed: if it is another one, `move_to` has a fence behind this; if not, we have seen the segment.
        let pointer = source.load(Relaxed);
        // Relaxed: only this thread writes it. By KEPT a segment at that address is the one that we protected.
        if pointer == self.0.load(Relaxed) {
            Protected { pointer, moved: false }
        } else {
            Protected { pointer: self.move_to(pointer, source), moved: true }
        }
    }

    #[cold]
    fn move_to(&self, mut segment: *mut Segment<T>, source: &AtomicPtr<Segment<T>>) -> *mut Segment<T> {
        loop {
            // Release: edge PASSED. We are done with the segment that it pointed to.
            self.0.store(segment, Release);
            // SeqCst: pair HAZARD. Whoever retires the segment sees the hazard, or we see that it is not current.
            fence(SeqCst);
            // Acquire: edge APPENDED.
            let current = source.load(Acquire);
            if current == segment {
                return segment;
            }
            segment = current;
        }
    }
}

/// The hazards of one thread.
#[derive(Debug)]
pub(super) struct Hazards<T> {
    /// The segment to pop from.
    pub(super) head: Hazard<T>,
    /// The segment to push into.
    pub(super) tail: Hazard<T>,
}

impl<T> Default for Hazards<T> {
    fn default() -> Self {
        Self { head: Hazard::default(), tail: Hazard::default() }
    }
}

// SAFETY: two pointers, null by default.
unsafe impl<T> Zeroed for Hazards<T> {}

/// The hazards of all threads.
#[derive(Debug)]
pub(super) struct Everyone<T>(PerSeat<Hazards<T>>);

impl<T> Default for Everyone<T> {
    fn default() -> Self {
        Self(PerSeat::default())
    }
}

impl<T> Everyone<T> {
    #[inline]
    pub(super) fn at(&self, seat: &Seat) -> &Hazards<T> {
        self.0.at(seat)
    }

    /// All segments that are protected; the caller has unlinked what it wants to free.
    pub(super) fn protected(&self) -> Vec<*mut Segment<T>> {
        // SeqCst: pair HAZARD. A hazard that we do not see was set by one who sees the unlinking.
        fence(SeqCst);
        // Acquire: edge PASSED.
        let segments = self
            .0
            .iter()
            .flat_map(|(_, hazards)| [&hazards.head, &hazards.tail])
            .map(|hazard| hazard.0.load(Acquire));
        segments.filter(|segment| !segment.is_null()).collect()
    }
}
