//! [`Family`] and [`OpenFamily`]: series looked up by attributes when a value is recorded.

use std::{
    borrow::Cow,
    fmt,
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use foldhash::SharedSeed;

use super::{
    AttributeValue, Counter, Gauge, GaugeValue, Histogram, HistogramValue, Instrument, KeyValue, LastRequest,
    Outcome, RequestMetrics, Timestamp, UpDownCounter, ValueRef,
    digest::{CacheHash, Digest, Kept, long_text, long_texts, of_pair, shared_seed},
    series::SeriesSet,
};
use crate::series::{remember, with_remembered};

/// The series of an instrument by the values of `N` fixed keys, which need not be known beforehand.
///
/// Each thread remembers up to 8192 lookups for each kind of instrument, so that looking up what was looked up before takes a
/// hash and a full comparison in the thread's own memory: no lock, no allocation. Other lookups go to a table that
/// all threads share; only making a series, or finding one that was made lately, takes a lock. Beyond the
/// [limit](super::InstrumentBuilder::cardinality_limit) every other set of values ends in the series
/// `otel.metric.overflow = true`, also without a lock.
///
/// Where the values are few and known, a [`TypedFamily`](super::TypedFamily) is faster; where they stay the same,
/// [`bind`](Selected::bind) them once.
///
/// A handle: clones look up the same series.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::Registry;
///
/// let registry = Registry::new();
/// let requests = registry.counter("http.requests").family(["method", "route", "status"])?;
/// # let path = String::from("/orders");
/// requests.with(("GET", path.as_str(), 200)).add(1);
/// requests.with(["GET", "/orders", "timeout"]).add(1);
/// # assert_eq!(registry.series(), 2);
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[must_use = "a family does nothing unless something is recorded"]
pub struct Family<I, const N: usize> {
    owner: u32,
    seed: &'static SharedSeed,
    shared: Arc<FamilyShared<I, N>>,
}

struct FamilyShared<I, const N: usize> {
    keys: [Cow<'static, str>; N],
    series: Arc<SeriesSet<I>>,
}

/// The series of an instrument by any attributes.
///
/// As [`Family`], but the keys are given with each lookup, and compared too. `'static` keys and values are the fastest:
/// they are recognised by their address. The order of attributes does not matter, but those in the same order are found faster. Of attributes with the same key the last one counts, and attributes with
/// an empty key do not.
///
/// A handle: clones look up the same series.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::{KeyValue, Registry};
///
/// let registry = Registry::new();
/// let jobs = registry.counter("jobs").open_family()?;
/// jobs.with(&[KeyValue::new("kind", "import"), KeyValue::new("retry", true)]).add(1);
/// jobs.with(&[]).add(1);
/// # assert_eq!(registry.series(), 2);
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[must_use = "a family does nothing unless something is recorded"]
pub struct OpenFamily<I> {
    owner: u32,
    series: Arc<SeriesSet<I>>,
}

/// The values for the keys of a [`Family`]: an array of one type of [`AttributeValue`], or a tuple of up to eight.
/// Sealed.
pub trait Values<const N: usize>: values::Sealed<N> {}

impl<V: values::Sealed<N>, const N: usize> Values<N> for V {}

mod values {
    use super::{Digest, SharedSeed, ValueRef};

    /// Behind [`Values`](super::Values). Every value keeps its own type up to the place where its digest is made, so that
    /// the compiler knows there what kind of value it is.
    pub trait Sealed<const N: usize> {
        /// The digests of the values.
        fn digests(&self, shared: &'static SharedSeed) -> [Digest; N];
        /// The values.
        fn values(&self) -> [ValueRef<'_>; N];
    }
}

impl<V: AttributeValue, const N: usize> values::Sealed<N> for [V; N] {
    #[inline(always)]
    fn digests(&self, shared: &'static SharedSeed) -> [Digest; N] {
        self.each_ref().map(|value| Digest::new(value.value(), shared))
    }

    fn values(&self) -> [ValueRef<'_>; N] {
        self.each_ref().map(V::value)
    }
}

macro_rules! values_of_tuples {
    ($($n:literal: $($value:ident)*;)*) => {$(
        impl<$($value: AttributeValue),*> values::Sealed<$n> for ($($value,)*) {
            #[inline(always)]
            fn digests(&self, shared: &'static SharedSeed) -> [Digest; $n] {
                #[allow(non_snake_case, reason = "the types' names serve as those of the values")]
                let ($($value,)*) = self;
                [$(Digest::new($value.value(), shared)),*]
            }

            fn values(&self) -> [ValueRef<'_>; $n] {
                #[allow(non_snake_case, reason = "the types' names serve as those of the values")]
                let ($($value,)*) = self;
                [$($value.value()),*]
            }
        }
    )*};
}
values_of_tuples! {
    1: A;
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D E;
    6: A B C D E F;
    7: A B C D E F G;
    8: A B C D E F G H;
}

/// The numbers by which the caches tell families apart; never used twice.
fn next_owner() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Relaxed)
}

impl<I: Instrument, const N: usize> Family<I, N> {
    pub(super) fn new(keys: [Cow<'static, str>; N], series: Arc<SeriesSet<I>>) -> Self {
        let shared = Arc::new(FamilyShared { keys, series });
        Self { owner: next_owner(), seed: shared_seed(), shared }
    }

    /// Selects the series with these values, in the order of the keys, to record into.
    #[inline(always)]
    pub fn with<V: Values<N>>(&self, values: V) -> Selected<I, FixedKeys<'_, I, V, N>> {
        Selected { selection: FixedKeys { family: self, values }, instrument: PhantomData }
    }
}

impl<I: Instrument> OpenFamily<I> {
    pub(super) fn new(series: Arc<SeriesSet<I>>) -> Self {
        Self { owner: next_owner(), series }
    }

    /// Selects the series with these attributes, to record into.
    #[inline(always)]
    pub fn with<'a>(&'a self, attributes: &'a [KeyValue]) -> Selected<I, AnyKeys<'a, I>> {
        Selected { selection: AnyKeys { family: self, attributes }, instrument: PhantomData }
    }
}

/// A series of a family, selected by its attributes. It is looked up when something is recorded.
#[derive(Debug)]
#[must_use = "selecting a series records nothing"]
pub struct Selected<I, S> {
    selection: S,
    instrument: PhantomData<fn() -> I>,
}

impl<I: Instrument, S: Selection<I>> Selected<I, S> {
    /// A handle on the series, to keep. While somebody has one, an idle series is not removed.
    pub fn bind(self) -> I {
        self.selection.apply(I::clone)
    }
}

impl<S: Selection<Counter>> Selected<Counter, S> {
    /// See [`Counter::add`].
    #[inline(always)]
    pub fn add(self, n: u64) {
        self.selection.apply(|counter| counter.add(n));
    }
}

impl<S: Selection<UpDownCounter>> Selected<UpDownCounter, S> {
    /// See [`UpDownCounter::add`].
    #[inline(always)]
    pub fn add(self, n: i64) {
        self.selection.apply(|counter| counter.add(n));
    }
}

impl<V: GaugeValue + 'static, S: Selection<Gauge<V>>> Selected<Gauge<V>, S> {
    /// See [`Gauge::record`].
    #[inline(always)]
    pub fn record(self, value: V) {
        self.selection.apply(|gauge| gauge.record(value));
    }

    /// See [`Gauge::add`].
    #[inline(always)]
    pub fn add(self, value: V) {
        self.selection.apply(|gauge| gauge.add(value));
    }
}

impl<V: HistogramValue + 'static, S: Selection<Histogram<V>>> Selected<Histogram<V>, S> {
    /// See [`Histogram::record`].
    #[inline(always)]
    pub fn record(self, value: V) {
        self.selection.apply(|histogram| histogram.record(value));
    }
}

