//! From exponential buckets to explicit ones, for [`HistogramAggregation::ExplicitBucket`].
//!
//! An exponential bucket goes whole into the explicit bucket that its middle lies in. Which one that is depends on the
//! scale that the series was recorded at and on nothing else, so what is counted below a bound stays below it: totals
//! never fall, and windows add up to totals. That is why buckets are converted before any are merged.
//!
//! [`HistogramAggregation::ExplicitBucket`]: crate::otlp::HistogramAggregation::ExplicitBucket

use super::points::Explicit;
use crate::metrics::ExponentialHistogram;

/// OpenTelemetry specification, metrics SDK, "Explicit Bucket Histogram Aggregation".
const DEFAULT: &[f64] =
    &[0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1e3, 2.5e3, 5e3, 7.5e3, 1e4];

/// What the semantic conventions advise for durations in seconds: "HTTP metrics", `http.server.request.duration`.
const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Converts histograms of all units; keeps what it found out about the last scale.
#[derive(Debug)]
pub(super) struct Conversion {
    default: Bounds,
    seconds: Bounds,
}

/// Bounds, and where they divide exponential buckets.
#[derive(Debug)]
pub(super) struct Bounds {
    bounds: &'static [f64],
    scale: Option<i32>,
    /// For each bound, the index of the first bucket of positive values that lies above it, at this scale.
    above: Vec<i32>,
    /// The counts of the last histogram.
    counts: Vec<u64>,
}

impl Conversion {
    pub(super) fn new() -> Self {
        let bounds = |bounds| Bounds { bounds, scale: None, above: Vec::new(), counts: Vec::new() };
        Self { default: bounds(DEFAULT), seconds: bounds(SECONDS) }
    }

    /// The bounds for values of this unit.
    pub(super) fn of_unit(&mut self, unit: &str) -> &mut Bounds {
        if unit == "s" { &mut self.seconds } else { &mut self.default }
    }
}

impl Bounds {
    /// The histogram with these bounds. Count, sum and extremes stay as they are.
    pub(super) fn convert(&mut self, value: &ExponentialHistogram) -> Explicit<'_> {
        self.prepare(value.scale());
        self.counts.clear();
        self.counts.resize(self.bounds.len() + 1, 0);
        // No bound is below zero, so what is not positive lies below the first.
        self.counts[0] = value.negative_buckets().iter().fold(value.zero_count(), saturating_sum);
        let mut rest = value.buckets();
        let mut first = value.offset();
        for (bound, &above) in self.above.iter().enumerate() {
            let below = usize::try_from(above.saturating_sub(first)).unwrap_or(0).min(rest.len());
            let (counts, others) = rest.split_at(below);
            self.counts[bound] = counts.iter().fold(self.counts[bound], saturating_sum);
            (rest, first) = (others, first + below as i32);
        }
        self.counts[self.bounds.len()] = rest.iter().fold(0, saturating_sum);
        Explicit {
            count: value.count(),
            sum: value.rising_sum(),
            min: value.min(),
            max: value.max(),
            bounds: self.bounds,
            counts: &self.counts,
        }
    }

    fn prepare(&mut self, scale: i32) {
        if self.scale != Some(scale) {
            self.scale = Some(scale);
            self.above.clear();
            self.above.extend(self.bounds.iter().map(|&bound| first_above(bound, scale)));
        }
    }
}

fn saturating_sum(sum: u64, count: &u64) -> u64 {
    sum.saturating_add(*count)
}

/// The index of the first bucket whose middle is above `bound`.
fn first_above(bound: f64, scale: i32) -> i32 {
    if bound <= 0.0 {
        return i32::MIN;
    }
    let per_doubling = f64::from(scale).exp2();
    let magnitude = |index: i32| (f64::from(index) / per_doubling).exp2();
    // The bucket that the bound lies in: those before it are below. By a rounding it may be the one beside, if the bound
    // is where the two meet; then the middle says the same.
    let around = (bound.log2() * per_doubling).ceil() as i32 - 1;
    let middle = f64::midpoint(magnitude(around), magnitude(around + 1));
    if middle <= bound { around + 1 } else { around }
}
