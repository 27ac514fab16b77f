//! The words of a histogram's block: a line of sums and extremes, and the buckets.
//!
//! There is no word for the count: it is the sum of the buckets, so the two cannot disagree. A record raises the sum
//! first and the bucket last. A reader that finds the sum unmoved around the buckets therefore has, of each thread, the
//! sum of the values that it finds in the buckets and at most of one more, which is being recorded.

use std::{iter, mem};

use super::{BlockLease, Elsewhere, Recorded, cells::Cells, index::slots};
use crate::sync::{
    Arc,
    atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// The block begins with one line of other words; `request.rs` uses those that are left.
pub(super) const HEADER: usize = 8;
pub(super) const SUM: usize = 1;
const MAX: usize = 6;
/// The complement of the minimum, so that zero means "none".
const NOT_MIN: usize = 7;
/// How often a reader looks until it finds the sum unmoved.
const LOOKS: usize = 3;

/// Exponential buckets at a scale. The extremes are compared by the words of the values: those that have slots are in
/// order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exponential {
    scale: u8,
}

/// What is seen in a block, or the sum over all threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramTotals {
    /// The slot of the first of `slots`.
    pub first: usize,
    /// Counts by slot, from the first to the last that can be in use. None before the first record is whole.
    pub slots: Vec<u64>,
    /// Sum of the values.
    pub sum: u64,
    /// Smallest value, `u64::MAX` without values.
    pub min: u64,
    /// Largest value, zero without values.
    pub max: u64,
}

/// The sum over all threads of an exponential histogram, by buckets as OTLP counts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExponentialTotals {
    /// The scale.
    pub scale: u8,
    /// How many values were zero.
    pub zeros: u64,
    /// The index of the first of `counts`.
    pub offset: i32,
    /// Counts of positive values by bucket; those at both ends may be zero.
    pub counts: Vec<u64>,
    /// Sum of the values.
    pub sum: u64,
    /// Smallest value, `u64::MAX` without values.
    pub min: u64,
    /// Largest value, zero without values.
    pub max: u64,
}

/// Memory for the totals of one series after the other.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Becomes the counts of the next totals.
    pub counts: Vec<u64>,
    blocks: Vec<Arc<Cells>>,
    look: HistogramTotals,
}

/// Records `n` times a value in a block of the caller's own (OWNER). Extremes are compared by `rank`.
#[inline(always)]
pub(super) fn record<V: Recorded>(words: &[AtomicU64], value: u64, rank: u64, slot: usize, n: u64) {
    let sum = &split(words).0[SUM];
    // Release: edge EARLIER. Who reads this sum finds every earlier record in the buckets.
    sum.store(V::add(sum.load(Relaxed), value, n), Release);
    record_unsummed(words, rank, slot, n);
}

/// Records `n` times a value in everything but the sum.
#[inline(always)]
fn record_unsummed(words: &[AtomicU64], rank: u64, slot: usize, n: u64) {
    let (header, buckets) = split(words);
    if rank > header[MAX].load(Relaxed) {
        header[MAX].store(rank, Relaxed);
    }
    if !rank > header[NOT_MIN].load(Relaxed) {
        header[NOT_MIN].store(!rank, Relaxed);
    }
    let bucket = &buckets[slot];
    // Release: edge SUMMED. Who finds this record in its bucket finds that the sum has moved.
    bucket.store(bucket.load(Relaxed).wrapping_add(n), Release);
}

#[inline(always)]
fn split(words: &[AtomicU64]) -> (&[AtomicU64; HEADER], &[AtomicU64]) {
    words.split_first_chunk().expect("every block begins with a header")
}

impl Exponential {
    /// The scale is in `3..=8`.
    #[inline(always)]
    pub const fn new(scale: u8) -> Self {
        Self { scale }
    }

    /// The length of a block.
    #[inline(always)]
    pub const fn words(self) -> usize {
        HEADER + slots(self.scale)
    }

    /// Records `n` times a value in a block of the caller's own (OWNER); false if the value has no slot.
    #[inline(always)]
    pub fn record<V: Recorded>(self, words: &[AtomicU64], value: u64, n: u64) -> bool {
        let slot = V::slot(self.scale, value);
        if let Some(slot) = slot {
            record::<V>(words, value, value, slot, n);
        }
        slot.is_some()
    }

    /// Records `n` times zero, where [`record`](Self::record) has no slot for it. True: zero has one in every block.
    pub fn record_zero(words: &[AtomicU64], n: u64) -> bool {
        record_unsummed(words, 0, 0, n);
        true
    }

    /// Where a value goes that has no slot; `None` if it has one.
    pub fn elsewhere<V: Recorded>(self, value: u64) -> Option<Elsewhere> {
        V::slot(self.scale, value).is_none().then(|| V::elsewhere(self.scale, value))
    }

    /// Records a value in everything but the sum, if it has a slot.
    #[inline(always)]
    pub(super) fn record_unsummed<V: Recorded>(self, words: &[AtomicU64], value: u64) {
        if let Some(slot) = V::slot(self.scale, value) {
            record_unsummed(words, value, slot, 1);
        }
    }