impl<S: Selection<RequestMetrics>> Selected<RequestMetrics, S> {
    /// See [`RequestMetrics::record`].
    #[inline(always)]
    pub fn record(self, duration: Duration, outcome: Outcome) {
        self.record_at(duration, outcome, Timestamp::now());
    }

    /// See [`RequestMetrics::record_at`].
    #[inline(always)]
    pub fn record_at(self, duration: Duration, outcome: Outcome, at: Timestamp) {
        self.selection.apply(|requests| requests.record_at(duration, outcome, at));
    }
}

impl<S: Selection<LastRequest>> Selected<LastRequest, S> {
    /// See [`LastRequest::record_at`].
    #[inline(always)]
    pub fn record_at(self, duration: Duration, outcome: Outcome, at: Timestamp) {
        self.selection.apply(|last| last.record_at(duration, outcome, at));
    }
}

/// A way to select a series of a family. Sealed.
pub trait Selection<I>: selection::Sealed<I> {}

impl<I, S: selection::Sealed<I>> Selection<I> for S {}

mod selection {
    /// Behind [`Selection`](super::Selection).
    pub trait Sealed<I> {
        /// Calls `record` with a handle on the series.
        fn apply<R>(self, record: impl FnOnce(&I) -> R) -> R;
    }
}

