//! Channels, for threads and tasks alike: [`bounded`], [`unbounded`] and [`rendezvous()`].
//!
//! Any number of [`Sender`]s and [`Receiver`]s share a channel; each value goes to one receiver, first in, first out. Every end
//! can be used by threads, which block, and by tasks, which await, in any mix. A full channel makes senders wait, and is what
//! keeps a fast producer from filling the memory.
//!
//! | operation | thread | thread, not for ever | now or never | task |
//! |---|---|---|---|---|
//! | send    | [`send`](Sender::send) | [`send_timeout`](Sender::send_timeout), [`send_deadline`](Sender::send_deadline), [`send_ctx`](Sender::send_ctx) | [`try_send`](Sender::try_send) | [`send_async`](Sender::send_async) |
//! | reserve room | [`reserve`](Sender::reserve) | | [`try_reserve`](Sender::try_reserve) | [`reserve_async`](Sender::reserve_async) |
//! | receive | [`recv`](Receiver::recv) | [`recv_timeout`](Receiver::recv_timeout), [`recv_deadline`](Receiver::recv_deadline), [`recv_ctx`](Receiver::recv_ctx) | [`try_recv`](Receiver::try_recv) | [`recv_async`](Receiver::recv_async) |
//! | receive many | [`recv_many`](Receiver::recv_many) | | [`drain`](Receiver::drain) | [`recv_many_async`](Receiver::recv_many_async) |
//!
//! To wait for several channels at once, see [`select`](super::select).
//!
//! # The end
//!
//! A channel is closed by [`close`](Sender::close) on either side, or when the last sender or the last receiver is dropped.
//! Nothing is sent from then on: senders, also those that wait, get their value back. Receivers get what is in the channel, and
//! then its end; all that was done before the senders were dropped happens before that. If the last receiver is gone, what is
//! left is dropped.
//!
//! # Who comes first
//!
//! Threads and tasks that wait stand in a line, and are told one after the other. But who comes when there is something need not
//! stand in it, and may be faster than who was just told; that one stands at the end of the line then. So this is not fair; it is
//! fast.
//!
//! A task that was told, and is polled no more, keeps that to itself: others may sleep beside a value until its future is polled
//! or dropped. And a task that finds something at once again and again gets `Pending` now and then, and is woken at once, so that
//! others run.
//!
//! # Progress and cost
//!
//! What does not have to wait is lock-free, except in a rendezvous channel: it is an operation of a
//! [`Bounded`](crate::queue::Bounded) or [`Unbounded`](crate::queue::Unbounded) queue, and a look whether somebody waits, which
//! is a fence and a load. Waking and waiting take a short lock. No operation spins behind a thread that was stopped in the
//! middle of one; but what was sent after it is hidden until that goes on, as in any queue of this kind. Figures (how much was
//! sent and received, how much is there) are read off the queue, so they cost nothing and cannot drift.
//!
//! # How it works
//!
//! | file            | what                                                             |
//! |-----------------|------------------------------------------------------------------|
//! | `core.rs`       | what all ends share: the buffer, and who waits                   |
//! | `blocking.rs`   | sending and receiving as a thread that waits                     |
//! | `outgoing.rs`   | a message on its way in, which comes back if it does not get there |
//! | `rendezvous.rs` | the buffer of a channel without room                             |
//! | `sender.rs`, `receiver.rs`, `permit.rs`, `iter.rs` | the ends, for threads         |
//! | `sending.rs`, `receiving.rs`, `futures.rs` | the same for tasks                    |
//! | `message.rs`, `trace.rs` | what goes with a value                                  |
//! | `stats.rs`, `metrics.rs` | what is seen from outside                               |
//!
//! A channel is a queue and two [lists of waiters](crate::flow::WaitStrategy): of those who wait for room, and of those who
//! wait for values. Who sends announces that to one receiver, and the other way round.
//!
//! Values may become visible in another order than they were announced: a receiver that was told looks, finds nothing because
//! an earlier value is still being sent, and sleeps again. The announcement of the earlier one has to do for both. So who has
//! waited and then got something tells the next one, if there is more; and the same for room. When the channel is closed, the
//! last values may come later; who gets the last one tells the next one that waits, so that all learn of the end.
//!
//! # Memory ordering
//! | edge    | Release side                          | Acquire side                    | what becomes visible                |
//! |---------|---------------------------------------|---------------------------------|-------------------------------------|
//! | `LAST`  | `Core::remove_end`: `fetch_sub`       | the same of the last one        | what was done before the other ends were dropped |
//!
//! Values go over the edges of the queues, and through a rendezvous under its lock.
//!
//! # Examples
//!
//! ```
//! use std::thread;
//!
//! use freewheel::flow::channel;
//!
//! let (sender, receiver) = channel::bounded(2);
//! let adder = thread::spawn(move || receiver.iter().sum::<u32>());
//! for number in 1..=100 {
//!     sender.send(number)?;
//! }
//! drop(sender);
//! assert_eq!(adder.join().unwrap(), 5050);
//! # Ok::<(), channel::SendError<u32>>(())
//! ```
//!
//! One end may be a thread's, and the other a task's.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use std::thread;
//!
//! use freewheel::flow::channel;
//!
//! let (jobs, receiver) = channel::bounded(8);
//! let worker = thread::spawn(move || receiver.iter().map(|job: &str| job.len()).sum::<usize>());
//! jobs.send_async("one").await?;
//! // What must not be lost is taken from its source when there is room for it.
//! jobs.reserve_async().await?.send("two")?;
//! drop(jobs);
//! assert_eq!(worker.join().unwrap(), 6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blocking;
mod builder;
pub(super) mod core;
mod error;
#[cfg(feature = "futures")]
mod futures;
mod iter;
pub(super) mod message;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod metrics;
mod outgoing;
mod permit;
mod receiver;
mod receiving;
mod rendezvous;
mod sender;
mod sending;
mod stats;
#[cfg(feature = "trace")]
mod trace;

