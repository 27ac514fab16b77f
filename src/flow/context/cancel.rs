//! Who ends a context.

use std::{error::Error, fmt, sync::Arc};

use super::{
    Cause, ContextError,
    scope::{End, Scope},
};

/// Ends a context. Clones end the same one.
#[derive(Clone)]
pub struct CancelHandle {
    scope: Arc<Scope>,
}

impl CancelHandle {
    pub(super) fn new(scope: Arc<Scope>) -> Self {
        Self { scope }
    }

    /// Ends the context, and all that were made from it, unless they have ended. When this returns, they have; others may still
    /// be calling their callbacks.
    ///
    /// # Panics
    /// If a callback or a waker does; all are called nevertheless.
    pub fn cancel(&self) {
        self.end(None);
    }

    /// As [`cancel`](Self::cancel), and says what led to it. If it has ended already, it keeps the cause that it has.
    ///
    /// # Panics
    /// As `cancel`.
    pub fn cancel_with(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) {
        self.end(Some(Arc::from(cause.into())));
    }

    fn end(&self, cause: Option<Cause>) {
        // Its deadline may have passed, and nobody have looked: then that was it.
        self.scope.is_done();
        // Else, or if somebody else is about to end it: all have ended after this.
        self.scope.end(&End { error: ContextError::Cancelled, cause });
    }

    /// Ends the context when this is dropped: on each way out of the function that has it. (If that is a panic, and a callback
    /// panics too, the process aborts.)
    #[must_use = "it cancels when it is dropped"]
    pub fn cancel_on_drop(self) -> CancelGuard {
        CancelGuard { handle: Some(self) }
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle").field("is_done", &self.scope.is_done()).finish()
    }
}

/// Ends a context when it is dropped.
#[derive(Debug)]
pub struct CancelGuard {
    handle: Option<CancelHandle>,
}

impl CancelGuard {
    /// Does not cancel, and returns the handle.
    #[must_use = "nothing else cancels"]
    pub fn disarm(mut self) -> Option<CancelHandle> {
        self.handle.take()
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.cancel();
        }
    }
}
