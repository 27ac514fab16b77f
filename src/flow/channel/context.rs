//! Waiting no longer than a context lives.

use super::core::{Interrupt, Until};
use crate::flow::{Context, context::ContextError};

/// Calls `wait` with what ends its wait when `context` ends.
pub(super) fn until<R>(context: &Context, wait: impl FnOnce(Until<'_>) -> R) -> R {
    let is_due = || context.is_done();
    let interrupt = context.waiters().map(|list| Interrupt { list, is_due: &is_due });
    wait(Until { deadline: context.deadline(), interrupt })
}

/// Why a wait was given up.
pub(super) fn end_of(context: &Context) -> ContextError {
    // Nothing else ends such a wait; and without an end it has been the deadline, as the clock was read a moment earlier.
    context.err().unwrap_or(ContextError::DeadlineExceeded)
}
