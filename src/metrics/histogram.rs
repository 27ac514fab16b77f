//! [`Histogram`]: a distribution.

use std::{borrow::Cow, fmt, time::Duration};

use super::{
    Buckets, Data, ExplicitHistogram, ExponentialHistogram, HistogramSnapshot, HistogramTimer,
    buckets::Kind,
    collection::{Collection, Points},
    digest::Kept,
    exemplar::Exemplars,
    figures::Figures,
    instrument::{Identity, Part, Series, Settings, define_cache, sealed::Sealed},
    side::Side,
};
use crate::{
    cell::{Distribution, DistributionTotals, ExponentialTotals, Far, HistogramTotals, Scratch},
    series::LocalCache,
};

/// The distribution of a value. `V` is `u64` (bytes, items), [`Duration`] or `f64`.
///
/// [`Buckets`] divide the values: exponential ones unless the [builder](super::InstrumentBuilder::buckets) or a
/// [`View`](super::View) says otherwise. The default scale 5 gives quantiles with a relative error of at most 1.08 %; each
/// step up halves the error and doubles the memory: 17 KiB per series and recording thread at scale 5. Sum, minimum and
/// maximum are exact. An export merges neighbours down to 160 buckets.
///
/// | values     | recorded as                      | exact                                                       |
/// |------------|----------------------------------|-------------------------------------------------------------|
/// | `u64`      | integers                         | buckets, sum, extremes                                      |
/// | `Duration` | integer nanoseconds, exported in seconds; buckets are cut at exact powers in seconds | the same |
/// | `f64`      | floating-point numbers           | buckets, extremes; the sum is rounded as such sums are      |
///
/// Of `f64`, those in `2^-32 .. 2^32` (2.3e-10 to 4.3e9) are recorded at full speed, and zero nearly so. All others,
/// negative ones among them, are recorded as exactly, but with exponential buckets they share a map under a mutex. NaN
/// and infinities are not recorded; they are counted in [`rejected`](Self::rejected).
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
pub struct Histogram<V: HistogramValue = u64> {
    distribution: Distribution<V>,
    exemplars: Exemplars,
}

/// What a [`Histogram`] can record: `u64`, [`Duration`] or `f64`. Sealed.
pub trait HistogramValue: value::Sealed {}

impl HistogramValue for u64 {}
impl HistogramValue for Duration {}
impl HistogramValue for f64 {}

impl<V: HistogramValue> Histogram<V> {
    /// A histogram that ignores values.
    pub const fn unregistered() -> Self {
        Self { distribution: Distribution::unregistered(), exemplars: Exemplars::none() }
    }

    /// Records a value. Durations above 292 years count as 292 years; NaN and infinities are rejected.
    ///
    /// What a thread records before something that happens before a [snapshot](super::Registry::snapshot) is in it.
    ///
    /// *Progress:* wait-free once the thread has recorded into this series before; see the [table](super).
    /// *Cost:* one table lookup and two additions in memory of the calling thread. Buckets other than the default ones
    /// cost a call more, given bounds a search among them.
    #[inline(always)]
    pub fn record(&self, value: V) {
        self.distribution.record(value, 1);
        self.exemplars.offer([value].iter().copied().map(V::in_units));
    }

    /// Records a value `n` times, at the cost of one.
    ///
    /// *Progress and cost:* as [`record`](Self::record).
    #[inline]
    pub fn record_n(&self, value: V, n: u64) {
        if n > 0 {
            self.distribution.record(value, n);
            self.exemplars.offer([value].iter().copied().map(V::in_units));
        }
    }

    /// Records all of `values`: the thread's counts are looked up once.
    ///
    /// *Progress and cost:* as [`record`](Self::record) for each, less the lookup.
    pub fn record_all(&self, values: &[V]) {
        self.distribution.record_all(values);
        self.exemplars.offer(values.iter().copied().map(V::in_units));
    }

