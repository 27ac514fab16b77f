//! A part of an unbounded queue: a ring, and the way to the next one.

use std::ptr;

use super::super::ring::Ring;
use crate::sync::{
    atomic::{
        AtomicPtr,
        Ordering::{Acquire, Relaxed, Release},
    },
    cell::UnsafeCell,
};

/// A ring, and the way to the next one.
pub(super) struct Segment<T> {
    pub(super) ring: Ring<T>,
    /// How many values were pushed into all segments before this one.
    pub(super) before: usize,
    /// The next segment; null while there is none, [`end`](Self::end) if there never will be.
    next: AtomicPtr<Self>,
    /// The next one of the retired segments, for whoever has this one.
    pub(super) next_retired: AtomicPtr<Self>,
    /// Written when the segment is made and when it is freed, and read by all who use it: nothing, but what a checker
    /// sees.
    life: UnsafeCell<()>,
}

/// What comes after a segment.
pub(super) enum Next<T> {
    /// Nothing yet.
    Open,
    /// That segment.
    Segment(*mut Segment<T>),
    /// Nothing, ever: the queue is closed.
    End,
}

impl<T> Segment<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let segment = Self {
            ring: Ring::new(capacity),
            before: 0,
            next: AtomicPtr::new(ptr::null_mut()),
            next_retired: AtomicPtr::new(ptr::null_mut()),
            life: UnsafeCell::new(()),
        };
        segment.life.with_mut(|_| ());
        segment
    }

    /// Says to a checker that the segment is used.
    #[inline]
    pub(super) fn touch(&self) {
        self.life.with(|_| ());
    }

    /// Stands for a next segment in a queue that is closed.
    fn end() -> *mut Self {
        ptr::dangling_mut()
    }

    fn interpret(next: *mut Self) -> Next<T> {
        if next.is_null() {
            Next::Open
        } else if next == Self::end() {
            Next::End
        } else {
            Next::Segment(next)
        }
    }

    pub(super) fn next(&self) -> Next<T> {
        // Acquire: edge APPENDED.
        Self::interpret(self.next.load(Acquire))
    }

    /// Appends `segment`, or returns what came first.
    pub(super) fn append(&self, segment: *mut Self) -> Result<(), Next<T>> {
        // Release: edge APPENDED. The segment is whole, and so is what was pushed before, which its `before` counts.
        // Acquire on failure: edge APPENDED.
        let appended = self.next.compare_exchange(ptr::null_mut(), segment, Release, Acquire);
        appended.map(drop).map_err(Self::interpret)
    }

    /// Says that no segment comes after this one, or returns what came first.
    pub(super) fn finish(&self) -> Result<(), Next<T>> {
        self.append(Self::end())
    }

    /// The next segment, for the owner of a queue that is at its end.
    pub(super) fn next_in_drop(&self) -> Option<*mut Self> {
        // The owner is alone, so Relaxed.
        match Self::interpret(self.next.load(Relaxed)) {
            Next::Segment(segment) => Some(segment),
            Next::Open | Next::End => None,
        }
    }
}

impl<T> Drop for Segment<T> {
    fn drop(&mut self) {
        self.life.with_mut(|_| ());
    }
}
