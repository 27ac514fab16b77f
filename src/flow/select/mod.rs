//! Waiting for several channels at once, and doing what can be done first.
//!
//! A [`Select`] is made of branches: values to receive, and values to send. It does one of them, and of the others nothing: no
//! value is received and lost, and one that was to be sent stays where it was. If several can be done, they are taken by
//! turns, so that none starves; or, if it is [`biased`](Select::biased), the first one.
//!
//! A branch whose channel is closed is left out, so that a loop does not turn without end; when all are, the select ends with
//! [`SelectError::Closed`].
//!
//! # Cost
//! Up to eight branches need no memory of their own; but a line, a deadline of a task and that of a context may take some. It looks at each branch, as `try_recv` and `try_send` do; waiting takes a place
//! in the line of each.
//!
//! # Cancel safety
//! [`wait_async`](Select::wait_async) can be dropped at any time; nothing is lost: nothing is done before it is ready.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//!
//! use freewheel::flow::{Select, channel, select::SelectError};
//!
//! let (orders, incoming) = channel::bounded::<u32>(8);
//! let (_stop, stopped) = channel::bounded::<()>(1);
//! let (outgoing, answers) = channel::bounded::<&str>(1);
//!
//! orders.send(7)?;
//! let mut answer = Some("hello");
//! // Two branches can be done, one after the other.
//! let mut done = Vec::new();
//! for _ in 0..2 {
//!     done.push(
//!         Select::new()
//!             .recv(&incoming, |order| format!("order {order}"))
//!             .recv(&stopped, |()| "stopped".to_owned())
//!             .send(&outgoing, &mut answer, || "answered".to_owned())
//!             .wait()?,
//!     );
//! }
//! done.sort();
//! assert_eq!(done, ["answered", "order 7"]);
//! assert_eq!(answers.recv()?, "hello");
//!
//! // Now there is nothing more to do.
//! let late = Select::new().recv(&incoming, |_| ()).timeout(Duration::from_millis(1)).wait();
//! assert_eq!(late, Err(SelectError::Timeout));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod all;
mod branch;
mod error;
mod future;

use std::{
    fmt,
    time::{Duration, Instant},
};

use smallvec::SmallVec;

use self::branch::{End, Look, Over, Recv, Send, WithEnd, WithValue};
pub use self::{all::AllFuture, branch::Branches, error::SelectError, future::SelectFuture};
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
use super::Context;
use super::{
    channel::{Receiver, RecvError, Sender},
    until::Until,
};
use crate::wait::{self, WaitList, WaitStrategy, Waiter};

/// The lines of all branches, and of the context behind them.
type Waiters<'a> = SmallVec<[Waiter<&'a WaitList>; 9]>;

/// Branches of which one is to be done; see the [module](self).
#[must_use = "it does nothing before it is waited for"]
pub struct Select<'a, B = End> {
    branches: B,
    is_biased: bool,
    until: Until<'a>,
    strategy: WaitStrategy,
}

/// A branch that was done, or why there is none.
type Outcome = Result<usize, SelectError>;

impl Select<'_> {
    /// Without a branch.
    pub fn new() -> Self {
        Self::with(End)
    }
}

impl Default for Select<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a, T> Select<'a, Over<'a, T>> {
    /// With a branch for each of `receivers`. Its result is a value, and which of them it came from.
    ///
    /// # Examples
    ///
    /// ```
    /// # use freewheel::flow::{Select, channel};
    /// let (senders, receivers): (Vec<_>, Vec<_>) = (0..20).map(|_| channel::bounded(1)).unzip();
    /// senders[13].send("hello")?;
    /// assert_eq!(Select::over(&receivers).wait()?, (13, "hello"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn over(receivers: &'a [Receiver<T>]) -> Self {
        Self::with(Over::new(receivers))
    }
}

impl<'a, B> Select<'a, B> {
    fn with(branches: B) -> Self {
        Self { branches, is_biased: false, until: Until::default(), strategy: WaitStrategy::default() }
    }

