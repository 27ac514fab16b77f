//! The clock, and the eras that threads have reserved.

use crossbeam_utils::CachePadded;

use super::{
    guard::Guards,
    local::{clock, stays},
};
use crate::{
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        fence,
    },
    util::Zeroed,
};

/// How exact births are: so many eras, as a power of two, count as one. So they last for 2^40 eras; objects that come after
/// that all count as born then, and a guard that is kept holds back all of them.
const BIRTH_SHIFT: u32 = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 0 } else { 8 };

/// When an object was made, or a little earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth(u32);

impl Birth {
    /// That of an object which nobody can reach yet.
    #[inline]
    #[must_use]
    pub fn now() -> Self {
        Self(u32::try_from(clock().now() >> BIRTH_SHIFT).unwrap_or(u32::MAX))
    }

    /// The object was not made before this one.
    fn era(self) -> u64 {
        u64::from(self.0) << BIRTH_SHIFT
    }
}

/// The present era.
#[derive(Debug)]
pub(super) struct Clock(pub(super) CachePadded<AtomicU64>);

impl Clock {
    /// Not [`NOBODY`].
    pub(super) const FIRST: u64 = 1;

    #[inline]
    pub(super) fn now(&self) -> u64 {
        // Relaxed: whoever found an object, by an edge of its structure, sees its birth or later.
        self.0.load(Relaxed)
    }

    /// Ends an era, and returns it: what the caller has unlinked before can be reached by no guard of a later one.
    fn advance(&self) -> u64 {
        // Release: edge GONE.
        let era = self.0.fetch_add(1, Release);
        // Pair SEEN: what was unlinked before, and the reservations that are read after this.
        fence(SeqCst);
        era
    }
}

/// Of a stay without guards: before the first era.
const NOBODY: u64 = 0;

/// The eras that a thread has reserved, at its seat.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Stay {
    /// The first of them, or [`NOBODY`].
    first: AtomicU64,
    last: AtomicU64,
    pub(super) guards: Guards,
}

// SAFETY: numbers, zero by default.
unsafe impl Zeroed for Stay {}

impl Stay {
    /// Reserves the present era.
    #[inline]
    pub(super) fn enter(&self) {
        // Acquire: edge GONE. What was unlinked and ended before cannot be reached any more.
        let era = clock().0.load(Acquire);
        self.last.store(era, Relaxed);
        // Release: edge LEFT. Who sees this may not see that we left before.
        self.first.store(era, Release);
        // Pair SEEN: the reservation, and the pointers that are loaded after this.
        fence(SeqCst);
    }

    /// Reserves all eras up to the present one.
    #[cold]
    pub(super) fn extend(&self) {
        self.last.store(clock().now(), Relaxed);
        // Pair SEEN: as in `enter`.
        fence(SeqCst);
    }

    /// Whether that is so already.
    #[inline]
    pub(super) fn is_extended(&self) -> bool {
        self.last.load(Relaxed) == clock().now()
    }

    #[inline]
    pub(super) fn leave(&self) {
        // Release: edge LEFT. We are done before anything that we held back is freed.
        self.first.store(NOBODY, Release);
    }

    fn reserved(&self) -> Option<Reserved> {
        // Acquire: edge LEFT.
        let first = self.first.load(Acquire);
        // Relaxed: if it is of another stay than `first`, that one found all that we have unlinked gone (SEEN).
        (first != NOBODY).then(|| Reserved { first, last: self.last.load(Relaxed) })
    }
}

/// Eras that somebody has reserved.
#[derive(Clone, Copy, Debug)]
struct Reserved {
    first: u64,
    last: u64,
}

/// What was reserved when somebody looked.
#[derive(Debug, Default)]
pub(super) struct Reservations(Vec<Reserved>);

impl Reservations {
    /// Ends an era, and returns it.
    pub(super) fn advance() -> u64 {
        clock().advance()
    }

    /// Looks at what is reserved now.
    pub(super) fn read(&mut self) {
        self.0.clear();
        self.0.extend(stays().iter().filter_map(|(_, stay)| stay.reserved()));
    }

    /// Whether one of them is of the life of an object.
    pub(super) fn meet(&self, birth: Birth, end: u64) -> bool {
        self.0.iter().any(|reserved| reserved.first <= end && birth.era() <= reserved.last)
    }
}
