//! Tasks that never have to wait let others run now and then.
//!
//! An executor cannot stop a task. One that finds something in a channel at each poll would keep its thread for as long as
//! others fill that channel. A number of operations is no measure for that: where others make the room or the values, a task
//! that yields too often leaves them waiting.
//!
//! The count of operations also tells when a task is a step behind the other side of its channel.

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub(super) use self::slice::{is_in_lockstep, is_spent, renew};

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod slice {
    use std::{
        cell::Cell,
        task::Context,
        time::{Duration, Instant},
    };

    /// The tasks of a thread may go on for so long at least, if all that they do is ready at once. (Tokio's maintainers advise
    /// 10 to 100 µs: A. Ryhl, *Async: What is blocking?*, 2020.)
    const SLICE: Duration = Duration::from_micros(100);

    /// Operations between two looks at the clock.
    const STRIDE: u32 = 128;

    thread_local! {
        /// How many until the next look.
        static LEFT: Cell<u32> = const { Cell::new(STRIDE) };
        /// When the first look was.
        static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
        /// `LEFT` when a task was about to wait, the last time.
        static LEFT_AT_WAIT: Cell<u32> = const { Cell::new(0) };
    }

    /// Counts an operation. If it returns true, the caller returns `Pending`; it is woken at once.
    #[inline]
    pub(in crate::flow) fn is_spent(context: &Context<'_>) -> bool {
        let left = LEFT.get();
        if left > 0 {
            LEFT.set(left - 1);
            return false;
        }
        look(context)
    }

    #[cold]
    fn look(context: &Context<'_>) -> bool {
        LEFT.set(STRIDE);
        let now = Instant::now();
        let Some(since) = SINCE.get() else {
            SINCE.set(Some(now));
            return false;
        };
        if now - since < SLICE {
            return false;
        }
        renew();
        context.waker().wake_by_ref();
        true
    }

    /// Whether the operation that is about to wait comes next to one of this thread that was about to: what they look for comes
    /// one by one, and they are always a step behind.
    #[inline]
    pub(in crate::flow) fn is_in_lockstep() -> bool {
        let left = LEFT.get();
        LEFT_AT_WAIT.replace(left) == left + 1
    }

    /// The task waits now, so others run.
    #[inline]
    pub(in crate::flow) fn renew() {
        LEFT.set(STRIDE);
        SINCE.set(None);
    }
}

/// In a model all run anyhow.
#[cfg(any(freewheel_loom, freewheel_shuttle))]
pub(super) fn is_spent(_context: &std::task::Context<'_>) -> bool {
    false
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
pub(super) fn is_in_lockstep() -> bool {
    false
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
pub(super) fn renew() {}
