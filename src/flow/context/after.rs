//! Callbacks for the end of a context.

use std::{fmt, sync::Arc};

use super::{ContextError, scope::Scope};

/// Called once.
pub(super) type Callback = Box<dyn FnOnce(ContextError) + Send>;

/// Calls a callback off when it is dropped; see [`Context::after`](super::Context::after).
#[must_use = "when it is dropped, the callback is called off"]
pub struct AfterHandle(State);

enum State {
    Registered {
        scope: Arc<Scope>,
        key: usize,
    },
    Called,
    /// The context never ends.
    NeverCalled,
}

impl AfterHandle {
    pub(super) fn registered(scope: Arc<Scope>, key: usize) -> Self {
        Self(State::Registered { scope, key })
    }

    pub(super) fn called() -> Self {
        Self(State::Called)
    }

    pub(super) fn never_called() -> Self {
        Self(State::NeverCalled)
    }

    /// Calls it off; returns whether it was not called, and will not be.
    #[must_use = "to drop it calls it off too"]
    pub fn stop(mut self) -> bool {
        self.call_off()
    }

    /// Lets it be called when the context ends, without this handle, and also if there is no other handle on the context.
    ///
    /// It takes memory until then: for good, if nobody is left who could end the context.
    pub fn detach(mut self) {
        if let State::Registered { scope, .. } = self.take() {
            scope.keep();
        }
    }

    fn take(&mut self) -> State {
        std::mem::replace(&mut self.0, State::Called)
    }

    fn call_off(&mut self) -> bool {
        match self.take() {
            State::Registered { scope, key } => scope.remove_callback(key),
            State::Called => false,
            State::NeverCalled => true,
        }
    }
}

impl Drop for AfterHandle {
    fn drop(&mut self) {
        self.call_off();
    }
}

impl fmt::Debug for AfterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterHandle").finish_non_exhaustive()
    }
}
