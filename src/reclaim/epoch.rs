//! Reclamation by `crossbeam-epoch`.

use std::fmt;

/// Keeps what its thread can reach from being freed, until it is dropped.
pub struct Guard(crossbeam_epoch::Guard);

/// Starts to keep alive what this thread can reach from now on.
///
/// *Progress:* never waits, but may run destructors of objects retired earlier, by any thread.
/// *Cost:* a few nanoseconds; guards nest, an inner one is cheaper.
#[inline]
#[must_use]
pub fn pin() -> Guard {
    Guard(crossbeam_epoch::pin())
}

impl Guard {
    /// Frees `object` once no guard that is alive now is left.
    ///
    /// What was done before this call is visible to every later [`pin`].
    ///
    /// # Safety
    /// * `object` came from `Box::into_raw`.
    /// * It is unlinked: nobody who pins from now on can reach it (REACH).
    /// * It is retired once (ONCE).
    /// * Its destructor may run on any thread, and what `T` borrows outlives every guard that is alive now.
    #[inline]
    pub unsafe fn retire<T>(&self, object: *mut T) {
        let free = move || {
            // SAFETY: the caller vouches that the pointer came from a box and, by ONCE, that nobody else frees it;
            // by GRACE nobody uses it any more.
            drop(unsafe { Box::from_raw(object) });
        };
        // SAFETY: the caller vouches that any thread may run the destructor, and for what `T` borrows.
        unsafe { self.0.defer_unchecked(free) };
    }

    /// Hands over what this thread has retired so far, so that it is freed soon and by any thread.
    pub fn flush(&self) {
        self.0.flush();
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}
