//! The clock, guards, and what they reserve.

use std::{fmt, ptr::NonNull};

use crossbeam_utils::CachePadded;

use self::world::eras;
use crate::{
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        fence,
    },
    util::{
        PerSeat, Zeroed,
        seat::{self, Hold},
    },
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
        Self(u32::try_from(eras().now() >> BIRTH_SHIFT).unwrap_or(u32::MAX))
    }

    /// The object was not made before this one.
    fn era(self) -> u64 {
        u64::from(self.0) << BIRTH_SHIFT
    }
}

/// The clock, and what is reserved.
#[derive(Debug)]
struct Eras {
    now: CachePadded<AtomicU64>,
    stays: PerSeat<Stay>,
}

impl Default for Eras {
    fn default() -> Self {
        // Not `NOBODY`.
        Self { now: CachePadded::new(AtomicU64::new(1)), stays: PerSeat::default() }
    }
}

impl Eras {
    #[inline]
    fn now(&self) -> u64 {
        // Relaxed: whoever found an object, by an edge of its structure, sees its birth or later.
        self.now.load(Relaxed)
    }

    /// Ends an era, and returns it: what the caller has unlinked before can be reached by no guard of a later one.
    fn advance(&self) -> u64 {
        // Release: edge GONE.
        let era = self.now.fetch_add(1, Release);
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
struct Stay {
    /// The first of them, or [`NOBODY`].
    first: AtomicU64,
    last: AtomicU64,
    guards: Guards,
}

// SAFETY: numbers, zero by default.
unsafe impl Zeroed for Stay {}

/// How many guards the thread has. Only the thread comes here (`util::seat`, ALONE): no model has to look at it.
#[derive(Debug, Default)]
struct Guards(std::sync::atomic::AtomicUsize);

impl Guards {
    /// One more; returns whether it is the first.
    #[inline]
    fn come(&self) -> bool {
        let guards = self.0.load(Relaxed);
        self.0.store(guards + 1, Relaxed);
        guards == 0
    }

    /// One less; returns whether it was the last.
    #[inline]
    fn go(&self) -> bool {
        let guards = self.0.load(Relaxed) - 1;
        self.0.store(guards, Relaxed);
        guards == 0
    }
}

impl Stay {
    /// Reserves the present era.
    #[inline]
    fn enter(&self, eras: &Eras) {
        // Acquire: edge GONE. What was unlinked and ended before cannot be reached any more.
        let era = eras.now.load(Acquire);
        self.last.store(era, Relaxed);
        // Release: edge LEFT. Who sees this may not see that we left before.
        self.first.store(era, Release);
        // Pair SEEN: the reservation, and the pointers that are loaded after this.
        fence(SeqCst);
    }

    /// Reserves all eras up to the present one.
    #[cold]
    fn extend(&self, eras: &Eras) {
        self.last.store(eras.now(), Relaxed);
        // Pair SEEN: as in `enter`.
        fence(SeqCst);
    }

    #[inline]
    fn is_reserved(&self, era: u64) -> bool {
        self.last.load(Relaxed) == era
    }

    #[inline]
    fn leave(&self) {
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
        eras().advance()
    }

    /// Looks at what is reserved now.
    pub(super) fn read(&mut self) {
        self.0.clear();
        self.0.extend(eras().stays.iter().filter_map(|(_, stay)| stay.reserved()));
    }

    /// Whether one of them is of the life of an object.
    pub(super) fn meet(&self, birth: Birth, end: u64) -> bool {
        self.0.iter().any(|reserved| reserved.first <= end && birth.era() <= reserved.last)
    }
}

/// Keeps what its thread finds from being freed, until it is dropped.
pub struct Guard {
    eras: &'static Eras,
    stay: &'static Stay,
    _hold: Hold,
}

/// Starts to keep what this thread finds from now on.
///
/// *Progress:* wait-free, but for the first call of a thread. *Cost:* a few nanoseconds, of which most are a fence; guards nest,
/// and an inner one is cheaper.
#[inline]
#[must_use]
pub fn pin() -> Guard {
    let eras = eras();
    let hold = seat::hold();
    let stay = eras.stays.at(hold.seat());
    if stay.guards.come() {
        stay.enter(eras);
    }
    Guard { eras, stay, _hold: hold }
}

impl Guard {
    /// Loads a pointer, and keeps what it points to.
    ///
    /// *Progress:* lock-free: it loads again if the clock has moved.
    #[inline]
    pub fn protect<T>(&self, load: impl Fn() -> Option<NonNull<T>>) -> Option<NonNull<T>> {
        loop {
            let found = load()?;
            if self.stay.is_reserved(self.eras.now()) {
                return Some(found);
            }
            self.stay.extend(self.eras);
        }
    }

    /// Keeps everything that the caller has reached, and nobody can unlink meanwhile.
    #[inline]
    pub fn cover(&self) {
        if !self.stay.is_reserved(self.eras.now()) {
            self.stay.extend(self.eras);
        }
    }
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        if self.stay.guards.go() {
            self.stay.leave();
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod world {
    use std::sync::LazyLock;

    use super::Eras;

    static ERAS: LazyLock<Eras> = LazyLock::new(Eras::default);

    #[inline]
    pub(super) fn eras() -> &'static Eras {
        &ERAS
    }
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
mod world {
    //! In each execution anew.

    use std::{mem::ManuallyDrop, thread};

    use super::Eras;
    use crate::sync::raw::lazy_static;

    /// The eras of an execution.
    struct OfExecution(ManuallyDrop<Eras>);

    impl Drop for OfExecution {
        fn drop(&mut self) {
            // Else the execution has failed and is gone, and the checker's atomics with it.
            if !thread::panicking() {
                // SAFETY: they are dropped once.
                unsafe { ManuallyDrop::drop(&mut self.0) };
            }
        }
    }

    lazy_static! {
        static ref ERAS: OfExecution = OfExecution(ManuallyDrop::new(Eras::default()));
    }

    pub(super) fn eras() -> &'static Eras {
        &ERAS.0
    }
}
