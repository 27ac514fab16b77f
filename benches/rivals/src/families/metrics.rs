use std::marker::PhantomData;

use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::{Collect, Counters, Histograms, KEYS, series_in_text};
use crate::setup::BOUNDS;

pub(crate) type CounterFamily = OfRecorder<Counter>;
pub(crate) type HistogramFamily = OfRecorder<Histogram>;

/// A recorder with one kind of instrument, called as the macros of `metrics` call the global one.
pub(crate) struct OfRecorder<I> {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    instrument: PhantomData<fn() -> I>,
}

static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

impl<I> OfRecorder<I> {
    fn with(builder: PrometheusBuilder) -> Self {
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        Self { recorder, handle, instrument: PhantomData }
    }
}

fn key(name: &'static str, values: [&str; 3]) -> Key {
    let [method, route, status] = values.map(str::to_owned);
    let labels = vec![Label::new(KEYS[0], method), Label::new(KEYS[1], route), Label::new(KEYS[2], status)];
    Key::from_parts(name, labels)
}

impl Counters for CounterFamily {
    const WHO: &'static str = "metrics + exporter-prometheus";

    fn new(_series: usize) -> Self {
        Self::with(PrometheusBuilder::new())
    }

    #[inline(always)]
    fn add(&self, labels: [&str; 3]) {
        self.recorder.register_counter(&key("requests", labels), &METADATA).increment(1);
    }
}

impl Histograms for HistogramFamily {
    const WHO: &'static str = "metrics + exporter-prometheus (15 bounds)";

    fn new(_series: usize) -> Self {
        Self::with(PrometheusBuilder::new().set_buckets(&BOUNDS).expect("there are bounds"))
    }

    fn record(&self, labels: [&str; 3], nanos: u64) {
        self.recorder.register_histogram(&key("latency", labels), &METADATA).record(nanos as f64 * 1e-9);
    }

    fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

impl<I: 'static> Collect for OfRecorder<I> {
    type Collection = String;

    fn collect(&self, into: &mut String) {
        *into = String::new();
        *into = self.handle.render();
    }

    fn series(collection: &String) -> usize {
        series_in_text(collection)
    }
}
