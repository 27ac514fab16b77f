//! Channels: what they promise to threads and tasks.

#[path = "../values/mod.rs"]
mod values;
#[path = "../waiting/mod.rs"]
mod waiting;

mod abandoned;
mod basics;
mod cancelling;
mod closing;
mod contexts;
mod fairness;
mod figures;
mod many;
mod metrics;
mod permits;
mod permits_threads;
mod rendezvous;
mod runtime;
mod tasks;
mod types;