    /// The slot of an extreme.
    pub(super) fn slot<V: Recorded>(self, value: u64) -> usize {
        V::slot(self.scale, value).unwrap_or(0)
    }

    /// The totals of a series.
    pub fn totals<V: Recorded>(self, lease: &BlockLease, scratch: &mut Scratch) -> ExponentialTotals {
        let totals =
            scratch.totals::<V>(lease, |look, words| look.settled(words, |value| self.slot::<V>(value)));
        self.by_bucket::<V>(totals)
    }

    /// The counts by bucket instead of slot.
    pub(super) fn by_bucket<V: Recorded>(self, totals: HistogramTotals) -> ExponentialTotals {
        let HistogramTotals { mut first, slots: mut counts, sum, min, max } = totals;
        let mut zeros = 0;
        if first == 0 {
            let (zero, others) = counts.split_first().map_or((0, &[][..]), |(zero, others)| (*zero, others));
            // Between zero and the other values there is mostly a gap: not worth keeping the memory for.
            let gap = others.iter().take_while(|&&count| count == 0).count();
            (zeros, first, counts) = (zero, 1 + gap, others[gap..].to_vec());
        }
        let offset = V::bucket(self.scale, first);
        ExponentialTotals { scale: self.scale, zeros, offset, counts, sum, min, max }
    }
}

impl Scratch {
    /// The totals over the blocks of a series, of which `look` looks at one.
    pub(super) fn totals<V: Recorded>(
        &mut self,
        lease: &BlockLease,
        mut look: impl FnMut(&mut HistogramTotals, &[AtomicU64]),
    ) -> HistogramTotals {
        let mut totals = HistogramTotals { slots: mem::take(&mut self.counts), ..HistogramTotals::default() };
        totals.slots.clear();
        lease.blocks_into(&mut self.blocks);
        for block in self.blocks.drain(..) {
            if totals.slots.is_empty() {
                // There is nothing to add to, so the counts can be where they are wanted at once.
                look(&mut totals, block.as_slice());
                totals.sum = V::add_sums(0, totals.sum);
            } else {
                look(&mut self.look, block.as_slice());
                totals.add::<V>(&self.look);
            }
        }
        totals
    }
}

impl HistogramTotals {
    /// Looks at a block, again while its sum moves, but not for ever. `slot` is that of a rank.
    pub(super) fn settled(&mut self, words: &[AtomicU64], slot: impl Fn(u64) -> usize) {
        for _ in 0..LOOKS {
            let sum = self.once(words, &slot);
            if words[SUM].load(Relaxed) == sum {
                break;
            }
        }
    }

    /// Looks at a block once, and gives the sum that was there at first.
    pub(super) fn once(&mut self, words: &[AtomicU64], slot: impl Fn(u64) -> usize) -> u64 {
        self.slots.clear();
        // Acquire: edge EARLIER. All records before the one whose sum this is are in extremes and buckets.
        let sum = words[SUM].load(Acquire);
        let (min, max) = (!words[NOT_MIN].load(Relaxed), words[MAX].load(Relaxed));
        if min > max {
            // Nothing is recorded yet, or the first record is under way; it will be in the next time.
            *self = Self { slots: mem::take(&mut self.slots), ..Self::default() };
            return sum;
        }
        (self.sum, self.min, self.max) = (sum, min, max);
        // Only these slots can be in use. A record that is under way may be left out; it will be in the next time.
        self.first = slot(min);
        let in_use = &words[HEADER + self.first..=HEADER + slot(max)];
        // As many as there are: these may be kept.
        self.slots.reserve_exact(in_use.len());
        // Acquire: edge SUMMED. If a later record is in a bucket, the second look at the sum shows that.
        self.slots.extend(in_use.iter().map(|bucket| bucket.load(Acquire)));
        sum
    }

    /// Adds what was seen in another block.
    pub(super) fn add<V: Recorded>(&mut self, look: &Self) {
        if look.slots.is_empty() {
            return;
        }
        self.sum = V::add_sums(self.sum, look.sum);
        self.min = self.min.min(look.min);
        self.max = self.max.max(look.max);
        self.make_room(look.first, look.first + look.slots.len());
        self.slots[look.first - self.first..].iter_mut().zip(&look.slots).for_each(|(total, count)| {
            *total = total.saturating_add(*count);
        });
    }

    /// Makes the counts reach from slot `first` at least to that before `end`.
    pub(super) fn make_room(&mut self, first: usize, end: usize) {
        let missing = self.first.saturating_sub(first);
        self.slots.splice(..0, iter::repeat_n(0, missing));
        self.first -= missing;
        let len = end.saturating_sub(self.first);
        self.slots.resize(self.slots.len().max(len), 0);
    }
}

impl Default for HistogramTotals {
    fn default() -> Self {
        Self { first: 0, slots: Vec::new(), sum: 0, min: u64::MAX, max: 0 }
    }
}
