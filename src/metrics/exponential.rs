//! Base-2 exponential histograms as plain data.
//!
//! Bucket `i` at scale `s` holds the values in `(2^(i / 2^s), 2^((i + 1) / 2^s)]`: the OpenTelemetry metrics data
//! model, "ExponentialHistogram". Negative values have buckets of their own, by their magnitudes.

use std::{borrow::Cow, f64::consts::LN_2, fmt, mem, ops::RangeInclusive};

use super::{
    figures::Figures,
    side::{Side, total},
};

/// The distribution of the values of one series, with a relative error of at most
/// `(2^(2^-scale) - 1) / (2^(2^-scale) + 1)`: 1.08 % at the default scale 5.
///
/// The count is the sum of the buckets, so the two always agree. Values are given in the unit of the instrument:
/// a histogram of [`Duration`](std::time::Duration) speaks of seconds. The sum of integers is kept as an integer (of
/// nanoseconds, for durations) and converted when asked for, so that adding up never rounds; the sum of floating-point
/// values is one, and stops at [`f64::MAX`] and [`f64::MIN`].
///
/// The default has no values: something to [`merge`](Self::merge) others into.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::{Data, ExponentialHistogram, KeyValue, Registry};
///
/// let registry = Registry::new();
/// let sizes = registry.histogram::<u64>("message.size");
/// let [small, large] = [sizes.bind(&[KeyValue::new("kind", "a")])?, sizes.bind(&[KeyValue::new("kind", "b")])?];
/// (1..=100).for_each(|size| small.record(size));
/// (1..=100).for_each(|size| large.record(size * 1000));
///
/// let snapshot = registry.snapshot();
/// let Some(Data::Histogram(points)) = snapshot.metric("message.size").map(|metric| &metric.data) else { panic!() };
/// let mut both = ExponentialHistogram::default();
/// points.iter().for_each(|point| both.merge(&point.value));
/// assert_eq!((both.count(), both.min(), both.max()), (200, Some(1.0), Some(100_000.0)));
/// let median = both.quantile_range(0.5).expect("there are values");
/// assert!(median.contains(&100.0));
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[derive(PartialEq)]
pub struct ExponentialHistogram {
    scale: i32,
    zero_count: u64,
    positive: Side,
    negative: Side,
    figures: Figures,
}

/// The bucket that a value lies in.
#[derive(Clone, Copy, Debug)]
enum Place {
    Negative(i32),
    Zero,
    Positive(i32),
}

impl ExponentialHistogram {
    /// How many buckets an export has at most on each side of zero: what OpenTelemetry's SDKs keep, by the metrics SDK
    /// specification, "Base2 Exponential Bucket Histogram Aggregation".
    pub const MAX_EXPORTED_BUCKETS: usize = 160;

    pub(crate) fn new(scale: i32, zero_count: u64, positive: Side, negative: Side, figures: Figures) -> Self {
        Self { scale, zero_count, positive, negative, figures }
    }

    /// Takes the memory of the counts, for those of another one that takes the place of this.
    pub(super) fn take_memory(&mut self) -> Vec<u64> {
        mem::take(&mut self.positive).into_counts()
    }

    #[cfg(feature = "serde")]
    pub(super) fn figures(&self) -> Figures {
        self.figures
    }

