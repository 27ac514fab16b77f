//! The pool and threads that come and go, and that use it all at once.
//!
//! Where idle objects are found depends on the seats that threads have; and those are the process's. So each test is
//! [`alone`], and nothing else in this process takes a seat.

#[path = "../object_pool/maker.rs"]
mod maker;
#[path = "../values/mod.rs"]
mod values;

mod endings;
mod races;
mod seats;

use std::{
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread,
};

/// Runs a test while no other one does, on a thread that has ended before the next one begins.
#[track_caller]
fn alone(test: impl FnOnce() + Send) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    on_a_thread(test);
}

/// Does something on a thread of its own, and comes back when that has ended: its thread-locals and its seat are gone.
fn on_a_thread<R: Send>(act: impl FnOnce() -> R + Send) -> R {
    // A scope's own end would wait for the closure only.
    let ended = thread::scope(|scope| scope.spawn(act).join());
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}
