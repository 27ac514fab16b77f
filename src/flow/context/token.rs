//! From and to the token of tokio-util.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{self, Wake, Waker},
};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{
    Context, ContextError,
    scope::{End, Scope},
};

/// Ends a scope when a token is cancelled, unless it is dropped before.
pub(super) struct Watch(Mutex<Pin<Box<WaitForCancellationFutureOwned>>>);

/// Woken by who cancels the token.
struct Cancel(Weak<Scope>);

impl Wake for Cancel {
    fn wake(self: Arc<Self>) {
        if let Some(scope) = self.0.upgrade() {
            scope.end(&End { error: ContextError::Cancelled, cause: None });
        }
    }
}

impl Watch {
    pub(super) fn new(token: CancellationToken) -> Self {
        Self(Mutex::new(Box::pin(token.cancelled_owned())))
    }

    /// Begins to look.
    pub(super) fn begin(&self, scope: Weak<Scope>) {
        let cancel = Arc::new(Cancel(scope));
        let mut cancelled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let polled =
            cancelled.as_mut().poll(&mut task::Context::from_waker(&Waker::from(Arc::clone(&cancel))));
        drop(cancelled);
        if polled.is_ready() {
            cancel.wake();
        }
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
impl Context {
    /// One that ends when `token` is cancelled.
    #[must_use]
    pub fn with_token(&self, token: &CancellationToken) -> Self {
        let (context, scope) = self.child(None);
        scope.watch(token.clone());
        context
    }

    /// A token that is cancelled when this ends. That the token is cancelled means nothing to this.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        let token = CancellationToken::new();
        let cancelled = token.clone();
        self.after(move |_| cancelled.cancel()).detach();
        token
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
impl From<&CancellationToken> for Context {
    fn from(token: &CancellationToken) -> Self {
        Self::background().with_token(token)
    }
}
