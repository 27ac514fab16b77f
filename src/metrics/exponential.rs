//! Base-2 exponential histograms as plain data.
//!
//! Bucket `i` at scale `s` holds the values in `(2^(i / 2^s), 2^((i + 1) / 2^s)]`: the OpenTelemetry metrics data
//! model, "ExponentialHistogram".

use std::fmt;

/// The distribution of the values of one series, with a relative error of at most
/// `(2^(2^-scale) - 1) / (2^(2^-scale) + 1)`: 1.08 % at the default scale 5.
///
/// The count is the sum of the buckets, so the two always agree. Values are given in the unit of the instrument:
/// a histogram of [`Duration`](std::time::Duration) speaks of seconds. The sum is kept as an integer (of
/// nanoseconds, in that case) and converted when asked for, so that adding up never rounds.
#[derive(Clone, PartialEq)]
pub struct ExponentialHistogram {
    pub(crate) scale: i32,
    pub(crate) zero_count: u64,
    /// Index of the first bucket in `buckets`.
    pub(crate) offset: i32,
    pub(crate) buckets: Vec<u64>,
    /// In recorded units; wraps.
    pub(crate) sum: u64,
    /// In recorded units; meaningless while the count is zero.
    pub(crate) min: u64,
    pub(crate) max: u64,
    /// How many recorded units make one unit of the instrument.
    pub(crate) per_unit: f64,
}

impl ExponentialHistogram {
    /// How many buckets an export has at most: what OpenTelemetry's SDKs keep, by the metrics SDK specification, "Base2
    /// Exponential Bucket Histogram Aggregation".
    pub const MAX_EXPORTED_BUCKETS: usize = 160;

