//! Adding one to a counter.

use std::{
    cell::Cell,
    collections::HashMap,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use crossbeam_utils::CachePadded;
use freewheel::metrics::{KeyValue, Registry};
use parking_lot::Mutex;
use prometheus::{IntCounter, IntCounterVec, Opts};
use prometheus_client::{encoding::EncodeLabelSet, metrics::family::Family};

use crate::{
    race::{Contestant, Race},
    setup::{self, Histograms, SHARDS},
};

pub(crate) fn races() -> Vec<Race> {
    vec![bound(), attributes()]
}

fn bound() -> Race {
    let shared = CachePadded::new(AtomicU64::new(0));
    let locked = CachePadded::new(Mutex::new(0_u64));
    let striped = Striped::new();
    let hydra = hytra::TrAdder::<u64>::new();
    let contestants = vec![
        ours_bound("freewheel", &[]),
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

fn attributes() -> Race {
    let ours = METHOD_ROUTE_STATUS.map(|(key, value)| KeyValue::new(key, value));
    let contestants = vec![
        ours_bound("freewheel", &ours),
        locked_table(),
        open_telemetry_attributes(),
        prometheus_attributes(),
        prometheus_client_attributes(),
        metrics_attributes(),
        fast_telemetry_attributes(),
        Contestant::empty_loop(),
    ];
    let mut race = Race::new("attributes_3", contestants);
    race.notes = vec![
        "freewheel has no lookup by attributes yet: its row adds through a handle bound to them once;",
        "the other rows look up the three attributes in each call",
    ];
    race
}

/// The attributes of the series that is counted.
const METHOD_ROUTE_STATUS: [(&str, &str); 3] =
    [("method", "GET"), ("route", "/users/{id}"), ("status", "200")];

fn ours_bound(who: &'static str, attributes: &[KeyValue]) -> Contestant {
    let registry = Registry::new();
    let counter = registry.counter("requests").bind(attributes).expect("the name is free");
    Contestant::new(who, move |_| counter.add(1))
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

fn locked_table() -> Contestant {
    let table = CachePadded::new(Mutex::new(HashMap::<[&str; 3], u64>::new()));
    Contestant::new("parking_lot Mutex<HashMap>", move |_| {
        *table.lock().entry(METHOD_ROUTE_STATUS.map(|(_, value)| value)).or_default() += 1;
    })
}

fn open_telemetry_bound() -> Contestant {
    let (meter, _reader) = setup::open_telemetry(Histograms::Explicit);
    let counter = meter.u64_counter("requests").build().bind(&[]);
    Contestant::new("opentelemetry_sdk (bound)", move |_| counter.add(1))
}

fn open_telemetry_attributes() -> Contestant {
    let (meter, _reader) = setup::open_telemetry(Histograms::Explicit);
    let counter = meter.u64_counter("requests").build();
    let attributes = METHOD_ROUTE_STATUS.map(|(key, value)| opentelemetry::KeyValue::new(key, value));
    Contestant::new("opentelemetry_sdk", move |_| counter.add(1, &attributes))
}

fn prometheus_bound() -> Contestant {
    let counter = IntCounter::new("requests", "requests").expect("the name is valid");
    Contestant::new("prometheus IntCounter", move |_| counter.inc())
}

fn prometheus_attributes() -> Contestant {
    let keys = METHOD_ROUTE_STATUS.map(|(key, _)| key);
    let values = METHOD_ROUTE_STATUS.map(|(_, value)| value);
    let counters = IntCounterVec::new(Opts::new("requests", "requests"), &keys).expect("the names are valid");
    Contestant::new("prometheus IntCounterVec", move |_| counters.with_label_values(&values).inc())
}

fn prometheus_client_bound() -> Contestant {
    let counter = prometheus_client::metrics::counter::Counter::<u64>::default();
    Contestant::new("prometheus-client Counter", move |_| {
        counter.inc();
    })
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: &'static str,
    status: &'static str,
}

fn prometheus_client_attributes() -> Contestant {
    let [method, route, status] = METHOD_ROUTE_STATUS.map(|(_, value)| value);
    let labels = Labels { method, route, status };
    let family = Family::<Labels, prometheus_client::metrics::counter::Counter>::default();
    Contestant::new("prometheus-client Family", move |_| {
        family.get_or_create(&labels).inc();
    })
}

fn metrics_bound() -> Contestant {
    setup::metrics_recorder();
    let counter = metrics::counter!("rivals_requests");
    Contestant::new("metrics + exporter-prometheus (handle)", move |_| counter.increment(1))
}

fn metrics_attributes() -> Contestant {
    setup::metrics_recorder();
    Contestant::new("metrics + exporter-prometheus (counter!)", |_| {
        metrics::counter!("rivals_by_route", "method" => "GET", "route" => "/users/{id}", "status" => "200")
            .increment(1);
    })
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

fn fast_telemetry_attributes() -> Contestant {
    let counter = fast_telemetry::DynamicCounter::new(SHARDS);
    Contestant::new("fast-telemetry DynamicCounter", move |_| counter.inc(&METHOD_ROUTE_STATUS))
}
