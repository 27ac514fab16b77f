//! When work is to be given up, and why; and what belongs to a request on its way through a program.
//!
//! A [`Context`] goes from caller to callee as the first argument, as in Go (package `context`). From one, others are made
//! that end sooner: by a [handle](CancelHandle), or at a deadline. When a context ends, those made from it end too, at once,
//! and for the same reason; the other way round nothing happens.
//!
//! # Progress and cost
//!
//! | operation | |
//! |---|---|
//! | `is_done` without a deadline | wait-free: a load |
//! | `is_done` with one | that, and a look at the clock |
//! | making one | an allocation, and a lock of the one that it is made from |
//! | cancelling, also by a deadline | locks the context and all that were made from it, one inside the other |
//!
//! There is no timer but where somebody waits: for [`done`](Context::done), or with [`after`](Context::after). Who only
//! asks [`is_done`](Context::is_done) sees that the deadline has passed, and so do all who look after that.
//!
//! # Memory ordering
//! | edge  | Release side                 | Acquire side            | what becomes visible                           |
//! |-------|------------------------------|-------------------------|------------------------------------------------|
//! | `END` | `Scope::end`: `state.store`  | `Scope::is_done`: `state.load` | the reason; what the canceller did before |
//!
//! Everything else is under the lock of a scope: whether it has ended, while somebody is added to it. Locks are taken from a
//! scope to those made from it, never the other way round; and nothing of the user's is called or dropped under one.
//!
//! # Examples
//!
//! A cache may take five milliseconds, and nobody minds if that is too short; the database has what is left of the request.
//!
//! ```
//! use std::time::Duration;
//! use freewheel::flow::{Context, context::ContextError};
//!
//! fn cache(context: &Context) -> Result<&'static str, ContextError> {
//!     // It is slow today.
//!     Err(context.wait())
//! }
//!
//! fn database(context: &Context) -> Result<&'static str, ContextError> {
//!     context.check()?;
//!     Ok("from the database")
//! }
//!
//! fn serve(context: &Context) -> Result<&'static str, ContextError> {
//!     cache(&context.with_timeout(Duration::from_millis(5))).or_else(|_| database(context))
//! }
//!
//! let request = Context::background().with_timeout(Duration::from_secs(30));
//! assert_eq!(serve(&request), Ok("from the database"));
//! ```

mod after;
mod cancel;
mod done;
mod error;
mod scope;
mod timer;
#[cfg(feature = "tokio")]
mod token;
mod values;

