//! Recording a whole request: how many there were, how many failed, how long they took, and the last one.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crossbeam_utils::CachePadded;
use freewheel::metrics::{Registry, Timestamp};
use opentelemetry::metrics::{BoundCounter, BoundHistogram};
use parking_lot::Mutex;
use prometheus::{HistogramOpts, IntCounter};

use crate::{
    last_request::{self, Info, Swapped},
    race::{Contestant, Race},
    setup::{self, BOUNDS, Histograms, VALUES, latencies},
};

pub(crate) fn races() -> Vec<Race> {
    let contestants =
        vec![ours(), locked(), atomics(), open_telemetry(), prometheus(), last_request::empty_loop()];
    let mut race = Race::new("record", contestants);
    race.notes = vec![
        "the time of the request is given: no row reads a clock",
        "opentelemetry_sdk and prometheus use 15 explicit buckets, their cheaper kind; the rest, of 2 to 3 %",
    ];
    vec![race]
}

fn ours() -> Contestant {
    let registry = Registry::new();
    let requests = registry.requests("http.server.request").build().expect("the name is free");
    let durations = &latencies().durations;
    Contestant::new("freewheel", move |index| {
        let duration = durations[index % VALUES];
        let at = Timestamp::from_unix_nanos(last_request::unix_nanos(index));
        requests.record_at(duration, last_request::outcome(index), at);
    })
}

/// Buckets as fine as those of freewheel: each power of two is cut in 2^5.
const GROUPING_POWER: u8 = 5;
const MAX_VALUE_POWER: u8 = 64;

struct Everything {
    requests: u64,
    errors: u64,
    sum_nanos: u64,
    latency: histogram::Histogram,
    last: Info,
}

fn locked() -> Contestant {
    let latency = histogram::Histogram::new(GROUPING_POWER, MAX_VALUE_POWER).expect("the powers are valid");
    let everything = Everything { requests: 0, errors: 0, sum_nanos: 0, latency, last: Info::of(0, 0) };
    let everything = CachePadded::new(Mutex::new(everything));
    let nanos = &latencies().nanos;
    Contestant::new("parking_lot Mutex of everything", move |index| {
        let value = nanos[index % VALUES];
        let mut everything = everything.lock();
        everything.requests += 1;
        everything.errors += u64::from(last_request::has_failed(index));
        everything.sum_nanos = everything.sum_nanos.wrapping_add(value);
        _ = everything.latency.increment(value);
        everything.last = Info::of(index, value);
    })
}

/// What one writes with atomics and no library; on a line of their own, together.
struct Atomics {
    requests: AtomicU64,
    errors: AtomicU64,
    sum_nanos: AtomicU64,
}

fn atomics() -> Contestant {
    let counts = Atomics { requests: 0.into(), errors: 0.into(), sum_nanos: 0.into() };
    let counts = CachePadded::new(counts);
    let latency = histogram::AtomicHistogram::new(GROUPING_POWER, MAX_VALUE_POWER);
    let latency = latency.expect("the powers are valid");
    let last = last_request::new_swapped();
    let nanos = &latencies().nanos;
    Contestant::new("shared atomics + arc-swap", move |index| {
        let value = nanos[index % VALUES];
        counts.requests.fetch_add(1, Relaxed);
        if last_request::has_failed(index) {
            counts.errors.fetch_add(1, Relaxed);
        }
        counts.sum_nanos.fetch_add(value, Relaxed);
        _ = latency.increment(value);
        last.store(Arc::new(Info::of(index, value)));
    })
}

struct OpenTelemetry {
    requests: BoundCounter<u64>,
    errors: BoundCounter<u64>,
    latency: BoundHistogram<f64>,
    last: Swapped,
}

fn open_telemetry() -> Contestant {
    let (meter, _reader) = setup::open_telemetry(Histograms::Explicit);
    let latency = meter.f64_histogram("latency").with_boundaries(BOUNDS.to_vec()).build();
    let instruments = OpenTelemetry {
        requests: meter.u64_counter("requests").build().bind(&[]),
        errors: meter.u64_counter("errors").build().bind(&[]),
        latency: latency.bind(&[]),
        last: last_request::new_swapped(),
    };
    let values = latencies();
    Contestant::new("opentelemetry_sdk (bound) + arc-swap", move |index| {
        instruments.requests.add(1);
        if last_request::has_failed(index) {
            instruments.errors.add(1);
        }
        instruments.latency.record(values.seconds[index % VALUES]);
        instruments.last.store(Arc::new(Info::of(index, values.nanos[index % VALUES])));
    })
}

fn prometheus() -> Contestant {
    let requests = IntCounter::new("requests", "requests").expect("the name is valid");
    let errors = IntCounter::new("errors", "errors").expect("the name is valid");
    let options = HistogramOpts::new("latency", "latency").buckets(BOUNDS.to_vec());
    let latency = prometheus::Histogram::with_opts(options).expect("the options are valid");
    let last = last_request::new_swapped();
    let values = latencies();
    Contestant::new("prometheus + arc-swap", move |index| {
        requests.inc();
        if last_request::has_failed(index) {
            errors.inc();
        }
        latency.observe(values.seconds[index % VALUES]);
        last.store(Arc::new(Info::of(index, values.nanos[index % VALUES])));
    })
}
