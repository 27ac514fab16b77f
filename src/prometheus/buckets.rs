//! The buckets of a histogram as Prometheus wants them: upper bounds, and how many values do not exceed them.

use std::fmt;

use crate::metrics::{ExplicitHistogram, ExponentialHistogram};

/// Calls `bucket` with each finite bound, rising, and the number of values up to it. The bounds are powers of
/// `2^(1 / 2^scale)`, on each side of zero from the lower bound of the lowest bucket in use to the upper bound of the
/// highest, and zero if there are values up to it.
pub(super) fn of_exponential(
    histogram: &ExponentialHistogram,
    scale: i32,
    bucket: impl FnMut(f64, u64) -> fmt::Result,
) -> fmt::Result {
    let steps = steps_to(scale, histogram);
    let per_doubling = f64::from(histogram.scale() - steps).exp2();
    let magnitude = |index: i32| (f64::from(index) / per_doubling).exp2();
    let mut rising = Rising { bucket, pending: None };
    let mut up_to = 0;

    let negative = Side { offset: histogram.negative_offset(), counts: histogram.negative_buckets() };
    if let Some((first, last)) = negative.ends(steps) {
        rising.push(-magnitude(last + 1), up_to)?;
        for index in (first..=last).rev() {
            up_to += negative.count(index, steps);
            rising.push(-magnitude(index), up_to)?;
        }
    }
    up_to += histogram.zero_count();
    if up_to > 0 {
        rising.push(0.0, up_to)?;
    }
    let positive = Side { offset: histogram.offset(), counts: histogram.buckets() };
    if let Some((first, last)) = positive.ends(steps) {
        rising.push(magnitude(first), up_to)?;
        for index in first..=last {
            up_to += positive.count(index, steps);
            rising.push(magnitude(index + 1), up_to)?;
        }
    }
    rising.finish()
}

/// As [`of_exponential`], with the bounds that the histogram has.
pub(super) fn of_explicit(
    histogram: &ExplicitHistogram,
    bucket: impl FnMut(f64, u64) -> fmt::Result,
) -> fmt::Result {
    let mut rising = Rising { bucket, pending: None };
    let mut up_to = 0;
    for (bound, count) in histogram.bounds().iter().zip(histogram.buckets()) {
        up_to += count;
        rising.push(*bound, up_to)?;
    }
    rising.finish()
}

/// How often neighbours are merged to come down to `scale`, and to a number of buckets that is worth exposing.
fn steps_to(scale: i32, histogram: &ExponentialHistogram) -> i32 {
    let sides = [
        Side { offset: histogram.offset(), counts: histogram.buckets() },
        Side { offset: histogram.negative_offset(), counts: histogram.negative_buckets() },
    ];
    let fits = |steps: &i32| {
        let mut ends = sides.iter().filter_map(|side| side.ends(*steps));
        ends.all(|(first, last)| last - first < ExponentialHistogram::MAX_EXPORTED_BUCKETS as i32)
    };
    let wanted = (histogram.scale() - scale).max(0);
    (wanted..i32::BITS as i32).find(fits).unwrap_or(wanted)
}

/// The buckets on one side of zero, by their magnitudes.
struct Side<'a> {
    offset: i32,
    counts: &'a [u64],
}

impl Side<'_> {
    /// The lowest and the highest index once neighbours are merged `steps` times.
    fn ends(&self, steps: i32) -> Option<(i32, i32)> {
        let last = self.offset + i32::try_from(self.counts.len()).ok()?.checked_sub(1)?;
        (!self.counts.is_empty()).then_some((self.offset >> steps, last >> steps))
    }

    /// How many values are in the bucket `index` of those that are merged `steps` times.
    fn count(&self, index: i32, steps: i32) -> u64 {
        let position = |index: i64| {
            let from_first = (index << steps) - i64::from(self.offset);
            usize::try_from(from_first).unwrap_or(0).min(self.counts.len())
        };
        let index = i64::from(index);
        self.counts[position(index)..position(index + 1)].iter().sum()
    }
}

/// Passes bounds on, each once, and with the last count that came for it: near zero, where numbers are coarse, bounds
/// that differ can be the same number.
struct Rising<F> {
    bucket: F,
    pending: Option<(f64, u64)>,
}

impl<F: FnMut(f64, u64) -> fmt::Result> Rising<F> {
    fn push(&mut self, bound: f64, up_to: u64) -> fmt::Result {
        // Minus zero becomes zero, so that it is written as such.
        match self.pending.replace((bound + 0.0, up_to)) {
            Some((before, count)) if before < bound => self.pass(before, count),
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> fmt::Result {
        self.pending.take().map_or(Ok(()), |(bound, up_to)| self.pass(bound, up_to))
    }

    fn pass(&mut self, bound: f64, up_to: u64) -> fmt::Result {
        if bound.is_finite() { (self.bucket)(bound, up_to) } else { Ok(()) }
    }
}
