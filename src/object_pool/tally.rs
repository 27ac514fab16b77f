//! What has become of the objects of a pool, counted by each thread for itself.

use crate::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    util::Zeroed,
};

/// A number that only the thread at its seat changes, and everybody reads.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

// SAFETY: an atomic integer, zero by default.
unsafe impl Zeroed for Count {}

impl Count {
    /// Adds one. By ALONE nobody else writes, so a load and a store will do.
    #[inline]
    pub(super) fn bump(&self) {
        self.0.store(self.0.load(Relaxed).wrapping_add(1), Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The counts of one seat.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Went from the pool's store to somebody.
    pub(super) taken: Count,
    /// Came into the pool's store.
    pub(super) stored: Count,
    /// Were made for somebody, because there was none in the store.
    pub(super) made: Count,
    /// Came from elsewhere.
    pub(super) added: Count,
    /// Came back and were not kept.
    pub(super) dropped: Count,
    /// Left the pool for good.
    pub(super) detached: Count,
    /// Of those taken: by `clear`.
    pub(super) cleared: Count,
}

// SAFETY: numbers that are zero by default.
unsafe impl Zeroed for Tally {}
