//! A fixed array of cells on cache lines of its own.

use std::fmt;

use crate::sync::atomic::AtomicU64;

/// Two cache lines: processors fetch them in pairs. Models have no caches.
const ALIGNMENT: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 1 } else { 128 };

/// Zeroed 64-bit cells. The first one starts a pair of cache lines and the last one is followed by slack, so that
/// no other allocation shares a line with them.
pub struct Cells {
    words: Box<[AtomicU64]>,
    start: usize,
    len: usize,
}

impl Cells {
    /// Allocates `len` cells.
    pub fn new(len: usize) -> Self {
        let slack = ALIGNMENT / size_of::<u64>();
        let words: Box<[AtomicU64]> = (0..len + 2 * slack).map(|_| AtomicU64::new(0)).collect();
        // `align_offset` may decline by its contract; the cells are then merely unaligned.
        let start = words.as_ptr().align_offset(ALIGNMENT).min(slack);
        Self { words, start, len }
    }

    /// The cells.
    pub fn as_slice(&self) -> &[AtomicU64] {
        &self.words[self.start..self.start + self.len]
    }
}

impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cells").field("len", &self.len).finish_non_exhaustive()
    }
}
