//! Histograms: buckets against arithmetic on big integers and against another implementation, and what is done with them.

mod buckets;
mod exact;
mod explicit;
mod figures;
mod floats;
mod integers;
mod recording;
mod sdk;

use std::collections::BTreeMap;

use freewheel::metrics::{
    Buckets, ExplicitHistogram, ExponentialHistogram, Histogram, HistogramValue, Registry,
};

/// The scales there are.
const SCALES: std::ops::RangeInclusive<u8> = 3..=8;

fn histogram<V: HistogramValue>(buckets: Buckets) -> Histogram<V> {
    Registry::new().histogram("h").buckets(buckets).build().unwrap()
}

fn at_scale<V: HistogramValue>(scale: u8) -> Histogram<V> {
    histogram(Buckets::exponential(scale).unwrap())
}

/// What a histogram with exponential buckets saw.
fn exponential<V: HistogramValue>(histogram: &Histogram<V>) -> ExponentialHistogram {
    histogram.snapshot().into_exponential().expect("the buckets are exponential")
}

/// What a histogram with given bounds saw.
fn explicit<V: HistogramValue>(histogram: &Histogram<V>) -> ExplicitHistogram {
    histogram.snapshot().into_explicit().expect("there are bounds")
}

/// Counts by bucket index.
type Counts = BTreeMap<i32, u64>;

fn in_use(offset: i32, buckets: &[u64]) -> Counts {
    (offset..).zip(buckets.iter().copied()).filter(|&(_, count)| count > 0).collect()
}

/// Counts of positive values.
fn counts(histogram: &ExponentialHistogram) -> Counts {
    in_use(histogram.offset(), histogram.buckets())
}

/// Counts of negative values.
fn negative_counts(histogram: &ExponentialHistogram) -> Counts {
    in_use(histogram.negative_offset(), histogram.negative_buckets())
}

/// The counts at a scale that is lower by `steps`.
fn regrouped(counts: Counts, steps: i32) -> Counts {
    let mut regrouped = Counts::new();
    for (index, count) in counts {
        *regrouped.entry(index >> steps).or_insert(0) += count;
    }
    regrouped
}

fn tally(indices: impl Iterator<Item = i32>) -> Counts {
    let mut counts = Counts::new();
    indices.for_each(|index| *counts.entry(index).or_insert(0) += 1);
    counts
}
