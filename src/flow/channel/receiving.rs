//! Receiving as a task.

use std::{
    fmt,
    future::Future,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{
    Message, RecvError,
    core::{Core, Side},
};
use crate::{
    flow::budget,
    wait::{WaitList, Waiter},
};

/// A receiver that waits as a task.
pub(super) struct Receiving<L: Deref<Target = WaitList>> {
    waiter: Waiter<L>,
    since: Option<Instant>,
}

impl<L: Deref<Target = WaitList>> Receiving<L> {
    #[inline]
    pub(super) fn new(list: L) -> Self {
        Self { waiter: Waiter::new(list), since: None }
    }

    #[cfg(feature = "futures")]
    pub(super) fn list(&self) -> &L {
        self.waiter.list()
    }

    /// Waits until `attempt` returns something.
    #[inline]
    pub(super) fn poll<M, R>(
        &mut self,
        core: &Core<M>,
        context: &mut Context<'_>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        if self.waiter.is_in_line() {
            return self.wait(core, context, attempt);
        }
        if budget::is_spent(context) {
            return Poll::Pending;
        }
        match attempt() {
            Some(received) => Poll::Ready(received),
            None => self.begin_to_wait(core, context, attempt),
        }
    }

    #[cold]
    fn begin_to_wait<M, R>(
        &mut self,
        core: &Core<M>,
        context: &Context<'_>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        if let Some(received) = core.strategy.look_again(budget::is_in_lockstep(), &mut attempt) {
            return Poll::Ready(received);
        }
        self.since = core.clock();
        budget::renew();
        self.waiter.poll_after_look(context, attempt)
    }

    #[cold]
    fn wait<M, R>(
        &mut self,
        core: &Core<M>,
        context: &Context<'_>,
        attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        let received = ready!(self.waiter.poll_until(context, attempt));
        core.waited(Side::Receive, self.since);
        core.pass_on_values();
        Poll::Ready(received)
    }
}

/// Receives a message.
#[must_use = "it does nothing unless it is polled"]
pub(super) struct RecvMessage<'a, T> {
    core: &'a Core<Message<T>>,
    receiving: Receiving<&'a WaitList>,
}

impl<'a, T> RecvMessage<'a, T> {
    #[inline]
    pub(super) fn new(core: &'a Core<Message<T>>) -> Self {
        Self { core, receiving: Receiving::new(&core.receivers) }
    }
}

impl<T> Future for RecvMessage<'_, T> {
    type Output = Result<Message<T>, RecvError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let core = this.core;
        this.receiving.poll(core, context, || core.attempt_recv())
    }
}

/// Receives a value; see [`Receiver::recv_async`](super::Receiver::recv_async).
#[must_use = "it does nothing unless it is polled"]
pub struct RecvFuture<'a, T>(RecvMessage<'a, T>);

impl<'a, T> RecvFuture<'a, T> {
    #[inline]
    pub(super) fn new(core: &'a Core<Message<T>>) -> Self {
        Self(RecvMessage::new(core))
    }
}

impl<T> Future for RecvFuture<'_, T> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let core = self.0.core;
        let received = Pin::new(&mut self.0).poll(context);
        received.map_ok(|message| core.label.unpack(message))
    }
}

impl<T> fmt::Debug for RecvFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvFuture").finish_non_exhaustive()
    }
}

/// Receives several values; see [`Receiver::recv_many_async`](super::Receiver::recv_many_async).
#[must_use = "it does nothing unless it is polled"]
pub struct RecvManyFuture<'a, T> {
    core: &'a Core<Message<T>>,
    receiving: Receiving<&'a WaitList>,
    values: &'a mut Vec<T>,
    max: usize,
}

impl<'a, T> RecvManyFuture<'a, T> {
    #[inline]
    pub(super) fn new(core: &'a Core<Message<T>>, values: &'a mut Vec<T>, max: usize) -> Self {
        Self { core, receiving: Receiving::new(&core.receivers), values, max }
    }
}

impl<T> Future for RecvManyFuture<'_, T> {
    type Output = Result<usize, RecvError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let core = this.core;
        this.receiving.poll(core, context, || {
            core.attempt_recv_many(this.max, |message| this.values.push(core.label.unpack(message)))
        })
    }
}

impl<T> fmt::Debug for RecvManyFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvManyFuture").finish_non_exhaustive()
    }
}
