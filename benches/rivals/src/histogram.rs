//! Recording a latency in a histogram.

use std::time::Duration;

use crossbeam_utils::CachePadded;
use freewheel::metrics::{Buckets, Registry};
use hdrhistogram::sync::SyncHistogram;
use parking_lot::Mutex;
use prometheus::HistogramOpts;
use prometheus_client::metrics::histogram::NativeHistogramConfig;

use crate::{
    opaque::consume,
    race::{Contestant, Race},
    setup::{self, BOUNDS, BUCKETED, Histograms, SHARDS, VALUES, latencies},
};

pub(crate) fn races() -> Vec<Race> {
    vec![exponential(), explicit(), floats()]
}

fn exponential() -> Race {
    let contestants = vec![
        ours("freewheel"),
        ours_of_durations(),
        open_telemetry("opentelemetry_sdk (bound)", Histograms::Exponential),
        prometheus_client_native(),
        metrics_summary(),
        metriken_sharded(),
        metriken_atomic(),
        fast_telemetry_distribution(),
        histogram_atomic(),
        histogram_locked(),
        hdrhistogram_recorder(),
        hdrhistogram_locked(),
        empty_loop(),
    ];
    let mut race = Race::new("exponential", contestants);
    race.notes = vec![
        "relative width of a bucket: freewheel 2.2 %, metriken and histogram 3.1 %, hdrhistogram 1 %,",
        "opentelemetry_sdk 4.4 % (as fine as 160 buckets allow), prometheus-client 9 %, fast-telemetry 100 %",
        "metriken and histogram keep no sum; metrics keeps every value until upkeep, which is not timed",
    ];
    race
}

fn explicit() -> Race {
    let contestants = vec![
        ours_of_floats("freewheel", bounds()),
        ours_of_bounded_durations(),
        open_telemetry("opentelemetry_sdk (bound)", Histograms::Explicit),
        prometheus(),
        prometheus_client(),
        metrics_bucketed(),
        fast_telemetry_histogram(),
        bounded_locked(),
        empty_loop(),
    ];
    let mut race = Race::new("explicit", contestants);
    race.notes = vec!["15 bounds; values are `f64`, and integers for fast-telemetry"];
    race
}

fn floats() -> Race {
    let contestants = vec![
        ours_of_floats("freewheel", Buckets::default()),
        open_telemetry("opentelemetry_sdk (bound)", Histograms::Exponential),
        open_telemetry_unbound(),
        prometheus(),
        prometheus_client_native(),
        prometheus_client(),
        metrics_bucketed(),
        bounded_locked(),
        empty_loop(),
    ];
    let mut race = Race::new("f64", contestants);
    race.notes = vec![
        "buckets as each has them for `f64`: exponential for freewheel, opentelemetry_sdk (bound) and (native);",
        "15 bounds for the others",
    ];
    race
}

fn bounds() -> Buckets {
    Buckets::explicit(BOUNDS).expect("the bounds rise")
}

/// Includes reading the value to record, as every row does.
fn empty_loop() -> Contestant {
    let nanos = &latencies().nanos;
    Contestant::new("(empty loop)", move |index| consume(nanos[index % VALUES]))
}

fn ours(who: &'static str) -> Contestant {
    let registry = Registry::new();
    let histogram = registry.histogram::<u64>("latency").unit("ns").build().expect("the name is free");
    let nanos = &latencies().nanos;
    Contestant::new(who, move |index| histogram.record(nanos[index % VALUES]))
}

fn ours_of_durations() -> Contestant {
    let registry = Registry::new();
    let histogram = registry.histogram::<Duration>("latency").build().expect("the name is free");
    let durations = &latencies().durations;
    Contestant::new("freewheel (Duration)", move |index| histogram.record(durations[index % VALUES]))
}

fn ours_of_bounded_durations() -> Contestant {
    let registry = Registry::new();
    let histogram = registry.histogram::<Duration>("latency").buckets(bounds()).build();
    let histogram = histogram.expect("the name is free");
    let durations = &latencies().durations;
    Contestant::new("freewheel (Duration)", move |index| histogram.record(durations[index % VALUES]))
}

fn ours_of_floats(who: &'static str, buckets: Buckets) -> Contestant {
    let registry = Registry::new();
    let histogram = registry.histogram::<f64>("latency").unit("s").buckets(buckets).build();
    let histogram = histogram.expect("the name is free");
    let seconds = &latencies().seconds;
    Contestant::new(who, move |index| histogram.record(seconds[index % VALUES]))
}

fn open_telemetry(who: &'static str, histograms: Histograms) -> Contestant {
    let (meter, _reader) = setup::open_telemetry(histograms);
    let histogram = meter.f64_histogram("latency").with_boundaries(BOUNDS.to_vec()).build().bind(&[]);
    let seconds = &latencies().seconds;
    Contestant::new(who, move |index| histogram.record(seconds[index % VALUES]))
}

fn open_telemetry_unbound() -> Contestant {
    let (meter, _reader) = setup::open_telemetry(Histograms::Explicit);
    let histogram = meter.f64_histogram("latency").with_boundaries(BOUNDS.to_vec()).build();
    let seconds = &latencies().seconds;
    Contestant::new("opentelemetry_sdk", move |index| histogram.record(seconds[index % VALUES], &[]))
}

fn prometheus() -> Contestant {
    let options = HistogramOpts::new("latency", "latency").buckets(BOUNDS.to_vec());
    let histogram = prometheus::Histogram::with_opts(options).expect("the options are valid");
    let seconds = &latencies().seconds;
    Contestant::new("prometheus Histogram", move |index| histogram.observe(seconds[index % VALUES]))
}

