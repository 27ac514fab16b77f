//! The words of a request block: a histogram of durations, the number of errors, and the last request.
//!
//! Sum, errors and last request are written as one [`Slot`], whose sequence also counts the requests: so a reader
//! gets a count, a sum and an error count of the same instant, and the mean is never made of two.

use super::{
    BlockLease, ExponentialTotals, HistogramTotals, Integer, Last, NANOS_PER_SECOND, Slot,
    histogram::{Exponential, SUM, Scratch},
};
use crate::sync::atomic::AtomicU64;

/// The durations, in nanoseconds of a second.
type Nanos = Integer<NANOS_PER_SECOND>;
const DURATIONS: Exponential = Exponential::new(5);

/// What the slot holds, in this order.
const SLOT_WORDS: usize = 4;
const SUM_WORD: usize = SUM - 1;
const ERRORS: usize = 1;
const AT: usize = 2;
const ENDING: usize = 3;

/// How a request ended, in one word: the nanoseconds that it took, at most 2^63 - 1, and in the top bit whether it
/// failed. A record has to fit into two registers, or its arguments are spilled on the hot path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending(u64);

impl Ending {
    const FAILED: u64 = 1 << 63;

    /// `nanos` is less than 2^63.
    #[inline(always)]
    pub fn new(nanos: u64, failed: bool) -> Self {
        debug_assert!(nanos < Self::FAILED, "the top bit is taken");
        Self(nanos | u64::from(failed) << 63)
    }

    /// How long the request took.
    #[inline(always)]
    pub fn nanos(self) -> u64 {
        self.0 & !Self::FAILED
    }

    /// Whether it failed.
    #[inline(always)]
    pub fn failed(self) -> bool {
        self.0 & Self::FAILED != 0
    }
}

/// A request and when it ended, in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The time stamp.
    pub at: u64,
    /// How it ended.
    pub ending: Ending,
}

/// Requests of a service: how many, how many failed, how long they took, which was the last.
#[derive(Debug)]
pub struct Request;

/// The sum over all threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestTotals {
    /// How many requests.
    pub requests: u64,
    /// How many of them failed.
    pub errors: u64,
    /// The distribution of the durations in nanoseconds. Their sum is of the same instant as `requests`; it wraps.
    pub durations: ExponentialTotals,
    /// The request with the newest time stamp.
    pub last: Option<Ended>,
}

impl Request {
    /// The length of a block.
    pub const WORDS: usize = DURATIONS.words();

    /// Records a request in a block of the caller's own (OWNER).
    #[inline(always)]
    pub fn record(words: &[AtomicU64], Ended { at, ending }: Ended) {
        let slot = Slot::<SLOT_WORDS>::new(words);
        let sum = slot.own(SUM_WORD).wrapping_add(ending.nanos());
        slot.write([sum, slot.own(ERRORS) + u64::from(ending.failed()), at, ending.0]);
        DURATIONS.record_unsummed::<Nanos>(words, ending.nanos());
    }

    /// How many requests were recorded; wraps.
    pub fn recorded(lease: &BlockLease) -> u64 {
        recorded::<SLOT_WORDS>(lease)
    }

    /// The totals of a series.
    pub fn totals(lease: &BlockLease, scratch: &mut Scratch) -> RequestTotals {
        let mut totals = RequestTotals::default();
        let mut sum = 0_u64;
        let durations = scratch.totals::<Nanos>(lease, |look, words| {
            let slot = Slot::<SLOT_WORDS>::new(words);
            // A writer that records without pause can outrun every attempt. What is left then may be of several
            // requests in flight; the last request is not taken from it.
            let whole = slot.read();
            let seen = whole.unwrap_or_else(|| slot.read_torn());
            sum = sum.wrapping_add(seen.words[SUM_WORD]);
            totals.add_slot(seen, whole.is_some());
            look.once(words, |nanos| DURATIONS.slot::<Nanos>(nanos));
        });
        totals.durations = ExponentialTotals { sum, ..DURATIONS.by_bucket::<Nanos>(durations) };
        totals
    }
}

/// How many requests were recorded into blocks that begin with a slot of `N` words; wraps.
fn recorded<const N: usize>(lease: &BlockLease) -> u64 {
    let blocks = lease.blocks();
    let writes = blocks.iter().map(|block| Slot::<N>::new(block.as_slice()).read_torn().writes);
    writes.fold(0, u64::wrapping_add)
}

impl RequestTotals {
    fn add_slot(&mut self, slot: Last<SLOT_WORDS>, whole: bool) {
        self.requests += slot.writes;
        self.errors += slot.words[ERRORS];
        let last = Ended { at: slot.words[AT], ending: Ending(slot.words[ENDING]) };
        if whole && slot.writes > 0 && self.last.is_none_or(|newest| newest.at <= last.at) {
            self.last = Some(last);
        }
    }
}

impl Default for RequestTotals {
    fn default() -> Self {
        let durations = DURATIONS.by_bucket::<Nanos>(HistogramTotals::default());
        Self { requests: 0, errors: 0, durations, last: None }
    }
}

/// Only the last request, without counts.
#[derive(Debug)]
pub struct LastRequest;

impl LastRequest {
    /// The length of a block.
    pub const WORDS: usize = 3;

    /// Stores a request in a block of the caller's own (OWNER).
    #[inline(always)]
    pub fn record(words: &[AtomicU64], Ended { at, ending }: Ended) {
        Slot::<2>::new(words).write([at, ending.0]);
    }

    /// How many requests were stored; wraps.
    pub fn recorded(lease: &BlockLease) -> u64 {
        recorded::<2>(lease)
    }

    /// The request with the newest time stamp.
    pub fn newest(lease: &BlockLease) -> Option<Ended> {
        let blocks = lease.blocks();
        let slots = blocks.iter().filter_map(|block| Slot::<2>::new(block.as_slice()).read());
        let written = slots.filter(|slot| slot.writes > 0);
        written
            .map(|slot| Ended { at: slot.words[0], ending: Ending(slot.words[1]) })
            .max_by_key(|last| last.at)
    }
}
