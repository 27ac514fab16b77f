//! Channels as the traits of the crate `futures` see them.

use std::{
    fmt,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::{Permit, Receiver, SendError, Sender, receiving::Receiving};
use crate::{
    flow::budget,
    sync::Arc,
    wait::{WaitList, Waiter},
};

impl<T> Receiver<T> {
    /// A stream of what is received, until the channel is closed and empty.
    ///
    /// # Cancel safety
    /// A value is received when the stream yields it, and not before.
    ///
    /// # Examples
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use freewheel::flow::channel;
    /// use futures_util::StreamExt;
    ///
    /// let (sender, receiver) = channel::bounded(4);
    /// for number in 1..=3 {
    ///     sender.send_async(number).await?;
    /// }
    /// drop(sender);
    /// assert_eq!(receiver.into_stream().map(|number| number * 2).collect::<Vec<_>>().await, [2, 4, 6]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_stream(self) -> ReceiverStream<T> {
        ReceiverStream { receiving: Receiving::new(Values(self)), is_over: false }
    }
}

impl<T> Sender<T> {
    /// A sink that sends. It holds room for the next value from when it is ready until that is there.
    ///
    /// Closing the sink drops the sender.
    pub fn into_sink(self) -> SenderSink<T> {
        SenderSink { waiter: Some(Waiter::new(Room(self))), is_reserved: false }
    }
}

/// Those who wait for values, and the receiver that keeps them.
struct Values<T>(Receiver<T>);

impl<T> Deref for Values<T> {
    type Target = WaitList;

    fn deref(&self) -> &WaitList {
        &self.0.core.receivers
    }
}

/// Those who wait for room, and the sender that keeps them.
struct Room<T>(Sender<T>);

impl<T> Deref for Room<T> {
    type Target = WaitList;

    fn deref(&self) -> &WaitList {
        &self.0.core.senders
    }
}

/// What is received; see [`Receiver::into_stream`].
#[must_use = "it receives nothing unless it is polled"]
pub struct ReceiverStream<T> {
    receiving: Receiving<Values<T>>,
    is_over: bool,
}

impl<T> Stream for ReceiverStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let core = Arc::clone(&self.receiving.list().0.core);
        let received = ready!(self.receiving.poll(&core, context, || core.attempt_recv()));
        self.is_over = received.is_err();
        Poll::Ready(received.ok().map(|message| core.label.unpack(message)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // Another receiver may get what is there now.
        (0, self.is_over.then_some(0))
    }
}

impl<T> FusedStream for ReceiverStream<T> {
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}

impl<T> fmt::Debug for ReceiverStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverStream").field("receiver", &self.receiving.list().0).finish_non_exhaustive()
    }
}

/// Sends; see [`Sender::into_sink`].
///
/// Its error says that the channel is closed, and gives the value back if there is one.
#[must_use = "it sends nothing unless it is given something"]
pub struct SenderSink<T> {
    /// None when it is closed.
    waiter: Option<Waiter<Room<T>>>,
    is_reserved: bool,
}

impl<T> SenderSink<T> {
    fn give_up(&mut self) {
        if let Some(waiter) = &self.waiter
            && self.is_reserved
        {
            self.is_reserved = false;
            waiter.list().0.core.unreserve();
        }
    }
}

impl<T> Sink<T> for SenderSink<T> {
    type Error = SendError<Option<T>>;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = &mut *self;
        let Some(waiter) = &mut this.waiter else { return Poll::Ready(Err(SendError(None))) };
        if this.is_reserved {
            return Poll::Ready(Ok(()));
        }
        let core = Arc::clone(&waiter.list().0.core);
        let had_waited = waiter.is_in_line();
        if !had_waited && budget::is_spent(context) {
            return Poll::Pending;
        }
        let reserved = ready!(waiter.poll_until(context, || Permit::attempt(&core)));
        if had_waited {
            core.pass_on_room();
        }
        this.is_reserved = reserved.is_ok();
        Poll::Ready(reserved.map(Permit::keep).map_err(|_| SendError(None)))
    }

    /// # Panics
    /// If it is not ready.
    fn start_send(mut self: Pin<&mut Self>, value: T) -> Result<(), Self::Error> {
        assert!(self.is_reserved, "`start_send` comes after `poll_ready`");
        let this = &mut *self;
        let Some(waiter) = &this.waiter else { return Err(SendError(Some(value))) };
        this.is_reserved = false;
        let permit = Permit::new(&waiter.list().0.core);
        permit.send(value).map_err(|SendError(value)| SendError(Some(value)))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.give_up();
        self.waiter = None;
        Poll::Ready(Ok(()))
    }
}

impl<T> Drop for SenderSink<T> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<T> fmt::Debug for SenderSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sender = self.waiter.as_ref().map(|waiter| &waiter.list().0);
        f.debug_struct("SenderSink").field("sender", &sender).finish_non_exhaustive()
    }
}