    /// How many values were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.zero_count + self.buckets.iter().sum::<u64>()
    }

    /// The sum of the values. Wraps when it passes 2^64 recorded units (for durations: 584 years).
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum as f64 / self.per_unit
    }

    /// The smallest value, if there is any.
    ///
    /// Exact in a cumulative snapshot. In a difference ([`since`](Self::since)) it is exact if the window set a
    /// new minimum of the series, otherwise the lower bound of the lowest bucket that the window touched.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.min as f64 / self.per_unit)
    }

    /// The largest value, if there is any; exact under the same condition as [`min`](Self::min), otherwise the
    /// upper bound of the highest bucket that the window touched.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.max as f64 / self.per_unit)
    }

    /// The arithmetic mean, if there is any value.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum() / count as f64)
    }

    /// The scale: each power of two is divided into `2^scale` buckets.
    #[must_use]
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// How many values were exactly zero.
    #[must_use]
    pub fn zero_count(&self) -> u64 {
        self.zero_count
    }

    /// The index of the first bucket in [`buckets`](Self::buckets).
    #[must_use]
    pub fn offset(&self) -> i32 {
        self.offset
    }

    /// The counts from the lowest to the highest bucket in use, without gaps.
    #[must_use]
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// The value below which the share `q` of the values lies, or `None` without values.
    ///
    /// The geometric middle of the bucket that holds the value of rank `ceil(q * count)`, limited to
    /// `min..=max`: off by at most the relative error of the scale. `q` outside `0.0..=1.0` is limited to it; NaN
    /// counts as 0.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.count();
        let (min, max) = (self.min()?, self.max()?);
        let rank = ((q.clamp(0.0, 1.0) * count as f64).ceil() as u64).clamp(1, count);
        let mut below = self.zero_count;
        if rank <= below {
            return Some(0.0);
        }
        for (index, bucket) in (self.offset..).zip(&self.buckets) {
            below += bucket;
            if rank <= below {
                let middle = self.boundary(f64::from(index) + 0.5);
                return Some(middle.max(min).min(max));
            }
        }
        Some(max)
    }

    /// The lower bound of bucket `index` (which may be fractional), in units of the instrument.
    fn boundary(&self, index: f64) -> f64 {
        (index / f64::from(self.scale).exp2()).exp2()
    }

    /// The same distribution with at most `max_buckets` buckets: neighbours are merged, each step lowers the
    /// scale by one and halves their number. Counts, sum, minimum and maximum stay as they are.
    ///
    /// # Panics
    ///
    /// Panics if `max_buckets` is less than two: a value on each side of 1 needs two buckets at any scale.
    #[must_use]
    pub fn with_max_buckets(mut self, max_buckets: usize) -> Self {
        assert!(max_buckets >= 2, "max_buckets must be at least two");
        let last = self.offset as i64 + self.buckets.len() as i64 - 1;
        let mut steps = 0;
        while (last >> steps) - (i64::from(self.offset) >> steps) >= max_buckets as i64 {
            steps += 1;
        }
        self.merge_buckets(steps);
        self
    }

    /// Lowers the scale by `steps`.
    fn merge_buckets(&mut self, steps: i32) {
        if steps == 0 {
            return;
        }
        let offset = self.offset >> steps;
        let mut merged = Vec::new();
        for (index, count) in (self.offset..).zip(&self.buckets) {
            let at = ((index >> steps) - offset) as usize;
            merged.resize(merged.len().max(at + 1), 0);
            merged[at] += count;
        }
        (self.scale, self.offset, self.buckets) = (self.scale - steps, offset, merged);
    }

    /// What was recorded between `base`, an earlier snapshot of the same series, and this one. If one of them has
    /// merged buckets, the other's are merged likewise.
    #[must_use]
    pub fn since(&self, base: &Self) -> Self {
        let mut window = self.clone();
        let mut merged_base = None;
        match window.scale - base.scale {
            finer @ 1.. => window.merge_buckets(finer),
            0 => {}
            coarser => merged_base.insert(base.clone()).merge_buckets(-coarser),
        }
        let base = merged_base.as_ref().unwrap_or(base);
        let before = |index: i32| {
            let position = index.checked_sub(base.offset).and_then(|at| usize::try_from(at).ok());
            position.and_then(|at| base.buckets.get(at)).copied().unwrap_or(0)
        };
        for (index, count) in (window.offset..).zip(&mut window.buckets) {
            *count = count.saturating_sub(before(index));
        }
        window.zero_count = window.zero_count.saturating_sub(base.zero_count);
        window.sum = window.sum.wrapping_sub(base.sum);
        window.trim();
        window.limit_extremes(base);
        window
    }

    /// Drops empty buckets at both ends.
    pub(crate) fn trim(&mut self) {
        let used = self.buckets.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
        self.buckets.truncate(used);
        let empty = self.buckets.iter().take_while(|&&count| count == 0).count();
        self.buckets.drain(..empty);
        self.offset = if self.buckets.is_empty() { 0 } else { self.offset + empty as i32 };
    }

    /// Makes the extremes of the series those of the window, as exactly as the buckets tell.
    fn limit_extremes(&mut self, base: &Self) {
        if base.count() == 0 || self.count() == 0 {
            return;
        }
        let (lowest, highest) = (self.offset, self.offset + self.buckets.len() as i32);
        let in_units = |this: &Self, index: i32| (this.boundary(f64::from(index)) * this.per_unit) as u64;
        if self.min == base.min {
            let bound = if self.zero_count > 0 { 0 } else { in_units(self, lowest) };
            self.min = bound.max(self.min);
        }
        if self.max == base.max {
            let bound = if self.buckets.is_empty() { 0 } else { in_units(self, highest) };
            self.max = bound.min(self.max).max(self.min);
        }
    }
}

impl fmt::Debug for ExponentialHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExponentialHistogram")
            .field("count", &self.count())
            .field("sum", &self.sum())
            .field("min", &self.min())
            .field("max", &self.max())
            .field("scale", &self.scale)
            .field("zero_count", &self.zero_count)
            .field("offset", &self.offset)
            .field("buckets", &self.buckets.len())
            .finish()
    }
}
