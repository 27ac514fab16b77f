//! Sending as a task.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use super::{
    Message, Permit, SendError, TrySendError,
    core::{Core, Refused, Side, Waited},
    message::SendSpan,
    outgoing::{Line, Outgoing},
};
use crate::{
    flow::budget,
    wait::{WaitList, Waiter},
};

enum State<'a, T> {
    New(Message<T>),
    Waiting { waiter: Waiter<Line<'a>>, outgoing: Outgoing<'a, Message<T>>, since: Option<Instant> },
    Done,
}

/// Sends a value; see [`Sender::send_async`](super::Sender::send_async).
#[must_use = "it does nothing unless it is polled"]
pub struct SendFuture<'a, T> {
    core: &'a Core<Message<T>>,
    state: State<'a, T>,
    span: Option<SendSpan>,
}

// Nothing in it is pinned.
impl<T> Unpin for SendFuture<'_, T> {}

impl<'a, T> SendFuture<'a, T> {
    pub(super) fn new(core: &'a Core<Message<T>>, value: T) -> Self {
        let (message, span) = core.label.pack(value);
        Self { core, state: State::New(message), span: Some(span) }
    }

    /// The value, if it was not sent; it never will be then.
    #[must_use]
    pub fn into_inner(mut self) -> Option<T> {
        let message = match mem::replace(&mut self.state, State::Done) {
            State::New(message) => Some(message),
            State::Waiting { mut outgoing, .. } => outgoing.take_back(),
            State::Done => None,
        };
        message.map(Message::into_inner)
    }

    fn finish(&mut self, sent: Result<(), Message<T>>) -> Poll<Result<(), SendError<T>>> {
        self.state = State::Done;
        if let Some(span) = self.span.take() {
            span.end(if sent.is_ok() { "sent" } else { "closed" });
        }
        Poll::Ready(sent.map_err(|message| SendError(message.into_inner())))
    }
}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    /// # Panics
    /// If it was ready before.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let State::New(_) = this.state {
            if budget::is_spent(context) {
                return Poll::Pending;
            }
            let State::New(message) = mem::replace(&mut this.state, State::Done) else {
                unreachable!("it is new")
            };
            match this.core.send_at_once(message) {
                Ok(()) => return this.finish(Ok(())),
                Err(TrySendError::Closed(message)) => return this.finish(Err(message)),
                Err(TrySendError::Full(message)) => {
                    let outgoing = Outgoing::new(this.core, message);
                    let waiter = Waiter::new(outgoing.line());
                    this.state = State::Waiting { waiter, outgoing, since: this.core.clock() };
                }
            }
        }
        let State::Waiting { waiter, outgoing, since } = &mut this.state else {
            panic!("polled after it was ready")
        };
        let Poll::Ready(sent) = waiter.poll_until(context, || outgoing.attempt()) else {
            budget::renew();
            return Poll::Pending;
        };
        this.core.waited(Side::Send, *since);
        let sent = outgoing.end(Waited::Done(sent)).map_err(|refused| match refused {
            Refused::Closed(message) | Refused::GivenUp(message) => message,
        });
        this.finish(sent)
    }
}

impl<T> Drop for SendFuture<'_, T> {
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            if let State::Waiting { .. } = self.state {
                self.core.reject();
            }
            span.end("cancelled");
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
        let Poll::Ready(reserved) = this.waiter.poll_until(context, || core.attempt_reserve()) else {
            this.since = this.since.or_else(|| core.clock());
            budget::renew();
            return Poll::Pending;
        };
        if had_waited {
            core.waited(Side::Send, this.since);
            core.pass_on_room();
        }
        Poll::Ready(reserved.map(|()| Permit::new(core)))
    }
}

impl<T> fmt::Debug for ReserveFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReserveFuture").finish_non_exhaustive()
    }
}