fn prometheus_client() -> Contestant {
    let histogram = prometheus_client::metrics::histogram::Histogram::new(BOUNDS);
    let seconds = &latencies().seconds;
    Contestant::new("prometheus-client Histogram", move |index| histogram.observe(seconds[index % VALUES]))
}

fn prometheus_client_native() -> Contestant {
    let configuration = NativeHistogramConfig::new(1.1);
    let histogram = prometheus_client::metrics::histogram::Histogram::new_native(configuration);
    let seconds = &latencies().seconds;
    Contestant::new("prometheus-client Histogram (native)", move |index| {
        histogram.observe(seconds[index % VALUES]);
    })
}

fn metrics_summary() -> Contestant {
    metrics("metrics + exporter-prometheus (summary)", metrics_histogram("rivals_latency"))
}

fn metrics_bucketed() -> Contestant {
    metrics("metrics + exporter-prometheus (buckets)", metrics_histogram(BUCKETED))
}

fn metrics_histogram(name: &'static str) -> metrics::Histogram {
    setup::metrics_recorder();
    metrics::histogram!(name)
}

fn metrics(who: &'static str, histogram: metrics::Histogram) -> Contestant {
    let seconds = &latencies().seconds;
    Contestant::new(who, move |index| histogram.record(seconds[index % VALUES]))
        .upkeep(|| setup::metrics_recorder().run_upkeep())
}

/// Each power of two is cut in 2^5 buckets: relative width 1/32.
const GROUPING_POWER: u8 = 5;
const MAX_VALUE_POWER: u8 = 64;

fn metriken_sharded() -> Contestant {
    let histogram = metriken::ShardedCounterHistogram::new(GROUPING_POWER, MAX_VALUE_POWER);
    let nanos = &latencies().nanos;
    Contestant::new("metriken ShardedCounterHistogram", move |index| {
        _ = histogram.increment(nanos[index % VALUES]);
    })
}

fn metriken_atomic() -> Contestant {
    let histogram = metriken::AtomicCounterHistogram::new(GROUPING_POWER, MAX_VALUE_POWER);
    let nanos = &latencies().nanos;
    Contestant::new("metriken AtomicCounterHistogram", move |index| {
        _ = histogram.increment(nanos[index % VALUES]);
    })
}

fn fast_telemetry_distribution() -> Contestant {
    let distribution = fast_telemetry::Distribution::new(SHARDS);
    let nanos = &latencies().nanos;
    Contestant::new("fast-telemetry Distribution", move |index| distribution.record(nanos[index % VALUES]))
}

fn fast_telemetry_histogram() -> Contestant {
    let bounds = BOUNDS.map(|seconds| (seconds * 1e9) as u64);
    let histogram = fast_telemetry::Histogram::new(&bounds, SHARDS);
    let nanos = &latencies().nanos;
    Contestant::new("fast-telemetry Histogram", move |index| histogram.record(nanos[index % VALUES]))
}

fn histogram_atomic() -> Contestant {
    let histogram = histogram::AtomicHistogram::new(GROUPING_POWER, MAX_VALUE_POWER);
    let histogram = histogram.expect("the powers are valid");
    let nanos = &latencies().nanos;
    Contestant::new("histogram AtomicHistogram", move |index| {
        _ = histogram.increment(nanos[index % VALUES]);
    })
}

fn histogram_locked() -> Contestant {
    let histogram = histogram::Histogram::new(GROUPING_POWER, MAX_VALUE_POWER);
    let histogram = CachePadded::new(Mutex::new(histogram.expect("the powers are valid")));
    let nanos = &latencies().nanos;
    Contestant::new("parking_lot Mutex<histogram::Histogram>", move |index| {
        _ = histogram.lock().increment(nanos[index % VALUES]);
    })
}

/// From 1 us to 60 s, two digits.
fn hdrhistogram() -> hdrhistogram::Histogram<u64> {
    hdrhistogram::Histogram::new_with_bounds(1_000, 60_000_000_000, 2).expect("the bounds are valid")
}

fn hdrhistogram_recorder() -> Contestant {
    let shared = SyncHistogram::from(hdrhistogram());
    let nanos = &latencies().nanos;
    Contestant::with_local(
        "hdrhistogram sync Recorder",
        move |_thread| shared.recorder(),
        move |recorder, index| recorder.saturating_record(nanos[index % VALUES]),
    )
}

fn hdrhistogram_locked() -> Contestant {
    let histogram = CachePadded::new(Mutex::new(hdrhistogram()));
    let nanos = &latencies().nanos;
    Contestant::new("parking_lot Mutex<hdrhistogram>", move |index| {
        histogram.lock().saturating_record(nanos[index % VALUES]);
    })
}

/// Explicit buckets as one writes them without a library.
#[derive(Default)]
struct Bounded {
    counts: [u64; BOUNDS.len() + 1],
    sum: f64,
}

fn bounded_locked() -> Contestant {
    let histogram = CachePadded::new(Mutex::new(Bounded::default()));
    let seconds = &latencies().seconds;
    Contestant::new("parking_lot Mutex", move |index| {
        let value = seconds[index % VALUES];
        let bucket = BOUNDS.partition_point(|bound| *bound < value);
        let mut histogram = histogram.lock();
        histogram.counts[bucket] += 1;
        histogram.sum += value;
    })
}
