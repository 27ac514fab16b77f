use std::{num::NonZeroUsize, time::Duration};

use freewheel::metrics::{
    Counter, Family, Histogram, Instrument, InstrumentBuilder, KeyValue, Registry, Snapshot,
};

use super::{Collect, Counters, Histograms, KEYS};

/// Counters looked up in the thread's own memory first.
pub(crate) type CounterFamily = OfRegistry<Family<Counter, 3>>;
/// Counters bound one by one. The registry alone keeps them.
pub(crate) type BoundCounters = OfRegistry<InstrumentBuilder<Counter>>;
/// Histograms bound one by one.
pub(crate) type HistogramFamily = OfRegistry<InstrumentBuilder<Histogram<Duration>>>;

/// A registry with one instrument.
pub(crate) struct OfRegistry<F> {
    registry: Registry,
    family: F,
}

/// `series`, and the one for what is beyond.
fn limited<I: Instrument>(builder: InstrumentBuilder<I>, series: usize) -> InstrumentBuilder<I> {
    builder.cardinality_limit(NonZeroUsize::MIN.saturating_add(series))
}

impl Counters for CounterFamily {
    const WHO: &'static str = "freewheel Family";

    fn new(series: usize) -> Self {
        let registry = Registry::new();
        let family = limited(registry.counter("requests"), series).family(KEYS).expect("the name is free");
        Self { registry, family }
    }

    #[inline(always)]
    fn add(&self, labels: [&str; 3]) {
        self.family.with(labels).add(1);
    }
}

impl Counters for BoundCounters {
    const WHO: &'static str = "freewheel (bound)";

    fn new(series: usize) -> Self {
        let registry = Registry::new();
        let family = limited(registry.counter("requests"), series);
        Self { registry, family }
    }

    fn add(&self, labels: [&str; 3]) {
        self.family.bind(&attributes(labels)).expect("the name is this counter's").add(1);
    }
}

impl Histograms for HistogramFamily {
    const WHO: &'static str = "freewheel";

    fn new(series: usize) -> Self {
        let registry = Registry::new();
        let family = limited(registry.histogram("latency"), series);
        Self { registry, family }
    }

    fn record(&self, labels: [&str; 3], nanos: u64) {
        let histogram = self.family.bind(&attributes(labels)).expect("the name is this histogram's");
        histogram.record(Duration::from_nanos(nanos));
    }
}

fn attributes(values: [&str; 3]) -> [KeyValue; 3] {
    let [method, route, status] = values.map(str::to_owned);
    [KeyValue::new(KEYS[0], method), KeyValue::new(KEYS[1], route), KeyValue::new(KEYS[2], status)]
}

impl<F: Send + Sync + 'static> Collect for OfRegistry<F> {
    type Collection = Option<Snapshot>;

    fn collect(&self, into: &mut Option<Snapshot>) {
        match into {
            Some(snapshot) => self.registry.snapshot_into(snapshot),
            None => *into = Some(self.registry.snapshot()),
        }
    }

    fn series(collection: &Option<Snapshot>) -> usize {
        let metrics = collection.iter().flat_map(|snapshot| &snapshot.metrics);
        metrics.map(|metric| metric.data.len()).sum()
    }
}
