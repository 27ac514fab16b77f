//! The maps' readers wait for nobody: wherever a writer stops, they go on, and see the old value or the new one. Nor does a
//! writer wait for a reader that stops, or for a writer that stops in another segment.
//!
//! Only in the chaos world can a thread be stopped at a chosen step: `RUSTFLAGS="--cfg freewheel_chaos"`.
#![cfg(freewheel_chaos)]

#[allow(dead_code, reason = "one way to hash is enough here")]
#[path = "../map/hashers.rs"]
mod hashers;
mod maps;
mod readers;
mod scenes;
#[path = "../stopped/mod.rs"]
mod stopped;
mod writers;
