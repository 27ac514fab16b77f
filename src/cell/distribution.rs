//! What a histogram holds: the right to record values, whatever its buckets are.

use std::{fmt, marker::PhantomData};

use super::{
    BlockLease, Bounds, Elsewhere, Exponential, ExponentialTotals, Far, HistogramTotals, Recorded, Scratch,
    Store, Value,
    handle::{UNREGISTERED, own_words, with_words_slow},
    local, quietly,
};
use crate::sync::{Arc, Mutex, atomic::AtomicU64};

/// The buckets that are recorded into without a look at which there are.
const DEFAULT: Exponential = Exponential::new(5);

/// Exponential buckets at a scale, or given bounds; a block of counts per thread.
///
/// Recording tells the default buckets from all others by the id alone: the others show one that no thread has a block
/// for, so they fail the only comparison there is and take a call.
pub struct Distribution<V> {
    /// The id if the buckets are the default ones.
    default_id: u32,
    id: u32,
    series: Option<Arc<Series>>,
    value: PhantomData<fn() -> V>,
}

/// What the handles of a series share.
struct Series {
    lease: Arc<BlockLease>,
    /// The length that the lease was taken with.
    len: usize,
    buckets: Buckets,
    far: Mutex<Far>,
}

#[derive(Debug)]
enum Buckets {
    Exponential(Exponential),
    Explicit(Bounds),
}

impl Buckets {
    /// Records `n` times a value in a block of the caller's own (OWNER); false if it cannot be recorded there.
    #[inline(always)]
    fn record<V: Recorded>(&self, words: &[AtomicU64], value: u64, n: u64) -> bool {
        match self {
            Self::Exponential(exponential) => exponential.record::<V>(words, value, n),
            Self::Explicit(bounds) => bounds.record::<V>(words, value, n),
        }
    }

    /// Where a value goes that cannot be recorded in a block; `None` if it can.
    fn elsewhere<V: Recorded>(&self, value: u64) -> Option<Elsewhere> {
        match self {
            Self::Exponential(exponential) => exponential.elsewhere::<V>(value),
            Self::Explicit(bounds) => bounds.elsewhere::<V>(value),
        }
    }
}

/// The sum over all threads.
#[derive(Clone, Debug, PartialEq)]
pub enum DistributionTotals {
    /// Of exponential buckets, and of the values that have no slots there.
    Exponential(ExponentialTotals, Far),
    /// Of buckets with these bounds.
    Explicit(Arc<[f64]>, HistogramTotals),
}

impl<V: Value> Distribution<V> {
    /// One that ignores what is recorded.
    pub const fn unregistered() -> Self {
        Self { default_id: UNREGISTERED, id: UNREGISTERED, series: None, value: PhantomData }
    }

    /// Whether this is the only handle on the series. If so, all that was recorded through others is visible (LEASE).
    pub fn is_only_handle(&mut self) -> bool {
        self.series.as_mut().is_none_or(|series| Arc::get_mut(series).is_some())
    }

    /// One of its own with exponential buckets; the scale is in `3..=8`.
    pub fn exponential(scale: u8) -> Self {
        let exponential = Exponential::new(scale);
        let this = Self::new(Buckets::Exponential(exponential), exponential.words());
        Self { default_id: if exponential == DEFAULT { this.id } else { UNREGISTERED }, ..this }
    }

    /// One of its own with these upper bounds, which rise.
    pub fn explicit(bounds: Arc<[f64]>) -> Self {
        let bounds = Bounds::new::<V::Recorded>(bounds);
        let len = bounds.words();
        Self::new(Buckets::Explicit(bounds), len)
    }

    fn new(buckets: Buckets, len: usize) -> Self {
        let lease = Store::lease_block(local::store(), len);
        let id = lease.id();
        let series = Some(Arc::new(Series { lease, len, buckets, far: Mutex::new(Far::default()) }));
        Self { default_id: UNREGISTERED, id, series, value: PhantomData }
    }

    /// Whether it records.
    pub fn is_registered(&self) -> bool {
        self.series.is_some()
    }

    /// How many samples were not recorded; none if unregistered.
    pub fn rejected(&self) -> u64 {
        self.series.as_ref().map_or(0, |series| series.lease.rejected())
    }

    /// Counts samples that were not recorded.
    pub fn reject(&self, samples: u64) {
        if let Some(series) = &self.series {
            series.lease.count_rejected(samples);
        }
    }

