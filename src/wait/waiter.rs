//! A place in a line.

use std::{
    fmt,
    ops::Deref,
    task::{Context, Poll},
    time::Instant,
};

use super::{WaitList, WaitStrategy, Wake, line::Key, wake::park};

/// One that waits, or will: gives up its place when it is dropped, and passes a token on that it did not use.
pub struct Waiter<L: Deref<Target = WaitList>> {
    list: L,
    place: Option<Key>,
}

impl<L: Deref<Target = WaitList>> Waiter<L> {
    /// Not in the line yet.
    pub fn new(list: L) -> Self {
        Self { list, place: None }
    }

    /// What it waits in.
    pub fn list(&self) -> &L {
        &self.list
    }

    /// Takes a place in the line, unless it has one that got no token; `wake` is woken from now on. A token that it has got
    /// counts as used: look after this whether what it waits for has happened.
    pub fn join(&mut self, mut wake: Wake) {
        if let Some(place) = self.place {
            match self.list.replace(place, wake) {
                Ok(()) => return,
                Err(unused) => wake = unused,
            }
            self.use_up();
        }
        self.place = Some(self.list.join(wake));
    }

    /// Whether it got a token.
    #[must_use]
    pub fn is_notified(&self) -> bool {
        self.place.is_some_and(|place| self.list.is_notified(place))
    }

    /// Gives up its place, and uses its token if it has got one.
    pub fn use_up(&mut self) {
        if let Some(place) = self.place.take() {
            self.list.leave(place);
        }
    }

    /// Waits as a task until `attempt` returns something.
    ///
    /// # Cancel safety
    /// Nothing is lost when the caller is dropped after `Pending`: `attempt` has returned `None`, and the token is passed on.
    pub fn poll_until<R>(
        &mut self,
        context: &Context<'_>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        let had_token = self.is_notified();
        if let Some(result) = attempt() {
            // A token that came after that look is for somebody else.
            if had_token {
                self.use_up();
            } else {
                self.give_up();
            }
            return Poll::Ready(result);
        }
        if self.place.is_some_and(|place| self.list.waits_for_task(place, context.waker())) {
            // It has been in the line all the time, so whatever happened after that look was announced to it.
            return Poll::Pending;
        }
        self.join(Wake::Task(context.waker().clone()));
        match attempt() {
            Some(result) => {
                self.give_up();
                Poll::Ready(result)
            }
            None => Poll::Pending,
        }
    }

    /// Gives up its place, and passes its token on if it has got one.
    fn give_up(&mut self) {
        if self.place.take().is_some_and(|place| self.list.leave(place)) {
            self.list.notify_one();
        }
    }
}

impl WaitList {
    /// Waits as a thread until `attempt` returns something, or `deadline` has passed: `None` then.
    pub fn wait_until<R>(
        &self,
        strategy: WaitStrategy,
        deadline: Option<Instant>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        let mut pauses = strategy.pauses();
        loop {
            if let Some(result) = attempt() {
                return Some(result);
            }
            if !pauses.pause() {
                break;
            }
            if strategy == WaitStrategy::Spin && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return None;
            }
        }
        let mut waiter = Waiter::new(self);
        loop {
            waiter.join(Wake::this_thread());
            if let Some(result) = attempt() {
                // It was there before a token came; dropping the waiter passes that on.
                return Some(result);
            }
            while !waiter.is_notified() {
                if !park(deadline) {
                    return None;
                }
            }
            if let Some(result) = attempt() {
                waiter.use_up();
                return Some(result);
            }
        }
    }
}

impl<L: Deref<Target = WaitList>> Drop for Waiter<L> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<L: Deref<Target = WaitList>> fmt::Debug for Waiter<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").field("is_in_line", &self.place.is_some()).finish_non_exhaustive()
    }
}
