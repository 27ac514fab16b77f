#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The layers, lowest first; ARCHITECTURE.md has the map. Under a model checker only the layers that the models
// reach are compiled, and they are public to the package `loom-tests`.

#[cfg(not(any(freewheel_loom, freewheel_shuttle, freewheel_chaos)))]
mod sync;
#[cfg(any(freewheel_loom, freewheel_shuttle, freewheel_chaos))]
#[doc(hidden)]
pub mod sync;

#[cfg(not(any(freewheel_loom, freewheel_shuttle, freewheel_chaos)))]
mod reclaim;
#[cfg(any(freewheel_loom, freewheel_shuttle, freewheel_chaos))]
#[doc(hidden)]
pub mod reclaim;

#[cfg(not(any(freewheel_loom, freewheel_shuttle, freewheel_chaos)))]
mod util;
#[cfg(any(freewheel_loom, freewheel_shuttle, freewheel_chaos))]
#[doc(hidden)]
pub mod util;

#[cfg(not(any(freewheel_loom, freewheel_shuttle, freewheel_chaos)))]
mod wait;
#[cfg(any(freewheel_loom, freewheel_shuttle, freewheel_chaos))]
#[doc(hidden)]
pub mod wait;

pub mod map;
pub mod object_pool;
pub mod queue;
pub mod stack;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod trace_registry;
#[cfg(any(freewheel_loom, freewheel_shuttle))]
#[doc(hidden)]
pub mod trace_registry;
pub use map::{ShardedMap, ShardedSet};
pub use object_pool::ObjectPool;
pub use stack::Stack;

#[cfg(not(any(freewheel_loom, freewheel_shuttle, freewheel_chaos)))]
mod cell;
#[cfg(any(freewheel_loom, freewheel_shuttle, freewheel_chaos))]
#[doc(hidden)]
pub mod cell;

#[cfg(not(any(freewheel_loom, freewheel_shuttle, freewheel_chaos)))]
mod series;
#[cfg(any(freewheel_loom, freewheel_shuttle, freewheel_chaos))]
#[doc(hidden)]
pub mod series;

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub mod latest;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub use latest::Latest;

pub mod flow;

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub mod metrics;

#[cfg(all(feature = "process", not(any(freewheel_loom, freewheel_shuttle))))]
#[cfg_attr(docsrs, doc(cfg(feature = "process")))]
pub mod process;

#[cfg(all(feature = "metrics-facade", not(any(freewheel_loom, freewheel_shuttle))))]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics-facade")))]
pub mod facade;

#[cfg(all(feature = "otlp-core", not(any(freewheel_loom, freewheel_shuttle))))]
#[cfg_attr(docsrs, doc(cfg(feature = "otlp-core")))]
pub mod otlp;

#[cfg(all(feature = "prometheus", not(any(freewheel_loom, freewheel_shuttle))))]
#[cfg_attr(docsrs, doc(cfg(feature = "prometheus")))]
pub mod prometheus;
