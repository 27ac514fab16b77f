//! [`Histogram`]: a distribution.

use std::{borrow::Cow, fmt, time::Duration};

use super::{
    Data, ExponentialHistogram,
    collection::{Collection, Points},
    digest::Kept,
    figures::Figures,
    instrument::{Identity, Part, Series, Settings, sealed::Sealed},
    side::Side,
    timestamp::saturating_nanos,
};
use crate::cell::{self, Block, HistogramTotals, Index};
use crate::series::LocalCache;

/// The distribution of a value, with base-2 exponential buckets. `V` is `u64` (bytes, items) or [`Duration`].
///
/// `SCALE` from 3 to 8 divides each power of two into `2^SCALE` buckets. The default 5 gives quantiles with a
/// relative error of at most 1.08 %; each step up halves the error and doubles the memory: 17 KiB per series and
/// recording thread at scale 5. Sum, minimum and maximum are exact. An export merges neighbours down to 160 buckets.
///
/// Durations are recorded in integer nanoseconds and exported in seconds, as OpenTelemetry wants them. Their buckets
/// are cut at exact powers in seconds: nothing is rounded on the way.
///
/// A handle: clones record into the same series. The default, like [`unregistered`](Self::unregistered), ignores
/// values.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::metrics::Registry;
///
/// let registry = Registry::new();
/// let latency = registry.histogram::<Duration>("db.client.operation.duration").build()?;
/// for micros in 1..=1000 {
///     latency.record(Duration::from_micros(micros));
/// }
/// let snapshot = latency.snapshot();
/// let median = snapshot.quantile(0.5).expect("values were recorded");
/// assert!((median / 0.0005 - 1.0).abs() < 0.0108);
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[must_use = "a histogram does nothing unless values are recorded"]
pub struct Histogram<V: HistogramValue = u64, const SCALE: u8 = 5>(Block<cell::Histogram<V, SCALE>>);

/// What a [`Histogram`] can record: `u64` or [`Duration`]. Sealed.
pub trait HistogramValue: value::Sealed {}

impl HistogramValue for u64 {}
impl HistogramValue for Duration {}

impl<V: HistogramValue, const SCALE: u8> Histogram<V, SCALE> {
    /// A histogram that ignores values.
    pub const fn unregistered() -> Self {
        Self(Block::unregistered())
    }

    /// Records a value. Durations above 292 years count as 292 years.
    ///
    /// What a thread records before something that happens before a [snapshot](super::Registry::snapshot) is in it.
    ///
    /// *Progress:* wait-free once the thread has recorded into this series before; see the [table](super).
    /// *Cost:* one table lookup and two additions in memory of the calling thread.
    #[inline(always)]
    pub fn record(&self, value: V) {
        self.0.record(value.recorded());
    }

    /// The distribution over all threads since the series began; empty if unregistered.
    ///
    /// *Progress:* takes a lock that recording does not. *Cost:* a pass over the buckets in use, per recording
    /// thread.
    #[must_use]
    pub fn snapshot(&self) -> ExponentialHistogram {
        let totals = self.0.lease().map(cell::Histogram::<V, SCALE>::totals);
        distribution::<V, SCALE>(totals.unwrap_or_default())
    }

    /// How many samples were not recorded: those that [`record_secs_f64`](Histogram::record_secs_f64) refused, and
    /// those that a global allocator tried to record while this thread was allocating for a record.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.0.rejected()
    }
}

impl<const SCALE: u8> Histogram<Duration, SCALE> {
    /// Records a duration given in seconds, rounded to nanoseconds.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if `seconds` is negative, NaN, infinite or above 292 years. The sample is counted in
    /// [`rejected`](Self::rejected), so ignoring the error hides nothing.
    pub fn record_secs_f64(&self, seconds: f64) -> Result<(), RecordError> {
        match Duration::try_from_secs_f64(seconds) {
            Ok(duration) if duration.as_nanos() < 1 << 63 => {
                self.record(duration);
                Ok(())
            }
            _ => {
                if let Some(lease) = self.0.lease() {
                    lease.count_rejected();
                }
                Err(RecordError { seconds })
            }
        }
    }
}

