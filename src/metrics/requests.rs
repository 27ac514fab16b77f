//! [`RequestMetrics`]: all that is asked of a service's requests, recorded at once; and [`LastRequest`].

use std::{borrow::Cow, fmt, time::Duration};

use super::{
    Buckets, Data, ExponentialHistogram, Timestamp,
    collection::{Collection, Points},
    exemplar::Exemplars,
    histogram::exponential,
    instrument::{Identity, Part, Series, Settings, define_cache, sealed::Sealed},
    timestamp::Tick,
};
use crate::cell::{self, Block, Ended, Ending, Far, Request, RequestTotals, Scratch, saturating_nanos};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As it should.
    Success,
    /// Not as it should.
    Error,
}

/// Requests of a service: how many, how many failed, how long they took, and which was the last.
///
/// One call records all of it in one block of the calling thread, at a fraction of what four instruments cost.
/// Named `p`, it is exported as the counters `p.count` and `p.errors`, the histogram `p.duration` in seconds, and the
/// gauge `p.last.duration`, whose time stamp is that of the last request. The name `p` itself is taken too.
///
/// A handle: clones record into the same series. The default, like [`unregistered`](Self::unregistered), ignores
/// requests.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::metrics::{Outcome, Registry};
///
/// let registry = Registry::new();
/// let requests = registry.requests("http.server.request").build()?;
///
/// let timer = requests.start();
/// // ... serve the request ...
/// timer.finish(Outcome::Success);
/// requests.record(Duration::from_millis(250), Outcome::Error);
///
/// let seen = requests.snapshot();
/// assert_eq!((seen.requests, seen.errors), (2, 1));
/// assert_eq!(seen.last.map(|last| last.outcome), Some(Outcome::Error));
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "request metrics do nothing unless requests are recorded"]
pub struct RequestMetrics {
    block: Block<Request>,
    exemplars: Exemplars,
}

impl RequestMetrics {
    /// Metrics that ignore requests.
    pub const fn unregistered() -> Self {
        Self { block: Block::unregistered(), exemplars: Exemplars::none() }
    }

    /// Records a request that ends now.
    ///
    /// *Progress and cost:* as [`record_at`](Self::record_at), and a read of the clock, which costs more than the
    /// rest. Who has read the clock anyway calls `record_at`.
    #[inline]
    pub fn record(&self, duration: Duration, outcome: Outcome) {
        self.record_at(duration, outcome, Timestamp::now());
    }

    /// Records a request that ended at `at`. Durations above 292 years count as 292 years.
    ///
    /// What a thread records before something that happens before a [snapshot](super::Registry::snapshot) is in it.
    /// As the last request each thread keeps the one that it recorded last, and of these the newest `at` counts.
    ///
    /// *Progress:* wait-free once the thread has recorded into this series before; see the [table](super).
    /// *Cost:* a table lookup and seven stores to memory of the calling thread.
    #[inline(always)]
    pub fn record_at(&self, duration: Duration, outcome: Outcome, at: Timestamp) {
        self.block.record(ended(duration, outcome, at));
        self.exemplars.offer([duration.as_secs_f64()].into_iter());
    }

    /// Starts to time a request. The clock is read here and in [`RequestTimer::finish`], not once more.
    pub fn start(&self) -> RequestTimer<'_> {
        RequestTimer { requests: self, started: Tick::now() }
    }

    /// What was recorded over all threads since the series began; all zero if unregistered.
    ///
    /// Requests, errors and the sum behind the mean are of one instant in each thread, unless that thread records
    /// so densely that a bounded number of attempts does not find a gap. The distribution is read after them, so
    /// while threads record its count may be ahead.
    ///
    /// *Progress:* takes a lock that recording does not. *Cost:* a pass over the buckets in use, per recording
    /// thread.
    #[must_use]
    pub fn snapshot(&self) -> RequestSnapshot {
        self.snapshot_in(&mut Scratch::default())
    }

    fn snapshot_in(&self, scratch: &mut Scratch) -> RequestSnapshot {
        let totals = self.block.lease().map(|lease| Request::totals(lease, scratch));
        RequestSnapshot::new(totals.unwrap_or_default())
    }

    /// How many requests were not recorded: a global allocator tried to while this thread was allocating for a record.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.block.rejected()
    }
}

/// Times one request; made by [`RequestMetrics::start`].
///
/// Dropped without [`finish`](Self::finish), by a panic or an early return, it records the request as an error.
#[derive(Debug)]
#[must_use = "a timer that is dropped at once records an error"]
pub struct RequestTimer<'a> {
    requests: &'a RequestMetrics,
    started: Tick,
}

