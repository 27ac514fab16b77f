//! Channels: what they promise to threads and tasks.

mod basics;
mod contexts;
