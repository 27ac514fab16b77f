//! Select: one of several channels, for threads and tasks.

#[path = "../waiting/mod.rs"]
mod waiting;

mod all;
mod branches;
mod endings;
mod pitfalls;
mod tasks;
mod threads;
mod turns;