    /// The distribution over all threads since the series began; empty if unregistered.
    ///
    /// Sum and count are read while others record. Where a thread pauses for as long as its counts take to read, they
    /// differ by at most one value for that thread: one that is just being recorded may be in the sum alone. Where it
    /// does not pause in a few attempts, by what it recorded in that time.
    ///
    /// *Progress:* takes a lock that recording does not. *Cost:* a pass over the buckets in use, per recording
    /// thread.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        self.snapshot_in(&mut Scratch::default())
    }

    fn snapshot_in(&self, scratch: &mut Scratch) -> HistogramSnapshot {
        match self.distribution.totals(scratch) {
            Some(DistributionTotals::Exponential(totals, far)) => {
                HistogramSnapshot::Exponential(exponential::<V>(totals, &far))
            }
            Some(DistributionTotals::Explicit(bounds, totals)) => {
                let HistogramTotals { slots, sum, min, max, .. } = totals;
                let is_empty = slots.iter().all(|&count| count == 0);
                let figures = if is_empty { Figures::NONE } else { V::figures(sum, min, max) };
                HistogramSnapshot::Explicit(ExplicitHistogram::new(bounds, slots, figures))
            }
            None => HistogramSnapshot::Exponential(ExponentialHistogram::default()),
        }
    }

    /// How many samples were not recorded: NaN and infinities, those that
    /// [`record_secs_f64`](Histogram::record_secs_f64) refused, and those that a global allocator tried to record while
    /// this thread was allocating for a record.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.distribution.rejected()
    }
}

impl Histogram<Duration> {
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
                self.distribution.reject(1);
                Err(RecordError { seconds })
            }
        }
    }

    /// Begins to time something; the timer records when it is stopped or dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use freewheel::metrics::Registry;
    ///
    /// let query_time = Registry::new().histogram::<Duration>("query.time").build()?;
    /// {
    ///     // Recorded at the end of the block, whichever way it is left.
    ///     let _timer = query_time.start_timer();
    /// }
    /// let timer = query_time.start_timer();
    /// let took = timer.stop();
    /// assert_eq!(query_time.snapshot().count(), 2);
    /// assert!(query_time.snapshot().max() >= Some(took.as_secs_f64()));
    /// # Ok::<(), freewheel::metrics::RegisterError>(())
    /// ```
    pub fn start_timer(&self) -> HistogramTimer<'_> {
        HistogramTimer::start(self)
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

/// The totals as plain data; `far` has what is not in blocks.
pub(super) fn exponential<V: HistogramValue>(totals: ExponentialTotals, far: &Far) -> ExponentialHistogram {
    let ExponentialTotals { scale, zeros, offset, counts, sum, min, max } = totals;
    let mut positive = Side::new(offset, counts);
    let has_near = zeros > 0 || !positive.counts().is_empty();
    let near = has_near.then(|| V::figures(sum, min, max));
    let far_figures = far.extremes.map(|(min, max)| Figures::Floats { sum: far.sum, min, max });
    let figures = match (near, far_figures) {
        (Some(near), Some(far)) => near.and(far),
        (near, far) => near.or(far).unwrap_or(Figures::NONE),
    };
    positive.add(&Side::sparse(&far.positive));
    ExponentialHistogram::new(scale.into(), zeros, positive, Side::sparse(&far.negative), figures)
}

impl<V: HistogramValue> Sealed for Histogram<V> {
    const PARTS: &'static [Part] = &[Part { unit: V::UNIT, ..Part::WHOLE }];

