//! Buckets with given bounds: from a value to its bucket, and the block with their counts.

use std::{hint, sync::Arc};

use super::{
    BlockLease, Elsewhere, Recorded,
    histogram::{HEADER, HistogramTotals, Scratch, record},
};
use crate::sync::atomic::AtomicU64;

/// Upper bounds, and for each the rank of the largest value that lies within it.
#[derive(Debug)]
pub struct Bounds {
    /// In units of the instrument, rising.
    bounds: Arc<[f64]>,
    /// How many bounds lie below all values that can be recorded.
    below_all: usize,
    /// Those of the others, rising, and what no value passes up to a power of two less one.
    ranks: Box<[u64]>,
}

impl Bounds {
    /// `bounds` are in units of the instrument, and rise.
    pub fn new<V: Recorded>(bounds: Arc<[f64]>) -> Self {
        let mut ranks: Vec<u64> = bounds.iter().filter_map(|&bound| V::last_within(bound)).collect();
        let below_all = bounds.len() - ranks.len();
        ranks.resize((ranks.len() + 1).next_power_of_two() - 1, u64::MAX);
        Self { bounds, below_all, ranks: ranks.into() }
    }

    /// The bounds in units of the instrument.
    pub fn in_units(&self) -> &Arc<[f64]> {
        &self.bounds
    }

    /// How many buckets there are.
    fn buckets(&self) -> usize {
        self.bounds.len() + 1
    }

    /// The length of a block.
    pub fn words(&self) -> usize {
        HEADER + self.buckets()
    }

    /// The bucket of a value: how many bounds lie below it.
    #[inline(always)]
    fn bucket(&self, rank: u64) -> usize {
        // Halves what is left without a branch that depends on the value: no processor can guess that.
        let (mut bucket, mut half) = (0, self.ranks.len().div_ceil(2));
        while half > 0 {
            let passed = self.ranks[bucket + half - 1] < rank;
            bucket = hint::select_unpredictable(passed, bucket + half, bucket);
            half /= 2;
        }
        self.below_all + bucket
    }

    /// Records `n` times a value in a block of the caller's own (OWNER); false if that cannot be.
    #[inline(always)]
    pub fn record<V: Recorded>(&self, words: &[AtomicU64], value: u64, n: u64) -> bool {
        let rank = V::rank(value);
        if let Some(rank) = rank {
            record::<V>(words, value, rank, self.bucket(rank), n);
        }
        rank.is_some()
    }

    /// Where a value goes that has no bucket; `None` if it has one.
    pub fn elsewhere<V: Recorded>(&self, value: u64) -> Option<Elsewhere> {
        V::rank(value).is_none().then_some(Elsewhere::Nowhere)
    }

    /// The totals of a series, one slot for each bucket.
    pub fn totals<V: Recorded>(&self, lease: &BlockLease, scratch: &mut Scratch) -> HistogramTotals {
        scratch.counts.clear();
        scratch.counts.reserve_exact(self.buckets());
        let mut totals =
            scratch.totals::<V>(lease, |look, words| look.settled(words, |rank| self.bucket(rank)));
        totals.make_room(0, self.buckets());
        if totals.min <= totals.max {
            (totals.min, totals.max) = (V::of_rank(totals.min), V::of_rank(totals.max));
        }
        totals
    }
}