impl RequestTimer<'_> {
    /// Records the request as ending now.
    pub fn finish(self, outcome: Outcome) {
        self.record(outcome);
        std::mem::forget(self);
    }

    /// Forgets the request: nothing is recorded.
    pub fn cancel(self) {
        std::mem::forget(self);
    }

    fn record(&self, outcome: Outcome) {
        let now = Tick::now();
        self.requests.record_at(now.since(self.started), outcome, now.into());
    }
}

impl Drop for RequestTimer<'_> {
    fn drop(&mut self) {
        self.record(Outcome::Error);
    }
}

#[inline(always)]
fn ended(duration: Duration, outcome: Outcome, at: Timestamp) -> Ended {
    let ending = Ending::new(saturating_nanos(duration), outcome == Outcome::Error);
    Ended { at: at.as_unix_nanos(), ending }
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestInfo {
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome,
}

impl RequestInfo {
    fn new(Ended { at, ending }: Ended) -> Self {
        Self {
            at: Timestamp::from_unix_nanos(at),
            duration: Duration::from_nanos(ending.nanos()),
            outcome: if ending.failed() { Outcome::Error } else { Outcome::Success },
        }
    }
}

/// What [`RequestMetrics`] saw, as plain data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RequestSnapshot {
    /// How many requests.
    pub requests: u64,
    /// How many of them failed.
    pub errors: u64,
    /// Their mean duration, if there were any.
    pub mean: Option<Duration>,
    /// The distribution of their durations, in seconds.
    pub durations: ExponentialHistogram,
    /// The request that ended last.
    pub last: Option<RequestInfo>,
}

impl RequestSnapshot {
    fn new(totals: RequestTotals) -> Self {
        let RequestTotals { requests, errors, durations, last } = totals;
        Self {
            requests,
            errors,
            mean: durations.sum.checked_div(requests).map(Duration::from_nanos),
            durations: exponential::<Duration>(durations, &Far::default()),
            last: last.map(RequestInfo::new),
        }
    }

    /// The share of requests that failed, from 0 to 1; 0 without requests.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.errors as f64 / self.requests as f64 }
    }

    /// The duration within which the share `q` of the requests ended; see [`ExponentialHistogram::quantile`].
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        duration(self.durations.quantile(q))
    }

    /// The median duration.
    #[must_use]
    pub fn p50(&self) -> Option<Duration> {
        self.quantile(0.5)
    }

    /// The duration within which 90 % of the requests ended.
    #[must_use]
    pub fn p90(&self) -> Option<Duration> {
        self.quantile(0.9)
    }

    /// The duration within which 99 % of the requests ended.
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        self.quantile(0.99)
    }

    /// The duration within which 99.9 % of the requests ended.
    #[must_use]
    pub fn p999(&self) -> Option<Duration> {
        self.quantile(0.999)
    }

    /// The longest duration.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        duration(self.durations.max())
    }
}

/// None also for what is no duration: the fields of a snapshot are open to everybody.
fn duration(seconds: Option<f64>) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds?).ok()
}

impl fmt::Display for RequestSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests, {} errors ({:.2} %)", self.requests, self.errors, 100.0 * self.error_rate())?;
        let figures = [("mean", self.mean), ("p50", self.p50()), ("p90", self.p90()), ("p99", self.p99())];
        let tail = [("p99.9", self.p999()), ("max", self.max())];
        for (name, figure) in figures.into_iter().chain(tail) {
            if let Some(figure) = figure {
                write!(f, ", {name} {figure:.1?}")?;
            }
        }
        Ok(())
    }
}

