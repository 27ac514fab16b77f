//! The one way to wait: threads and tasks in the same line.
//!
//! | file          | what                                                                  |
//! |---------------|-----------------------------------------------------------------------|
//! | `list.rs`     | [`WaitList`]: who waits for something, and how they are told          |
//! | `waiter.rs`   | [`Waiter`]: a place in a line; waiting in one or several of them      |
//! | `line.rs`     | the line itself, which is used under a mutex                          |
//! | `wake.rs`     | a thread or a task that can be woken                                  |
//! | `strategy.rs` | [`WaitStrategy`]: what is done before a thread parks, or a task waits |
//!
//! # How it works
//!
//! An eventcount (D. Vyukov, *Eventcount*, 1024cores.net, 2010). Who makes something happen publishes it, and then looks
//! whether anybody waits: a fence and a load if nobody does. Who waits takes a place in the line, looks again whether it has
//! happened, and only then sleeps.
//!
//! A notification is a *token*: it goes to the first in the line, which is in the line no more then. Who got one uses it, by
//! doing what it waited for; or it passes it on, if it gives up, or had what it wanted before the token came. So a token is
//! never lost with a thread whose time is up, or a future that is dropped.
//!
//! A token says that it is worth another look, and no more: another thread may have come first. And where what happens
//! becomes visible in another order than it is announced, as in a ring of slots, who has got something has to
//! [notify](WaitList::notify_one) again if there is more.
//!
//! Nobody is woken, and no waker is cloned or dropped, under the mutex: wakers are foreign code.
//!
//! # Memory ordering
//! One store-buffering pair, forbidden by two `fence(SeqCst)`: **SLEEP**, between who publishes something and then reads
//! `waiting`, and who counts itself there and then looks for what is published. Without it both could miss the other, and the
//! waiter sleep for good. Everything else goes through the mutex of the line. So who was woken sees what was published before
//! the notification.

#![allow(unreachable_pub, reason = "public to the models in loom-tests, private otherwise")]
#![forbid(unsafe_code)]

mod line;
mod list;
mod strategy;
mod waiter;
mod wake;

pub use self::{
    list::WaitList,
    strategy::WaitStrategy,
    waiter::{Waiter, poll_until, wait_until},
    wake::{Wake, park},
};
