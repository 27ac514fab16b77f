//! Reading one family that one thread has recorded to: few series, very many, histograms.

use std::thread;

use crate::{
    families::{
        Collect, Counters, Histograms, borrowed, fast_telemetry, freewheel, measured, metrics,
        open_telemetry, prometheus, prometheus_client, series,
    },
    race::{Contestant, Race, Unit},
    setup::latencies,
};

/// How many values are recorded into each histogram series.
pub(crate) const VALUES_OF_EACH: usize = 300;

pub(super) fn race_of_counters(case: &'static str, series: usize) -> Race {
    race(
        case,
        series,
        vec![
            counters::<freewheel::CounterFamily>(series),
            counters::<open_telemetry::CounterFamily>(series),
            counters::<prometheus::CounterFamily>(series),
            counters::<prometheus_client::CounterFamily>(series),
            counters::<metrics::CounterFamily>(series),
            counters::<fast_telemetry::CounterFamily>(series),
            counters::<measured::CounterFamily>(series),
        ],
    )
}

pub(super) fn race_of_histograms(case: &'static str, series: usize) -> Race {
    let contestants = vec![
        histograms::<freewheel::HistogramFamily>(series),
        histograms::<open_telemetry::ExponentialFamily>(series),
        histograms::<open_telemetry::ExplicitFamily>(series),
        histograms::<prometheus::HistogramFamily>(series),
        histograms::<prometheus_client::HistogramFamily>(series),
        histograms::<metrics::HistogramFamily>(series),
        histograms::<fast_telemetry::HistogramFamily>(series),
        histograms::<measured::HistogramFamily>(series),
    ];
    let mut race = race(case, series, contestants);
    race.notes
        .push("each series has 300 values in it, from the least to the greatest 243 buckets of freewheel");
    race
}

fn race(case: &'static str, series: usize, contestants: Vec<Contestant>) -> Race {
    let notes = vec![
        "one family with three labels; recorded to by one thread, which has ended",
        "prometheus-client, metrics and measured print text; the others yield data",
        "freewheel's counters, opentelemetry_sdk, prometheus-client and measured use the memory of the collection before",
    ];
    Race { case, unit: Unit::NanosPerSeries, threads: &[1], batch: series, contestants, notes }
}

fn counters<C: Counters + Collect>(count: usize) -> Contestant {
    let counters = C::new(count);
    on_another_thread(|| series(count).iter().for_each(|labels| counters.add(borrowed(labels))));
    collected(C::WHO, count, counters)
}

fn histograms<H: Histograms + Collect>(count: usize) -> Contestant {
    let histograms = H::new(count);
    on_another_thread(|| {
        for labels in &series(count) {
            let values = &latencies().nanos[..VALUES_OF_EACH];
            values.iter().for_each(|&nanos| histograms.record(borrowed(labels), nanos));
        }
    });
    histograms.upkeep();
    collected(H::WHO, count, histograms)
}

fn collected<C: Collect>(who: &'static str, series: usize, family: C) -> Contestant {
    let mut collection = C::Collection::default();
    family.collect(&mut collection);
    assert_eq!(C::series(&collection), series, "{who} has all series, and nothing beyond its limit");
    Contestant::with_local(
        who,
        |_thread| C::Collection::default(),
        move |collection, _| family.collect(collection),
    )
}

fn on_another_thread(record: impl FnOnce() + Send) {
    thread::scope(|scope| scope.spawn(record).join().expect("recording does not panic"));
}
