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
pub(super) struct Watch {
    token: CancellationToken,
    cancelled: Mutex<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// Woken by who cancels the token.
struct Cancel {
    scope: Weak<Scope>,
    token: CancellationToken,
}

impl Wake for Cancel {
    fn wake(self: Arc<Self>) {
        if let Some(scope) = self.scope.upgrade().filter(|_| self.token.is_cancelled()) {
            scope.end(&End { error: ContextError::Cancelled, cause: None });
        }
    }
}

impl Watch {
    pub(super) fn new(token: CancellationToken) -> Self {
        Self { cancelled: Mutex::new(Box::pin(token.clone().cancelled_owned())), token }
    }

    /// Begins to look.
    pub(super) fn begin(&self, scope: Weak<Scope>) {
        let cancel = Arc::new(Cancel { scope, token: self.token.clone() });
        let mut cancelled = self.cancelled.lock().unwrap_or_else(PoisonError::into_inner);
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
    ///
    /// It is cancelled also if nobody has this context any more; a context with a deadline is kept until that for it.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        match &self.scope {
            // One of its own: who cancels that does not cancel those of others.
            Some(scope) => scope.token().child_token(),
            None => CancellationToken::new(),
        }
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
impl From<&CancellationToken> for Context {
    fn from(token: &CancellationToken) -> Self {
        Self::background().with_token(token)
    }
}
