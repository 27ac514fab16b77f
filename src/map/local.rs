//! What a map keeps for each thread.

use crossbeam_utils::CachePadded;

use crate::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    util::Zeroed,
};

/// A thread that changes a map.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// How many entries it has put in, less those that it has taken out.
    balance: AtomicU64,
    /// Whether it has a lock of the map.
    is_writing: AtomicBool,
}

// SAFETY: a number and a flag, zero by default.
unsafe impl Zeroed for Writer {}

impl Writer {
    /// Counts entries. By ALONE nobody else writes, so a load and a store will do.
    #[inline]
    fn count(&self, difference: i64) {
        self.balance.store(self.balance().wrapping_add_signed(difference), Relaxed);
    }

    fn balance(&self) -> u64 {
        self.balance.load(Relaxed)
    }

    /// How many entries all of them have put in, less those that they have taken out.
    pub(super) fn sum<'a>(writers: impl Iterator<Item = &'a Self>) -> usize {
        let sum = writers.map(Self::balance).fold(0, u64::wrapping_add);
        usize::try_from(sum.cast_signed()).unwrap_or_default()
    }

    /// Checks that the thread has no lock of the map: it would wait for itself.
    ///
    /// # Panics
    /// If it has.
    #[inline]
    pub(super) fn check_not_writing(&self) {
        assert!(
            !self.is_writing.load(Relaxed),
            "what a map calls while it changes (the function for `compute`, `eq` of keys and values) must not change that map"
        );
    }
}

/// A thread that has a lock of the map, or waits for one, as long as this is there.
#[derive(Debug)]
pub(super) struct Writing<'a>(&'a Writer);

impl<'a> Writing<'a> {
    /// # Panics
    /// If the thread has one already: it would wait for itself.
    #[inline]
    pub(super) fn new(writer: &'a Writer) -> Self {
        writer.check_not_writing();
        writer.is_writing.store(true, Relaxed);
        Self(writer)
    }

    /// Counts entries that it puts in, less those that it takes out.
    #[inline]
    pub(super) fn count(&self, difference: i64) {
        self.0.count(difference);
    }
}

impl Drop for Writing<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.is_writing.store(false, Relaxed);
    }
}

/// What stands at a seat, in cache lines of its own.
#[derive(Debug)]
pub(super) struct Local<L>(CachePadded<(Writer, L)>);

impl<L: Default> Default for Local<L> {
    fn default() -> Self {
        Self(CachePadded::default())
    }
}

// SAFETY: parts of which the default is zero.
unsafe impl<L: Zeroed> Zeroed for Local<L> {}

impl<L> Local<L> {
    #[inline]
    pub(super) fn writer(&self) -> &Writer {
        &self.0.0
    }

    /// What the thread took out of the map.
    #[inline]
    pub(super) fn limbo(&self) -> &L {
        &self.0.1
    }
}

/// Nothing is ever taken out that has to be kept.
#[derive(Debug, Default)]
pub(super) struct NoLimbo;

// SAFETY: there is nothing to it.
unsafe impl Zeroed for NoLimbo {}