/// Returned by [`Histogram::record_secs_f64`] for a number that is no duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordError {
    seconds: f64,
}

impl RecordError {
    /// The number that was not recorded.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds;
        write!(
            f,
            "{seconds} seconds were not recorded; a duration is finite, not negative and at most 292 years"
        )
    }
}

impl std::error::Error for RecordError {}

/// The totals as OTLP counts buckets.
pub(super) fn distribution<V: HistogramValue, const SCALE: u8>(
    totals: HistogramTotals,
) -> ExponentialHistogram {
    let HistogramTotals { mut slots, sum, min, max } = totals;
    let zero_count = slots.first().copied().unwrap_or(0);
    // The slots between that of zero and that of the smallest value are never used.
    let first = slots.iter().skip(1).position(|&count| count > 0).map_or(slots.len(), |at| at + 1);
    let buckets = slots.split_off(first);
    let positive = Side::new(Index::<V, SCALE>::bucket(first), buckets);
    let figures = Figures::Integers { sum, min, max, per_unit: V::PER_UNIT };
    ExponentialHistogram::new(SCALE.into(), zero_count, positive, Side::default(), figures)
}

impl<V: HistogramValue + 'static, const SCALE: u8> Sealed for Histogram<V, SCALE> {
    const PARTS: &'static [Part] = &[Part { unit: V::UNIT, ..Part::WHOLE }];

    fn kind(_: &Settings) -> Cow<'static, str> {
        format!("histogram of {} at scale {SCALE}", V::NAME).into()
    }

    fn register(_: &Settings) -> Self {
        Self(Block::new())
    }

    fn unregistered() -> Self {
        Self::unregistered()
    }

    fn cache() -> &'static LocalCache<Kept, Self> {
        unimplemented!("with the other kinds of histograms")
    }

    fn is_only_handle(&mut self) -> bool {
        self.0.is_only_handle()
    }

    fn activity(&self) -> Option<[u64; 2]> {
        Some([self.snapshot().count(), 0])
    }

    fn collect(series: &[Series<Self>], identities: &[Identity], collection: &mut Collection<'_>) {
        let before = collection.reuse(&identities[0]).and_then(|data| match data {
            Data::Histogram(points) => Some(points),
            _ => None,
        });
        let mut points = Points::over(before);
        for Series { key, handle } in series {
            points.push(key, collection.taken_at(), handle.snapshot());
        }
        collection.push(&identities[0], Data::Histogram(points.finish()));
    }

    fn rejected(&self) -> u64 {
        self.rejected()
    }
}

impl<V: HistogramValue, const SCALE: u8> Clone for Histogram<V, SCALE> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V: HistogramValue, const SCALE: u8> Default for Histogram<V, SCALE> {
    fn default() -> Self {
        Self::unregistered()
    }
}

impl<V: HistogramValue, const SCALE: u8> fmt::Debug for Histogram<V, SCALE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("scale", &SCALE)
            .field("registered", &self.0.lease().is_some())
            .finish()
    }
}

mod value {
    use std::time::Duration;

    use super::saturating_nanos;
    use crate::cell::Recorded;

    /// Behind [`HistogramValue`](super::HistogramValue).
    pub trait Sealed: Recorded + Copy {
        /// The type, as errors name it.
        const NAME: &'static str;
        /// The unit, where the type fixes it.
        const UNIT: Option<&'static str>;

        /// The value as the integer that is recorded.
        fn recorded(self) -> u64;
    }

    impl Sealed for u64 {
        const NAME: &'static str = "u64";
        const UNIT: Option<&'static str> = None;

        #[inline(always)]
        fn recorded(self) -> u64 {
            self
        }
    }

    impl Sealed for Duration {
        const NAME: &'static str = "Duration";
        const UNIT: Option<&'static str> = Some("s");

        #[inline(always)]
        fn recorded(self) -> u64 {
            saturating_nanos(self)
        }
    }
}
