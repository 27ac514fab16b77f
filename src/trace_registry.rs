//! Traces that are under way, and how many spans each has.
//!
//! # Memory ordering
//!
//! | edge   | Release side                  | Acquire side                   | what becomes visible               |
//! |--------|-------------------------------|--------------------------------|------------------------------------|
//! | `OVER` | `Active::end`: `spans.fetch_or` | `Active::{add, info}`: `spans` | that the map has the trace no more |
//!
//! # Invariants
//!
//! * **COUNTED**: a span is in the figure with which its trace ended, or was counted after that for another trace: both are
//!   changes of one word, and the later one sees the earlier.

use std::{
    fmt,
    hash::Hash,
    time::{Duration, Instant, SystemTime},
};

use equivalent::Equivalent;

use crate::{
    ShardedMap,
    map::LoadOrStore,
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Release},
    },
};

/// Traces that are under way, by their identifiers, each with the number of its spans.
///
/// No span is lost: one that is counted while its trace is being [deleted](Self::delete) is in what `delete` returns, or begins
/// the trace anew. An identifier may be anything; W3C's sixteen bytes unless said otherwise. Whoever cannot be sure that all
/// traces end deletes old ones by [`extract_if`](Self::extract_if).
///
/// | operation | progress |
/// |---|---|
/// | `get`, `range` | lock-free |
/// | `increment_span_count`, `register` of a trace that is there | lock-free |
/// | `active` | wait-free |
/// | `delete`, `extract_if`; `increment_span_count` and `register` of another trace | as [changes of a map](crate::map#progress) |
///
/// # Examples
///
/// ```
/// use std::{sync::Arc, time::Duration};
///
/// use freewheel::metrics::{Registry, TraceRegistry, UpDownCounter};
///
/// let traces = Arc::new(TraceRegistry::new());
/// let id = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
/// traces.register(id);
/// traces.increment_span_count(&id);
/// traces.increment_span_count(&id);
///
/// let registry = Registry::new();
/// let observed = Arc::clone(&traces);
/// let active = registry.up_down_counter("traces.active").unit("{trace}");
/// active.observe(move |observer| observer.observe(observed.active() as i64, &[]))?;
/// assert_eq!(registry.snapshot().up_down_counter("traces.active", &[]), Some(1));
///
/// let forgotten = traces.extract_if(|_, trace| trace.age() > Duration::from_secs(600));
/// assert!(forgotten.is_empty());
/// assert_eq!(traces.delete(&id).map(|trace| trace.spans()), Some(2));
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
pub struct TraceRegistry<K = [u8; 16]> {
    traces: ShardedMap<K, Active>,
}

/// What is known of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceInfo {
    started: Instant,
    spans: u64,
}

impl TraceInfo {
    /// How many spans were counted.
    #[must_use]
    pub const fn spans(&self) -> u64 {
        self.spans
    }

    /// When it was registered, or its first span counted.
    #[must_use]
    pub const fn started(&self) -> Instant {
        self.started
    }

    /// [`started`](Self::started), by the wall's clock as it goes now.
    #[must_use]
    pub fn started_at(&self) -> SystemTime {
        SystemTime::now().checked_sub(self.age()).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The time since then.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A trace in the map, or one that has just left it.
struct Active {
    started: Instant,
    /// How many there are, and whether it is [over](Self::OVER).
    spans: AtomicU64,
}

impl Active {
    /// The map has it no more, and what is counted now does not count.
    const OVER: u64 = 1 << 63;

    fn new(spans: u64) -> Self {
        Self { started: Instant::now(), spans: AtomicU64::new(spans) }
    }

    /// Counts one more span, and returns how many there are; none if the trace is over.
    fn add(&self) -> Option<u64> {
        // Acquire: edge OVER. The next look at the map does not find this trace.
        let before = self.spans.fetch_add(1, Acquire);
        (before & Self::OVER == 0).then(|| before + 1)
    }

    fn with(&self, spans: u64) -> TraceInfo {
        TraceInfo { started: self.started, spans }
    }

    /// None if the trace is over.
    fn info(&self) -> Option<TraceInfo> {
        // Acquire: edge OVER.
        let spans = self.spans.load(Acquire);
        (spans & Self::OVER == 0).then(|| self.with(spans))
    }

    /// Ends the trace, which the caller has taken out of the map.
    fn end(&self) -> TraceInfo {
        // Release: edge OVER.
        self.with(self.spans.fetch_or(Self::OVER, Release))
    }
}

impl<K> TraceRegistry<K> {
    /// An empty registry. Allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many traces are under way; while others register and delete, about so many.
    #[must_use]
    pub fn active(&self) -> usize {
        self.traces.len()
    }
}

impl<K: Eq + Hash> TraceRegistry<K> {
    /// Begins a trace without spans, unless it is under way; returns whether it was not.
    pub fn register(&self, id: K) -> bool {
        !self.traces.get_or_store(id, Active::new(0)).is_loaded()
    }

    /// What is known of a trace that is under way.
    #[must_use]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, id: &Q) -> Option<TraceInfo> {
        loop {
            if let Some(info) = self.traces.get(id)?.info() {
                return Some(info);
            }
        }
    }

    /// Counts one more span of a trace, which begins with that if it is not under way; returns how many it has.
    pub fn increment_span_count<Q>(&self, id: &Q) -> u64
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        loop {
            let counted = match self.traces.get_or_store_with(id, || Active::new(1)) {
                LoadOrStore::Stored(_) => Some(1),
                LoadOrStore::Loaded(trace) => trace.add(),
            };
            if let Some(spans) = counted {
                return spans;
            }
        }
    }

    /// Ends a trace, and returns what is known of it: every span that was counted until now.
    pub fn delete<Q: Hash + Equivalent<K> + ?Sized>(&self, id: &Q) -> Option<TraceInfo> {
        self.traces.take(id, |_| true, Active::end)
    }

    /// Ends the traces for which `is_over` returns `true`, and returns them.
    ///
    /// It is no snapshot, as [`range`](Self::range) is none. `is_over` may use the registry.
    ///
    /// # Panics
    ///
    /// If `is_over` does; what it said before that is lost, but not the trace that it was asked about.
    #[must_use = "these traces are in the registry no more"]
    pub fn extract_if(&self, mut is_over: impl FnMut(&K, &TraceInfo) -> bool) -> Vec<(K, TraceInfo)>
    where
        K: Clone,
    {
        let mut over = Vec::new();
        self.range(|id, info| {
            if is_over(id, info) {
                over.push((id.clone(), info.started));
            }
            true
        });
        let end = |(id, started)| {
            // Not one that began meanwhile.
            let ended = self.traces.take(&id, |trace| trace.started == started, Active::end)?;
            Some((id, ended))
        };
        over.into_iter().filter_map(end).collect()
    }

    /// Calls `visit` with each trace that is under way, in no order, until it returns `false`.
    ///
    /// It is no snapshot: a trace that is under way all the time is visited once, none is visited twice, and of what begins or
    /// ends meanwhile some is seen and some is not. `visit` may use the registry in every way.
    pub fn range(&self, mut visit: impl FnMut(&K, &TraceInfo) -> bool) {
        self.traces.range(|id, trace| trace.info().is_none_or(|info| visit(id, &info)));
    }
}

impl<K> Default for TraceRegistry<K> {
    fn default() -> Self {
        Self { traces: ShardedMap::default() }
    }
}

impl<K: Eq + Hash + fmt::Debug> fmt::Debug for TraceRegistry<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        self.range(|id, info| {
            map.entry(id, &info.spans);
            true
        });
        map.finish()
    }
}
