//! How much memory a series takes, in bytes that were asked of the allocator.
//!
//! Every weighing happens in a process of its own, so that nothing is there already: no slab of an earlier thread, no
//! table of an earlier registry.

use std::{env, process::Command, sync::Barrier, thread};

use crate::{
    allocator,
    collect::VALUES_OF_EACH,
    families::{
        Counters, Histograms, Labels, borrowed, by_hand, fast_telemetry, freewheel, measured, metrics,
        open_telemetry, prometheus, prometheus_client, series,
    },
    race::{Contestant, Race, Unit},
    setup::latencies,
};

/// A table: who is weighed with how many series.
struct Case {
    name: &'static str,
    series: usize,
    threads: &'static [usize],
    loads: Vec<Load>,
    notes: Vec<&'static str>,
}

/// One who is weighed.
struct Load {
    who: &'static str,
    /// Records to all of these series on so many threads and says how many bytes are in use then.
    weigh: fn(&[Labels], usize) -> isize,
}

fn cases() -> [Case; 3] {
    const NOTE: &str =
        "the threads are alive and have all recorded to every series; the texts of the labels are included";
    const SHARDS_NOTE: &str =
        "fast-telemetry has 16 shards, as elsewhere here; its memory is in proportion to them";
    let counters = |name, series, threads| Case {
        name,
        series,
        threads,
        loads: counters(),
        notes: vec![NOTE, SHARDS_NOTE],
    };
    [
        counters("counters_2000", 2_000, &[1, 4]),
        counters("counters_100000", 100_000, &[1]),
        Case {
            name: "histograms_2000",
            series: 2_000,
            threads: &[1, 4],
            loads: histograms(),
            notes: vec![NOTE, SHARDS_NOTE, "each series has 300 values of each thread in it"],
        },
    ]
}

fn counters() -> Vec<Load> {
    vec![
        of_counters::<freewheel::CounterFamily>(),
        of_counters::<freewheel::BoundCounters>(),
        of_counters::<open_telemetry::CounterFamily>(),
        of_counters::<prometheus::CounterFamily>(),
        of_counters::<prometheus_client::CounterFamily>(),
        of_counters::<metrics::CounterFamily>(),
        of_counters::<fast_telemetry::CounterFamily>(),
        of_counters::<measured::CounterFamily>(),
        of_counters::<by_hand::LockedTable>(),
        of_counters::<by_hand::SharedTable>(),
    ]
}

fn histograms() -> Vec<Load> {
    vec![
        of_histograms::<freewheel::HistogramFamily>(),
        of_histograms::<open_telemetry::ExponentialFamily>(),
        of_histograms::<open_telemetry::ExplicitFamily>(),
        of_histograms::<prometheus::HistogramFamily>(),
        of_histograms::<prometheus_client::HistogramFamily>(),
        of_histograms::<metrics::HistogramFamily>(),
        of_histograms::<fast_telemetry::HistogramFamily>(),
        of_histograms::<measured::HistogramFamily>(),
    ]
}

fn of_counters<C: Counters>() -> Load {
    let weigh = |series: &[Labels], threads| {
        let begin = || C::new(series.len());
        in_use(series, threads, begin, |counters, labels| counters.add(labels), |_| ())
    };
    Load { who: C::WHO, weigh }
}

fn of_histograms<H: Histograms>() -> Load {
    let weigh = |series: &[Labels], threads| {
        let values = &latencies().nanos[..VALUES_OF_EACH];
        let begin = || H::new(series.len());
        let record = |histograms: &H, labels: [&str; 3]| {
            values.iter().for_each(|&nanos| histograms.record(labels, nanos))
        };
        in_use(series, threads, begin, record, H::upkeep)
    };
    Load { who: H::WHO, weigh }
}

/// How many more bytes are in use when all of `series` have been recorded on so many threads than before anything was
/// there.
fn in_use<F: Sync>(
    series: &[Labels],
    threads: usize,
    begin: impl FnOnce() -> F,
    record: impl Fn(&F, [&str; 3]) + Sync,
    upkeep: impl FnOnce(&F),
) -> isize {
    let [recorded, weighed] = [Barrier::new(threads + 1), Barrier::new(threads + 1)];
    let before = allocator::bytes_in_use();
    let family = begin();
    let record_all = || {
        series.iter().for_each(|labels| record(&family, borrowed(labels)));
        recorded.wait();
        weighed.wait();
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(record_all);
        }
        recorded.wait();
        upkeep(&family);
        let bytes = allocator::bytes_in_use() - before;
        weighed.wait();
        bytes
    })
}

pub(crate) fn races() -> Vec<Race> {
    let race = |case: Case| {
        let Case { name, series, threads, loads, notes } = case;
        let contestant = |Load { who, .. }| {
            Contestant::weighed(who, move |threads| weigh_in_new_process(name, who, threads))
        };
        let contestants = loads.into_iter().map(contestant).collect();
        Race { case: name, unit: Unit::BytesPerSeries, threads, batch: series, contestants, notes }
    };
    cases().into_iter().map(race).collect()
}

/// The option under which this program weighs one, and prints the bytes.
pub(crate) const WEIGH: &str = "weigh";

/// Has this program weigh `who` for the table `case`.
fn weigh_in_new_process(case: &str, who: &str, threads: usize) -> f64 {
    let program = env::current_exe().expect("the program knows where it is");
    let mut weighing = Command::new(program);
    weighing.args([&format!("--{WEIGH}"), case, who, &threads.to_string()]);
    let output = weighing.output().expect("this program can be run again");
    let printed = String::from_utf8_lossy(&output.stdout);
    printed.trim().parse().unwrap_or_else(|_| panic!("{weighing:?} did not print bytes: {output:?}"))
}

/// Weighs `who` for the table `case`, once per process; nothing if there is no such row.
pub(crate) fn weigh(case: &str, who: &str, threads: usize) -> Option<isize> {
    let case = cases().into_iter().find(|known| known.name == case)?;
    let load = case.loads.iter().find(|known| known.who == who)?;
    allocator::begin();
    Some((load.weigh)(&series(case.series), threads))
}
