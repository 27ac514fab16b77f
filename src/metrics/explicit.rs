//! Histograms with given bounds as plain data.

use std::{error::Error, fmt, mem, ops::RangeInclusive, sync::Arc};

use super::{exponential::rank, figures::Figures, side::total};

/// The distribution of the values of one series over buckets with given bounds; see
/// [`Buckets::explicit`](super::Buckets::explicit).
///
/// The count is the sum of the buckets, so the two always agree. Values are given in the unit of the instrument: a
/// histogram of [`Duration`](std::time::Duration) speaks of seconds. The sum is kept and converted as that of an
/// [`ExponentialHistogram`](super::ExponentialHistogram).
///
/// # Examples
///
/// ```
/// use freewheel::metrics::{Buckets, Data, Registry};
///
/// let registry = Registry::new();
/// let sizes = registry.histogram::<u64>("batch.size").buckets(Buckets::explicit([1.0, 10.0, 100.0])?).build()?;
/// [1, 2, 10, 11, 1000].iter().for_each(|&size| sizes.record(size));
///
/// let snapshot = registry.snapshot();
/// let Some(Data::ExplicitHistogram(points)) = snapshot.metric("batch.size").map(|metric| &metric.data) else {
///     panic!()
/// };
/// let sizes = &points[0].value;
/// assert_eq!(sizes.bounds(), [1.0, 10.0, 100.0]);
/// assert_eq!(sizes.buckets(), [1, 2, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(PartialEq)]
pub struct ExplicitHistogram {
    bounds: Arc<[f64]>,
    /// One more than bounds.
    buckets: Vec<u64>,
    figures: Figures,
}

impl ExplicitHistogram {
    pub(crate) fn new(bounds: Arc<[f64]>, buckets: Vec<u64>, figures: Figures) -> Self {
        debug_assert_eq!(buckets.len(), bounds.len() + 1, "the last bucket has no bound");
        Self { bounds, buckets, figures }
    }

    /// The upper bounds of all buckets but the last, rising.
    #[must_use]
    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// The bounds, to be shared.
    pub(super) fn shared_bounds(&self) -> &Arc<[f64]> {
        &self.bounds
    }

    /// How many values each bucket holds, by itself: one bucket more than there are bounds. A value that equals a bound
    /// lies below it.
    #[must_use]
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// Takes what there is. Not even buckets are left, so that nothing is allocated for them.
    #[cfg(feature = "otlp-core")]
    pub(crate) fn take(&mut self) -> Self {
        Self { bounds: self.bounds.clone(), buckets: mem::take(&mut self.buckets), figures: self.figures }
    }

    /// Takes the memory of the counts, for those of another one that takes the place of this.
    pub(super) fn take_memory(&mut self) -> Vec<u64> {
        mem::take(&mut self.buckets)
    }

    #[cfg(feature = "serde")]
    pub(super) fn figures(&self) -> Figures {
        self.figures
    }

