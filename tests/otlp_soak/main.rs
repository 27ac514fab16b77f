//! Threads record, an exporter sends to three receivers, and the receivers are killed and started again all the time. In
//! the end each of them has all that was recorded, to the last unit, and memory has not grown.
//!
//! Not part of a plain `cargo test`: run `ci/otlp-soak`. `FREEWHEEL_SOAK_SECONDS` says for how long (20 unless given), and
//! `FREEWHEEL_SOAK_SEED` repeats the moments at which receivers are killed.

mod fate;
mod memory;
#[allow(dead_code, reason = "what other tests need")]
#[path = "../otlp_third_party/receiver.rs"]
mod receiver;
mod work;

use std::{
    env,
    fmt::Debug,
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

use freewheel::{
    metrics::Registry,
    otlp::{Compression, Destination, Exporter, Protocol, Resource, Stats, Temporality},
};
use serde_json::json;

use fate::Fate;
use memory::Memory;
use work::Work;

const PATIENCE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(250);
/// The names of the destinations, in the order of [`destinations`].
const NAMES: [&str; 3] = ["soak-grpc", "soak-protobuf", "soak-json"];
/// How much of the memory of the second third of the time the last third may need more.
const MAX_GROWTH: f64 = 0.05;

fn variable<T: FromStr<Err: Debug>>(name: &str, default: impl FnOnce() -> T) -> T {
    env::var(name).map_or_else(|_| default(), |text| text.parse().unwrap())
}

fn destinations(fate: &Fate) -> [Destination; 3] {
    let timeout = Duration::from_secs(2);
    let [grpc, protobuf, json] = fate.urls();
    [
        Destination::grpc(grpc),
        Destination::http(protobuf).temporality(Temporality::Delta).compression(Compression::Gzip),
        Destination::http(json).protocol(Protocol::HttpJson).temporality(Temporality::LowMemory),
    ]
    .into_iter()
    .zip(NAMES)
    .map(|(destination, name)| destination.name(name).timeout(timeout))
    .collect::<Vec<_>>()
    .try_into()
    .unwrap()
}

fn start(registry: &Registry, fate: &Fate) -> Exporter {
    let resource = Resource::builder().service_name("soak").build().unwrap();
    let builder = Exporter::builder(registry.clone()).resource(resource).interval(INTERVAL);
    destinations(fate).into_iter().fold(builder, |builder, next| builder.destination(next)).start().unwrap()
}

#[test]
fn nothing_is_lost_or_doubled_and_memory_stays_while_receivers_are_killed() {
    let seconds = variable("FREEWHEEL_SOAK_SECONDS", || 20);
    let seed = variable("FREEWHEEL_SOAK_SEED", || fastrand::u64(..));
    println!("{seconds} s with FREEWHEEL_SOAK_SEED={seed}");
    let ends = Instant::now() + Duration::from_secs(seconds);
    let registry = Registry::new();
    let work = Work::new(&registry);
    let mut fate = Fate::new(NAMES, seed);
    let exporter = start(&registry, &fate);
    let mut memory = Memory::default();
    let recorded = thread::scope(|scope| {
        let recorded = scope.spawn(|| work.record_until(ends));
        scope.spawn(|| memory.watch_until(ends));
        fate.strike_until(ends);
        recorded.join().unwrap()
    });

    // All receivers are up.
    exporter.force_flush(PATIENCE).unwrap();
    let stats: Vec<Stats> = exporter.destinations().map(|(_, stats)| stats).collect();
    assert_eq!(exporter.shutdown(PATIENCE).unwrap().pending_points, 0);
    table(&fate, &stats);
    for ((name, temporality), stats) in
        NAMES.into_iter().zip(["cumulative", "delta", "lowmemory"]).zip(&stats)
    {
        is_consistent(name, stats);
        let mut expected = recorded.expected();
        expected["temporality"] = json!(temporality);
        expected["resource"] = json!({"service.name": "soak"});
        expected["refused"] = json!(0);
        // One request for each kill: that one was kept, and not acknowledged.
        expected["repeats"] = json!(fate.kills(name) * work::SERIES);
        receiver::check(name, &receiver::file(name, "received.jsonl"), &expected);
    }
    println!("{} records; {memory}", recorded.records());
    assert!(memory.growth() <= MAX_GROWTH, "memory grows: {memory}");
}

/// One request for each export, more for those that were sent again, and perhaps one more that is under way.
fn is_consistent(name: &str, stats: &Stats) {
    assert_eq!((stats.dropped_windows, stats.points_rejected), (0, 0), "{name}: {stats:?}");
    let begun = stats.attempts - stats.retries;
    let ended = stats.exports + stats.failed_exports;
    assert!(begun <= ended + 1, "{name}: {stats:?}");
    let answered = stats.attempts - stats.failed_attempts;
    assert!((stats.exports..=stats.exports + 1).contains(&answered), "{name}: {stats:?}");
    assert!(stats.failed_attempts >= stats.retries, "{name}: {stats:?}");
    assert!(stats.points_accepted >= stats.exports, "{name}: {stats:?}");
    assert!(stats.last_success.is_some(), "{name}: {stats:?}");
}

fn table(fate: &Fate, stats: &[Stats]) {
    println!("| destination   | kills | exports | failed | attempts | failed | retries | points accepted |");
    println!("|---------------|-------|---------|--------|----------|--------|---------|-----------------|");
    for (name, stats) in NAMES.iter().zip(stats) {
        println!(
            "| {name:<13} | {:>5} | {:>7} | {:>6} | {:>8} | {:>6} | {:>7} | {:>15} |",
            fate.kills(name),
            stats.exports,
            stats.failed_exports,
            stats.attempts,
            stats.failed_attempts,
            stats.retries,
            stats.points_accepted,
        );
    }
}