    /// How many values were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        total(&[self.zero_count, self.positive.count(), self.negative.count()])
    }

    /// Whether there is no value; for less than the count costs, as both sides end with buckets that are in use.
    pub(crate) fn is_empty(&self) -> bool {
        self.zero_count == 0 && self.positive.counts().is_empty() && self.negative.counts().is_empty()
    }

    /// The sum of the values. That of integers wraps when it passes 2^64 recorded units (for durations: 584 years).
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.figures.sum()
    }

    /// The sum where it can only rise: OTLP wants none where negative values were recorded.
    #[cfg(feature = "otlp-core")]
    pub(crate) fn rising_sum(&self) -> Option<f64> {
        self.negative.counts().is_empty().then(|| self.sum())
    }

    /// The smallest value, if there is any.
    ///
    /// Exact in a cumulative snapshot. In a difference ([`since`](Self::since)) it is exact if the window set a
    /// new minimum of the series, otherwise the lower bound of the lowest bucket that the window touched.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.figures.min())
    }

    /// The largest value, if there is any; exact under the same condition as [`min`](Self::min), otherwise the
    /// upper bound of the highest bucket that the window touched.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.figures.max())
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

    /// How far a [`quantile`](Self::quantile) can be off, relative to the value, by the scale.
    #[must_use]
    pub fn relative_error(&self) -> f64 {
        // (b - 1) / (b + 1) for b = 2^(2^-scale), in a form that does not overflow at low scales.
        (f64::from(-self.scale).exp2() * LN_2 / 2.0).tanh()
    }

    /// How many values were exactly zero.
    #[must_use]
    pub fn zero_count(&self) -> u64 {
        self.zero_count
    }

    /// The index of the first bucket in [`buckets`](Self::buckets).
    #[must_use]
    pub fn offset(&self) -> i32 {
        self.positive.offset()
    }

    /// The counts of positive values from the lowest to the highest bucket in use, without gaps.
    #[must_use]
    pub fn buckets(&self) -> &[u64] {
        self.positive.counts()
    }

    /// The index of the first bucket in [`negative_buckets`](Self::negative_buckets).
    #[must_use]
    pub fn negative_offset(&self) -> i32 {
        self.negative.offset()
    }

    /// The counts of negative values by their magnitudes, from the lowest to the highest bucket in use, without gaps.
    #[must_use]
    pub fn negative_buckets(&self) -> &[u64] {
        self.negative.counts()
    }

    /// The value below which the share `q` of the values lies, or `None` without values.
    ///
    /// The middle of the bucket that holds the value of rank `ceil(q * count)`, limited to `min..=max`: whichever value of
    /// the bucket that is, this is off by at most the [relative error](Self::relative_error) of the scale. `q` outside
    /// `0.0..=1.0` is limited to it; NaN counts as 0.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        // As far from both bounds, each taken relative to itself.
        let middle = |index: i32| self.boundary(index) * (1.0 + self.relative_error());
        let value = match self.place(q)? {
            Place::Negative(index) => -middle(index),
            Place::Zero => 0.0,
            Place::Positive(index) => middle(index),
        };
        Some(self.limited(value))
    }

    /// Where the value of rank `ceil(q * count)` lies for certain: the bounds of its bucket, limited to `min..=max`. The
    /// [`quantile`](Self::quantile) is an estimate within it. `None` without values.
    #[must_use]
    pub fn quantile_range(&self, q: f64) -> Option<RangeInclusive<f64>> {
        let (low, high) = self.bounds(self.place(q)?);
        Some(self.limited(low)..=self.limited(high))
    }

    /// The bucket that holds the value of rank `ceil(q * count)`.
    fn place(&self, q: f64) -> Option<Place> {
        let count = self.count();
        let rank = rank(q, count)?;
        let negative = self.negative.buckets().rev().map(|(index, count)| (Place::Negative(index), count));
        let positive = self.positive.buckets().map(|(index, count)| (Place::Positive(index), count));
        let mut places = negative.chain([(Place::Zero, self.zero_count)]).chain(positive);
        let mut up_to = 0_u64;
        let holds_rank = places.find(|(_, count)| {
            up_to = up_to.saturating_add(*count);
            rank <= up_to
        });
        holds_rank.map(|(place, _)| place)
    }

    fn bounds(&self, place: Place) -> (f64, f64) {
        let bounds = |index| (self.boundary(index), self.boundary(index + 1));
        match place {
            Place::Negative(index) => {
                let (low, high) = bounds(index);
                (-high, -low)
            }
            Place::Zero => (0.0, 0.0),
            Place::Positive(index) => bounds(index),
        }
    }

    /// The lower bound of bucket `index`, in units of the instrument.
    fn boundary(&self, index: i32) -> f64 {
        (f64::from(index) / f64::from(self.scale).exp2()).exp2()
    }

    fn limited(&self, value: f64) -> f64 {
        value.max(self.figures.min()).min(self.figures.max())
    }

    /// The same distribution with at most `max_buckets` buckets on each side of zero: neighbours are merged, each step
    /// lowers the scale by one and halves their number. Counts, sum, minimum and maximum stay as they are.
    ///
    /// # Panics
    ///
    /// Panics if `max_buckets` is less than two: a value on each side of 1 needs two buckets at any scale.
    #[must_use]
    pub fn with_max_buckets(mut self, max_buckets: usize) -> Self {
        self.fit(max_buckets);
        self
    }

    /// As [`with_max_buckets`](Self::with_max_buckets), in place.
    pub(crate) fn fit(&mut self, max_buckets: usize) {
        assert!(max_buckets >= 2, "max_buckets must be at least two");
        let steps = self.positive.steps_to_fit(max_buckets).max(self.negative.steps_to_fit(max_buckets));
        self.coarsen_to(self.scale - steps);
    }

    /// Lowers the scale, unless it is as low already.
    fn coarsen_to(&mut self, scale: i32) {
        let steps = (self.scale - scale).max(0);
        self.positive.coarsen(steps);
        self.negative.coarsen(steps);
        self.scale -= steps;
    }

    /// `other` at this scale, which is as low as its own.
    fn coarsened<'a>(&self, other: &'a Self) -> Cow<'a, Self> {
        let mut other = Cow::Borrowed(other);
        if other.scale > self.scale {
            other.to_mut().coarsen_to(self.scale);
        }
        other
    }

    /// Adds what `other` holds: of another series, thread or process. The finer of the two is brought to the scale of the
    /// other; of exact counts, sums and extremes nothing is lost.
    pub fn merge(&mut self, other: &Self) {
        self.figures = self.figures.and(other.figures);
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            self.scale = other.scale;
        }
        self.coarsen_to(other.scale);
        let other = self.coarsened(other);
        self.zero_count = self.zero_count.saturating_add(other.zero_count);
        self.positive.add(&other.positive);
        self.negative.add(&other.negative);
    }

    /// What was recorded between `base`, an earlier snapshot of the same series, and this one. If one of them has
    /// merged buckets, the other's are merged likewise.
    #[must_use]
    pub fn since(&self, base: &Self) -> Self {
        let mut window = self.clone();
        window.subtract(base);
        window
    }

    /// Leaves what is [since](Self::since) `base`, in place.
    pub(crate) fn subtract(&mut self, base: &Self) {
        if !base.is_empty() {
            self.coarsen_to(base.scale);
            let finer = base.scale - self.scale;
            self.zero_count = self.zero_count.saturating_sub(base.zero_count);
            self.positive.subtract(&base.positive, finer);
            self.negative.subtract(&base.negative, finer);
        }
        self.figures = self.figures.since(&base.figures, self.outer_bounds());
    }

    /// Whether there is no value but a part of one: its record was under way when the snapshot was taken.
    #[cfg(feature = "otlp-core")]
    pub(crate) fn is_unfinished(&self) -> bool {
        self.is_empty() && !self.figures.are_none()
    }

    /// The lower bound of the lowest bucket in use and the upper bound of the highest, if there is any.
    fn outer_bounds(&self) -> Option<(f64, f64)> {
        let zero = (self.zero_count > 0).then_some(Place::Zero);
        let (positive, negative) = (self.positive.ends(), self.negative.ends());
        let lowest = negative.map(|(_, last)| Place::Negative(last));
        let lowest = lowest.or(zero).or(positive.map(|(first, _)| Place::Positive(first)));
        let highest = positive.map(|(_, last)| Place::Positive(last));
        let highest = highest.or(zero).or(negative.map(|(first, _)| Place::Negative(first)));
        Some((self.bounds(lowest?).0, self.bounds(highest?).1))
    }
}

/// The rank of the value that the share `q` of `count` values does not exceed, from 1; none without values.
pub(super) fn rank(q: f64, count: u64) -> Option<u64> {
    let share = (q.clamp(0.0, 1.0) * count as f64).ceil() as u64;
    (count > 0).then(|| share.clamp(1, count))
}

impl Clone for ExponentialHistogram {
    fn clone(&self) -> Self {
        let Self { scale, zero_count, positive, negative, figures } = self;
        Self::new(*scale, *zero_count, positive.clone(), negative.clone(), *figures)
    }

    /// In the memory that there is, if it is enough.
    fn clone_from(&mut self, source: &Self) {
        let Self { scale, zero_count, positive, negative, figures } = source;
        (self.scale, self.zero_count, self.figures) = (*scale, *zero_count, *figures);
        self.positive.clone_from(positive);
        self.negative.clone_from(negative);
    }
}

impl Default for ExponentialHistogram {
    fn default() -> Self {
        Self::new(5, 0, Side::default(), Side::default(), Figures::NONE)
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
            .field("offset", &self.offset())
            .field("buckets", &self.buckets().len())
            .field("negative_offset", &self.negative_offset())
            .field("negative_buckets", &self.negative_buckets().len())
            .finish()
    }
}
