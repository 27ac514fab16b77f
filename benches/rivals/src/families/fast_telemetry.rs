use fast_telemetry::{DynamicCounter, DynamicHistogram, DynamicLabelSet};

use super::{Collect, Counters, Histograms, KEYS};
use crate::setup::{BOUNDS, SHARDS};

pub(crate) struct CounterFamily(DynamicCounter);
pub(crate) struct HistogramFamily(DynamicHistogram);

/// The labels, the counts by upper bound, the sum and the count.
type HistogramPoint = (DynamicLabelSet, Vec<(u64, u64)>, u64, u64);

fn pairs(values: [&str; 3]) -> [(&'static str, &str); 3] {
    let [method, route, status] = values;
    [(KEYS[0], method), (KEYS[1], route), (KEYS[2], status)]
}

impl Counters for CounterFamily {
    const WHO: &'static str = "fast-telemetry DynamicCounter";

    fn new(series: usize) -> Self {
        Self(DynamicCounter::with_max_series(SHARDS, series + 1))
    }

    #[inline(always)]
    fn add(&self, labels: [&str; 3]) {
        self.0.inc(&pairs(labels));
    }
}

impl Histograms for HistogramFamily {
    const WHO: &'static str = "fast-telemetry DynamicHistogram (15 bounds)";

    fn new(series: usize) -> Self {
        let bounds = BOUNDS.map(|seconds| (seconds * 1e9) as u64);
        Self(DynamicHistogram::with_limits(&bounds, SHARDS, series + 1))
    }

    fn record(&self, labels: [&str; 3], nanos: u64) {
        self.0.record(&pairs(labels), nanos);
    }
}

impl Collect for CounterFamily {
    type Collection = Vec<(DynamicLabelSet, isize)>;

    fn collect(&self, into: &mut Vec<(DynamicLabelSet, isize)>) {
        into.clear();
        *into = self.0.snapshot();
    }

    fn series(collection: &Vec<(DynamicLabelSet, isize)>) -> usize {
        collection.len()
    }
}

impl Collect for HistogramFamily {
    type Collection = Vec<HistogramPoint>;

    fn collect(&self, into: &mut Vec<HistogramPoint>) {
        into.clear();
        *into = self.0.snapshot();
    }

    fn series(collection: &Vec<HistogramPoint>) -> usize {
        collection.len()
    }
}
