//! One shared cell that holds the last value.

use crate::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// The bits of the last value, of whichever thread; nothing at first.
#[derive(Debug, Default)]
pub struct GaugeCell {
    bits: AtomicU64,
    is_set: AtomicBool,
    rejected: AtomicU64,
}

impl GaugeCell {
    /// A cell without a value.
    pub fn new() -> Self {
        Self { bits: AtomicU64::new(0), is_set: AtomicBool::new(false), rejected: AtomicU64::new(0) }
    }

    /// Replaces the value.
    #[inline(always)]
    pub fn store(&self, bits: u64) {
        self.bits.store(bits, Relaxed);
        if !self.is_set.load(Relaxed) {
            // Release: edge SET. Who sees that there is a value sees one.
            self.is_set.store(true, Release);
        }
    }

    /// The value, if any was stored.
    pub fn load(&self) -> Option<u64> {
        // Acquire: edge SET. The value is at least the first one.
        self.is_set.load(Acquire).then(|| self.bits.load(Relaxed))
    }

    /// Counts a sample that was not recorded.
    #[cold]
    pub fn count_rejected(&self) {
        self.rejected.fetch_add(1, Relaxed);
    }

    /// How many samples were not recorded.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }
}