    fn map<C>(self, map: impl FnOnce(B) -> C) -> Select<'a, C> {
        let Self { branches, is_biased, until, strategy } = self;
        Select { branches: map(branches), is_biased, until, strategy }
    }

    /// Adds a branch that receives a value. The result is that of `then`, which is called when nothing is waited for any more.
    /// It is left out when the channel is closed and empty.
    pub fn recv<T, R, F>(self, receiver: &'a Receiver<T>, then: F) -> Select<'a, Recv<'a, T, WithValue<F>, B>>
    where
        F: FnOnce(T) -> R,
    {
        self.map(|rest| Recv::new(receiver, WithValue(then), rest))
    }

    /// Adds a branch that receives a value, or the end of the channel; so it is ready whenever that is closed.
    pub fn recv_or_end<T, R, F>(
        self,
        receiver: &'a Receiver<T>,
        then: F,
    ) -> Select<'a, Recv<'a, T, WithEnd<F>, B>>
    where
        F: FnOnce(Result<T, RecvError>) -> R,
    {
        self.map(|rest| Recv::new(receiver, WithEnd(then), rest))
    }

    /// Adds a branch that sends what is in `value`, and leaves nothing there. It is left out when there is nothing, or the
    /// channel is closed. The result is that of `then`.
    ///
    /// Through a rendezvous channel it is handed to a receiver that waits, as with [`try_send`](Sender::try_send). One that
    /// selects may then receive from another channel; the value waits for the next one. And a select that receives from the
    /// same rendezvous meets itself.
    pub fn send<T, R, F>(
        self,
        sender: &'a Sender<T>,
        value: &'a mut Option<T>,
        then: F,
    ) -> Select<'a, Send<'a, T, F, B>>
    where
        F: FnOnce() -> R,
    {
        self.map(|rest| Send::new(sender, value, then, rest))
    }

    /// Of several branches that can be done, does the one that was added first.
    ///
    /// So the later ones starve if the first ones are always ready.
    pub fn biased(mut self) -> Self {
        self.is_biased = true;
        self
    }

    /// Waits no longer than so, counted from now.
    pub fn timeout(self, timeout: Duration) -> Self {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.deadline(deadline),
            None => self,
        }
    }

    /// Waits no longer than until then.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.until.deadline = Some(self.until.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        self
    }

    /// Waits no longer than `context` lives; only the last one that was given counts.
    #[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
    pub fn context(mut self, context: &'a Context) -> Self {
        self.until.context = Some(context);
        self
    }

    /// What a thread does before it parks.
    pub fn wait_strategy(mut self, strategy: WaitStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Does what can be done now. Never waits.
    ///
    /// # Errors
    /// [`Timeout`](SelectError::Timeout) if that is nothing, and all others.
    pub fn try_wait<R>(mut self) -> Result<R, SelectError>
    where
        B: Branches<'a, R>,
    {
        let order = self.order::<R>();
        let outcome = end(self.until).or_else(|| look(&mut self.branches, order, &mut []));
        outcome.unwrap_or(Err(SelectError::Timeout)).map(|branch| self.branches.finish(branch))
    }

    /// Blocks the thread until a branch was done.
    ///
    /// # Errors
    /// [`SelectError::Closed`] if all are left out; [`SelectError::Timeout`] and [`SelectError::Ended`] if it is time to give
    /// up.
    pub fn wait<R>(mut self) -> Result<R, SelectError>
    where
        B: Branches<'a, R>,
    {
        let order = self.order::<R>();
        if let Some(outcome) = end(self.until).or_else(|| look(&mut self.branches, order, &mut [])) {
            return outcome.map(|branch| self.branches.finish(branch));
        }
        let (mut waiters, since, until) = (self.waiters::<R>(), self.branches.clock(), self.until);
        let branches = &mut self.branches;
        let outcome = wait::wait_until(&mut waiters, self.strategy, until.latest(), |waiters| {
            attempt(branches, order, until, waiters)
        });
        drop(waiters);
        let branch = outcome.unwrap_or_else(|| late(until))?;
        self.branches.pass_on(branch, since);
        Ok(self.branches.finish(branch))
    }

    /// Waits as a task until a branch was done. The output is as that of [`wait`](Self::wait).
    pub fn wait_async<R>(self) -> SelectFuture<'a, B, R>
    where
        B: Branches<'a, R>,
    {
        SelectFuture::new(self)
    }

    /// The waiters of all branches, and of the context.
    fn waiters<R>(&self) -> Waiters<'a>
    where
        B: Branches<'a, R>,
    {
        let branches = (0..self.branches.count()).map(|branch| self.branches.line(branch));
        branches.chain(self.until.line()).map(Waiter::new).collect()
    }

    fn order<R>(&self) -> Order
    where
        B: Branches<'a, R>,
    {
        let count = self.branches.count();
        Order { count, first: if self.is_biased || count < 2 { 0 } else { next_turn(count) } }
    }
}

/// In which order branches are looked at.
#[derive(Clone, Copy, Debug)]
struct Order {
    count: usize,
    first: usize,
}

impl Order {
    fn iter(self) -> impl Iterator<Item = usize> {
        let numbers = (self.first..self.count).chain(0..self.first);
        // The last one stands first.
        numbers.map(move |number| self.count - 1 - number)
    }
}

/// Where to begin, of so many. Multiples of the golden ratio: whichever of them one of several selects gets that a thread does by
/// turns, they are spread evenly.
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
fn next_turn(count: usize) -> usize {
    use std::cell::Cell;

    thread_local! {
        /// A fraction of one: so many parts of 2^64.
        static FRACTION: Cell<u64> = const { Cell::new(0) };
    }
    let fraction = FRACTION.get();
    FRACTION.set(fraction.wrapping_add(0x9E37_79B9_7F4A_7C15));
    ((u128::from(fraction) * count as u128) >> 64) as usize
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
fn next_turn(_count: usize) -> usize {
    0
}

/// Does the first branch that can be done; closed ones wait no more.
fn look<'a, R>(
    branches: &mut impl Branches<'a, R>,
    order: Order,
    waiters: &mut [Waiter<&'a WaitList>],
) -> Option<Outcome> {
    let mut are_closed = true;
    for branch in order.iter() {
        match branches.look(branch) {
            Look::Ready => return Some(Ok(branch)),
            Look::NotReady => are_closed = false,
            Look::Closed => {
                if let Some(waiter) = waiters.get_mut(branch) {
                    waiter.retire();
                }
            }
        }
    }
    are_closed.then_some(Err(SelectError::Closed))
}

/// As [`look`], for one who waits.
fn attempt<'a, R>(
    branches: &mut impl Branches<'a, R>,
    order: Order,
    until: Until<'_>,
    waiters: &mut [Waiter<&'a WaitList>],
) -> Option<(usize, Outcome)> {
    let outcome = look(branches, order, waiters).or_else(|| end(until))?;
    Some((outcome.unwrap_or(usize::MAX), outcome))
}

/// That the context has ended, if it has.
fn end(until: Until<'_>) -> Option<Outcome> {
    until.end().map(|ended| Err(SelectError::from(ended)))
}

/// What has ended a wait that came to its latest time.
fn late(until: Until<'_>) -> Outcome {
    end(until).unwrap_or(Err(SelectError::Timeout))
}

impl<B> fmt::Debug for Select<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select")
            .field("is_biased", &self.is_biased)
            .field("deadline", &self.until.deadline)
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}
