//! Adding one to a counter.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use crossbeam_utils::CachePadded;
use freewheel::{facade, metrics::Registry};
use metrics::{Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::PrometheusBuilder;
use parking_lot::Mutex;
use prometheus::IntCounter;

use crate::{
    race::{Contestant, Race},
    setup::{self, Histograms, SHARDS},
};

pub(crate) fn races() -> Vec<Race> {
    vec![bound(), literals("macro", &NO_LABELS), literals("macro_3_labels", &THREE_LABELS)]
}

fn bound() -> Race {
    let shared = CachePadded::new(AtomicU64::new(0));
    let locked = CachePadded::new(Mutex::new(0_u64));
    let striped = Striped::new();
    let hydra = hytra::TrAdder::<u64>::new();
    let contestants = vec![
        ours_bound(),
        Contestant::new("one shared atomic", move |_| {
            shared.fetch_add(1, Relaxed);
        }),
        Contestant::new("16 striped atomics", move |_| striped.add(1)),
        Contestant::new("parking_lot Mutex", move |_| *locked.lock() += 1),
        open_telemetry_bound(),
        prometheus_bound(),
        prometheus_client_bound(),
        metrics_bound(),
        metriken_bound(),
        fast_telemetry_bound(),
        Contestant::new("hytra TrAdder", move |_| hydra.inc(1)),
        Contestant::empty_loop(),
    ];
    Race::new("bound", contestants)
}

static NO_LABELS: Key = Key::from_static_name("requests");
static LABELS: [Label; 3] = [
    Label::from_static_parts("method", "GET"),
    Label::from_static_parts("route", "/users/{id}"),
    Label::from_static_parts("status", "200"),
];
static THREE_LABELS: Key = Key::from_static_parts("requests", &LABELS);

/// The macro `counter!` of the crate `metrics` with literals: the handle is looked up by a static key in each call.
fn literals(case: &'static str, key: &'static Key) -> Race {
    let ours = facade::Recorder::new(&Registry::new());
    let prometheus = PrometheusBuilder::new().build_recorder();
    let contestants = vec![
        by_macro("metrics + freewheel", key, ours),
        by_macro("metrics + exporter-prometheus", key, prometheus),
        Contestant::empty_loop(),
    ];
    Race::new(case, contestants)
}

/// Calls the recorder as the macros call the global one.
fn by_macro(
    who: &'static str,
    key: &'static Key,
    recorder: impl Recorder + Sync + Send + 'static,
) -> Contestant {
    static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
    Contestant::new(who, move |_| recorder.register_counter(key, &METADATA).increment(1))
}

fn ours_bound() -> Contestant {
    let counter = Registry::new().counter("requests").build().expect("the name is free");
    Contestant::new("freewheel", move |_| counter.add(1))
}

/// A counter in 16 parts, each on a cache line of its own; a thread adds to the part that its number selects.
struct Striped([CachePadded<AtomicU64>; 16]);

impl Striped {
    fn new() -> Self {
        Self(std::array::from_fn(|_| CachePadded::new(AtomicU64::new(0))))
    }

    fn add(&self, amount: u64) {
        self.0[thread_number() % self.0.len()].fetch_add(amount, Relaxed);
    }
}

fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    const UNKNOWN: usize = usize::MAX;
    thread_local!(static NUMBER: Cell<usize> = const { Cell::new(UNKNOWN) });
    NUMBER.with(|number| {
        if number.get() == UNKNOWN {
            number.set(NEXT.fetch_add(1, Relaxed));
        }
        number.get()
    })
}

fn open_telemetry_bound() -> Contestant {
    let (meter, _reader) = setup::open_telemetry(Histograms::Explicit);
    let counter = meter.u64_counter("requests").build().bind(&[]);
    Contestant::new("opentelemetry_sdk (bound)", move |_| counter.add(1))
}

fn prometheus_bound() -> Contestant {
    let counter = IntCounter::new("requests", "requests").expect("the name is valid");
    Contestant::new("prometheus IntCounter", move |_| counter.inc())
}

fn prometheus_client_bound() -> Contestant {
    let counter = prometheus_client::metrics::counter::Counter::<u64>::default();
    Contestant::new("prometheus-client Counter", move |_| {
        counter.inc();
    })
}

fn metrics_bound() -> Contestant {
    setup::metrics_recorder();
    let counter = metrics::counter!("rivals_requests");
    Contestant::new("metrics + exporter-prometheus (handle)", move |_| counter.increment(1))
}

fn metriken_bound() -> Contestant {
    let group = metriken::ShardedCounterGroup::new(1);
    Contestant::new("metriken ShardedCounterGroup", move |_| {
        group.increment(0);
    })
}

fn fast_telemetry_bound() -> Contestant {
    let counter = fast_telemetry::Counter::new(SHARDS);
    Contestant::new("fast-telemetry Counter", move |_| counter.inc())
}
