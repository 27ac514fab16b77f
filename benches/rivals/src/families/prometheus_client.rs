use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Metric, Registry},
};

use super::{Collect, Counters, Histograms, series_in_text};
use crate::setup::BOUNDS;

pub(crate) type CounterFamily = OfRegistry<Family<Key, Counter>>;
pub(crate) type HistogramFamily = OfRegistry<Family<Key, Histogram>>;

/// A registry with one family.
pub(crate) struct OfRegistry<F> {
    registry: Registry,
    family: F,
}

/// The key of a series, owned: the map cannot be asked for a borrowed one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Key {
    method: String,
    route: String,
    status: String,
}

impl Key {
    fn new(labels: [&str; 3]) -> Self {
        let [method, route, status] = labels.map(str::to_owned);
        Self { method, route, status }
    }
}

impl<F: Metric + Clone> OfRegistry<F> {
    fn with(family: F) -> Self {
        let mut registry = Registry::default();
        registry.register("rivals", "rivals", family.clone());
        Self { registry, family }
    }
}

impl Counters for CounterFamily {
    const WHO: &'static str = "prometheus-client Family";

    fn new(_series: usize) -> Self {
        Self::with(Family::default())
    }

    #[inline(always)]
    fn add(&self, labels: [&str; 3]) {
        self.family.get_or_create(&Key::new(labels)).inc();
    }
}

impl Histograms for HistogramFamily {
    const WHO: &'static str = "prometheus-client Family (15 bounds)";

    fn new(_series: usize) -> Self {
        Self::with(Family::new_with_constructor(|| Histogram::new(BOUNDS)))
    }

    fn record(&self, labels: [&str; 3], nanos: u64) {
        self.family.get_or_create(&Key::new(labels)).observe(nanos as f64 * 1e-9);
    }
}

impl<F: Send + Sync + 'static> Collect for OfRegistry<F> {
    type Collection = String;

    fn collect(&self, into: &mut String) {
        into.clear();
        text::encode(into, &self.registry).expect("strings take everything");
    }

    fn series(collection: &String) -> usize {
        series_in_text(collection)
    }
}
