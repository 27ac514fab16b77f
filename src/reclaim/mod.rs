//! When memory that other threads may still read can be freed.
//!
//! A thread [`pin`]s before it follows a shared pointer, loads pointers by its [`Guard`], and keeps that while it uses what it
//! found. Whoever unlinks an object puts it into a [`Bin`], which gives it back when nobody can look at it any more.
//!
//! There is a clock, the *era*. Each object knows the era of its [`Birth`]; the bin notes that of its end. A guard reserves the
//! eras from that in which it was made to the last in which it loaded a pointer. An object is freed when no guard has
//! reserved an era of its life (interval-based reclamation: H. Wen, J. Izraelevitz, W. Cai, H. A. Beadle, M. L. Scott,
//! *Interval-Based Memory Reclamation*, PPoPP 2018; there `2GEIBR`).
//!
//! So a thread that stops, or a guard that is kept and not used, keeps what there was when it last loaded a pointer, and
//! nothing that came after: whatever the others do, what waits is bounded.
//!
//! | file       | what                                                             |
//! |------------|------------------------------------------------------------------|
//! | `eras.rs`  | the clock, and the eras that threads have reserved               |
//! | `guard.rs` | guards, by which a thread keeps what it finds                    |
//! | `bin.rs`   | what one thread has unlinked, until it can be freed              |
//! | `local.rs` | where the clock is, and what belongs to the calling thread       |
//!
//! # Memory ordering
//!
//! | edge   | Release side                | Acquire side                | what becomes visible                                |
//! |--------|-----------------------------|-----------------------------|-----------------------------------------------------|
//! | `GONE` | `Clock::advance`: RMW | `Stay::enter`: clock, load | what was unlinked in eras before                    |
//! | `LEFT` | `Stay::{leave, enter}`: `first` | `Stay::reserved`: `first`   | that the owner is done with what it looked at       |
//!
//! and by sequentially consistent fences, which forbid store buffering:
//!
//! | pair   | one side                                               | the other side                                         |
//! |--------|--------------------------------------------------------|--------------------------------------------------------|
//! | `SEEN` | `Stay::{enter, extend}`: reserve; fence; load pointers | `Clock::advance`: unlinked; fence; read the reservations |
//!
//! So a reservation is seen, or its owner does not find the object. The rest is Relaxed: who finds an object by an edge of its
//! structure sees the clock no earlier than the object's maker did.
//!
//! # Invariants
//!
//! * **REACH**: an object is unlinked before it comes into a bin; a guard made in a later era cannot reach it.
//! * **BORN**: an object's birth is no later than the moment at which it can be reached.
//! * **RESERVED**: a pointer is loaded by [`Guard::protect`], or the object is [covered](Guard::cover) while its owner keeps
//!   others from unlinking it.

#![allow(unreachable_pub, reason = "public to the models in loom-tests, private otherwise")]

mod bin;
mod eras;
mod guard;
mod local;

pub use self::{
    bin::{Bin, Born},
    eras::Birth,
    guard::{Guard, pin},
};
