//! The pool on one thread: what is lent, kept, dropped and counted. Threads are in `object_pool_threads.rs`.

#[path = "../values/mod.rs"]
mod values;

mod functions;
mod lending;
mod maker;
mod model;
mod types;
