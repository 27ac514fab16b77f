//! The end that receives.

use std::{fmt, time::Duration, time::Instant};

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
use super::RecvContextError;
use super::{
    ChannelStats, Drain, IntoIter, Iter, Message, RecvError, RecvFuture, RecvManyFuture, RecvTimeoutError,
    TryRecvError,
    core::{Core, Side},
};
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
use crate::flow::Context;
use crate::{flow::until::Until, sync::Arc, wait::WaitList};

/// The end of a channel that receives. Each value goes to one receiver; clones share the channel, and when the last one is
/// dropped, the channel is closed, and what is in it is dropped.
pub struct Receiver<T> {
    pub(in crate::flow) core: Arc<Core<Message<T>>>,
}

impl<T> Receiver<T> {
    /// Receives the oldest value if there is one now.
    ///
    /// *Progress:* lock-free, but for a lock if somebody is to be woken; a rendezvous takes one always. Never waits.
    ///
    /// # Errors
    /// [`Empty`](TryRecvError::Empty) if there is nothing, or if the oldest one is being sent still;
    /// [`Closed`](TryRecvError::Closed) if the channel is closed and empty.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.core.try_recv().map(|message| self.core.label.unpack(message))
    }

    #[inline]
    fn recv_until(&self, until: Until<'_>) -> Option<Result<T, RecvError>> {
        let received = self.core.recv(until)?;
        Some(received.map(|message| self.core.label.unpack(message)))
    }

    /// Receives the oldest value, and blocks the thread until there is one.
    ///
    /// # Errors
    /// [`RecvError`] if the channel is closed and empty, also if that happens while this waits.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_until(Until::default()).unwrap_or(Err(RecvError))
    }

    /// As [`recv`](Self::recv), but waits no longer than so.
    ///
    /// # Errors
    /// [`Timeout`](RecvTimeoutError::Timeout) if nothing came in time, [`Closed`](RecvTimeoutError::Closed) if the channel is
    /// closed and empty.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_at_latest(Instant::now().checked_add(timeout))
    }

    /// As [`recv`](Self::recv), but waits no longer than until `deadline`.
    ///
    /// # Errors
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_at_latest(Some(deadline))
    }

    fn recv_at_latest(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        let received = self.recv_until(Until::deadline(deadline)).ok_or(RecvTimeoutError::Timeout)?;
        received.map_err(|RecvError| RecvTimeoutError::Closed)
    }

    /// As [`recv`](Self::recv), but gives up when `context` ends.
    ///
    /// # Errors
    /// [`Ended`](RecvContextError::Ended) if the context has ended before something came,
    /// [`Closed`](RecvContextError::Closed) if the channel is closed and empty.
    #[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
    pub fn recv_ctx(&self, context: &Context) -> Result<T, RecvContextError> {
        context.check().map_err(RecvContextError::Ended)?;
        let received = self.recv_until(Until::context(context));
        let received = received.ok_or_else(|| RecvContextError::Ended(context.why_ended()))?;
        received.map_err(|RecvError| RecvContextError::Closed)
    }

    /// Receives the oldest value, and waits as a task until there is one. The output is as that of [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped: nothing is received before it is ready.
    pub fn recv_async(&self) -> RecvFuture<'_, T> {
        RecvFuture::new(&self.core)
    }

    /// Receives what is there, up to `max` values, to the end of `values`; blocks the thread until there is one at least, unless
    /// `max` is 0. Returns how many.
    ///
    /// # Errors
    /// [`RecvError`] if the channel is closed and empty.
    pub fn recv_many(&self, values: &mut Vec<T>, max: usize) -> Result<usize, RecvError> {
        let core = &self.core;
        let mut receive = || core.attempt_recv_many(max, |message| values.push(core.label.unpack(message)));
        if let Some(received) = receive() {
            return received;
        }
        core.wait_for_values(Until::default(), receive).unwrap_or(Err(RecvError))
    }

    /// As [`recv_many`](Self::recv_many), but waits as a task. The output is the same.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped: nothing is received before it is ready.
    pub fn recv_many_async<'a>(&'a self, values: &'a mut Vec<T>, max: usize) -> RecvManyFuture<'a, T> {
        RecvManyFuture::new(&self.core, values, max)
    }

    /// Receives a value, and what is known of its sender; see [`recv`](Self::recv).
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    #[cfg(feature = "trace")]
    #[cfg_attr(docsrs, doc(cfg(feature = "trace")))]
    pub fn recv_message(&self) -> Result<Message<T>, RecvError> {
        let received = self.core.recv(Until::default()).unwrap_or(Err(RecvError))?;
        self.core.label.received(&received);
        Ok(received)
    }

    /// Receives a value, and what is known of its sender; see [`try_recv`](Self::try_recv).
    ///
    /// # Errors
    /// As [`try_recv`](Self::try_recv).
    #[cfg(feature = "trace")]
    #[cfg_attr(docsrs, doc(cfg(feature = "trace")))]
    pub fn try_recv_message(&self) -> Result<Message<T>, TryRecvError> {
        self.core.try_recv().inspect(|message| self.core.label.received(message))
    }

    /// Receives a value, and what is known of its sender; see [`recv_async`](Self::recv_async).
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// As [`recv_async`](Self::recv_async).
    #[cfg(feature = "trace")]
    #[cfg_attr(docsrs, doc(cfg(feature = "trace")))]
    pub async fn recv_message_async(&self) -> Result<Message<T>, RecvError> {
        let received = super::receiving::RecvMessage::new(&self.core).await;
        received.inspect(|message| self.core.label.received(message))
    }

    /// Receives, one by one, what is in the channel now, and does not wait; what is sent meanwhile may be among it.
    pub fn drain(&self) -> Drain<'_, T> {
        Drain::new(self)
    }

    /// Receives one value after another, and blocks the thread between them, until the channel is closed and empty.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(self)
    }

    /// Where to wait for values.
    pub(in crate::flow) fn line(&self) -> &WaitList {
        &self.core.receivers
    }

    /// Looks once, on behalf of one who waits.
    pub(in crate::flow) fn take_turn(&self) -> Option<Result<T, RecvError>> {
        let received = self.core.attempt_recv()?;
        self.core.pass_on_values();
        Some(received.map(|message| self.core.label.unpack(message)))
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

    /// Whether the channel is closed; there may be values in it still.
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

    /// Whether both receive from the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter::new(self)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.core.add_end(Side::Receive);
        Self { core: Arc::clone(&self.core) }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.core.remove_end(Side::Receive);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.debug(f, "Receiver")
    }
}