impl Sealed for RequestMetrics {
    const PARTS: &'static [Part] = &[
        Part { suffix: ".count", unit: Some("{request}"), description: Some("Requests that ended.") },
        Part {
            suffix: ".errors",
            unit: Some("{request}"),
            description: Some("Requests that ended with an error."),
        },
        Part { suffix: ".duration", unit: Some("s"), description: None },
        Part {
            suffix: ".last.duration",
            unit: Some("s"),
            description: Some("Duration of the last request."),
        },
    ];

    fn kind(_: &Settings) -> Cow<'static, str> {
        "request metrics".into()
    }

    fn register(_: &Settings) -> Self {
        Tick::now();
        Self { block: Block::new(), exemplars: Exemplars::new(&Buckets::default()) }
    }

    fn unregistered() -> Self {
        Self::unregistered()
    }

    define_cache!(RequestMetrics);

    fn is_only_handle(&mut self) -> bool {
        self.block.is_only_handle()
    }

    fn activity(&self) -> Option<[u64; 2]> {
        Some([Request::recorded(self.block.lease()?), 0])
    }

    fn collect(series: &[Series<Self>], identities: &[Identity], collection: &mut Collection<'_>) {
        let (now, mut scratch) = (collection.taken_at(), Scratch::default());
        let (mut counts, mut errors) = (Points::of_part(0, None), Points::of_part(1, None));
        // The others are small.
        let before = match collection.reuse_part(identities, 2) {
            Some(Data::Histogram(points)) => Some(points),
            _ => None,
        };
        let (mut durations, mut lasts) = (Points::of_part(2, before), Points::of_part(3, None));
        for Series { key, handle } in series {
            scratch.counts =
                durations.next_value().map(ExponentialHistogram::take_memory).unwrap_or_default();
            let seen = handle.snapshot_in(&mut scratch);
            counts.push(key, now, seen.requests);
            errors.push(key, now, seen.errors);
            durations.push_with(key, now, seen.durations, handle.exemplars.collect());
            if let Some(last) = seen.last {
                lasts.push(key, last.at, last.duration.as_secs_f64());
            }
        }
        collection.push(&identities[0], Data::Counter(counts.finish()));
        collection.push(&identities[1], Data::Counter(errors.finish()));
        collection.push(&identities[2], Data::Histogram(durations.finish()));
        collection.push(&identities[3], Data::GaugeF64(lasts.finish()));
    }

    fn rejected(&self) -> u64 {
        self.rejected()
    }
}

/// The last request alone: a slot per thread of which a reader takes the newest.
///
/// For a value that many threads replace all the time and hardly anybody reads, this is far cheaper than one shared
/// pointer: no allocation, no shared cache line. Exported as a gauge of the duration in seconds, with the time stamp
/// of the request. [`RequestMetrics`] has such a slot already.
///
/// A handle: clones store into the same series. The default, like [`unregistered`](Self::unregistered), ignores
/// requests.
#[derive(Clone, Debug, Default)]
#[must_use = "a last request does nothing unless requests are recorded"]
pub struct LastRequest(Block<cell::LastRequest>);

impl LastRequest {
    /// One that ignores requests.
    pub const fn unregistered() -> Self {
        Self(Block::unregistered())
    }

    /// Stores a request that ended at `at`.
    ///
    /// *Progress:* wait-free once the thread has stored into this series before; see the [table](super).
    /// *Cost:* four stores to one cache line of the calling thread.
    #[inline(always)]
    pub fn record_at(&self, duration: Duration, outcome: Outcome, at: Timestamp) {
        self.0.record(ended(duration, outcome, at));
    }

    /// The request with the newest time stamp, if there is any. Never parts of two requests.
    ///
    /// A thread that stores so densely that a bounded number of attempts finds no gap is passed over.
    #[must_use]
    pub fn load(&self) -> Option<RequestInfo> {
        cell::LastRequest::newest(self.0.lease()?).map(RequestInfo::new)
    }

    /// How many requests were not stored, see [`RequestMetrics::rejected`].
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.0.rejected()
    }
}

impl Sealed for LastRequest {
    const PARTS: &'static [Part] = &[Part { unit: Some("s"), ..Part::WHOLE }];

    fn kind(_: &Settings) -> Cow<'static, str> {
        "last request".into()
    }

    fn register(_: &Settings) -> Self {
        Self(Block::new())
    }

    fn unregistered() -> Self {
        Self::unregistered()
    }

    define_cache!(LastRequest);

    fn is_only_handle(&mut self) -> bool {
        self.0.is_only_handle()
    }

    fn activity(&self) -> Option<[u64; 2]> {
        // Not the time stamp: a clock may stand still.
        Some([cell::LastRequest::recorded(self.0.lease()?), 0])
    }

    fn collect(series: &[Series<Self>], identities: &[Identity], collection: &mut Collection<'_>) {
        let mut points = Points::over(None);
        for Series { key, handle } in series {
            if let Some(last) = handle.load() {
                points.push(key, last.at, last.duration.as_secs_f64());
            }
        }
        collection.push(&identities[0], Data::GaugeF64(points.finish()));
    }

    fn rejected(&self) -> u64 {
        self.rejected()
    }
}
