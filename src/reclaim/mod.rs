//! When memory that other threads may still read can be freed.
//!
//! A thread [`pin`]s before it follows a shared pointer and keeps the [`Guard`] while it uses what it found. Whoever
//! unlinks an object *retires* it: the object is freed once every guard that was alive at that moment is gone.
//!
//! Under real threads this is `crossbeam-epoch` (`epoch`). Under a model checker it is a model of the contract
//! (`model`): it frees at the first step at which the contract allows it, which shows a guard taken too late or an
//! object retired too early at once, while a real collector hides both behind its batches.
//!
//! # Memory ordering
//! What a structure may rely on:
//!
//! | edge   | Release side    | Acquire side              | what becomes visible                        |
//! |--------|-----------------|---------------------------|---------------------------------------------|
//! | `GONE` | `Guard::retire` | every later `pin`         | that the object is unlinked                 |
//! | `LEFT` | dropping guards | the free they held back   | that their owners are done with the object  |
//!
//! The model gives these two and no others: pinning does not publish, dropping a guard is not seen by a later `pin`,
//! and two retirements do not order each other. It is generous in one point: a real `pin` sees a retirement only if
//! the object can go while its guard lives, the model's sees every earlier one. So show each edge of a structure in
//! a model where nothing is retired before the edge is used.
//!
//! # Invariants
//! * **REACH**: an object is unlinked before it is retired; a guard pinned later cannot reach it.
//! * **ONCE**: an object is retired once.
//! * **GRACE**: an object is freed after the last guard that was alive when it was retired.

#![allow(unreachable_pub, reason = "public to the models in loom-tests, private otherwise")]

#[cfg(not(any(freewheel_shuttle, freewheel_loom)))]
pub use self::epoch::{Guard, pin};
#[cfg(any(freewheel_shuttle, freewheel_loom))]
pub use self::model::{Guard, pin};

#[cfg(not(any(freewheel_shuttle, freewheel_loom)))]
mod epoch;

#[cfg(any(freewheel_shuttle, freewheel_loom))]
mod model;
