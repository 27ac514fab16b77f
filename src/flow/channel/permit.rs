//! Room that is reserved.

use std::fmt;

use super::{Message, SendError, core::Core};

/// Room in a channel for a value, see [`reserve`](super::Sender::reserve). Dropping it gives the room up.
#[must_use = "the room is given up when this is dropped"]
pub struct Permit<'a, T> {
    /// None if it was used.
    core: Option<&'a Core<Message<T>>>,
}

impl<'a, T> Permit<'a, T> {
    /// Room that was reserved.
    pub(super) fn new(core: &'a Core<Message<T>>) -> Self {
        Self { core: Some(core) }
    }

    /// Looks once for room, on behalf of one who waits.
    pub(super) fn attempt(core: &'a Core<Message<T>>) -> Option<Result<Self, SendError<()>>> {
        match core.try_reserve() {
            Ok(true) => Some(Ok(Self::new(core))),
            Ok(false) => None,
            Err(closed) => Some(Err(closed)),
        }
    }

    /// Leaves the room to one who knows that it is reserved.
    #[cfg(feature = "futures")]
    pub(super) fn keep(mut self) {
        self.core = None;
    }

    /// Sends `value`. Never waits.
    ///
    /// # Errors
    /// [`SendError`] if the channel was closed in the meantime; gives the value back.
    pub fn send(mut self, value: T) -> Result<(), SendError<T>> {
        let Some(core) = self.core else { return Err(SendError(value)) };
        let send = |message| {
            // And not before: to begin a span is foreign code, which may panic.
            self.core = None;
            core.send_reserved(message)
        };
        let sent = core.label.send(value, send, |_| "closed");
        sent.map_err(|SendError(message)| SendError(message.into_inner()))
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        if let Some(core) = self.core {
            core.unreserve();
        }
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
