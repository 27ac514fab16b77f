//! The only place that names atomics, cells, locks and threads.
//!
//! Everything concurrent in the crate is written against this module, and a `--cfg` picks the world it runs in:
//!
//! | world     | cfg                 | atomics                                             | used by                   |
//! |-----------|---------------------|-----------------------------------------------------|---------------------------|
//! | `real`    | none                | those of `std`                                      | every user                |
//! | `chaos`   | `freewheel_chaos`   | those of `std`, each step may first lose the CPU    | stress and progress tests |
//! | `shuttle` | `freewheel_shuttle` | scheduled at random, sequentially consistent        | many threads, long runs   |
//! | `loom`    | `freewheel_loom`    | every interleaving and every value the orders allow | few threads, all outcomes |
//!
//! All worlds export the same names. What the least able world lacks, nobody uses:
//!
//! * `loom` has no const `new` (nothing modelled lives in a `static`), no `get_mut` (read with `load(Relaxed)` in
//!   `drop`), no `park_timeout` and no scoped threads, and a loop that waits must call [`hint::spin_loop`] or
//!   [`thread::yield_now`].
//! * `loom` treats a SeqCst *access* as AcqRel. Where store buffering must be forbidden, write
//!   [`fence(SeqCst)`](atomic::fence), which it models.
//! * Plain data that one thread hands to another sits in a [`cell::UnsafeCell`], or no checker sees the race.

#![allow(unreachable_pub, reason = "this module is public only to the tests that set one of the cfgs")]
#![allow(dead_code, unused_imports, reason = "every world exports the same names, whoever uses them today")]

#[cfg(not(any(freewheel_chaos, freewheel_shuttle, freewheel_loom)))]
pub use self::real::{Arc, Mutex, MutexGuard, Swap, atomic, cell, hint, thread};

#[cfg(freewheel_chaos)]
pub use self::chaos::{Arc, Mutex, MutexGuard, Swap, atomic, cell, hint, pause_at, pause_missed, thread};

#[cfg(freewheel_shuttle)]
pub use self::shuttle::{Arc, Mutex, MutexGuard, atomic, cell, hint, raw, thread};
#[cfg(any(freewheel_shuttle, freewheel_loom))]
pub use self::swap_model::Swap;

#[cfg(freewheel_loom)]
pub use self::loom::{Arc, Mutex, MutexGuard, Twins, atomic, cell, hint, raw, thread, twins};

#[cfg(not(any(freewheel_shuttle, freewheel_loom)))]
mod real;

#[cfg(freewheel_chaos)]
mod chaos;

#[cfg(freewheel_shuttle)]
mod shuttle;

#[cfg(freewheel_loom)]
mod loom;

#[cfg(any(freewheel_chaos, freewheel_loom))]
mod probed;

#[cfg(any(freewheel_shuttle, freewheel_loom))]
mod swap_model;
