//! A value for each seat.

use std::fmt;

use super::{Buckets, Seat, Zeroed};

/// Values in the first bucket: in most processes no more threads than that use one structure.
const FIRST: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 4 } else { 8 };

/// A value for each seat. All begin as zeros, and stay when a thread ends: the next one on its seat goes on with them.
#[derive(Default)]
pub struct PerSeat<T> {
    values: Buckets<T, FIRST, 20>,
}

impl<T: Zeroed> PerSeat<T> {
    /// The value of that seat.
    ///
    /// *Progress:* lock-free; the first call on a seat may allocate.
    #[inline]
    #[must_use]
    pub fn at(&self, seat: &Seat) -> &T {
        self.values.at(seat.number())
    }

    /// The values of all seats, taken or not, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.values.iter()
    }
}

impl<T> fmt::Debug for PerSeat<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerSeat").finish_non_exhaustive()
    }
}
