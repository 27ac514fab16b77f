//! A value from each of some receivers.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use super::{Outcome, Over, Select, SelectError, Waiters, end, future::Alarm, late};
use crate::{
    flow::{budget, channel::Receiver, until::Until},
    wait::{self, WaitList, Waiter},
};

impl<'a, T> Select<'a, Over<'a, T>> {
    /// Receives one value from each, in whatever order they come, and blocks the thread until all are there. Where there is none,
    /// the error says why.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use freewheel::flow::{Select, channel, select::SelectError};
    /// let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| channel::bounded(1)).unzip();
    /// senders[2].send("c")?;
    /// senders[0].send("a")?;
    /// let values = Select::over(&receivers).timeout(Duration::from_millis(1)).all();
    /// assert_eq!(values, [Ok("a"), Err(SelectError::Timeout), Ok("c")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "values that were received are in it"]
    pub fn all(self) -> Vec<Result<T, SelectError>> {
        let (until, strategy) = (self.until, self.strategy);
        let mut gathering = Gathering::new(self.branches.receivers());
        let mut waiters = gathering.waiters(until);
        let outcome = wait::wait_until(&mut waiters, strategy, until.latest(), |waiters| {
            let outcome = gathering.look(waiters).or_else(|| end(until))?;
            Some((usize::MAX, outcome))
        });
        drop(waiters);
        gathering.finish(outcome.unwrap_or_else(|| late(until)))
    }

    /// As [`all`](Self::all), as a task.
    ///
    /// # Cancel safety
    /// What was received is dropped with the future, unless [`into_inner`](AllFuture::into_inner) takes it out before.
    pub fn all_async(self) -> AllFuture<'a, T> {
        AllFuture { gathering: Gathering::new(self.branches.receivers()), until: self.until, waiting: None }
    }
}

/// What has come so far.
struct Gathering<'a, T> {
    receivers: &'a [Receiver<T>],
    values: Vec<Option<Result<T, SelectError>>>,
}

impl<'a, T> Gathering<'a, T> {
    fn new(receivers: &'a [Receiver<T>]) -> Self {
        Self { receivers, values: receivers.iter().map(|_| None).collect() }
    }

    fn waiters(&self, until: Until<'a>) -> Waiters<'a> {
        self.receivers.iter().map(Receiver::line).chain(until.line()).map(Waiter::new).collect()
    }

    /// Receives what is there; ready when nothing is missing.
    fn look(&mut self, waiters: &mut [Waiter<&'a WaitList>]) -> Option<Outcome> {
        let mut is_complete = true;
        for ((receiver, value), waiter) in self.receivers.iter().zip(&mut self.values).zip(waiters) {
            if value.is_none() {
                *value = receiver.take_turn().map(|received| received.map_err(|_| SelectError::Closed));
                if value.is_some() {
                    waiter.retire();
                }
            }
            is_complete &= value.is_some();
        }
        is_complete.then_some(Ok(0))
    }

    fn finish(&mut self, outcome: Outcome) -> Vec<Result<T, SelectError>> {
        let missing = outcome.err().unwrap_or(SelectError::Closed);
        mem::take(&mut self.values).into_iter().map(|value| value.unwrap_or(Err(missing))).collect()
    }
}

/// Receives a value from each of some receivers; see [`Select::all_async`].
#[must_use = "it does nothing unless it is polled"]
pub struct AllFuture<'a, T> {
    gathering: Gathering<'a, T>,
    until: Until<'a>,
    waiting: Option<(Waiters<'a>, Alarm)>,
}

// Nothing in it is pinned.
impl<T> Unpin for AllFuture<'_, T> {}

impl<T> AllFuture<'_, T> {
    /// What was received so far; none where nothing has come yet.
    #[must_use]
    pub fn into_inner(mut self) -> Vec<Option<T>> {
        mem::take(&mut self.gathering.values).into_iter().map(|value| value?.ok()).collect()
    }
}

impl<T> Future for AllFuture<'_, T> {
    type Output = Vec<Result<T, SelectError>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.waiting.is_none() && budget::is_spent(context) {
            return Poll::Pending;
        }
        let (gathering, until) = (&mut this.gathering, this.until);
        let (waiters, alarm) =
            this.waiting.get_or_insert_with(|| (gathering.waiters(until), Alarm::new(until)));
        let polled = wait::poll_until(waiters, context, |waiters| {
            let outcome = gathering.look(waiters).or_else(|| end(until))?;
            Some((usize::MAX, outcome))
        });
        let outcome = match polled {
            Poll::Ready(outcome) => outcome,
            Poll::Pending if alarm.rings(context) => late(until),
            Poll::Pending => {
                budget::renew();
                return Poll::Pending;
            }
        };
        this.waiting = None;
        Poll::Ready(gathering.finish(outcome))
    }
}

impl<T> fmt::Debug for AllFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllFuture").finish_non_exhaustive()
    }
}
