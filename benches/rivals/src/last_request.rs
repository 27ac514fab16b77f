//! Remembering the last request.

use std::sync::Arc;

use arc_swap::ArcSwap;
use crossbeam_utils::{CachePadded, atomic::AtomicCell};
use freewheel::metrics::{Outcome, Registry, Timestamp};
use parking_lot::Mutex;

use crate::{
    opaque::consume,
    race::{Contestant, Race},
    setup::{VALUES, latencies},
};

pub(crate) fn races() -> Vec<Race> {
    vec![Race::new("store", vec![ours(), swapped(), locked(), cell(), empty_loop()])]
}

/// What there is to know about a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Info {
    duration_nanos: u64,
    at_nanos: u64,
    failed: bool,
}

impl Info {
    /// The information that request number `index` leaves. Every 16th fails; they come a microsecond after
    /// another.
    #[inline(always)]
    pub(crate) fn of(index: usize, duration_nanos: u64) -> Self {
        Self { duration_nanos, at_nanos: unix_nanos(index), failed: has_failed(index) }
    }
}

/// The time of request number `index`: given, as no clock is part of the race.
#[inline(always)]
pub(crate) fn unix_nanos(index: usize) -> u64 {
    const FIRST: u64 = 1_700_000_000_000_000_000;
    FIRST + index as u64 * 1_000
}

#[inline(always)]
pub(crate) fn has_failed(index: usize) -> bool {
    index.is_multiple_of(16)
}

#[inline(always)]
pub(crate) fn outcome(index: usize) -> Outcome {
    if has_failed(index) { Outcome::Error } else { Outcome::Success }
}

/// Includes putting the information together, as every row does.
pub(crate) fn empty_loop() -> Contestant {
    let nanos = &latencies().nanos;
    Contestant::new("(empty loop)", move |index| {
        let info = Info::of(index, nanos[index % VALUES]);
        consume(info.duration_nanos);
        consume(info.at_nanos);
        consume(u64::from(info.failed));
    })
}

fn ours() -> Contestant {
    let registry = Registry::new();
    let last = registry.last_request("last").build().expect("the name is free");
    let durations = &latencies().durations;
    Contestant::new("freewheel", move |index| {
        let duration = durations[index % VALUES];
        last.record_at(duration, outcome(index), Timestamp::from_unix_nanos(unix_nanos(index)));
    })
}

/// The pointer swap that the other rows use for the last request.
pub(crate) type Swapped = CachePadded<ArcSwap<Info>>;

pub(crate) fn new_swapped() -> Swapped {
    CachePadded::new(ArcSwap::from_pointee(Info::of(0, 0)))
}

fn swapped() -> Contestant {
    let last = new_swapped();
    let nanos = &latencies().nanos;
    Contestant::new("arc-swap", move |index| last.store(Arc::new(Info::of(index, nanos[index % VALUES]))))
}

fn locked() -> Contestant {
    let last = CachePadded::new(Mutex::new(Info::of(0, 0)));
    let nanos = &latencies().nanos;
    Contestant::new("parking_lot Mutex", move |index| *last.lock() = Info::of(index, nanos[index % VALUES]))
}

fn cell() -> Contestant {
    let last = CachePadded::new(AtomicCell::new(Info::of(0, 0)));
    let nanos = &latencies().nanos;
    Contestant::new("crossbeam AtomicCell", move |index| last.store(Info::of(index, nanos[index % VALUES])))
}
