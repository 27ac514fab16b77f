//! The words of a request block: a histogram of durations, the number of errors, and the last request.
//!
//! Sum, errors and last request are written as one [`Slot`], whose sequence also counts the requests: so a reader
//! gets a count, a sum and an error count of the same instant, and the mean is never made of two.

use std::time::Duration;

use super::{
    BlockLease, HistogramTotals, Last, Slot,
    histogram::{Histogram, SUM},
};
use crate::sync::atomic::AtomicU64;

/// The scale of the histogram.
const SCALE: u8 = 5;

type Durations = Histogram<Duration, SCALE>;

/// What the slot holds, in this order.
const SLOT_WORDS: usize = 5;
const SUM_WORD: usize = SUM - 1;
const ERRORS: usize = 1;
const AT: usize = 2;
const DURATION: usize = 3;
const OUTCOME: usize = 4;

/// Requests of a service: how many, how many failed, how long they took, which was the last.
#[derive(Debug)]
pub struct Request;

/// The sum over all threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestTotals {
    /// How many requests.
    pub requests: u64,
    /// How many of them failed.
    pub errors: u64,
    /// Nanoseconds that they took together, of the same instant as `requests`; wraps.
    pub sum: u64,
    /// The distribution of the durations in nanoseconds.
    pub durations: HistogramTotals,
    /// Time stamp, duration and whether it failed, of the request with the newest time stamp.
    pub last: Option<(u64, u64, bool)>,
}

impl Request {
    /// The length of a block.
    pub const WORDS: usize = Durations::WORDS;
    /// The scale of the histogram of durations.
    pub const SCALE: u8 = SCALE;

    /// Records a request in a block of the caller's own (OWNER). `failed` is 0 or 1.
    #[inline(always)]
    pub fn record(words: &[AtomicU64], at: u64, duration: u64, failed: u64) {
        let slot = Slot::<SLOT_WORDS>::new(words);
        let sum = slot.own(SUM_WORD).wrapping_add(duration);
        slot.write([sum, slot.own(ERRORS) + failed, at, duration, failed]);
        Durations::record_unsummed(words, duration);
    }

    /// The totals of a series.
    pub fn totals(lease: &BlockLease) -> RequestTotals {
        let mut totals = RequestTotals::default();
        totals.durations.min = u64::MAX;
        for block in lease.blocks() {
            let words = block.as_slice();
            let slot = Slot::<SLOT_WORDS>::new(words);
            // A writer that records without pause can outrun every attempt. What is left then may be of several
            // requests in flight; the last request is not taken from it.
            let whole = slot.read();
            totals.add_slot(whole.unwrap_or_else(|| slot.read_torn()), whole.is_some());
            Durations::add_block(&mut totals.durations, words);
        }
        totals
    }
}

impl RequestTotals {
    fn add_slot(&mut self, slot: Last<SLOT_WORDS>, whole: bool) {
        self.requests += slot.writes;
        self.errors += slot.words[ERRORS];
        self.sum = self.sum.wrapping_add(slot.words[SUM_WORD]);
        let last = (slot.words[AT], slot.words[DURATION], slot.words[OUTCOME] == 1);
        if whole && slot.writes > 0 && self.last.is_none_or(|newest| newest.0 <= last.0) {
            self.last = Some(last);
        }
    }
}

/// Only the last request, without counts.
#[derive(Debug)]
pub struct LastRequest;

impl LastRequest {
    /// The length of a block.
    pub const WORDS: usize = 4;

    /// Stores a request in a block of the caller's own (OWNER). `failed` is 0 or 1.
    #[inline(always)]
    pub fn record(words: &[AtomicU64], at: u64, duration: u64, failed: u64) {
        Slot::<3>::new(words).write([at, duration, failed]);
    }

    /// Time stamp, duration and whether it failed, of the request with the newest time stamp.
    pub fn newest(lease: &BlockLease) -> Option<(u64, u64, bool)> {
        let blocks = lease.blocks();
        let slots = blocks.iter().filter_map(|block| Slot::<3>::new(block.as_slice()).read());
        let written = slots.filter(|slot| slot.writes > 0);
        written.map(|slot| (slot.words[0], slot.words[1], slot.words[2] == 1)).max_by_key(|last| last.0)
    }
}
