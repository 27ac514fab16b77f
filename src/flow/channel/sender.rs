//! The end that sends.

use std::{fmt, time::Duration, time::Instant};

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
use super::SendContextError;
use super::{
    ChannelStats, Message, Permit, ReserveFuture, SendError, SendFuture, SendTimeoutError, TrySendError,
    blocking::Refused,
    core::{Core, Side},
};
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
use crate::flow::Context;
use crate::{flow::until::Until, sync::Arc};

/// The end of a channel that sends. Clones send into the same channel; when the last one is dropped, the channel is closed.
///
/// What who sends a value did before happens before it is received.
pub struct Sender<T> {
    pub(in crate::flow) core: Arc<Core<Message<T>>>,
}

impl<T> Sender<T> {
    /// Sends a value if there is room for it now. Through a rendezvous channel it is handed to a receiver that waits; see
    /// [`rendezvous`](super::rendezvous()).
    ///
    /// *Progress:* lock-free, but for a lock if somebody is to be woken; a rendezvous takes one always. Never waits.
    ///
    /// # Errors
    /// [`Full`](TrySendError::Full) if there is no room, [`Closed`](TrySendError::Closed) if the channel is closed. Both give
    /// the value back.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let say = |error: &TrySendError<_>| if error.is_full() { "full" } else { "closed" };
        self.core.label.send(value, |message| self.core.try_send(message), say).map_err(|error| {
            if error.is_full() {
                self.core.reject();
            }
            error.map(Message::into_inner)
        })
    }

    #[inline]
    fn send_until(&self, value: T, until: Until<'_>) -> Result<(), Refused<T>> {
        let say = |refused: &Refused<_>| match refused {
            Refused::Closed(_) => "closed",
            Refused::GivenUp(_) => "cancelled",
        };
        self.core.label.send(value, |message| self.core.send(message, until), say).map_err(|refused| {
            match refused {
                Refused::Closed(message) => Refused::Closed(message.into_inner()),
                Refused::GivenUp(message) => {
                    self.core.reject();
                    Refused::GivenUp(message.into_inner())
                }
            }
        })
    }

    /// Sends a value, and blocks the thread until there is room. Through a rendezvous channel, until it is received.
    ///
    /// # Errors
    /// [`SendError`] if the channel is closed, also while this waits; gives the value back.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.send_until(value, Until::default()).map_err(|refused| match refused {
            Refused::Closed(value) | Refused::GivenUp(value) => SendError(value),
        })
    }

    /// As [`send`](Self::send), but waits no longer than so.
    ///
    /// # Errors
    /// [`Timeout`](SendTimeoutError::Timeout) if there was no room in time, [`Closed`](SendTimeoutError::Closed) if the channel
    /// is closed. Both give the value back.
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_at_latest(value, Instant::now().checked_add(timeout))
    }

    /// As [`send`](Self::send), but waits no longer than until `deadline`.
    ///
    /// # Errors
    /// As [`send_timeout`](Self::send_timeout).
    pub fn send_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_at_latest(value, Some(deadline))
    }

    fn send_at_latest(&self, value: T, deadline: Option<Instant>) -> Result<(), SendTimeoutError<T>> {
        self.send_until(value, Until::deadline(deadline)).map_err(|refused| match refused {
            Refused::Closed(value) => SendTimeoutError::Closed(value),
            Refused::GivenUp(value) => SendTimeoutError::Timeout(value),
        })
    }

    /// As [`send`](Self::send), but gives up when `context` ends.
    ///
    /// # Errors
    /// [`Ended`](SendContextError::Ended) if the context has ended before there was room, [`Closed`](SendContextError::Closed)
    /// if the channel is closed. Both give the value back.
    #[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
    pub fn send_ctx(&self, context: &Context, value: T) -> Result<(), SendContextError<T>> {
        if let Err(error) = context.check() {
            self.core.reject();
            return Err(SendContextError::Ended(value, error));
        }
        self.send_until(value, Until::context(context)).map_err(|refused| match refused {
            Refused::Closed(value) => SendContextError::Closed(value),
            Refused::GivenUp(value) => SendContextError::Ended(value, context.why_ended()),
        })
    }

    /// Sends a value, and waits as a task until there is room. Through a rendezvous channel, until it is received.
    ///
    /// The output is as that of [`send`](Self::send).
    ///
    /// # Cancel safety
    /// If the future is dropped before it was ready, the value was not sent, and is dropped with it; unless
    /// [`into_inner`](SendFuture::into_inner) takes it out before. Through a rendezvous channel it may have been received
    /// already. Where the value must not be lost, [`reserve_async`](Self::reserve_async) first.
    pub fn send_async(&self, value: T) -> SendFuture<'_, T> {
        SendFuture::new(&self.core, value)
    }

    /// Reserves room for a value if there is some now; with the permit the value is sent without waiting.
    ///
    /// In a rendezvous channel a receiver that waits is promised to the permit. If it gives up, the next one gets the value.
    ///
    /// *Cost:* a compare-exchange.
    ///
    /// # Errors
    /// [`Full`](TrySendError::Full) if there is no room, or if very many permits are held (4095 on targets of 64 bits, 63 on
    /// those of 32, if the capacity is more); [`Closed`](TrySendError::Closed) if the channel is closed.
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        match self.core.try_reserve() {
            Ok(true) => Ok(Permit::new(&self.core)),
            Ok(false) => {
                self.core.reject();
                Err(TrySendError::Full(()))
            }
            Err(SendError(())) => Err(TrySendError::Closed(())),
        }
    }

    /// Looks once for room, on behalf of one who waits.
    pub(in crate::flow) fn attempt_reserve(&self) -> Option<Result<Permit<'_, T>, SendError<()>>> {
        Permit::attempt(&self.core)
    }

    /// As [`try_reserve`](Self::try_reserve), but blocks the thread until there is room.
    ///
    /// # Errors
    /// [`SendError`] if the channel is closed.
    pub fn reserve(&self) -> Result<Permit<'_, T>, SendError<()>> {
        self.reserve_until(Until::default()).unwrap_or(Err(SendError(())))
    }

    fn reserve_until(&self, until: Until<'_>) -> Option<Result<Permit<'_, T>, SendError<()>>> {
        let attempt = || self.attempt_reserve();
        attempt().or_else(|| self.core.wait_for_room(until, attempt))
    }

    /// As [`reserve`](Self::reserve), but waits no longer than so.
    ///
    /// # Errors
    /// [`Timeout`](SendTimeoutError::Timeout) if there was no room in time, [`Closed`](SendTimeoutError::Closed) if the channel
    /// is closed.
    pub fn reserve_timeout(&self, timeout: Duration) -> Result<Permit<'_, T>, SendTimeoutError<()>> {
        self.reserve_at_latest(Instant::now().checked_add(timeout))
    }

    /// As [`reserve`](Self::reserve), but waits no longer than until `deadline`.
    ///
    /// # Errors
    /// As [`reserve_timeout`](Self::reserve_timeout).
    pub fn reserve_deadline(&self, deadline: Instant) -> Result<Permit<'_, T>, SendTimeoutError<()>> {
        self.reserve_at_latest(Some(deadline))
    }

    fn reserve_at_latest(&self, deadline: Option<Instant>) -> Result<Permit<'_, T>, SendTimeoutError<()>> {
        match self.reserve_until(Until::deadline(deadline)) {
            Some(reserved) => reserved.map_err(|SendError(())| SendTimeoutError::Closed(())),
            None => {
                self.core.reject();
                Err(SendTimeoutError::Timeout(()))
            }
        }
    }

    /// As [`reserve`](Self::reserve), but gives up when `context` ends.
    ///
    /// # Errors
    /// [`Ended`](SendContextError::Ended) if the context has ended before there was room, [`Closed`](SendContextError::Closed)
    /// if the channel is closed.
    #[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
    pub fn reserve_ctx(&self, context: &Context) -> Result<Permit<'_, T>, SendContextError<()>> {
        let ended = match context.check() {
            Ok(()) => match self.reserve_until(Until::context(context)) {
                Some(reserved) => return reserved.map_err(|SendError(())| SendContextError::Closed(())),
                None => context.why_ended(),
            },
            Err(error) => error,
        };
        self.core.reject();
        Err(SendContextError::Ended((), ended))
    }

    /// As [`try_reserve`](Self::try_reserve), but waits as a task until there is room.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped: nothing is reserved before it is ready.
    pub fn reserve_async(&self) -> ReserveFuture<'_, T> {
        ReserveFuture::new(&self.core)
    }

    /// Closes the channel: nothing is sent any more, and receivers get what is in it, and then its end. False if it was closed
    /// before.
    #[allow(
        clippy::must_use_candidate,
        reason = "it closes the channel; few ask whether they were the first"
    )]
    pub fn close(&self) -> bool {
        self.core.close()
    }

    /// Whether the channel is closed, by either side or because the other side is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.core.is_closed()
    }

    /// How many values are in the channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Whether the channel is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.core.is_empty()
    }

    /// Whether there is no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.capacity().is_some_and(|capacity| self.len() >= capacity)
    }

    /// For how many values there is room when it is empty; none if for any number, 0 if it is a rendezvous.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.core.capacity()
    }

    /// The name of the channel, or an empty one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.core.label.name
    }

    /// Figures of the channel.
    #[must_use]
    pub fn stats(&self) -> ChannelStats {
        ChannelStats::of(&self.core)
    }

    /// Whether both send into the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.core.add_end(Side::Send);
        Self { core: Arc::clone(&self.core) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.core.remove_end(Side::Send);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.debug(f, "Sender")
    }
}
