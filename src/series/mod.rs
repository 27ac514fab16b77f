//! From attributes to a series, for attributes that are only known when a value is recorded.
//!
//! | file           | what                                                                    |
//! |----------------|-------------------------------------------------------------------------|
//! | `directory.rs` | all series of an instrument, shared by all threads, with a limit        |
//! | `cache.rs`     | what one thread looked up lately: its own memory, no lock, no allocation |
//! | `local.rs`     | the calling thread's cache                                              |
//!
//! A lookup that the cache answers costs a hash and a full comparison. One that it does not goes to the directory,
//! which has two tables: the *settled* one is read without a lock and never changes, only replaced; *recent* series
//! stand in the other, under the mutex, until there are enough of them to settle. When the limit is reached all of
//! them are settled at once, and a lookup that finds nothing ends there: in the overflow series, without a lock.
//!
//! It is no [`ShardedMap`](crate::ShardedMap): that frees what was deleted when it is certain that nobody looks at it, some
//! time later, and drops the handle in it then. Here whoever takes a series out has to have its last handle at once (LAST).
//! Nor may a lookup from within an allocator write, which reading such a map does.
//!
//! # Removal
//!
//! A series may be removed while threads hold handles on it, in caches above all. Whoever removes by hand takes what
//! is recorded at the same moment with it. A series that goes because it is *idle* must lose nothing, so it goes only
//! if nobody can record into it any more: the collector raises the [generation](cache::Generation), which empties each cache at
//! its thread's next lookup, takes the series out of both tables under the mutex, and then has the last handle or
//! puts the series back.
//!
//! # Memory ordering
//!
//! | edge      | Release side                            | Acquire side                           | what becomes visible           |
//! |-----------|-----------------------------------------|----------------------------------------|--------------------------------|
//! | `SETTLED` | `sync::Swap`: replacing the table       | looking into it                        | the table                      |
//! | `RECENT`  | unlocking the directory's mutex         | locking it                             | the recent series and the list |
//! | `LEASE`   | dropping a handle, from a cache or else | `T::is_only_handle`: it is the last    | everything recorded through it |
//!
//! The generation is Relaxed: a thread that sees it late keeps handles longer, and the series stays that long.
//!
//! # Invariants
//!
//! * **ONE**: attributes have one series, since series are only made under the mutex, after both tables were searched.
//! * **FULL**: a settled table that says it is full has every series there is, until it is replaced.
//! * **LAST**: who has the only handle on a series, outside the tables, is alone with its cells for good.
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
#![forbid(unsafe_code)]

mod cache;
mod directory;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod local;

pub use self::{
    cache::Cache,
    directory::{Directory, Found, Series},
};

#[cfg(any(freewheel_loom, freewheel_shuttle))]
pub use self::cache::Generation;
#[cfg(all(feature = "metrics-facade", not(any(freewheel_loom, freewheel_shuttle))))]
pub use self::local::generation;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub use self::local::{LocalCache, forget_everywhere, remember, with_remembered};