use std::borrow::Cow;

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub use self::error::{RecvContextError, SendContextError};
#[cfg(feature = "futures")]
#[cfg_attr(docsrs, doc(cfg(feature = "futures")))]
pub use self::futures::{ReceiverStream, SenderSink};
#[cfg(not(feature = "trace"))]
use self::message::Message;
pub use self::{
    builder::ChannelBuilder,
    error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError},
    iter::{Drain, IntoIter, Iter},
    permit::Permit,
    receiver::Receiver,
    receiving::{RecvFuture, RecvManyFuture},
    sender::Sender,
    sending::{ReserveFuture, SendFuture},
    stats::ChannelStats,
};
#[cfg(feature = "trace")]
#[cfg_attr(docsrs, doc(cfg(feature = "trace")))]
pub use self::{message::Message, trace::SpanPolicy};

/// A channel with room for `capacity` values; allocates it at once. With 0 it is a [`rendezvous()`].
///
/// # Panics
/// If there is no memory for so many values.
#[must_use]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    builder("").capacity(capacity).build()
}

/// A channel with room for any number of values. It allocates in segments, and frees them when they are empty.
///
/// Nothing keeps senders that are faster than the receivers from filling the memory.
#[must_use]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    builder("").build()
}

/// A channel without room: a value goes from hand to hand, and sending it lasts until it is received.
///
/// That holds for [`send`](Sender::send) and its kin. What cannot wait for an answer hands the value to a receiver that waits:
/// [`try_send`](Sender::try_send), a [permit](Permit), and a [`Select`](crate::flow::Select) that sends. If that receiver gives
/// up, or is a select that receives from another channel, then the value lies there for the next one.
#[must_use]
pub fn rendezvous<T>() -> (Sender<T>, Receiver<T>) {
    bounded(0)
}

/// Makes a channel that has a name, by which metrics and spans call it.
///
/// # Examples
///
/// ```
/// use freewheel::flow::{WaitStrategy, channel};
///
/// let (sender, receiver) = channel::builder("orders").capacity(1024).wait_strategy(WaitStrategy::Park).build();
/// sender.send("buy")?;
/// assert_eq!(receiver.recv()?, "buy");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn builder<T>(name: impl Into<Cow<'static, str>>) -> ChannelBuilder<T> {
    ChannelBuilder::new(name.into())
}
