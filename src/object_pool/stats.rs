//! Figures of a pool.

use std::ops::AddAssign;

use super::tally::Tally;

/// What has become of the objects of an [`ObjectPool`](super::ObjectPool), from its beginning.
///
/// Each thread counts for itself, so figures that are read while others use the pool need not agree with each other to
/// the last object. Nothing is lost: they do when nobody is in the middle of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How often [`get`](super::ObjectPool::get) and [`try_get`](super::ObjectPool::try_get) found an idle object.
    pub hits: u64,
    /// How often `get` had to make one.
    pub misses: u64,
    /// Objects that came back, and were dropped: because of `keep`, because the pool was full, or because of a panic.
    pub dropped: u64,
    /// Objects that are in use now.
    pub in_use: u64,
    /// Objects that lie idle in the pool now.
    pub idle: u64,
}

impl Stats {
    /// Objects that belong to the pool now, in use or idle. One that was detached does not.
    #[must_use]
    pub const fn live(&self) -> u64 {
        self.in_use.saturating_add(self.idle)
    }

    pub(super) fn of<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Self {
        let mut sum = Sum::default();
        tallies.for_each(|tally| sum += tally);
        // What came back was stored or dropped; but some of that came from elsewhere, or was there from the first.
        let returned = (sum.stored + sum.dropped).saturating_sub(sum.added);
        let hits = sum.taken.saturating_sub(sum.cleared);
        Self {
            hits,
            misses: sum.made,
            dropped: sum.dropped,
            in_use: (hits + sum.made).saturating_sub(returned + sum.detached),
            idle: sum.stored.saturating_sub(sum.taken),
        }
    }
}

/// The sums of some [`Tally`]s.
#[derive(Default)]
struct Sum {
    taken: u64,
    stored: u64,
    made: u64,
    added: u64,
    dropped: u64,
    detached: u64,
    cleared: u64,
}

impl AddAssign<&Tally> for Sum {
    fn add_assign(&mut self, tally: &Tally) {
        self.taken += tally.taken.get();
        self.stored += tally.stored.get();
        self.made += tally.made.get();
        self.added += tally.added.get();
        self.dropped += tally.dropped.get();
        self.detached += tally.detached.get();
        self.cleared += tally.cleared.get();
    }
}