    fn kind(settings: &Settings) -> Cow<'static, str> {
        let buckets = settings.buckets.clone().unwrap_or_default();
        format!("histogram of {}, {buckets}", V::NAME).into()
    }

    fn register(settings: &Settings) -> Self {
        let buckets = settings.buckets.clone().unwrap_or_default();
        let exemplars = Exemplars::new(&buckets);
        let distribution = match buckets {
            Buckets(Kind::Exponential(scale)) => Distribution::exponential(scale),
            Buckets(Kind::Explicit(bounds)) => Distribution::explicit(bounds),
        };
        Self { distribution, exemplars }
    }

    fn unregistered() -> Self {
        Self::unregistered()
    }

    fn cache() -> &'static LocalCache<Kept, Self> {
        V::cache()
    }

    fn is_only_handle(&mut self) -> bool {
        self.distribution.is_only_handle()
    }

    fn activity(&self) -> Option<[u64; 2]> {
        Some([self.snapshot().count(), 0])
    }

    fn collect(series: &[Series<Self>], identities: &[Identity], collection: &mut Collection<'_>) {
        let (exponential, explicit) = match collection.reuse(&identities[0]) {
            Some(Data::Histogram(points)) => (Some(points), None),
            Some(Data::ExplicitHistogram(points)) => (None, Some(points)),
            _ => (None, None),
        };
        let (mut exponential, mut explicit) = (Points::over(exponential), Points::over(explicit));
        let (now, mut scratch) = (collection.taken_at(), Scratch::default());
        for Series { key, handle } in series {
            let exemplars = handle.exemplars.collect();
            let counts = exponential.next_value().map(ExponentialHistogram::take_memory);
            let counts = counts.or_else(|| explicit.next_value().map(ExplicitHistogram::take_memory));
            scratch.counts = counts.unwrap_or_default();
            match handle.snapshot_in(&mut scratch) {
                HistogramSnapshot::Exponential(value) => exponential.push_with(key, now, value, exemplars),
                HistogramSnapshot::Explicit(value) => explicit.push_with(key, now, value, exemplars),
            }
        }
        // All series of an instrument have the same buckets, so one of them has no points and is left out.
        collection.push(&identities[0], Data::Histogram(exponential.finish()));
        collection.push(&identities[0], Data::ExplicitHistogram(explicit.finish()));
    }

    fn rejected(&self) -> u64 {
        self.rejected()
    }
}

impl<V: HistogramValue> Clone for Histogram<V> {
    fn clone(&self) -> Self {
        Self { distribution: self.distribution.clone(), exemplars: self.exemplars.clone() }
    }
}

impl<V: HistogramValue> Default for Histogram<V> {
    fn default() -> Self {
        Self::unregistered()
    }
}

impl<V: HistogramValue> fmt::Debug for Histogram<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("value", &V::NAME)
            .field("registered", &self.distribution.is_registered())
            .finish_non_exhaustive()
    }
}

mod value {
    use std::time::Duration;

    use super::{Figures, Histogram, HistogramValue, Kept, LocalCache, define_cache};
    use crate::cell::{self, NANOS_PER_SECOND};

    /// Behind [`HistogramValue`].
    pub trait Sealed: cell::Value {
        /// The type, as errors name it.
        const NAME: &'static str;
        /// The unit, where the type fixes it.
        const UNIT: Option<&'static str>;

        /// The calling thread's cache of such histograms.
        fn cache() -> &'static LocalCache<Kept, Histogram<Self>>
        where
            Self: HistogramValue;

        /// The value in the unit of the instrument.
        fn in_units(self) -> f64;

        /// The figures of values, from words as recorded.
        fn figures(sum: u64, min: u64, max: u64) -> Figures;
    }

    impl Sealed for u64 {
        const NAME: &'static str = "u64";
        const UNIT: Option<&'static str> = None;

        define_cache!(Histogram<u64>);

        fn in_units(self) -> f64 {
            self as f64
        }

        fn figures(sum: u64, min: u64, max: u64) -> Figures {
            Figures::Integers { sum, min, max, per_unit: 1 }
        }
    }

    impl Sealed for Duration {
        const NAME: &'static str = "Duration";
        const UNIT: Option<&'static str> = Some("s");

        define_cache!(Histogram<Duration>);

        fn in_units(self) -> f64 {
            self.as_secs_f64()
        }

        fn figures(sum: u64, min: u64, max: u64) -> Figures {
            Figures::Integers { sum, min, max, per_unit: NANOS_PER_SECOND }
        }
    }

    impl Sealed for f64 {
        const NAME: &'static str = "f64";
        const UNIT: Option<&'static str> = None;

        define_cache!(Histogram<f64>);

        fn in_units(self) -> f64 {
            self
        }

        fn figures(sum: u64, min: u64, max: u64) -> Figures {
            let [sum, min, max] = [sum, min, max].map(Self::from_bits);
            Figures::Floats { sum, min, max }
        }
    }
}
