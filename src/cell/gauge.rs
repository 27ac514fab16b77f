//! One shared cell that holds the last value, or what was added to it.

use crate::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// Nothing was stored yet.
const UNSET: u32 = 0;
/// Nothing was stored since the last look at the activity.
const QUIET: u32 = 1;
const STORED: u32 = 2;

/// The bits of the last value, of whichever thread; nothing at first.
#[derive(Debug, Default)]
pub struct GaugeCell {
    bits: AtomicU64,
    state: AtomicU32,
    activity: AtomicU64,
    rejected: AtomicU64,
}

impl GaugeCell {
    /// A cell without a value.
    pub fn new() -> Self {
        Self {
            bits: AtomicU64::new(0),
            state: AtomicU32::new(UNSET),
            activity: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
        }
    }

    /// Replaces the value.
    #[inline(always)]
    pub fn store(&self, bits: u64) {
        self.bits.store(bits, Relaxed);
        self.note_store();
    }

    /// Replaces the value by what `change` makes of it, of zero bits if there is none yet. `change` is called again when
    /// another thread was faster.
    pub fn update(&self, change: impl Fn(u64) -> u64) {
        let mut before = self.bits.load(Relaxed);
        while let Err(now) = self.bits.compare_exchange_weak(before, change(before), Relaxed, Relaxed) {
            before = now;
        }
        self.note_store();
    }

    #[inline(always)]
    fn note_store(&self) {
        if self.state.load(Relaxed) != STORED {
            // Release: edge SET. Who sees that there is a value sees one.
            self.state.store(STORED, Release);
        }
    }

    /// The value, if any was stored.
    pub fn load(&self) -> Option<u64> {
        // Acquire: edge SET. The value is at least the first one.
        (self.state.load(Acquire) != UNSET).then(|| self.bits.load(Relaxed))
    }

    /// A number that changes when a value was stored since the last call, even the same value. A store at the same moment
    /// may be missed; compare the value too.
    pub fn activity(&self) -> u64 {
        // Relaxed: a read-modify-write carries edge SET on to whoever reads what it stored.
        let stored = self.state.compare_exchange(STORED, QUIET, Relaxed, Relaxed).is_ok();
        self.activity.fetch_add(stored.into(), Relaxed) + u64::from(stored)
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
