//! Sending as a task.

use std::{
    fmt,
    future::Future,
    mem,
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
        self.give_up().map(Message::into_inner)
    }

    fn give_up(&mut self) -> Option<Message<T>> {
        let message = match mem::replace(&mut self.state, State::Done) {
            State::New(message) => Some(message),
            State::Waiting { mut outgoing, .. } => {
                let message = outgoing.take_back();
                if message.is_some() {
                    self.core.reject();
                }
                message
            }
            State::Done => None,
        };
        if let Some(span) = self.span.take() {
            span.end(if message.is_some() { "cancelled" } else { "sent" });
        }
        message
    }

    /// Sends it if there is room; else it waits from now on.
    fn begin(&mut self, context: &Context<'_>) -> Poll<Result<(), Message<T>>> {
        let State::New(message) = mem::replace(&mut self.state, State::Done) else {
            unreachable!("it is new")
        };
        let message = match self.core.send_at_once(message) {
            Ok(()) => return Poll::Ready(Ok(())),
            Err(TrySendError::Closed(message)) => return Poll::Ready(Err(message)),
            Err(TrySendError::Full(message)) => message,
        };
        budget::renew();
        let mut outgoing = Outgoing::new(self.core, message);
        let mut waiter = Waiter::new(outgoing.line());
        let since = self.core.clock();
        let sent = waiter.poll_after_look(context, || outgoing.attempt());
        if sent.is_pending() {
            self.state = State::Waiting { waiter, outgoing, since };
        }
        sent
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
        let sent = match &mut this.state {
            State::New(_) if budget::is_spent(context) => return Poll::Pending,
            State::New(_) => ready!(this.begin(context)),
            State::Waiting { waiter, outgoing, since } => {
                let sent = ready!(waiter.poll_until(context, || outgoing.attempt()));
                this.core.waited(Side::Send, *since);
                this.core.pass_on_room();
                sent
            }
            State::Done => panic!("polled after it was ready"),
        };
        this.finish(sent)
    }
}

impl<T> Drop for SendFuture<'_, T> {
    fn drop(&mut self) {
        drop(self.give_up());
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
