//! Waiting for the end of a context as a task.

use std::{
    fmt,
    future::Future,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
};

use super::{ContextError, scope::Scope};
use crate::wait::{WaitList, Waiter};

/// Ready when a context has ended; see [`Context::done`](super::Context::done).
#[must_use = "it does nothing unless it is polled"]
pub struct Done {
    /// None for one that never ends.
    waiter: Option<Waiter<Waiters>>,
}

/// Those who wait for the end of a scope.
struct Waiters(Arc<Scope>);

impl Deref for Waiters {
    type Target = WaitList;

    fn deref(&self) -> &WaitList {
        self.0.waiters()
    }
}

impl Done {
    pub(super) fn new(scope: Option<Arc<Scope>>) -> Self {
        Self { waiter: scope.map(|scope| Waiter::new(Waiters(scope))) }
    }
}

impl Future for Done {
    type Output = ContextError;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<ContextError> {
        let Some(waiter) = &mut self.waiter else { return Poll::Pending };
        let scope = Arc::clone(&waiter.list().0);
        let polled = waiter.poll_until(context, || scope.end_of().map(|end| end.error));
        if polled.is_pending() {
            scope.start_timer();
        }
        polled
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Done").finish_non_exhaustive()
    }
}
