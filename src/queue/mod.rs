//! First in, first out queues that never wait: [`Bounded`], [`Unbounded`], [`Spsc`].
//!
//! | | capacity | ends | speed and memory |
//! |---|---|---|---|
//! | [`Spsc`]      | fixed | one thread at each      | the fastest |
//! | [`Bounded`]   | fixed | any number of threads   | allocates once, when it is made |
//! | [`Unbounded`] | none  | any number of threads   | grows and shrinks in segments |
//!
//! BENCHMARKS.md compares them with others.
//!
//! # Progress
//!
//! | operation | |
//! |---|---|
//! | `Bounded::{try_push, try_pop, push_many, pop_many, force_push}` | lock-free |
//! | `Bounded::{close, len}` | wait-free |
//! | `Spsc`, all of it | wait-free |
//! | `Unbounded::{push, try_pop, close, is_closed, len}` | lock-free; the allocator's progress at a thread's first use, and where a segment is made or freed, which is never while one segment is enough |
//!
//! A thread that stops in the middle of an operation makes nobody wait, but it can hide from the others what they have
//! finished after it: they find the queue empty, or full, until it goes on.
//!
//! # How the ring works
//!
//! The ring under `Bounded`, and under each segment of `Unbounded`, is D. Vyukov's (*Bounded MPMC queue*, 1024cores.net,
//! 2011). A thread claims a *ticket* by advancing `head` or `tail`; the slot's *turn* says whose ticket may touch its
//! value. Where others wait for the slot whose turn has not come, this gives up. A bit of `tail` says that the ring is
//! closed, so that no push gets a ticket any more. Other bits of it count how many pushes have *reserved* room: so whoever
//! takes a ticket looks whether the slot behind the reserved ones is vacant, and fails if somebody reserves meanwhile. (Nobody
//! pays for that while nothing is reserved.)
//!
//! # Memory ordering
//! | edge        | Release side                    | Acquire side                       | what becomes visible            |
//! |-------------|---------------------------------|------------------------------------|---------------------------------|
//! | `FULL`      | `Slot::put`, `Slot::replace`: `turn.store` | `Slot::turn`            | the value in the slot           |
//! | `FREE`      | `Slot::take`: `turn.store`      | `Slot::turn`                       | that the slot is vacant         |
//! | `CLOSED`    | `Ring::close`: `closed.store`   | `Ring::nothing_at`: `closed.load`  | the last ticket                 |
//! | `ROOM`      | `Ring::advance_tail`: CAS       | `Ring::advance_tail`, `Ring::push_reserved`: CAS | that the reserved slots are vacant |
//! | `DISPLACED` | `Bounded::displace`: `displacing.fetch_sub` | `Bounded::try_pop`: `displacing.load` | the ticket it has taken |
//!
//! Tickets carry no data, so every other access to `head` and `tail` is Relaxed; all that write `tail` are read-modify-writes,
//! so that each continues the release sequences of those before. One store-buffering pair, forbidden by two
//! `fence(SeqCst)`: **DISPLACING**, between `force_push`, which announces itself in `displacing` and reads whether the
//! ring is closed, and `close`, which says that it is, and on behalf of which a pop reads `displacing`. Without it a pop
//! could call a queue closed and empty into which a value is still put.
//!
//! # Invariants
//! * **OWNED**: whoever claimed a ticket alone touches its slot until storing the slot's next turn.
//! * **INIT**: a slot holds a value exactly while its turn is full.
//! * **RESERVED**: the slots of the next tickets, as many as are reserved, are vacant.

mod bounded;
mod error;
mod ring;
mod spsc;
mod ticket;
mod unbounded;

pub use self::{
    bounded::Bounded,
    error::{Closed, TryPopError, TryPushError},
    spsc::{Consumer, Producer, Spsc},
    unbounded::Unbounded,
};
