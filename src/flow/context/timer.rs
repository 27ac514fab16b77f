//! Ending a scope at its deadline, for those who do not look at the clock themselves.

use std::{
    fmt,
    future::Future,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{self, Wake, Waker},
    time::Instant,
};

use futures_timer::Delay;

use super::scope::Scope;

/// Lets a scope look at the clock at its deadline, unless it is dropped before.
pub(super) struct Timer(Mutex<Delay>);

/// Woken by the timer's thread.
struct Look(Weak<Scope>);

impl Wake for Look {
    fn wake(self: Arc<Self>) {
        let look = || self.0.upgrade().map(|scope| scope.is_done());
        // It calls callbacks. A panic of one has been reported, and must not end the thread that all timers have; nor must what
        // it panicked with, when that is dropped.
        if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(look)) {
            let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)));
        }
    }
}

impl Timer {
    /// It is not set yet.
    pub(super) fn new(at: Instant) -> Self {
        Self(Mutex::new(Delay::new(at.saturating_duration_since(Instant::now()))))
    }

    /// Sets it; returns whether it is time already.
    pub(super) fn set(&self, scope: Weak<Scope>) -> bool {
        let waker = Waker::from(Arc::new(Look(scope)));
        let mut delay = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *delay).poll(&mut task::Context::from_waker(&waker)).is_ready()
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}
