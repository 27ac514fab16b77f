//! Metrics that cost a few nanoseconds to record and scale with cores.
//!
//! A [`Registry`] makes instruments. An instrument is a handle: clone it, share it, keep it in a struct or, with
//! [`LazyLock`](std::sync::LazyLock), in a `static`. Recording through it touches memory of the calling thread only,
//! except for a [`Gauge`].
//!
//! | instrument        | records                                    | exported as                            |
//! |-------------------|--------------------------------------------|----------------------------------------|
//! | [`Counter`]       | a sum that only rises                      | monotonic sum                          |
//! | [`UpDownCounter`] | a sum that rises and falls                 | non-monotonic sum                      |
//! | [`Gauge`]         | the last value                             | gauge                                  |
//! | [`Histogram`]     | a distribution                             | histogram, exponential or with [given bounds](Buckets) |
//! | [`RequestMetrics`]| requests: count, errors, duration, last    | two counters, a histogram and a gauge  |
//! | [`LastRequest`]   | the last request alone                     | gauge                                  |
//!
//! Counters, up-down counters and gauges of what is kept elsewhere, such as the length of a queue, are not recorded but
//! [observed](InstrumentBuilder::observe): by callbacks that run when somebody collects.
//!
//! | operation                                   | progress  | shared cache lines written |
//! |---------------------------------------------|-----------|----------------------------|
//! | `add`, `record` (after a thread's first)    | wait-free | none                       |
//! | `add`, `record` (first in a thread, first after the registry grew, first into a histogram series) | takes a lock, allocates | those of the lock |
//! | the counters' `add` in a thread without a slab | lock-free | one                     |
//! | the others' `record` in a thread without a slab | takes a lock | those of the lock       |
//! | [`Histogram`]s' `record` of `f64` below zero or beyond `2^-32 .. 2^32`, with exponential buckets | takes a lock | those of the lock |
//! | [`Gauge::record`]                           | wait-free | one                        |
//! | [`Gauge::add`]                              | lock-free | one                        |
//! | looking up in a [`Family`] what the thread looked up lately, or in a [`TypedFamily`] | wait-free | none |
//! | looking up something else that exists since a while, or beyond the limit | lock-free | those of reference counts |
//! | looking up what is new | takes a lock, allocates | those of the lock |
//! | [`Registry::snapshot`]                      | takes a lock that recording does not | none    |
//!
//! A thread is *without a slab* while its thread-locals are being destroyed, and when more threads record at the
//! same time than [`set_max_slabs`] allows; it then asks again now and then.
//! Recording from a signal handler is not supported.
//!
//! # Examples
//!
//! ```
//! use freewheel::metrics::{KeyValue, Registry};
//!
//! let registry = Registry::new();
//! let hits = registry.counter("cache.hits").unit("{hit}").build()?;
//! let misses = registry.counter("cache.misses").unit("{miss}").bind(&[KeyValue::new("tier", "disk")])?;
//! std::thread::scope(|scope| {
//!     for _ in 0..4 {
//!         scope.spawn(|| (0..1000).for_each(|_| hits.add(1)));
//!     }
//! });
//! misses.add(3);
//! assert_eq!(hits.total(), 4000);
//! assert_eq!(registry.snapshot().metrics.len(), 2);
//! # Ok::<(), freewheel::metrics::RegisterError>(())
//! ```
#![forbid(unsafe_code)]

mod attributes;
mod buckets;
mod builder;
mod collection;
mod counter;
mod digest;
mod exemplar;
mod explicit;
mod exponential;
mod family;
mod faults;
mod figures;
mod gauge;
mod histogram;
mod histogram_snapshot;
mod histogram_timer;
mod instrument;
mod object_pools;
mod observe;
mod reader;
mod register_error;
mod registry;
mod rejections;
mod requests;
#[cfg(feature = "serde")]
mod serial;
mod series;
mod side;
mod snapshot;
mod timestamp;
mod typed;
mod value_ref;
mod view;

pub use self::{
    attributes::{AttributeError, Attributes, KeyValue, Value},
    buckets::{Buckets, BucketsError},
    builder::InstrumentBuilder,
    counter::{Counter, UpDownCounter},
    exemplar::Exemplar,
    explicit::{BoundsMismatch, ExplicitHistogram},
    exponential::ExponentialHistogram,
    family::{AnyKeys, Family, FixedKeys, OpenFamily, Selected, Selection, Values},
    gauge::{Gauge, GaugeValue},
    histogram::{Histogram, HistogramValue, RecordError},
    histogram_snapshot::HistogramSnapshot,
    histogram_timer::HistogramTimer,
    instrument::Instrument,
    observe::{CallbackFailures, Observer},
    reader::Reader,
    register_error::RegisterError,
    registry::{Registry, RegistryBuilder},
    requests::{LastRequest, Outcome, RequestInfo, RequestMetrics, RequestSnapshot, RequestTimer},
    snapshot::{
        Data, MergeConflict, MergeError, Metric, Mismatch, Point, PointRef, PointValue, SeriesId, Snapshot,
    },
    timestamp::Timestamp,
    typed::{Label, LabelTuple, Labels, TypedFamily},
    value_ref::{AttributeValue, ValueRef},
    view::View,
};
pub use crate::trace_registry::{TraceInfo, TraceRegistry};

#[cfg(feature = "process")]
pub(crate) use self::observe::{CounterF64, ObservedSet};
#[cfg(feature = "otlp-core")]
pub(crate) use self::snapshot::Windowed;
#[cfg(feature = "metrics-facade")]
pub(crate) use self::{rejections::Rejections, series::SeriesSet};

use std::num::NonZeroUsize;

use crate::cell;

/// Limits how many threads get cells of their own; 4096 unless set. Further ones share cells: every count stays
/// exact, but recording gets as slow as an ordinary shared counter, or a mutex for histograms.
///
/// A thread gets its cells when it first records and leaves them to the next thread when it ends, so the limit is on
/// threads that are alive at the same time. Memory is eight bytes per counter series and thread, and some kilobytes
/// per histogram series and thread that records into it. Threads that have cells already keep them.
pub fn set_max_slabs(max_slabs: NonZeroUsize) {
    cell::store().set_max_slabs(max_slabs.get());
}
