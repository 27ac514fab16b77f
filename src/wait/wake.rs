//! Who can be woken.

use std::{task::Waker, time::Instant};

use crate::sync::thread::{self, Thread};

/// A thread or a task that can be woken.
#[derive(Clone, Debug)]
pub enum Wake {
    /// A thread that parks.
    Thread(Thread),
    /// A task that is polled.
    Task(Waker),
    /// Who notifies it: there is nobody else to do what is to be done.
    Notifier,
}

impl Wake {
    /// The calling thread.
    #[must_use]
    pub fn this_thread() -> Self {
        Self::Thread(thread::current())
    }

    /// Whether both wake the same task.
    pub(super) fn is_task(&self, waker: &Waker) -> bool {
        matches!(self, Self::Task(own) if own.will_wake(waker))
    }

    /// Wakes it.
    pub fn wake(self) {
        match self {
            Self::Thread(thread) => thread.unpark(),
            Self::Task(waker) => waker.wake(),
            Self::Notifier => {}
        }
    }
}

/// Parks the calling thread until it is woken, perhaps for nothing, or `deadline` has passed; returns whether it has not.
///
/// In a model a deadline has always passed.
#[must_use]
pub fn park(deadline: Option<Instant>) -> bool {
    let Some(deadline) = deadline else {
        thread::park();
        return true;
    };
    park_until(deadline)
}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
fn park_until(deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return false;
    }
    thread::park_timeout(left);
    true
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
fn park_until(_deadline: Instant) -> bool {
    thread::yield_now();
    false
}
