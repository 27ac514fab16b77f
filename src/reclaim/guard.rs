//! Guards, by which a thread keeps what it finds.

use std::{
    fmt,
    marker::PhantomData,
    process,
    ptr::NonNull,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use super::{eras::Stay, local};

/// How many guards a thread has, and whether it is at its end. Only the thread comes here (`util::seat`, ALONE): no model has
/// to look at it.
#[derive(Debug, Default)]
pub(super) struct Guards(AtomicUsize);

impl Guards {
    /// No guard, and the thread does not go on without one.
    const LATE: usize = 1;
    const GUARD: usize = 2;

    fn count(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// One more; returns whether it is the first.
    #[inline]
    fn come(&self) -> bool {
        let before = self.count();
        let is_first = before < Self::GUARD;
        if !is_first && before > isize::MAX as usize {
            // So many were forgotten. One more, and they would count as none.
            process::abort();
        }
        self.0.store(before + Self::GUARD, Relaxed);
        is_first
    }

    /// One less; returns what is left.
    #[inline]
    fn go(&self) -> usize {
        let left = self.count() - Self::GUARD;
        self.0.store(left, Relaxed);
        left
    }
}

/// No model comes there.
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl Guards {
    /// The thread is at its end; returns whether it has no guard.
    pub(super) fn be_late(&self) -> bool {
        let guards = self.count();
        self.0.store(guards | Self::LATE, Relaxed);
        guards == 0
    }

    /// As for a thread that has come just now.
    pub(super) fn reset(&self) {
        self.0.store(0, Relaxed);
    }
}

/// Keeps what its thread finds from being freed, until it is dropped.
pub struct Guard {
    stay: &'static Stay,
    /// It must not leave the thread.
    here: PhantomData<*mut ()>,
}

/// Starts to keep what this thread finds from now on.
///
/// *Progress:* wait-free, but for the first call of a thread, and when it is being torn down: lock-free then. *Cost:* a few
/// nanoseconds, of which most are a fence; guards nest, and an inner one is cheaper.
#[inline]
#[must_use]
pub fn pin() -> Guard {
    let stay = local::stay();
    if stay.guards.come() {
        stay.enter();
    }
    Guard { stay, here: PhantomData }
}

impl Guard {
    /// Whether what was found by the pointer that was loaded just now is kept.
    #[inline]
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.stay.is_extended()
    }

    /// Loads a pointer, and keeps what it points to.
    ///
    /// *Progress:* lock-free: it loads again if the clock has moved.
    #[inline]
    pub fn protect<T>(&self, load: impl Fn() -> Option<NonNull<T>>) -> Option<NonNull<T>> {
        loop {
            let found = load()?;
            if self.is_extended() {
                return Some(found);
            }
            self.stay.extend();
        }
    }

    /// Keeps everything that the caller has reached, and nobody can unlink meanwhile.
    #[inline]
    pub fn cover(&self) {
        if !self.is_extended() {
            self.stay.extend();
        }
    }
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        match self.stay.guards.go() {
            0 => self.stay.leave(),
            Guards::LATE => {
                self.stay.leave();
                local::depart();
            }
            _ => {}
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}
