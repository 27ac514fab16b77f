//! What a thread does that was overtaken.

use crate::sync::hint;

/// A pause after each lost race, twice as long each time.
///
/// The one who won goes on undisturbed meanwhile: on one cache line it does in that time what two who fight for the
/// line would not.
#[derive(Debug)]
pub struct Backoff {
    spins: u32,
    longest: u32,
}

impl Backoff {
    /// For an operation that allocates, like a store into `Latest`: from about as long as another one takes, to about a
    /// microsecond. With two threads that do nothing but store, it about halves the time of a store.
    pub const ALLOCATION: Self = Self { spins: 16, longest: 64 };
    /// For an operation of a few nanoseconds.
    pub const EXCHANGE: Self = Self { spins: 16, longest: 1024 };

    /// Pauses. (Not where nobody was overtaken: it would only be in the way there.)
    #[cold]
    #[inline(never)]
    pub fn wait(&mut self) {
        // A checker tries all orders anyhow.
        if cfg!(not(any(freewheel_loom, freewheel_shuttle))) {
            (0..self.spins).for_each(|_| hint::spin_loop());
        }
        self.spins = (self.spins * 2).min(self.longest);
    }
}
