//! The lock of a segment, which writers take; who lists entries looks whether it is taken.

use crate::{
    sync::{
        atomic::{
            AtomicU32,
            Ordering::{Acquire, Relaxed, Release},
        },
        hint, thread,
    },
    util::Backoff,
};

/// Spins for a while, then lets other threads run: it is held for some nanoseconds, but for a `compute`.
#[derive(Debug, Default)]
pub(super) struct Lock(AtomicU32);

impl Lock {
    const FREE: u32 = 0;
    const TAKEN: u32 = 1;

    #[inline]
    pub(super) fn lock(&self) {
        if !self.try_lock() {
            self.wait();
        }
    }

    #[inline]
    pub(super) fn try_lock(&self) -> bool {
        // Acquire: edge LOCK.
        self.0.compare_exchange(Self::FREE, Self::TAKEN, Acquire, Relaxed).is_ok()
    }

    pub(super) fn is_taken(&self) -> bool {
        // Acquire: edge LOCK.
        self.0.load(Acquire) != Self::FREE
    }

    #[cold]
    fn wait(&self) {
        const ROUNDS_BEFORE_YIELD: u32 = 6;
        let mut backoff = Backoff::EXCHANGE;
        let mut rounds = 0;
        loop {
            if self.0.load(Relaxed) == Self::FREE && self.try_lock() {
                return;
            }
            if rounds < ROUNDS_BEFORE_YIELD && cfg!(not(any(freewheel_loom, freewheel_shuttle))) {
                rounds += 1;
                backoff.wait();
                hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
    }

    #[inline]
    pub(super) fn unlock(&self) {
        // Release: edge LOCK.
        self.0.store(Self::FREE, Release);
    }
}

/// A lock that the caller has, and that is released when this is dropped.
#[derive(Debug)]
pub(super) struct Held<'a>(pub(super) &'a Lock);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.unlock();
    }
}
