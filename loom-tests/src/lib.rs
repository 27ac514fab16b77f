//! Models of freewheel's concurrent code, and how they are run.
//!
//! * `tests/litmus.rs` guards the checker itself: what loom must and cannot show.
//! * `tests/<stem>.rs` models `src/<stem>` under loom, `tests/shuttle_<stem>.rs` under shuttle.
//! * `orderings.allow` lists the orderings that may be stronger than the models can tell.

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
compile_error!(
    "without RUSTFLAGS='--cfg freewheel_loom' (or freewheel_shuttle) no model is compiled; run ci/loom"
);

use std::any::Any;

#[cfg(freewheel_loom)]
pub use self::explore::{check, explore, refute};

#[cfg(freewheel_shuttle)]
pub use self::sample::sample;

#[cfg(freewheel_loom)]
pub mod abandoned;

#[cfg(freewheel_loom)]
mod explore;

#[cfg(freewheel_loom)]
pub mod popped;

#[cfg(freewheel_shuttle)]
mod sample;

#[cfg(any(freewheel_loom, freewheel_shuttle))]
pub mod task;

#[cfg(any(freewheel_loom, freewheel_shuttle))]
pub mod treiber;

#[cfg(freewheel_loom)]
pub mod watched;

/// What a panic said.
#[must_use]
pub fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}
