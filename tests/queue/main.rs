//! The queues: order, ownership, ends, threads.

#[path = "../history/mod.rs"]
mod history;
#[path = "../values/mod.rs"]
mod values;

mod bounded;
mod errors;
mod spsc;
mod unbounded;
