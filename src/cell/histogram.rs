//! The words of a histogram's block.
//!
//! There is no word for the count: it is the sum of the buckets, so the two cannot disagree.

use std::marker::PhantomData;

use super::{BlockLease, Index, Recorded, bump};
use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The block begins with one line of other words; `request.rs` uses those that are left.
pub(super) const HEADER: usize = 8;
pub(super) const SUM: usize = 1;
const MAX: usize = 6;
/// The complement of the minimum, so that zero means "none".
const NOT_MIN: usize = 7;

/// A histogram of `V` at a scale.
#[derive(Debug)]
pub struct Histogram<V, const SCALE: u8>(PhantomData<V>);

/// The sum over all threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramTotals {
    /// Counts by slot, see [`Index`]; empty slots at the end may be missing.
    pub slots: Vec<u64>,
    /// Sum of the values; wraps.
    pub sum: u64,
    /// Smallest value in recorded units, `u64::MAX` without values.
    pub min: u64,
    /// Largest value, zero without values.
    pub max: u64,
}

impl<V: Recorded, const SCALE: u8> Histogram<V, SCALE> {
    /// The length of a block.
    pub const WORDS: usize = HEADER + Index::<V, SCALE>::SLOTS;

    /// Records a value in a block of the caller's own (OWNER).
    #[inline(always)]
    pub fn record(words: &[AtomicU64], value: u64) {
        bump(&words[SUM], value);
        Self::record_unsummed(words, value);
    }

    /// Records a value in everything but the sum.
    #[inline(always)]
    pub(super) fn record_unsummed(words: &[AtomicU64], value: u64) {
        if value > words[MAX].load(Relaxed) {
            words[MAX].store(value, Relaxed);
        }
        if !value > words[NOT_MIN].load(Relaxed) {
            words[NOT_MIN].store(!value, Relaxed);
        }
        bump(&words[HEADER + Index::<V, SCALE>::slot(value)], 1);
    }

    /// The totals of a series.
    pub fn totals(lease: &BlockLease) -> HistogramTotals {
        let mut totals = HistogramTotals { min: u64::MAX, ..HistogramTotals::default() };
        for block in lease.blocks() {
            Self::add_block(&mut totals, block.as_slice());
        }
        totals
    }

    /// Adds what one block holds.
    pub(super) fn add_block(totals: &mut HistogramTotals, words: &[AtomicU64]) {
        let (min, max) = (!words[NOT_MIN].load(Relaxed), words[MAX].load(Relaxed));
        if min > max {
            // Nothing is recorded yet, or the first record is under way; it will be in the next time.
            return;
        }
        totals.sum = totals.sum.wrapping_add(words[SUM].load(Relaxed));
        totals.min = totals.min.min(min);
        totals.max = totals.max.max(max);
        // Only these slots can be in use. A record that is under way may be left out; it will be in the next time.
        let slots = Index::<V, SCALE>::slot(min)..=Index::<V, SCALE>::slot(max);
        if totals.slots.len() <= *slots.end() {
            totals.slots.resize(slots.end() + 1, 0);
        }
        for slot in slots {
            totals.slots[slot] += words[HEADER + slot].load(Relaxed);
        }
    }
}
