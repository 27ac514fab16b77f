//! The queues are lock-free: wherever a thread stops in one of them, the others go on. What that thread hides from them
//! meanwhile is what the documentation says, and nothing more.
//!
//! Only in the chaos world can a thread be stopped at a chosen step: `RUSTFLAGS="--cfg freewheel_chaos"`.
#![cfg(freewheel_chaos)]

#[path = "../stopped/mod.rs"]
mod stopped;

mod bounded;
mod spsc;
mod unbounded;
