//! Waiting as a task.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
use futures_timer::Delay;

use super::{Branches, Order, Select, SelectError, Waiters, attempt, end, late, look};
use crate::{
    flow::{budget, until::Until},
    wait,
};

/// Does one of the branches of a select; see [`Select::wait_async`].
#[must_use = "it does nothing unless it is polled"]
pub struct SelectFuture<'a, B, R> {
    /// None when it was ready.
    select: Option<Select<'a, B>>,
    order: Order,
    waiting: Option<Waiting<'a>>,
    result: PhantomData<fn() -> R>,
}

struct Waiting<'a> {
    waiters: Waiters<'a>,
    since: Option<Instant>,
    alarm: Alarm,
}

/// Wakes a task when it is time to give up.
pub(super) struct Alarm {
    #[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
    deadline: Option<Delay>,
}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl Alarm {
    pub(super) fn new(until: Until<'_>) -> Self {
        if let Some(context) = until.context {
            context.start_timer();
        }
        let left = until.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        Self { deadline: left.map(Delay::new) }
    }

    /// Whether the deadline has passed; if not, the task is woken then.
    pub(super) fn rings(&mut self, context: &mut Context<'_>) -> bool {
        self.deadline.as_mut().is_some_and(|deadline| Pin::new(deadline).poll(context).is_ready())
    }
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
impl Alarm {
    pub(super) fn new(_until: Until<'_>) -> Self {
        Self {}
    }

    pub(super) fn rings(&mut self, _context: &mut Context<'_>) -> bool {
        false
    }
}

// Nothing in it is pinned.
impl<B, R> Unpin for SelectFuture<'_, B, R> {}

impl<'a, R, B: Branches<'a, R>> SelectFuture<'a, B, R> {
    pub(super) fn new(select: Select<'a, B>) -> Self {
        let order = select.order();
        Self { select: Some(select), order, waiting: None, result: PhantomData }
    }
}

impl<'a, R, B: Branches<'a, R>> Future for SelectFuture<'a, B, R> {
    type Output = Result<R, SelectError>;

    /// # Panics
    /// If it was ready before.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let select = this.select.as_mut().expect("it is not polled after it was ready");
        let (order, until) = (this.order, select.until);
        let outcome = match &mut this.waiting {
            None if budget::is_spent(context) => return Poll::Pending,
            None => end(until).or_else(|| look(&mut select.branches, order, &mut [])),
            Some(_) => None,
        };
        let outcome = outcome.map_or_else(
            || {
                let waiting = this.waiting.get_or_insert_with(|| Waiting {
                    waiters: select.waiters(),
                    since: select.branches.clock(),
                    alarm: Alarm::new(until),
                });
                let branches = &mut select.branches;
                let polled = wait::poll_until(&mut waiting.waiters, context, |waiters| {
                    attempt(branches, order, until, waiters)
                });
                if polled.is_pending() && waiting.alarm.rings(context) {
                    Poll::Ready(late(until))
                } else {
                    polled
                }
            },
            Poll::Ready,
        );
        let Poll::Ready(outcome) = outcome else {
            budget::renew();
            return Poll::Pending;
        };
        let (waiting, select) = (this.waiting.take(), this.select.take().expect("it is there"));
        Poll::Ready(outcome.map(|branch| {
            if let Some(waiting) = waiting {
                select.branches.pass_on(branch, waiting.since);
            }
            select.branches.finish(branch)
        }))
    }
}

impl<B, R> fmt::Debug for SelectFuture<'_, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectFuture").finish_non_exhaustive()
    }
}
