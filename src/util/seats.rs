//! Which seats are taken.
//!
//! A bit for each. The lowest free one is taken first, so the numbers stay as small as the number of threads allows,
//! and whoever comes goes on with what the one before has left at that seat.
//!
//! # Memory ordering
//! | edge   | Release side           | Acquire side                  | what becomes visible                       |
//! |--------|------------------------|-------------------------------|--------------------------------------------|
//! | `SEAT` | `leave`: `fetch_and`   | `take`, `take_vacant`: RMW    | what the one before has done with the seat |
//!
//! # Invariants
//! * **ALONE**: a seat that is taken belongs to whoever took it, alone, until it is left.

use crate::{
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    util::{Buckets, Zeroed},
};

/// Seats in a word.
const SEATS: usize = u64::BITS as usize;

/// 64 seats, a bit for each: whether it is taken.
#[derive(Debug, Default)]
struct Word(AtomicU64);

// SAFETY: an atomic integer, which is zero by default.
unsafe impl Zeroed for Word {}

/// The seats of a process.
#[derive(Debug, Default)]
pub struct Seats {
    words: Buckets<Word, 1, 16>,
}

impl Seats {
    /// Takes the lowest free seat.
    ///
    /// *Progress:* lock-free.
    ///
    /// # Panics
    /// If four million seats are taken.
    #[must_use]
    pub fn take(&self) -> usize {
        (0..).step_by(SEATS).find_map(|first| self.take_from(first)).expect("some word has a free seat")
    }

    fn take_from(&self, first: usize) -> Option<usize> {
        let word = &self.words.at(first / SEATS).0;
        let mut taken = word.load(Relaxed);
        while taken != u64::MAX {
            let bit = taken.trailing_ones() as usize;
            // Acquire: edge SEAT. Others may have taken and left other seats of the word meanwhile; their
            // read-modify-writes continue what the one before us has released.
            match word.compare_exchange_weak(taken, taken | 1 << bit, Acquire, Relaxed) {
                Ok(_) => return Some(first + bit),
                Err(now) => taken = now,
            }
        }
        None
    }

    /// Takes that seat, if nobody has it; returns whether that is so.
    ///
    /// *Progress:* wait-free; one load if somebody has it.
    #[must_use]
    pub fn take_vacant(&self, seat: usize) -> bool {
        let (word, bit) = (&self.words.at(seat / SEATS).0, 1 << (seat % SEATS));
        // Acquire: edge SEAT.
        word.load(Relaxed) & bit == 0 && word.fetch_or(bit, Acquire) & bit == 0
    }

    /// Leaves a seat to whoever comes next; the caller has it.
    pub fn leave(&self, seat: usize) {
        // Release: edge SEAT. Whoever takes the seat next finds what we have left there.
        self.words.at(seat / SEATS).0.fetch_and(!(1 << (seat % SEATS)), Release);
    }
}
