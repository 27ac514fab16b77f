//! The map and the set: what they do on one thread and on many.

#[path = "../history/mod.rs"]
mod history;
#[path = "../values/mod.rs"]
mod values;

mod changing;
mod computing;
mod contract;
mod dropping;
mod hashers;
mod histories;
mod making;
mod model;
mod panics;
mod ranging;
mod reentrancy;
mod sets;
mod threads;
mod types;
