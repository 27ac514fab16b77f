//! A place in a line.

use std::{
    fmt, mem,
    ops::Deref,
    slice,
    task::{Context, Poll, Waker},
    time::Instant,
};

use super::{WaitList, WaitStrategy, Wake, line::Key, strategy::spin, wake::park};

/// Looks of one that never parks, before it sees to its place in the line again.
const LOOKS: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 1 } else { 100 };

/// One that waits, or will: gives up its place when it is dropped, and passes a token on that it did not use.
pub struct Waiter<L: Deref<Target = WaitList>> {
    list: L,
    place: Option<Key>,
    /// It got a token, which the look uses that comes next, or is under way.
    has_token: bool,
    /// It waits no more.
    is_retired: bool,
}

impl<L: Deref<Target = WaitList>> Waiter<L> {
    /// Not in the line yet.
    pub fn new(list: L) -> Self {
        Self { list, place: None, has_token: false, is_retired: false }
    }

    /// What it waits in.
    pub fn list(&self) -> &L {
        &self.list
    }

    /// Takes a place in the line, unless it has one; `wake` is woken from now on.
    ///
    /// Look after this whether what it waits for has happened: a token that it has got is for that.
    pub fn join(&mut self, mut wake: Wake) {
        if self.is_retired {
            return;
        }
        if let Some(place) = self.place {
            match self.list.replace(place, wake) {
                Ok(()) => return,
                Err(unused) => wake = unused,
            }
            self.collect();
        }
        self.place = Some(self.list.join(wake));
    }

    /// Whether it has a place in the line, or had one and got a token there.
    #[must_use]
    pub fn is_in_line(&self) -> bool {
        self.place.is_some()
    }

    /// Whether it got a token.
    #[must_use]
    pub fn is_notified(&self) -> bool {
        self.place.is_some_and(|place| self.list.is_notified(place))
    }

    /// Takes its token for the look that comes next, if it has got one: it is in the line no more then.
    fn collect(&mut self) {
        if self.place.is_some_and(|place| self.list.take_token(place)) {
            self.place = None;
            self.has_token = true;
        }
    }

    fn waits_for_task(&self, waker: &Waker) -> bool {
        self.is_retired || self.place.is_some_and(|place| self.list.waits_for_task(place, waker))
    }

    /// Gives up its place for good, and passes on what tokens it has: nothing will happen any more that it waits for.
    pub fn retire(&mut self) {
        self.is_retired = true;
        self.give_up();
    }

    /// Gives up its place, and passes on what tokens it has.
    #[cold]
    fn give_up(&mut self) {
        let unused = self.place.take().is_some_and(|place| self.list.leave(place));
        let tokens = usize::from(unused) + usize::from(mem::take(&mut self.has_token));
        self.list.notify_many(tokens);
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
        poll_until(slice::from_mut(self), context, |_| Some((0, attempt()?)))
    }

    /// As [`poll_until`](Self::poll_until), for one who is not in the line, and has looked just now.
    pub fn poll_after_look<R>(
        &mut self,
        context: &Context<'_>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        join_as_task(slice::from_mut(self), context, |_| Some((0, attempt()?)))
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
        wait_until(&mut [Waiter::new(self)], strategy, deadline, |_| Some((0, attempt()?)))
    }
}

/// Waits in several lines, as a thread, until `attempt` returns something, or `deadline` has passed: `None` then.
///
/// `attempt` looks at everything before it returns `None`; else it says whose token it uses, if anybody's. The others pass
/// theirs on.
pub fn wait_until<L: Deref<Target = WaitList>, R>(
    waiters: &mut [Waiter<L>],
    strategy: WaitStrategy,
    deadline: Option<Instant>,
    mut attempt: impl FnMut(&mut [Waiter<L>]) -> Option<(usize, R)>,
) -> Option<R> {
    let mut pauses = strategy.pauses();
    loop {
        if let Some((_, result)) = attempt(waiters) {
            return Some(result);
        }
        if !pauses.pause() {
            break;
        }
    }
    let may_park = strategy != WaitStrategy::Spin;
    loop {
        waiters.iter_mut().for_each(|waiter| waiter.join(Wake::this_thread()));
        if let Some(result) = look(waiters, &mut attempt) {
            return Some(result);
        }
        let is_late = if may_park {
            !park_in_line(waiters, deadline)
        } else {
            for _ in 0..LOOKS {
                spin();
                if let Some(result) = look(waiters, &mut attempt) {
                    return Some(result);
                }
            }
            deadline.is_some_and(|deadline| Instant::now() >= deadline)
        };
        if is_late {
            waiters.iter_mut().for_each(Waiter::give_up);
            return None;
        }
        waiters.iter_mut().for_each(Waiter::collect);
        if let Some(result) = look(waiters, &mut attempt) {
            return Some(result);
        }
    }
}

/// Parks until one of them is notified; false if it is too late.
fn park_in_line<L: Deref<Target = WaitList>>(waiters: &[Waiter<L>], deadline: Option<Instant>) -> bool {
    while !waiters.iter().any(Waiter::is_notified) {
        if !park(deadline) {
            return false;
        }
    }
    true
}

/// Waits in several lines, as a task; see [`wait_until`].
pub fn poll_until<L: Deref<Target = WaitList>, R>(
    waiters: &mut [Waiter<L>],
    context: &Context<'_>,
    mut attempt: impl FnMut(&mut [Waiter<L>]) -> Option<(usize, R)>,
) -> Poll<R> {
    waiters.iter_mut().for_each(Waiter::collect);
    if let Some(result) = look(waiters, &mut attempt) {
        return Poll::Ready(result);
    }
    if waiters.iter().all(|waiter| waiter.waits_for_task(context.waker())) {
        // It has been in all lines all the time, so whatever happened after that look was announced to it.
        return Poll::Pending;
    }
    join_as_task(waiters, context, attempt)
}

/// Takes a place in all lines, and looks once more.
fn join_as_task<L: Deref<Target = WaitList>, R>(
    waiters: &mut [Waiter<L>],
    context: &Context<'_>,
    mut attempt: impl FnMut(&mut [Waiter<L>]) -> Option<(usize, R)>,
) -> Poll<R> {
    waiters.iter_mut().for_each(|waiter| waiter.join(Wake::Task(context.waker().clone())));
    look(waiters, &mut attempt).map_or(Poll::Pending, Poll::Ready)
}

/// Attempts once; uses one token of each line if that fails. If not, one of the line that was worth it, and passes on all
/// others.
fn look<L: Deref<Target = WaitList>, R>(
    waiters: &mut [Waiter<L>],
    attempt: &mut impl FnMut(&mut [Waiter<L>]) -> Option<(usize, R)>,
) -> Option<R> {
    let Some((winner, result)) = attempt(waiters) else {
        waiters.iter_mut().for_each(|waiter| waiter.has_token = false);
        return None;
    };
    if let Some(winner) = waiters.get_mut(winner) {
        winner.has_token = false;
    }
    waiters.iter_mut().for_each(Waiter::give_up);
    Some(result)
}

impl<L: Deref<Target = WaitList>> Drop for Waiter<L> {
    #[inline]
    fn drop(&mut self) {
        if self.place.is_some() || self.has_token {
            self.give_up();
        }
    }
}

impl<L: Deref<Target = WaitList>> fmt::Debug for Waiter<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").field("is_in_line", &self.place.is_some()).finish_non_exhaustive()
    }
}
