//! [`Buckets`]: how a histogram divides the values.

use std::{error::Error, fmt, sync::Arc};

/// How a histogram divides the values.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::metrics::{Buckets, Registry};
///
/// let registry = Registry::new();
/// // Twice as fine as the default, and the bounds that a dashboard expects.
/// let fine = registry.histogram::<u64>("body.size").buckets(Buckets::exponential(6)?).build()?;
/// let coarse = registry.histogram::<Duration>("queue.time").buckets(Buckets::explicit([0.001, 0.01, 0.1, 1.0])?);
/// # let coarse = coarse.build()?;
/// # fine.record(1); coarse.record(Duration::ZERO);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets(pub(super) Kind);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// The scale.
    Exponential(u8),
    /// Upper bounds in units of the instrument, rising.
    Explicit(Arc<[f64]>),
}

impl Buckets {
    /// Base-2 exponential buckets: `2^scale` to each power of two.
    ///
    /// *Cost:* `528 * 2^scale` bytes per series and recording thread: 17 KiB at the default scale 5.
    ///
    /// # Errors
    ///
    /// [`BucketsError::Scale`] unless `scale` is in `3..=8`.
    pub const fn exponential(scale: u8) -> Result<Self, BucketsError> {
        match scale {
            3..=8 => Ok(Self(Kind::Exponential(scale))),
            _ => Err(BucketsError::Scale(scale)),
        }
    }

    /// Buckets between given upper bounds, in units of the instrument (for durations: seconds). A value that equals a
    /// bound lies below it; those above the last bound have a bucket of their own.
    ///
    /// Values are compared as an `f64` in units of the instrument, as they are exported. So 75 ms lie below the bound
    /// 0.075 s, though the `f64` that is nearest to this decimal fraction is a little less.
    ///
    /// *Cost:* eight bytes per bucket, series and recording thread; recording searches among the bounds, in as many
    /// steps as their number has binary digits.
    ///
    /// # Errors
    ///
    /// [`BucketsError`] if a bound is not finite, the bounds do not rise, or there are more than
    /// [`MAX_BOUNDS`](Self::MAX_BOUNDS).
    pub fn explicit(bounds: impl IntoIterator<Item = f64>) -> Result<Self, BucketsError> {
        checked(bounds).map(|bounds| Self(Kind::Explicit(bounds)))
    }

    /// How many bounds there may be at most.
    pub const MAX_BOUNDS: usize = 1000;

    /// The bounds that OpenTelemetry's SDKs use unless told otherwise: made for milliseconds, from 0 to 10000 (metrics
    /// SDK specification, "Explicit Bucket Histogram Aggregation").
    #[must_use]
    pub fn sdk_default() -> Self {
        Self::fixed(&[
            0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
            10000.0,
        ])
    }

    /// The bounds that OpenTelemetry's semantic conventions advise for durations of requests in seconds, from 5 ms to
    /// 10 s (`http.server.request.duration` and its like).
    #[must_use]
    pub fn request_seconds() -> Self {
        Self::fixed(&[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0])
    }

    fn fixed(bounds: &[f64]) -> Self {
        Self(Kind::Explicit(bounds.into()))
    }
}

/// The bounds, if they can be those of buckets.
pub(super) fn checked(bounds: impl IntoIterator<Item = f64>) -> Result<Arc<[f64]>, BucketsError> {
    let bounds: Arc<[f64]> = bounds.into_iter().take(Buckets::MAX_BOUNDS + 1).collect();
    if bounds.len() > Buckets::MAX_BOUNDS {
        return Err(BucketsError::TooMany);
    }
    if let Some(&bound) = bounds.iter().find(|bound| !bound.is_finite()) {
        return Err(BucketsError::NotFinite(bound));
    }
    match bounds.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(BucketsError::NotRising(pair[0], pair[1])),
        None => Ok(bounds),
    }
}

impl Default for Buckets {
    /// Exponential at scale 5: a relative error of at most 1.08 %.
    fn default() -> Self {
        Self(Kind::Exponential(5))
    }
}

impl fmt::Display for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Exponential(scale) => write!(f, "exponential at scale {scale}"),
            Kind::Explicit(bounds) => write!(f, "with bounds {bounds:?}"),
        }
    }
}

/// Why [`Buckets`] could not be made.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum BucketsError {
    /// The scale is not in `3..=8`.
    Scale(u8),
    /// A bound is NaN or infinite. The bucket above the last bound is always there.
    NotFinite(f64),
    /// The first of these bounds is followed by the second.
    NotRising(f64, f64),
    /// There are more than [`Buckets::MAX_BOUNDS`] bounds.
    TooMany,
}

impl fmt::Display for BucketsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scale(scale) => write!(f, "scale {scale}: choose one from 3 to 8"),
            Self::NotFinite(bound) => {
                write!(f, "bound {bound} is not finite; leave it out, the last bucket has no upper bound")
            }
            Self::NotRising(low, high) => {
                write!(f, "bound {low} is followed by {high}; sort the bounds and give each once")
            }
            Self::TooMany => {
                write!(f, "more than {} bounds; take fewer, or exponential buckets", Buckets::MAX_BOUNDS)
            }
        }
    }
}

impl Error for BucketsError {}
