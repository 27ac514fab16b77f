//! Values that are observed by callbacks.

mod common;
mod failures;
mod object_pools;
mod registering;
mod series;
mod threads;
mod values;
