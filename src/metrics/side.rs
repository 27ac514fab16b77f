//! The buckets of an exponential histogram on one side of zero.

use std::collections::BTreeMap;

/// Counts by bucket index, from the lowest to the highest bucket in use, without gaps. At scale `s`, bucket `i` holds
/// the magnitudes in `(2^(i / 2^s), 2^((i + 1) / 2^s)]`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Side {
    /// Index of the first bucket; zero if there is none.
    offset: i32,
    counts: Vec<u64>,
}

impl Side {
    /// The buckets from `offset` on, of which those at both ends may be empty.
    pub(crate) fn new(offset: i32, counts: Vec<u64>) -> Self {
        let mut side = Self { offset, counts };
        side.trim();
        side
    }

    /// The buckets with these indices.
    pub(crate) fn sparse(buckets: &BTreeMap<i32, u64>) -> Self {
        let (Some((&first, _)), Some((&last, _))) = (buckets.first_key_value(), buckets.last_key_value())
        else {
            return Self::default();
        };
        let mut counts = vec![0; (last - first) as usize + 1];
        buckets.iter().for_each(|(index, count)| counts[(index - first) as usize] = *count);
        Self::new(first, counts)
    }

    pub(crate) fn offset(&self) -> i32 {
        self.offset
    }

    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }

    pub(crate) fn into_counts(self) -> Vec<u64> {
        self.counts
    }

    /// How many values there are.
    pub(crate) fn count(&self) -> u64 {
        total(&self.counts)
    }

    /// The buckets with their indices, rising.
    pub(crate) fn buckets(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> {
        self.counts.iter().enumerate().map(|(at, &count)| (self.offset + at as i32, count))
    }

    /// The lowest and the highest index, if there are buckets.
    pub(crate) fn ends(&self) -> Option<(i32, i32)> {
        let last = self.counts.len().checked_sub(1)?;
        Some((self.offset, self.offset + last as i32))
    }

    /// How many times neighbours must be merged until there are at most `max_buckets`.
    pub(crate) fn steps_to_fit(&self, max_buckets: usize) -> i32 {
        let Some((first, last)) = self.ends() else { return 0 };
        let fits = |steps: &i32| max_buckets as u64 > u64::from((last >> steps).abs_diff(first >> steps));
        (0..i32::BITS as i32).find(fits).expect("two buckets are enough at some scale")
    }

    /// Merges neighbours `steps` times, in place; each time halves the number of buckets.
    pub(crate) fn coarsen(&mut self, steps: i32) {
        let (Some((first, last)), 1..) = (self.ends(), steps) else { return };
        let offset = first >> steps;
        let mut merged = 0;
        for (at, index) in (first..=last).enumerate() {
            // What is merged lies at or before what is still to be.
            let (count, place) = (self.counts[at], ((index >> steps) - offset) as usize);
            self.counts[place] =
                if place == merged { count } else { self.counts[place].saturating_add(count) };
            merged = place + 1;
        }
        self.counts.truncate(merged);
        self.offset = offset;
    }

    /// Adds the counts of `other`, which has the same scale.
    pub(crate) fn add(&mut self, other: &Self) {
        let Some((first, last)) = other.ends() else { return };
        let (own_first, own_last) = self.ends().unwrap_or((first, last));
        let offset = first.min(own_first);
        self.counts.splice(..0, (offset..own_first).map(|_| 0));
        self.counts.resize((last.max(own_last) - offset) as usize + 1, 0);
        self.offset = offset;
        for (index, count) in other.buckets() {
            let sum = &mut self.counts[(index - offset) as usize];
            *sum = sum.saturating_add(count);
        }
    }

    /// Takes away the counts of `other`, which has a scale that is finer by so many steps.
    pub(crate) fn subtract(&mut self, other: &Self, steps: i32) {
        for (index, count) in other.buckets() {
            let at = usize::try_from((index >> steps) - self.offset).ok();
            if let Some(own) = at.and_then(|at| self.counts.get_mut(at)) {
                *own = own.saturating_sub(count);
            }
        }
        self.trim();
    }

    /// Drops empty buckets at both ends.
    fn trim(&mut self) {
        let used = self.counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
        self.counts.truncate(used);
        let empty = self.counts.iter().take_while(|&&count| count == 0).count();
        self.counts.drain(..empty);
        self.offset = if self.counts.is_empty() { 0 } else { self.offset + empty as i32 };
    }
}

impl Clone for Side {
    fn clone(&self) -> Self {
        Self { offset: self.offset, counts: self.counts.clone() }
    }

    /// In the memory that there is, if it is enough.
    fn clone_from(&mut self, source: &Self) {
        self.offset = source.offset;
        self.counts.clone_from(&source.counts);
    }
}

/// The sum of counts. It stops at the largest integer: counts may have been given, not counted.
pub(crate) fn total(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count))
}
