//! What a writer does that was overtaken.

use std::hint;

/// A pause after each try that was overtaken. With two threads that do nothing but store, it about halves the time of
/// a store.
pub(super) struct Backoff {
    spins: u32,
}

impl Backoff {
    /// About as long as another store takes.
    pub(super) const SHORTEST: Self = Self { spins: 16 };
    /// About a microsecond.
    const LONGEST: Self = Self { spins: 64 };

    pub(super) fn wait(&mut self) {
        (0..self.spins).for_each(|_| hint::spin_loop());
        self.spins = (self.spins * 2).min(Self::LONGEST.spins);
    }
}
