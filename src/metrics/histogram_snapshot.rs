//! [`HistogramSnapshot`]: what a histogram saw, whatever its buckets are.

use std::ops::RangeInclusive;

use super::{ExplicitHistogram, ExponentialHistogram};

/// The distribution of the values of one series, over the buckets that the histogram has.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::{Buckets, HistogramSnapshot, Registry};
///
/// let registry = Registry::new();
/// let sizes = registry.histogram::<u64>("batch.size").build()?;
/// let ages = registry.histogram::<f64>("age").buckets(Buckets::explicit([18.0, 65.0])?).build()?;
/// sizes.record(3);
/// ages.record(17.5);
///
/// // What all histograms tell.
/// assert_eq!((sizes.snapshot().mean(), ages.snapshot().max()), (Some(3.0), Some(17.5)));
/// // What only some do.
/// let HistogramSnapshot::Explicit(ages) = ages.snapshot() else { panic!() };
/// assert_eq!(ages.buckets(), [1, 0, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum HistogramSnapshot {
    /// Base-2 exponential buckets.
    Exponential(ExponentialHistogram),
    /// Buckets with given bounds.
    Explicit(ExplicitHistogram),
}

use HistogramSnapshot::{Explicit, Exponential};

impl HistogramSnapshot {
    /// The exponential histogram, if it is one.
    #[must_use]
    pub fn into_exponential(self) -> Option<ExponentialHistogram> {
        match self {
            Exponential(histogram) => Some(histogram),
            Explicit(_) => None,
        }
    }

    /// The histogram with given bounds, if it is one.
    #[must_use]
    pub fn into_explicit(self) -> Option<ExplicitHistogram> {
        match self {
            Exponential(_) => None,
            Explicit(histogram) => Some(histogram),
        }
    }

    /// How many values were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Exponential(histogram) => histogram.count(),
            Explicit(histogram) => histogram.count(),
        }
    }

    /// The sum of the values.
    #[must_use]
    pub fn sum(&self) -> f64 {
        match self {
            Exponential(histogram) => histogram.sum(),
            Explicit(histogram) => histogram.sum(),
        }
    }

    /// The smallest value, if there is any.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        match self {
            Exponential(histogram) => histogram.min(),
            Explicit(histogram) => histogram.min(),
        }
    }

    /// The largest value, if there is any.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        match self {
            Exponential(histogram) => histogram.max(),
            Explicit(histogram) => histogram.max(),
        }
    }

    /// The arithmetic mean, if there is any value.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        match self {
            Exponential(histogram) => histogram.mean(),
            Explicit(histogram) => histogram.mean(),
        }
    }

    /// The value below which the share `q` of the values lies, as exactly as the buckets tell:
    /// [`ExponentialHistogram::quantile`] or [`ExplicitHistogram::quantile`].
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        match self {
            Exponential(histogram) => histogram.quantile(q),
            Explicit(histogram) => histogram.quantile(q),
        }
    }

    /// Where the value of rank `ceil(q * count)` lies for certain. `None` without values.
    #[must_use]
    pub fn quantile_range(&self, q: f64) -> Option<RangeInclusive<f64>> {
        match self {
            Exponential(histogram) => histogram.quantile_range(q),
            Explicit(histogram) => histogram.quantile_range(q),
        }
    }
}
