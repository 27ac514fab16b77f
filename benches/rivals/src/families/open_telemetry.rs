use std::marker::PhantomData;

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram},
};
use opentelemetry_sdk::metrics::{
    data::{AggregatedMetrics, MetricData, ResourceMetrics},
    reader::MetricReader,
};

use super::{Collect, Counters, Histograms, KEYS};
use crate::setup::{self, BOUNDS, SharedReader};

pub(crate) type CounterFamily = OfReader<Counter<u64>>;
/// With buckets of equal relative width.
pub(crate) type ExponentialFamily = OfReader<OneHistogram<Exponential>>;
/// With given bounds.
pub(crate) type ExplicitFamily = OfReader<OneHistogram<Explicit>>;

/// A reader that sees one instrument.
pub(crate) struct OfReader<F> {
    reader: SharedReader,
    family: F,
}

fn attributes(values: [&str; 3]) -> [KeyValue; 3] {
    let [method, route, status] = values.map(str::to_owned);
    [KeyValue::new(KEYS[0], method), KeyValue::new(KEYS[1], route), KeyValue::new(KEYS[2], status)]
}

impl Counters for CounterFamily {
    const WHO: &'static str = "opentelemetry_sdk";

    fn new(series: usize) -> Self {
        let (meter, reader) = setup::open_telemetry_for(setup::Histograms::Explicit, series);
        Self { reader, family: meter.u64_counter("requests").build() }
    }

    #[inline(always)]
    fn add(&self, labels: [&str; 3]) {
        self.family.add(1, &attributes(labels));
    }
}

pub(crate) struct Explicit;
pub(crate) struct Exponential;

/// Which buckets a histogram has.
pub(crate) trait Buckets: Send + Sync + 'static {
    const WHO: &'static str;
    const HISTOGRAMS: setup::Histograms;
}

impl Buckets for Explicit {
    const WHO: &'static str = "opentelemetry_sdk (15 bounds)";
    const HISTOGRAMS: setup::Histograms = setup::Histograms::Explicit;
}

impl Buckets for Exponential {
    const WHO: &'static str = "opentelemetry_sdk (exponential)";
    const HISTOGRAMS: setup::Histograms = setup::Histograms::Exponential;
}

/// A histogram with such buckets.
pub(crate) struct OneHistogram<B> {
    histogram: Histogram<f64>,
    buckets: PhantomData<B>,
}

impl<B: Buckets> Histograms for OfReader<OneHistogram<B>> {
    const WHO: &'static str = B::WHO;

    fn new(series: usize) -> Self {
        let (meter, reader) = setup::open_telemetry_for(B::HISTOGRAMS, series);
        let histogram = meter.f64_histogram("latency").with_boundaries(BOUNDS.to_vec()).build();
        Self { reader, family: OneHistogram { histogram, buckets: PhantomData } }
    }

    fn record(&self, labels: [&str; 3], nanos: u64) {
        self.family.histogram.record(nanos as f64 * 1e-9, &attributes(labels));
    }
}

impl<F: Send + Sync + 'static> Collect for OfReader<F> {
    type Collection = ResourceMetrics;

    fn collect(&self, into: &mut ResourceMetrics) {
        self.reader.collect(into).expect("the reader is registered");
    }

    fn series(collection: &ResourceMetrics) -> usize {
        let metrics = collection.scope_metrics().flat_map(|scope| scope.metrics());
        let points = metrics.map(|metric| match metric.data() {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => sum.data_points().count(),
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram.data_points().count(),
            AggregatedMetrics::F64(MetricData::ExponentialHistogram(histogram)) => {
                histogram.data_points().count()
            }
            _ => 0,
        });
        points.sum()
    }
}
