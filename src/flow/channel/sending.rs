//! Sending as a task.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{
    Message, Permit, SendError, TrySendError,
    core::{Core, Side},
    message::SendSpan,
    outgoing::{Line, Outgoing},
};
use crate::{
    flow::budget,
    wait::{WaitList, Waiter},
};

/// Sends a value; see [`Sender::send_async`](super::Sender::send_async).
#[must_use = "it does nothing unless it is polled"]
pub struct SendFuture<'a, T> {
    core: &'a Core<Message<T>>,
    /// None when it was polled.
    message: Option<Message<T>>,
    waiting: Option<Waiting<'a, T>>,
    /// None when it has ended.
    span: Option<SendSpan>,
}

struct Waiting<'a, T> {
    waiter: Waiter<Line<'a>>,
    outgoing: Outgoing<'a, Message<T>>,
    since: Option<Instant>,
}

// Nothing in it is pinned.
impl<T> Unpin for SendFuture<'_, T> {}

impl<'a, T> SendFuture<'a, T> {
    #[inline]
    pub(super) fn new(core: &'a Core<Message<T>>, value: T) -> Self {
        let (message, span) = core.label.pack(value);
        Self { core, message: Some(message), waiting: None, span: Some(span) }
    }

    /// The value, if it was not sent; it never will be then.
    #[must_use]
    pub fn into_inner(mut self) -> Option<T> {
        self.give_up().map(Message::into_inner)
    }

    #[cold]
    fn give_up(&mut self) -> Option<Message<T>> {
        let mut message = self.message.take();
        if let Some(mut waiting) = self.waiting.take() {
            message = waiting.outgoing.take_back();
            if message.is_some() {
                self.core.reject();
            }
        }
        if let Some(span) = self.span.take() {
            span.end(if message.is_some() { "cancelled" } else { "sent" });
        }
        message
    }

    /// Waits from now on, for there was no room.
    #[cold]
    fn begin_to_wait(&mut self, message: Message<T>, context: &Context<'_>) -> Poll<Result<(), Message<T>>> {
        let mut outgoing = Outgoing::new(self.core, message);
        let strategy = self.core.strategy;
        if let Some(sent) = strategy.look_again(budget::is_in_lockstep(), || outgoing.attempt()) {
            return Poll::Ready(sent);
        }
        budget::renew();
        let mut waiter = Waiter::new(outgoing.line());
        let since = self.core.clock();
        let sent = waiter.poll_after_look(context, || outgoing.attempt());
        if sent.is_pending() {
            self.waiting = Some(Waiting { waiter, outgoing, since });
        }
        sent
    }

    /// Waits on.
    #[cold]
    fn wait(&mut self, context: &Context<'_>) -> Poll<Result<(), Message<T>>> {
        let Waiting { waiter, outgoing, since } =
            self.waiting.as_mut().expect("it is not polled after it was ready");
        let sent = ready!(waiter.poll_until(context, || outgoing.attempt()));
        self.core.waited(Side::Send, *since);
        self.core.pass_on_room();
        self.waiting = None;
        Poll::Ready(sent)
    }
}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    /// # Panics
    /// If it was ready before.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let sent = if this.message.is_none() {
            ready!(this.wait(context))
        } else if budget::is_spent(context) {
            return Poll::Pending;
        } else {
            match this.message.take().map(|message| this.core.send_at_once(message)) {
                None | Some(Ok(())) => Ok(()),
                Some(Err(TrySendError::Closed(message))) => Err(message),
                Some(Err(TrySendError::Full(message))) => ready!(this.begin_to_wait(message, context)),
            }
        };
        if let Some(span) = this.span.take() {
            span.end(if sent.is_ok() { "sent" } else { "closed" });
        }
        Poll::Ready(sent.map_err(|message| SendError(message.into_inner())))
    }
}

impl<T> Drop for SendFuture<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.span.is_some() {
            drop(self.give_up());
        }
    }
}

impl<T> fmt::Debug for SendFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture").finish_non_exhaustive()
    }
}

/// Reserves room; see [`Sender::reserve_async`](super::Sender::reserve_async).
#[must_use = "it does nothing unless it is polled"]
pub struct ReserveFuture<'a, T> {
    core: &'a Core<Message<T>>,
    waiter: Waiter<&'a WaitList>,
    since: Option<Instant>,
}

impl<'a, T> ReserveFuture<'a, T> {
    pub(super) fn new(core: &'a Core<Message<T>>) -> Self {
        Self { core, waiter: Waiter::new(&core.senders), since: None }
    }
}

impl<'a, T> Future for ReserveFuture<'a, T> {
    type Output = Result<Permit<'a, T>, SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let core = this.core;
        if !this.waiter.is_in_line() && budget::is_spent(context) {
            return Poll::Pending;
        }
        let had_waited = this.waiter.is_in_line();
        let Poll::Ready(reserved) = this.waiter.poll_until(context, || Permit::attempt(core)) else {
            this.since = this.since.or_else(|| core.clock());
            budget::renew();
            return Poll::Pending;
        };
        if had_waited {
            core.waited(Side::Send, this.since);
            core.pass_on_room();
        }
        Poll::Ready(reserved)
    }
}

impl<T> fmt::Debug for ReserveFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReserveFuture").finish_non_exhaustive()
    }
}