/// Selects by the values of fixed keys; made by [`Family::with`].
#[derive(Debug)]
pub struct FixedKeys<'a, I, V, const N: usize> {
    family: &'a Family<I, N>,
    values: V,
}

impl<I: Instrument, V: Values<N>, const N: usize> selection::Sealed<I> for FixedKeys<'_, I, V, N> {
    #[inline(always)]
    fn apply<R>(self, record: impl FnOnce(&I) -> R) -> R {
        let Self { family: Family { owner, seed, shared }, values } = self;
        let digests = values.digests(seed);
        let mut hash = CacheHash::new(*owner);
        digests.iter().for_each(|&digest| hash.add(digest));
        let hash = hash.finish();
        let long_texts = || values.values().into_iter().filter_map(long_text);
        let is = |kept: &Kept| kept.is(*owner, [digests].into_iter(), long_texts);
        let look_up = || {
            // Asked for once: who says something else the next time must not have it remembered for this.
            let values = values.values();
            let handle = shared.series.find(shared.keys.iter().map(|key| &**key).zip(values));
            let make_key = move || {
                let digests = values.map(|value| Digest::new(value, seed)).into_iter();
                Kept::new(*owner, digests, values.into_iter().filter_map(long_text))
            };
            (handle, make_key)
        };
        with_remembered(I::cache(), hash, is, record)
            .unwrap_or_else(|record| remember(I::cache(), hash, look_up, record))
    }
}

/// Selects by any attributes; made by [`OpenFamily::with`].
#[derive(Debug)]
pub struct AnyKeys<'a, I> {
    family: &'a OpenFamily<I>,
    attributes: &'a [KeyValue],
}

impl<I: Instrument> selection::Sealed<I> for AnyKeys<'_, I> {
    #[inline(always)]
    fn apply<R>(self, record: impl FnOnce(&I) -> R) -> R {
        let Self { family: OpenFamily { owner, series }, attributes } = self;
        let shared = shared_seed();
        let pairs = || attributes.iter().map(|attribute| of_pair(attribute, shared));
        let mut hash = CacheHash::new(*owner);
        for [key, value] in pairs() {
            hash.add(key);
            hash.add(value);
        }
        let hash = hash.finish();
        let is = |kept: &Kept| kept.is(*owner, pairs(), || long_texts(attributes));
        let look_up = || {
            let handle = series.find(attributes.iter().map(KeyValue::as_ref));
            (handle, || Kept::new(*owner, pairs().flatten(), long_texts(attributes)))
        };
        with_remembered(I::cache(), hash, is, record)
            .unwrap_or_else(|record| remember(I::cache(), hash, look_up, record))
    }
}

impl<I, const N: usize> Clone for Family<I, N> {
    fn clone(&self) -> Self {
        Self { owner: self.owner, seed: self.seed, shared: self.shared.clone() }
    }
}

impl<I> Clone for OpenFamily<I> {
    fn clone(&self) -> Self {
        Self { owner: self.owner, series: self.series.clone() }
    }
}

impl<I, const N: usize> fmt::Debug for Family<I, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family").field("keys", &self.shared.keys).finish_non_exhaustive()
    }
}

impl<I> fmt::Debug for OpenFamily<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFamily").finish_non_exhaustive()
    }
}