    /// How many values were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        total(&self.buckets)
    }

    /// The sum of the values. That of integers wraps when it passes 2^64 recorded units (for durations: 584 years).
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.figures.sum()
    }

    /// The sum where it can only rise: OTLP wants none where negative values were recorded.
    #[cfg(feature = "otlp-core")]
    pub(crate) fn rising_sum(&self) -> Option<f64> {
        self.min().is_none_or(|min| min >= 0.0).then(|| self.sum())
    }

    /// The smallest value, if there is any.
    ///
    /// Exact in a cumulative snapshot. In a difference ([`since`](Self::since)) it is exact if the window set a new
    /// minimum of the series, otherwise the lower bound of the lowest bucket that the window touched, or the minimum of
    /// the series if that is higher.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.figures.min())
    }

    /// The largest value, if there is any; exact under the same condition as [`min`](Self::min), otherwise the upper
    /// bound of the highest bucket that the window touched, or the maximum of the series if that is lower.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.figures.max())
    }

    /// The arithmetic mean, if there is any value.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum() / count as f64)
    }

    /// An estimate of the value below which the share `q` of the values lies, or `None` without values.
    ///
    /// The bucket that holds the value of rank `ceil(q * count)`, limited to `min..=max`, is divided as if its values lay
    /// in it evenly; [`quantile_range`](Self::quantile_range) tells how far that can be off. `q` outside `0.0..=1.0` is
    /// limited to it; NaN counts as 0.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let (bucket, below) = self.place(q)?;
        let (low, high) = self.limits(bucket);
        let into = q.clamp(0.0, 1.0).max(0.0) * self.count() as f64 - below as f64;
        let share = (into / self.buckets[bucket] as f64).clamp(0.0, 1.0);
        // Both products are finite where the difference of the limits is not.
        Some((low * (1.0 - share) + high * share).max(low).min(high))
    }

    /// Where the value of rank `ceil(q * count)` lies for certain: the bounds of its bucket, limited to `min..=max`.
    /// `None` without values.
    #[must_use]
    pub fn quantile_range(&self, q: f64) -> Option<RangeInclusive<f64>> {
        let (bucket, _) = self.place(q)?;
        let (low, high) = self.limits(bucket);
        Some(low..=high)
    }

    /// The bucket that holds the value of rank `ceil(q * count)`, and how many values lie in those before it.
    fn place(&self, q: f64) -> Option<(usize, u64)> {
        let rank = rank(q, self.count())?;
        let mut below = 0_u64;
        for (bucket, count) in self.buckets.iter().enumerate() {
            let up_to = below.saturating_add(*count);
            if rank <= up_to {
                return Some((bucket, below));
            }
            below = up_to;
        }
        None
    }

    /// The bounds of a bucket, limited to `min..=max`.
    fn limits(&self, bucket: usize) -> (f64, f64) {
        let (min, max) = (self.figures.min(), self.figures.max());
        let (low, high) = self.bucket_bounds(bucket);
        (low.max(min).min(max), high.max(min).min(max))
    }

    fn bucket_bounds(&self, bucket: usize) -> (f64, f64) {
        let low = bucket.checked_sub(1).map_or(f64::NEG_INFINITY, |below| self.bounds[below]);
        (low, self.bounds.get(bucket).copied().unwrap_or(f64::INFINITY))
    }

    /// Adds what `other` holds: of another series, thread or process.
    ///
    /// # Errors
    ///
    /// [`BoundsMismatch`] if the bounds are not the same; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), BoundsMismatch> {
        self.check_bounds(other)?;
        self.figures = self.figures.and(other.figures);
        let counts = self.buckets.iter_mut().zip(&other.buckets);
        counts.for_each(|(own, count)| *own = own.saturating_add(*count));
        Ok(())
    }

    /// What was recorded between `base`, an earlier snapshot of the same series, and this one.
    ///
    /// # Errors
    ///
    /// [`BoundsMismatch`] if the bounds are not the same: `base` is of another series then.
    pub fn since(&self, base: &Self) -> Result<Self, BoundsMismatch> {
        let mut window = self.clone();
        window.subtract(base)?;
        Ok(window)
    }

    /// Leaves what is [since](Self::since) `base`, in place.
    pub(super) fn subtract(&mut self, base: &Self) -> Result<(), BoundsMismatch> {
        self.check_bounds(base)?;
        let counts = self.buckets.iter_mut().zip(&base.buckets);
        counts.for_each(|(own, count)| *own = own.saturating_sub(*count));
        self.figures = self.figures.since(&base.figures, self.outer_bounds());
        Ok(())
    }

    /// The lower bound of the first bucket in use and the upper bound of the last, if there is any.
    fn outer_bounds(&self) -> Option<(f64, f64)> {
        let in_use = |count: &u64| *count > 0;
        let (first, last) = (self.buckets.iter().position(in_use)?, self.buckets.iter().rposition(in_use)?);
        Some((self.bucket_bounds(first).0, self.bucket_bounds(last).1))
    }

    /// Whether there is no value but a part of one: its record was under way when the snapshot was taken.
    #[cfg(feature = "otlp-core")]
    pub(crate) fn is_unfinished(&self) -> bool {
        self.count() == 0 && !self.figures.are_none()
    }

    fn check_bounds(&self, other: &Self) -> Result<(), BoundsMismatch> {
        if Arc::ptr_eq(&self.bounds, &other.bounds) || self.bounds == other.bounds {
            return Ok(());
        }
        Err(BoundsMismatch { bounds: self.bounds.clone(), other: other.bounds.clone() })
    }
}

impl Clone for ExplicitHistogram {
    fn clone(&self) -> Self {
        let Self { bounds, buckets, figures } = self;
        Self { bounds: bounds.clone(), buckets: buckets.clone(), figures: *figures }
    }

    /// In the memory that there is, if it is enough.
    fn clone_from(&mut self, source: &Self) {
        self.bounds.clone_from(&source.bounds);
        self.buckets.clone_from(&source.buckets);
        self.figures = source.figures;
    }
}

impl fmt::Debug for ExplicitHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExplicitHistogram")
            .field("count", &self.count())
            .field("sum", &self.sum())
            .field("min", &self.min())
            .field("max", &self.max())
            .field("bounds", &self.bounds)
            .field("buckets", &self.buckets)
            .finish()
    }
}

/// Returned where two [`ExplicitHistogram`]s should be put together whose bounds are not the same.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundsMismatch {
    bounds: Arc<[f64]>,
    other: Arc<[f64]>,
}

impl BoundsMismatch {
    /// The bounds of the histogram that was called.
    #[must_use]
    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// The bounds of the histogram that was given.
    #[must_use]
    pub fn other(&self) -> &[f64] {
        &self.other
    }
}

impl fmt::Display for BoundsMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bounds, other } = self;
        write!(
            f,
            "histograms with bounds {bounds:?} and {other:?} do not fit together; give both the same bounds"
        )
    }
}

impl Error for BoundsMismatch {}
