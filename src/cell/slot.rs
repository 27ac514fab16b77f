//! One thread's last value: several words that a reader sees all from the same write, or not at all.
//!
//! A sequence lock (Lameter 2005; Boehm, "Can seqlocks get along with programming language memory models?", 2012)
//! with one writer, which therefore never waits. In place of fences every word is stored with Release and loaded
//! with Acquire: the same instructions on x86-64, and model checkers and race detectors understand them better.

use crate::sync::{
    atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    hint,
};

/// How often a reader tries again while the writer keeps writing.
const ATTEMPTS: usize = 64;

/// A sequence number and `N` words: odd while they are written, and raised by two with each write.
#[derive(Debug)]
pub struct Slot<'a, const N: usize> {
    sequence: &'a AtomicU64,
    words: &'a [AtomicU64; N],
}

/// What a reader finds in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last<const N: usize> {
    /// How many writes there were.
    pub writes: u64,
    /// The words of the last one; zeros if there was none.
    pub words: [u64; N],
}

impl<'a, const N: usize> Slot<'a, N> {
    /// The slot in the first `1 + N` of `cells`.
    ///
    /// # Panics
    ///
    /// Panics if there are fewer cells.
    #[inline(always)]
    pub fn new(cells: &'a [AtomicU64]) -> Self {
        let (sequence, rest) = cells.split_first().expect("a slot has a sequence number");
        let words = rest.first_chunk().expect("a slot has N words");
        Self { sequence, words }
    }

    /// The words as the owner sees them.
    #[inline(always)]
    pub fn own(&self, word: usize) -> u64 {
        self.words[word].load(Relaxed)
    }

    /// Replaces the words. Only the owner may call this (OWNER).
    ///
    /// *Progress:* wait-free. *Cost:* `N + 2` stores.
    #[inline(always)]
    pub fn write(&self, words: [u64; N]) {
        let sequence = self.sequence.load(Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Relaxed);
        for (to, word) in self.words.iter().zip(words) {
            // Release: edge BEGUN. Who reads this word also sees that the sequence went odd.
            to.store(word, Release);
        }
        // Release: edge DONE. Who reads this sequence reads these words or later ones.
        self.sequence.store(sequence.wrapping_add(2), Release);
    }

    /// The words of one write, the number of writes up to it, or `None` if the writer came between each time.
    ///
    /// *Progress:* a bounded number of attempts; the writer is not disturbed.
    pub fn read(&self) -> Option<Last<N>> {
        (0..ATTEMPTS).find_map(|attempt| {
            if attempt > 0 {
                hint::spin_loop();
            }
            self.try_read()
        })
    }

    /// One attempt of [`read`](Self::read).
    pub fn try_read(&self) -> Option<Last<N>> {
        // Acquire: edge DONE. The words are at least those of the write that stored this sequence.
        let before = self.sequence.load(Acquire);
        if before % 2 == 1 {
            return None;
        }
        // Acquire: edge BEGUN. If a word is newer, the second look at the sequence shows that.
        let words = self.words.each_ref().map(|word| word.load(Acquire));
        let unchanged = self.sequence.load(Relaxed) == before;
        unchanged.then_some(Last { writes: before / 2, words })
    }

    /// The words as they are, perhaps of several writes, and the number of writes begun.
    pub fn read_torn(&self) -> Last<N> {
        let writes = self.sequence.load(Relaxed).div_ceil(2);
        Last { writes, words: self.words.each_ref().map(|word| word.load(Relaxed)) }
    }
}
