//! What several structures need.
//!
//! | file          | what                                                        |
//! |---------------|-------------------------------------------------------------|
//! | `seat.rs`     | a number for each thread that is alive                      |
//! | `seats.rs`    | which of these numbers are taken                            |
//! | `per_seat.rs` | a value for each of them                                    |
//! | `buckets.rs`  | an array that grows without moving                          |
//! | `backoff.rs`  | a pause after a lost race                                   |
//! | `slab.rs`     | removing from a slab, which gives memory back               |
//! | `drop_all.rs` | dropping values one by one, whatever their destructors do   |

#![allow(unreachable_pub, reason = "public to the models in loom-tests, private otherwise")]

pub mod backoff;
pub mod buckets;
pub mod drop_all;
pub mod per_seat;
pub mod seat;
pub mod seats;
pub mod slab;

pub use self::{
    backoff::Backoff,
    buckets::{Buckets, Zeroed},
    drop_all::drop_all,
    per_seat::PerSeat,
    seat::Seat,
};
