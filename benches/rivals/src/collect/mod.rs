//! Reading what was recorded: ten counters that 16 threads have recorded to, and families.

mod families;

pub(crate) use self::families::VALUES_OF_EACH;

use std::{
    hint::black_box,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use freewheel::metrics::{KeyValue, Registry};
use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry_sdk::metrics::{data::ResourceMetrics, reader::MetricReader};
use prometheus::{IntCounterVec, Opts};
use prometheus_client::metrics::{counter::Counter, family::Family};

use crate::{
    race::{Contestant, Race, Unit},
    setup::{self, Histograms, SHARDS},
};

/// Ten counters of 200 series each stay below everyone's limit on the series of one counter.
const COUNTERS: usize = 10;
const SERIES_OF_EACH: usize = 200;
const SERIES: usize = COUNTERS * SERIES_OF_EACH;
/// Threads that record before the collection, all alive at once.
const RECORDERS: usize = 16;

pub(crate) fn races() -> Vec<Race> {
    vec![
        of_ten_counters(),
        families::race_of_counters("counters_2000", 2_000),
        families::race_of_counters("counters_100000", 100_000),
        families::race_of_histograms("histograms_2000", 2_000),
    ]
}

fn of_ten_counters() -> Race {
    let contestants = vec![
        ours(),
        ours_fresh(),
        atomics(),
        open_telemetry(),
        prometheus(),
        prometheus_client(),
        metrics(),
        metriken(),
        fast_telemetry(),
        hytra(),
        Contestant::empty_loop(),
    ];
    let notes = vec![
        "rows give names and attributes with the values; (text): printed as well; (values): bare numbers",
        "freewheel and opentelemetry_sdk collect into the memory of the collection before, except where fresh",
        "the empty loop is per series too: a 2000th of a call",
    ];
    let unit = Unit::NanosPerSeries;
    Race { case: "per_series", unit, threads: &[1], batch: SERIES, contestants, notes }
}

/// The name of a counter and the value of its attribute `series`, for all series.
fn series() -> impl Iterator<Item = (String, String)> {
    (0..SERIES).map(|number| (format!("rivals_{}", number / SERIES_OF_EACH), format!("{number}")))
}

/// Runs `add` for every one of `counters` on each of 16 threads.
fn record_everywhere<C: Sync>(counters: &[C], add: impl Fn(&C) + Sync) {
    let everyone_is_alive = Barrier::new(RECORDERS);
    thread::scope(|scope| {
        for _ in 0..RECORDERS {
            scope.spawn(|| {
                counters.iter().for_each(&add);
                everyone_is_alive.wait();
            });
        }
    });
}

/// A registry with all series, recorded to.
fn our_registry() -> Registry {
    let registry = Registry::new();
    let bind = |(name, value): (String, String)| {
        registry.counter(name).bind(&[KeyValue::new("series", value)]).expect("the series is free")
    };
    let counters: Vec<_> = series().map(bind).collect();
    record_everywhere(&counters, |counter| counter.add(1));
    registry
}

fn ours() -> Contestant {
    let registry = our_registry();
    let again = registry.clone();
    Contestant::with_local(
        "freewheel",
        move |_thread| registry.snapshot(),
        move |snapshot, _| again.snapshot_into(snapshot),
    )
}

fn ours_fresh() -> Contestant {
    let registry = our_registry();
    Contestant::new("freewheel (fresh snapshot)", move |_| {
        black_box(registry.snapshot());
    })
}

fn atomics() -> Contestant {
    let counters: Vec<AtomicU64> = series().map(|_| AtomicU64::new(0)).collect();
    record_everywhere(&counters, |counter| {
        counter.fetch_add(1, Relaxed);
    });
    Contestant::new("shared atomics (values)", move |_| {
        let values: Vec<u64> = counters.iter().map(|counter| counter.load(Relaxed)).collect();
        black_box(values);
    })
}

fn open_telemetry() -> Contestant {
    let (meter, reader) = setup::open_telemetry(Histograms::Explicit);
    let bind = |(name, value): (String, String)| {
        meter.u64_counter(name).build().bind(&[opentelemetry::KeyValue::new("series", value)])
    };
    let counters: Vec<_> = series().map(bind).collect();
    record_everywhere(&counters, |counter| counter.add(1));
    Contestant::with_local(
        "opentelemetry_sdk",
        |_thread| ResourceMetrics::default(),
        move |metrics, _| reader.collect(metrics).expect("the reader is registered"),
    )
}

fn prometheus() -> Contestant {
    let registry = prometheus::Registry::new();
    let families: Vec<IntCounterVec> = (0..COUNTERS)
        .map(|number| {
            let options = Opts::new(format!("rivals_{number}"), "requests");
            let family = IntCounterVec::new(options, &["series"]).expect("the names are valid");
            registry.register(Box::new(family.clone())).expect("the name is free");
            family
        })
        .collect();
    let counter = |(number, (_, value)): (usize, (String, String))| {
        families[number / SERIES_OF_EACH].with_label_values(&[value.as_str()])
    };
    let counters: Vec<_> = series().enumerate().map(counter).collect();
    record_everywhere(&counters, |counter| counter.inc());
    Contestant::new("prometheus", move |_| {
        black_box(registry.gather());
    })
}

fn prometheus_client() -> Contestant {
    type Labels = [(&'static str, String); 1];
    let mut registry = prometheus_client::registry::Registry::default();
    let families: Vec<Family<Labels, Counter>> = (0..COUNTERS)
        .map(|number| {
            let family = Family::default();
            registry.register(format!("rivals_{number}"), "requests", family.clone());
            family
        })
        .collect();
    let counter = |(number, (_, value)): (usize, (String, String))| {
        families[number / SERIES_OF_EACH].get_or_create_owned(&[("series", value)])
    };
    let counters: Vec<_> = series().enumerate().map(counter).collect();
    record_everywhere(&counters, |counter| {
        counter.inc();
    });
    Contestant::with_local(
        "prometheus-client (text)",
        |_thread| String::new(),
        move |text, _| {
            text.clear();
            prometheus_client::encoding::text::encode(text, &registry).expect("strings take everything");
        },
    )
}

fn metrics() -> Contestant {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counters: Vec<_> = metrics::with_local_recorder(&recorder, || {
        series().map(|(name, value)| metrics::counter!(name, "series" => value)).collect()
    });
    record_everywhere(&counters, |counter| counter.increment(1));
    Contestant::new("metrics + exporter-prometheus (text)", move |_| {
        black_box(recorder.handle().render());
    })
}

fn metriken() -> Contestant {
    let group = metriken::ShardedCounterGroup::new(SERIES);
    let numbers: Vec<usize> = (0..SERIES).collect();
    record_everywhere(&numbers, |number| {
        group.increment(*number);
    });
    Contestant::new("metriken ShardedCounterGroup (values)", move |_| {
        black_box(group.load());
    })
}

fn fast_telemetry() -> Contestant {
    let families: Vec<_> = (0..COUNTERS).map(|_| fast_telemetry::DynamicCounter::new(SHARDS)).collect();
    let counter = |(number, (_, value)): (usize, (String, String))| {
        families[number / SERIES_OF_EACH].series(&[("series", value.as_str())])
    };
    let counters: Vec<_> = series().enumerate().map(counter).collect();
    record_everywhere(&counters, |counter| counter.inc());
    Contestant::new("fast-telemetry DynamicCounter", move |_| {
        for family in &families {
            black_box(family.snapshot());
        }
    })
}

fn hytra() -> Contestant {
    let counters: Vec<_> = series().map(|_| hytra::TrAdder::<u64>::new()).collect();
    record_everywhere(&counters, |counter| counter.inc(1));
    Contestant::new("hytra TrAdder (values)", move |_| {
        let values: Vec<u64> = counters.iter().map(hytra::TrAdder::get).collect();
        black_box(values);
    })
}
