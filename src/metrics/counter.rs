//! Sums: [`Counter`] and [`UpDownCounter`].

use std::borrow::Cow;

use super::{
    Data,
    collection::{Collection, Points},
    instrument::{Identity, Part, Series, SeriesKey, Settings, define_cache, sealed::Sealed},
};
use crate::cell::{Word, WordLease};

/// A sum that only rises: requests, bytes, errors.
///
/// A handle: clones count into the same series. The default, like [`unregistered`](Self::unregistered), counts
/// nothing. The total wraps at 2^64.
#[derive(Clone, Debug, Default)]
#[must_use = "a counter does nothing unless it is added to"]
pub struct Counter(Word);

impl Counter {
    /// A counter that ignores what is added: to switch a metric off.
    pub const fn unregistered() -> Self {
        Self(Word::unregistered())
    }

    /// Adds `n`.
    ///
    /// What a thread adds before something that happens before a [snapshot](super::Registry::snapshot) is in it.
    ///
    /// *Progress:* wait-free once the thread has recorded before; see the [table](super). *Cost:* a load and a store
    /// to memory of the calling thread.
    #[inline(always)]
    pub fn add(&self, n: u64) {
        self.0.add(n);
    }

    /// The sum over all threads since the series began; zero if unregistered.
    ///
    /// *Progress:* takes a lock that recording does not. *Cost:* a load per recording thread.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.lease().map_or(0, |lease| lease.total())
    }
}

impl Sealed for Counter {
    const PARTS: &'static [Part] = &[Part::WHOLE];

    fn kind(_: &Settings) -> Cow<'static, str> {
        "counter".into()
    }

    fn register(_: &Settings) -> Self {
        Self(Word::new())
    }

    fn unregistered() -> Self {
        Self::unregistered()
    }

    define_cache!(Counter);

    fn is_only_handle(&mut self) -> bool {
        self.0.is_only_handle()
    }

    fn activity(&self) -> Option<[u64; 2]> {
        Some([self.total(), 0])
    }

    fn collect(series: &[Series<Self>], identities: &[Identity], collection: &mut Collection<'_>) {
        let before = collection.reuse(&identities[0]).and_then(|data| match data {
            Data::Counter(points) => Some(points),
            _ => None,
        });
        let mut points = Points::over(before);
        let time = collection.taken_at();
        each_total(series, |counter| &counter.0, collection, |key, _, total| points.push(key, time, total));
        collection.push(&identities[0], Data::Counter(points.finish()));
    }
}

/// A sum that rises and falls: connections, bytes in use, items in a queue.
///
/// Its parts are read one thread after the other. While threads add and take away, a total can therefore be off by as
/// much as went from one thread to another during the reading, and even be negative; at rest it is exact.
///
/// A handle: clones count into the same series. The default, like [`unregistered`](Self::unregistered), counts
/// nothing. The total wraps.
#[derive(Clone, Debug, Default)]
#[must_use = "a counter does nothing unless it is added to"]
pub struct UpDownCounter(Word);

impl UpDownCounter {
    /// A counter that ignores what is added.
    pub const fn unregistered() -> Self {
        Self(Word::unregistered())
    }

    /// Adds `n`, which may be negative. One thread may add what another takes away.
    ///
    /// *Progress, cost, and what happens before what:* as [`Counter::add`].
    #[inline(always)]
    pub fn add(&self, n: i64) {
        self.0.add(n.cast_unsigned());
    }

    /// The sum over all threads since the series began; zero if unregistered.
    ///
    /// *Progress:* takes a lock that recording does not. *Cost:* a load per recording thread.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.0.lease().map_or(0, |lease| lease.total()).cast_signed()
    }
}

impl Sealed for UpDownCounter {
    const PARTS: &'static [Part] = &[Part::WHOLE];

    fn kind(_: &Settings) -> Cow<'static, str> {
        "up-down counter".into()
    }

    fn register(_: &Settings) -> Self {
        Self(Word::new())
    }

    fn unregistered() -> Self {
        Self::unregistered()
    }

    define_cache!(UpDownCounter);

    fn is_only_handle(&mut self) -> bool {
        self.0.is_only_handle()
    }

    fn activity(&self) -> Option<[u64; 2]> {
        // A sum that is not zero says something also while it does not move. One that is may have been another when
        // somebody looked: then he has to look again.
        let lease = self.0.lease()?;
        (lease.total() == 0).then(|| [lease.told(), 0])
    }

    fn collect(series: &[Series<Self>], identities: &[Identity], collection: &mut Collection<'_>) {
        let before = collection.reuse(&identities[0]).and_then(|data| match data {
            Data::UpDownCounter(points) => Some(points),
            _ => None,
        });
        let mut points = Points::over(before);
        let time = collection.taken_at();
        let push = |key: &SeriesKey, lease: &WordLease, total: u64| {
            if total != 0 {
                lease.tell();
            }
            points.push(key, time, total.cast_signed());
        };
        each_total(series, |counter| &counter.0, collection, push);
        collection.push(&identities[0], Data::UpDownCounter(points.finish()));
    }
}

/// Calls `push` with the key, the lease and the total of each series.
fn each_total<I>(
    series: &[Series<I>],
    word: impl Fn(&I) -> &Word,
    collection: &Collection<'_>,
    mut push: impl FnMut(&SeriesKey, &WordLease, u64),
) {
    let leased = series.iter().filter_map(|series| Some((&series.key, word(&series.handle).lease()?)));
    let mut pushed = leased.clone();
    collection.totals().each(leased.map(|(_, lease)| lease), |total| {
        let (key, lease) = pushed.next().expect("there are as many totals as leases");
        push(key, lease, total);
    });
}
