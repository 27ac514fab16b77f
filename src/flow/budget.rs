//! Tasks that never have to wait let others run now and then.
//!
//! An executor cannot stop a task. One that finds something in a channel at each poll would keep its thread for as long as
//! others fill that channel.

use std::task::Context;

/// So many operations of the tasks of a thread may be ready at once, one after the other.
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
const BUDGET: u32 = 256;

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
thread_local! {
    static LEFT: std::cell::Cell<u32> = const { std::cell::Cell::new(BUDGET) };
}

/// Counts an operation. If it returns true, the caller returns `Pending`; it is woken at once.
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
#[inline]
pub(super) fn is_spent(context: &Context<'_>) -> bool {
    let left = LEFT.get();
    if left > 0 {
        LEFT.set(left - 1);
        return false;
    }
    renew();
    context.waker().wake_by_ref();
    true
}

/// The task waits now, so others run.
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
#[inline]
pub(super) fn renew() {
    LEFT.set(BUDGET);
}

/// In a model all run anyhow.
#[cfg(any(freewheel_loom, freewheel_shuttle))]
pub(super) fn is_spent(_context: &Context<'_>) -> bool {
    false
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
pub(super) fn renew() {}