    /// Records a value `n` times.
    #[inline(always)]
    pub fn record(&self, value: V, n: u64) {
        let value = value.word();
        // SAFETY: the slice ends before anything else is recorded. If there is a block of this id, its leases have the
        // length of the default buckets, as `exponential` shows.
        let words = unsafe { own_words(self.default_id, DEFAULT.words()) };
        if !words.is_some_and(|words| DEFAULT.record::<V::Recorded>(words, value, n)) {
            self.record_otherwise(value, n);
        }
    }

    /// Records a value in whatever buckets there are.
    #[inline(never)]
    fn record_otherwise(&self, value: u64, n: u64) {
        let Some(series) = &self.series else { return };
        // SAFETY: the slice ends before anything else is recorded. The length is that of the lease.
        let words = unsafe { own_words(self.id, series.len) };
        if !words.is_some_and(|words| series.buckets.record::<V::Recorded>(words, value, n)) {
            series.record_slow::<V::Recorded>(value, n);
        }
    }

    /// Records values; the block is looked up once for all of them.
    pub fn record_all(&self, values: &[V]) {
        let Some(series) = &self.series else { return };
        match &series.buckets {
            // The scale becomes a constant.
            Buckets::Exponential(DEFAULT) => self
                .record_each(series, values, |words, value| DEFAULT.record::<V::Recorded>(words, value, 1)),
            others => {
                self.record_each(series, values, |words, value| others.record::<V::Recorded>(words, value, 1))
            }
        }
    }

    /// Calls `record` with the thread's block and each value, and goes the slow way with those for which it is false.
    /// `record` must not record elsewhere.
    #[inline(always)]
    fn record_each(&self, series: &Series, values: &[V], record: impl Fn(&[AtomicU64], u64) -> bool) {
        let mut values = values.iter().map(|value| value.word());
        loop {
            // SAFETY: neither `record` nor `word` record elsewhere, and the slice ends with them. The length is that of
            // the lease.
            let left = match unsafe { own_words(self.id, series.len) } {
                Some(words) => values.find(|&value| !record(words, value)),
                None => values.next(),
            };
            match left {
                Some(value) => series.record_slow::<V::Recorded>(value, 1),
                None => return,
            }
        }
    }

    /// The totals of the series, if it is registered.
    pub fn totals(&self, scratch: &mut Scratch) -> Option<DistributionTotals> {
        let series = self.series.as_deref()?;
        Some(match &series.buckets {
            Buckets::Exponential(exponential) => {
                let totals = exponential.totals::<V::Recorded>(&series.lease, scratch);
                DistributionTotals::Exponential(totals, quietly(|| series.far.lock().clone()))
            }
            Buckets::Explicit(bounds) => DistributionTotals::Explicit(
                bounds.in_units().clone(),
                bounds.totals::<V::Recorded>(&series.lease, scratch),
            ),
        })
    }
}

impl Series {
    /// Records a value in a thread that has no block yet, or one that has no slot there.
    #[cold]
    #[inline(never)]
    fn record_slow<V: Recorded>(&self, value: u64, n: u64) {
        let recorded = match self.buckets.elsewhere::<V>(value) {
            None => self.with_words(|words| self.buckets.record::<V>(words, value, n)),
            Some(Elsewhere::Zero) => self.with_words(|words| Exponential::record_zero(words, n)),
            // Only an allocator that records can be there, and waiting for ourselves would be for ever.
            Some(Elsewhere::Bucket { value, index }) => {
                (!local::is_busy()).then(|| quietly(|| self.far.lock().record(value, index, n)))
            }
            Some(Elsewhere::Nowhere) => None,
        };
        if recorded != Some(true) {
            self.lease.count_rejected(n);
        }
    }

    /// Calls `record` with the calling thread's block; `None` if the thread is in the slow path already. `record` must
    /// not record elsewhere.
    fn with_words<R>(&self, record: impl FnOnce(&[AtomicU64]) -> R) -> Option<R> {
        // SAFETY: `record` does not record elsewhere, and the slice ends with it. The length is that of the lease.
        match unsafe { own_words(self.lease.id(), self.len) } {
            Some(words) => Some(record(words)),
            None => with_words_slow(&self.lease, self.len, record),
        }
    }
}

impl<V> Clone for Distribution<V> {
    fn clone(&self) -> Self {
        Self { series: self.series.clone(), ..*self }
    }
}

impl<V> fmt::Debug for Distribution<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Distribution")
            .field("buckets", &self.series.as_ref().map(|series| &series.buckets))
            .finish()
    }
}
