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
    pub(super) fn new(core: &'a Core<Message<T>>) -> Self {
        Self { core: Some(core) }
    }

    /// Sends `value`. Never waits.
    ///
    /// # Errors
    /// [`SendError`] if the channel was closed in the meantime; gives the value back.
    pub fn send(mut self, value: T) -> Result<(), SendError<T>> {
        let Some(core) = self.core.take() else { return Err(SendError(value)) };
        let (message, span) = core.label.pack(value);
        let sent = core.send_reserved(message);
        span.end(if sent.is_ok() { "sent" } else { "closed" });
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
