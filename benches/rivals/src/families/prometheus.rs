use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, core::Collector, proto::MetricFamily,
};

use super::{Collect, Counters, Histograms, KEYS};
use crate::setup::BOUNDS;

pub(crate) type CounterFamily = OfRegistry<IntCounterVec>;
pub(crate) type HistogramFamily = OfRegistry<HistogramVec>;

/// A registry with one family.
pub(crate) struct OfRegistry<F> {
    registry: Registry,
    family: F,
}

impl<F: Collector + Clone + 'static> OfRegistry<F> {
    fn with(family: F) -> Self {
        let registry = Registry::new();
        registry.register(Box::new(family.clone())).expect("the name is free");
        Self { registry, family }
    }
}

impl Counters for CounterFamily {
    const WHO: &'static str = "prometheus IntCounterVec";

    fn new(_series: usize) -> Self {
        Self::with(IntCounterVec::new(Opts::new("requests", "requests"), &KEYS).expect("the names are valid"))
    }

    #[inline(always)]
    fn add(&self, labels: [&str; 3]) {
        self.family.with_label_values(&labels).inc();
    }
}

impl Histograms for HistogramFamily {
    const WHO: &'static str = "prometheus HistogramVec (15 bounds)";

    fn new(_series: usize) -> Self {
        let options = HistogramOpts::new("latency", "latency").buckets(BOUNDS.to_vec());
        Self::with(HistogramVec::new(options, &KEYS).expect("the names are valid"))
    }

    fn record(&self, labels: [&str; 3], nanos: u64) {
        self.family.with_label_values(&labels).observe(nanos as f64 * 1e-9);
    }
}

impl<F: Send + Sync + 'static> Collect for OfRegistry<F> {
    type Collection = Vec<MetricFamily>;

    fn collect(&self, into: &mut Vec<MetricFamily>) {
        into.clear();
        *into = self.registry.gather();
    }

    fn series(collection: &Vec<MetricFamily>) -> usize {
        collection.iter().map(|family| family.get_metric().len()).sum()
    }
}
