//! Per-thread cells: the hot path of every instrument.
//!
//! A thread that records owns a *slab*: an array of 64-bit words. A series of a counter owns one index, the same in
//! every slab. To record is to add to one's own word with a plain load and a plain store; no other thread writes
//! there, so nothing is lost and no cache line moves between cores. To collect is to sum the words at that index
//! over all slabs. A histogram needs many words per series: there the index is that of a *block*, an array of its
//! own that a thread allocates when it first records into the series.
//!
//! | file           | what                                                             |
//! |----------------|------------------------------------------------------------------|
//! | `cells.rs`     | an array of words on cache lines of its own                      |
//! | `store.rs`     | all slabs: adoption, growth, ids                                 |
//! | `lease.rs`     | a series' right to an id, and its total                          |
//! | `local.rs`     | the thread-local pointer to the thread's own slab and blocks     |
//! | `handle.rs`    | what instruments hold: a word or a block to record into          |
//! | `distribution.rs` | what histograms hold: a block of whatever buckets             |
//! | `gauge.rs`     | one shared cell that holds the last value, or a sum              |
//! | `reservoir.rs` | a few samples out of many                                        |
//! | `slot.rs`      | one thread's last value, several words that are never seen torn  |
//! | `recorded.rs`  | what histograms record, each value as one word                   |
//! | `index.rs`     | from a value to its histogram slot                               |
//! | `histogram.rs`, `explicit.rs`, `request.rs` | what the words of a block mean      |
//! | `far.rs`       | floating-point values that have no slot                          |
//!
//! # Threads come and go
//!
//! A slab outlives its thread: at thread exit it is given back *with its values*, and the next thread that starts
//! to record goes on from them (adoption). Nothing is folded or copied, so nothing can be lost or counted twice,
//! and memory is that of the largest number of threads that ever recorded at the same time. A slab that has become
//! too short is copied by its owner into a longer one that takes its place.
//!
//! A thread without a slab (its thread-locals are already destroyed, or there are `max_slabs` slabs) uses shared
//! cells in the lease: a word is added to with `fetch_add`, a block is written under a mutex.
//!
//! # Memory ordering
//!
//! | edge    | Release side                        | Acquire side                      | what becomes visible            |
//! |---------|-------------------------------------|-----------------------------------|---------------------------------|
//! | `STATE` | unlocking the store's mutex         | locking it                        | a slab given back, with its values; a slab's successor; a freed id |
//! | `LEASE` | dropping a reference to the lease   | dropping the last one             | everything recorded through it  |
//! | `BEGUN` | `slot`: every word after `sequence` went odd | `slot`: reading the word | that a write has begun          |
//! | `SET`   | `gauge`: `state` leaves `UNSET`     | reading `state`                   | the first value                 |
//! | `DONE`  | `slot`: `sequence` goes even        | `slot`: first read of `sequence`  | the words of the finished write |
//! | `EARLIER` | `histogram`: storing the sum      | `histogram`: first look at it     | extremes and buckets of the records before |
//! | `SUMMED` | `histogram`: storing a bucket      | `histogram`: reading a bucket     | that the sum has moved          |
//!
//! Totals are only summed, so every other access to a cell is Relaxed: coherence makes them monotone, and whatever
//! happens before a collection by the caller's own means (a join, a channel) is in it.
//!
//! # Invariants
//!
//! * **OWNER**: a word or block of a slab is written by the slab's owner only. Owners change under the store's mutex.
//! * **EXCLUSIVE**: nobody records into an id that has no lease, and a lease ends when its last handle is gone. So
//!   whoever takes a freed id is alone with its cells.
//! * **LENGTH**: a block id keeps its length for ever, whatever series it serves.
//! * **KEPT**: what the thread-local pointers point to is kept alive by the thread's owner record, and the pointers
//!   are withdrawn before the record changes or goes.
#![cfg_attr(
    any(freewheel_loom, freewheel_shuttle, freewheel_chaos),
    allow(
        missing_docs,
        clippy::missing_panics_doc,
        clippy::must_use_candidate,
        reason = "public to the models only"
    )
)]
#![allow(unreachable_pub, reason = "public to the models in loom-tests, private otherwise")]

mod cells;
mod explicit;
mod gauge;
mod histogram;
mod index;
mod lease;
mod recorded;
mod request;
#[cfg(any(feature = "trace", freewheel_loom, freewheel_shuttle))]
mod reservoir;
mod slot;
mod store;

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod distribution;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod far;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod handle;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod local;

pub use self::{
    explicit::Bounds,
    gauge::GaugeCell,
    histogram::{Exponential, ExponentialTotals, HistogramTotals, Scratch},
    index::Index,
    lease::{BlockLease, WordLease},
    recorded::{Elsewhere, Integer, NANOS_PER_SECOND, Recorded, Value, finite, saturating_nanos},
    request::{Ended, Ending, LastRequest, Request, RequestTotals},
    slot::{Last, Slot},
    store::{Owner, Store, Totals},
};

#[cfg(any(feature = "trace", freewheel_loom, freewheel_shuttle))]
pub use self::reservoir::Reservoir;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub use self::{
    distribution::{Distribution, DistributionTotals},
    far::Far,
    handle::{Block, Word},
    local::store,
};

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub use self::local::{Quiet, is_busy, quietly};

/// Models have no allocator that records.
#[cfg(any(freewheel_loom, freewheel_shuttle))]
pub fn quietly<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// Models have no allocator that records.
#[cfg(any(freewheel_loom, freewheel_shuttle))]
pub const fn is_busy() -> bool {
    false
}