use std::{
    any::Any,
    error::Error,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

pub use self::{
    after::AfterHandle,
    cancel::{CancelGuard, CancelHandle},
    done::Done,
    error::{Cause, ContextError},
};
use self::{
    scope::{Deadline, Scope},
    values::Values,
};
use crate::wait::{WaitList, park};

/// Says when work is to be given up, and carries values. See the [module](self).
///
/// Clones are the same context.
#[derive(Clone, Default)]
pub struct Context {
    /// None if it never ends.
    scope: Option<Arc<Scope>>,
    values: Values,
}

impl Context {
    /// The one that never ends and carries nothing: where all others begin.
    #[must_use]
    pub const fn background() -> Self {
        Self { scope: None, values: Values::NONE }
    }

    fn child(&self, deadline: Option<Deadline>) -> (Self, Arc<Scope>) {
        let scope = Scope::child_of(self.scope.as_ref(), deadline);
        (Self { scope: Some(Arc::clone(&scope)), values: self.values.clone() }, scope)
    }

    /// One that ends when the handle says so.
    ///
    /// That the handle is dropped means nothing; see [`CancelHandle::cancel_on_drop`].
    #[must_use]
    pub fn with_cancel(&self) -> (Self, CancelHandle) {
        let (context, scope) = self.child(None);
        (context, CancelHandle::new(scope))
    }

    /// One that ends when so much time has passed, counted from now.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.with_deadline(deadline),
            // Beyond the end of time.
            None => self.clone(),
        }
    }

    /// One that ends at `deadline`; if this one has an earlier deadline, at that.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        self.child(Some(Deadline::new(deadline, None))).0
    }

    /// As [`with_deadline`](Self::with_deadline); its [`cause`](Self::cause) is this one if the deadline passes.
    #[must_use]
    pub fn with_deadline_cause(
        &self,
        deadline: Instant,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        self.child(Some(Deadline::new(deadline, Some(Arc::from(cause.into()))))).0
    }

    /// One that carries a value beside those of this one; it hides another one of the same type.
    ///
    /// For what belongs to a request wherever it goes, such as who asked. Make a type of your own for each thing, so that
    /// nobody else's is hidden.
    #[must_use]
    pub fn with_value<T: Any + Send + Sync>(&self, value: T) -> Self {
        Self { scope: self.scope.clone(), values: self.values.with(value) }
    }

    /// The value of that type.
    ///
    /// *Cost:* a comparison for each value.
    #[must_use]
    pub fn value<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.values.get()
    }

    /// One that carries the same values, its trace among them, and never ends: for work that goes on when the request is over.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self { scope: None, values: self.values.clone() }
    }

    /// Whether it has ended: cancelled, or the deadline has passed.
    ///
    /// What who cancelled it did before happens before this.
    #[inline]
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.is_done())
    }

    /// Why it has ended; none if it has not.
    #[must_use]
    pub fn err(&self) -> Option<ContextError> {
        self.scope.as_ref()?.end_of().map(|end| end.error)
    }

    /// Fine if it has not ended; for `?` in long work.
    ///
    /// # Errors
    /// Why it has.
    #[inline]
    pub fn check(&self) -> Result<(), ContextError> {
        if self.is_done() { self.err().map_or(Ok(()), Err) } else { Ok(()) }
    }

    /// What led to its end, as who ended it has put it; if nothing was said, the same as [`err`](Self::err).
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        let end = self.scope.as_ref()?.end_of()?;
        Some(end.cause.clone().unwrap_or_else(|| Arc::new(end.error)))
    }

    /// When it ends at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.scope.as_ref()?.deadline()
    }

    /// Blocks the thread until it ends, and says why. The background never does.
    #[must_use = "it says why"]
    pub fn wait(&self) -> ContextError {
        loop {
            if let Some(error) = self.wait_until(None) {
                return error;
            }
        }
    }

    /// Blocks the thread until it ends, but no longer than so; none if it has not ended then.
    #[must_use = "it says whether it has ended"]
    pub fn wait_timeout(&self, timeout: Duration) -> Option<ContextError> {
        self.wait_until(Instant::now().checked_add(timeout))
    }

    /// Those who wait for its end; none if it has none.
    pub(crate) fn waiters(&self) -> Option<&WaitList> {
        self.scope.as_ref().map(|scope| scope.waiters())
    }

    /// Why it has ended, for one whose wait nothing else could end. If nothing has been noticed yet, it was the deadline: the
    /// clock was read a moment earlier.
    pub(in crate::flow) fn why_ended(&self) -> ContextError {
        self.err().unwrap_or(ContextError::DeadlineExceeded)
    }

    /// Sees to it that its deadline wakes those who wait.
    pub(crate) fn start_timer(&self) {
        if let Some(scope) = &self.scope {
            scope.start_timer();
        }
    }

    fn wait_until(&self, deadline: Option<Instant>) -> Option<ContextError> {
        match &self.scope {
            Some(scope) => scope.wait(deadline),
            None => {
                while park(deadline) {}
                None
            }
        }
    }

    /// Waits as a task until it ends; the output says why.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub fn done(&self) -> Done {
        Done::new(self.scope.clone())
    }

    /// Calls `callback` once it ends, unless the handle is dropped before; now, if it has ended.
    ///
    /// It is called by the thread that cancels, or that first finds the deadline passed, after everybody who waits was
    /// woken: so it must be quick, and whatever takes long belongs elsewhere. If it panics, the other callbacks are called
    /// nevertheless, and then the panic goes on in that thread, unless that is the one of the timer.
    pub fn after(&self, callback: impl FnOnce(ContextError) + Send + 'static) -> AfterHandle {
        match &self.scope {
            Some(scope) => scope.after(Box::new(callback)),
            None => AfterHandle::never_called(),
        }
    }
}

#[cfg(feature = "trace")]
#[cfg_attr(docsrs, doc(cfg(feature = "trace")))]
impl Context {
    /// One that carries an OpenTelemetry context, with its span and its baggage.
    #[must_use]
    pub fn with_trace(&self, trace: opentelemetry::Context) -> Self {
        self.with_value(trace)
    }

    /// The OpenTelemetry context that it carries.
    #[must_use]
    pub fn trace(&self) -> Option<&opentelemetry::Context> {
        self.value()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("err", &self.err())
            .field("deadline", &self.deadline())
            .field("values", &self.values)
            .finish()
    }
}
