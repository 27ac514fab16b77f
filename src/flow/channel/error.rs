//! What the operations of channels fail with. Those of senders give the value back.

use std::{error::Error, fmt};

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
use crate::flow::context::ContextError;
use crate::queue::TryPopError;

/// Returned by [`send`](super::Sender::send): the channel is closed. Gives the value back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// Returned by [`try_send`](super::Sender::try_send). Gives the value back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room now, or nobody waits to whom the value could be handed.
    Full(T),
    /// The channel is closed.
    Closed(T),
}

/// Returned by [`send_timeout`](super::Sender::send_timeout) and [`send_deadline`](super::Sender::send_deadline). Gives the
/// value back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// There was no room in time.
    Timeout(T),
    /// The channel is closed.
    Closed(T),
}

/// Returned by [`send_ctx`](super::Sender::send_ctx). Gives the value back.
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendContextError<T> {
    /// The context has ended before there was room.
    Ended(T, ContextError),
    /// The channel is closed.
    Closed(T),
}

/// Returned by [`recv`](super::Receiver::recv): the channel is closed and empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError;

/// Returned by [`try_recv`](super::Receiver::try_recv).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is nothing now.
    Empty,
    /// The channel is closed and empty: there will never be anything again.
    Closed,
}

/// Returned by [`recv_timeout`](super::Receiver::recv_timeout) and [`recv_deadline`](super::Receiver::recv_deadline).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// Nothing came in time.
    Timeout,
    /// The channel is closed and empty: there will never be anything again.
    Closed,
}

/// Returned by [`recv_ctx`](super::Receiver::recv_ctx).
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvContextError {
    /// The context has ended before something came.
    Ended(ContextError),
    /// The channel is closed and empty: there will never be anything again.
    Closed,
}

const CLOSED: &str = "the channel is closed";
const CLOSED_AND_EMPTY: &str = "the channel is closed and empty";

impl<T> SendError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TrySendError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }

    /// Whether there was no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether the channel is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    pub(super) fn map<U>(self, map: impl FnOnce(T) -> U) -> TrySendError<U> {
        match self {
            Self::Full(value) => TrySendError::Full(map(value)),
            Self::Closed(value) => TrySendError::Closed(map(value)),
        }
    }
}

impl<T> SendTimeoutError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            Self::Timeout(value) | Self::Closed(value) => value,
        }
    }

    /// Whether the time was up.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }
}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl<T> SendContextError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            Self::Ended(value, _) | Self::Closed(value) => value,
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLOSED)
    }
}

impl<T> Error for SendError<T> {}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "Full(..)" } else { "Closed(..)" })
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "the channel is full" } else { CLOSED })
    }
}

impl<T> Error for TrySendError<T> {}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_timeout() { "Timeout(..)" } else { "Closed(..)" })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_timeout() { "the channel had no room in time" } else { CLOSED })
    }
}

impl<T> Error for SendTimeoutError<T> {}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl<T> fmt::Debug for SendContextError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(_, error) => write!(f, "Ended(.., {error:?})"),
            Self::Closed(_) => f.write_str("Closed(..)"),
        }
    }
}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl<T> fmt::Display for SendContextError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(_, error) => error.fmt(f),
            Self::Closed(_) => f.write_str(CLOSED),
        }
    }
}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl<T> Error for SendContextError<T> {}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLOSED_AND_EMPTY)
    }
}

impl Error for RecvError {}

impl TryRecvError {
    /// Whether there was nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::Empty
    }

    /// Whether there will never be anything again.
    #[must_use]
    pub fn is_closed(self) -> bool {
        self == Self::Closed
    }
}

impl From<TryPopError> for TryRecvError {
    fn from(error: TryPopError) -> Self {
        match error {
            TryPopError::Empty => Self::Empty,
            TryPopError::Closed => Self::Closed,
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "the channel is empty" } else { CLOSED_AND_EMPTY })
    }
}

impl Error for TryRecvError {}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "nothing came through the channel in time",
            Self::Closed => CLOSED_AND_EMPTY,
        })
    }
}

impl Error for RecvTimeoutError {}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl fmt::Display for RecvContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(error) => error.fmt(f),
            Self::Closed => f.write_str(CLOSED_AND_EMPTY),
        }
    }
}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl Error for RecvContextError {}
