//! The series of an observed instrument, within its limit.

use std::collections::BTreeMap;

use hashbrown::HashTable;

use super::{kind::Number, observer::AttributeSet};
use crate::metrics::{Timestamp, instrument::SeriesKey, series};

/// A series. It exists as long as it has sources.
#[derive(Debug)]
pub(super) struct Line<V> {
    pub(super) key: SeriesKey,
    /// The last value of a source, or what they come to.
    pub(super) value: V,
    /// Up to when it was observed.
    pub(super) time: Timestamp,
    set: AttributeSet,
    sources: usize,
    /// What those sources came to that are gone, and what the series began with.
    retired: V,
    /// The value that was collected last, and up to when it was observed.
    shown: V,
    shown_until: Timestamp,
}

/// The series, numbered in the order of their making.
#[derive(Debug)]
pub(super) struct Lines<V> {
    by_number: BTreeMap<u64, Line<V>>,
    by_attributes: HashTable<u64>,
    made: u64,
    /// How many have sources, without that of the overflow.
    in_use: usize,
    limit: usize,
    overflow: AttributeSet,
    overflowed: u64,
}

impl<V: Number> Lines<V> {
    /// Room for `limit` series, that of the overflow included.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            by_number: BTreeMap::new(),
            by_attributes: HashTable::new(),
            made: 0,
            in_use: 0,
            limit,
            overflow: AttributeSet::new(&[series::overflow_attribute()], None),
            overflowed: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed
    }

    pub(super) fn find(&self, set: &AttributeSet) -> Option<u64> {
        self.by_attributes.find(set.hash, |number| self.by_number[number].set.is(set)).copied()
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Line<V>> {
        self.by_number.get_mut(&number)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Line<V>> {
        self.by_number.values_mut()
    }

    /// Gives a source the series with these attributes, made with that start if need be; or that of the overflow, if there
    /// is no room.
    pub(super) fn attach(&mut self, set: AttributeSet, start: Timestamp) -> u64 {
        let is_in_use = self.find(&set).is_some_and(|number| self.by_number[&number].sources > 0);
        let set = if is_in_use || set.is(&self.overflow) || self.in_use + 1 < self.limit {
            set
        } else {
            self.overflowed += 1;
            self.overflow.clone()
        };
        let number = self.find(&set).unwrap_or_else(|| self.make(set, start));
        let line = self.by_number.get_mut(&number).expect("it was found or made");
        line.sources += 1;
        if line.sources == 1 && !line.set.is(&self.overflow) {
            self.in_use += 1;
        }
        number
    }

    fn make(&mut self, set: AttributeSet, start: Timestamp) -> u64 {
        let (number, hash) = (self.made, set.hash);
        self.made += 1;
        let key = SeriesKey { start, ..SeriesKey::new(set.attributes.clone(), 1) };
        let (value, retired, shown) = (V::ZERO, V::ZERO, V::ZERO);
        let line = Line { key, value, time: start, set, sources: 0, retired, shown, shown_until: start };
        self.by_number.insert(number, line);
        self.by_attributes.insert_unique(hash, number, |number| self.by_number[number].set.hash);
        number
    }

    /// Takes a source from its series; what it came to stays.
    pub(super) fn detach(&mut self, number: u64, came_to: V) {
        let Some(line) = self.by_number.get_mut(&number) else { return };
        line.retired = line.retired.plus(came_to);
        line.sources -= 1;
        if line.sources == 0 && !line.set.is(&self.overflow) {
            self.in_use -= 1;
        }
    }

    /// Gives a series the value of one of its sources, observed up to `now`.
    pub(super) fn observe(&mut self, number: u64, value: V, now: Timestamp) {
        if let Some(line) = self.by_number.get_mut(&number) {
            (line.value, line.time) = (value, now);
        }
    }

    /// Gives a series that was added up another identity, which has what the old one did not show any more.
    pub(super) fn begin_anew(&mut self, number: u64) {
        if let Some(line) = self.by_number.get_mut(&number) {
            line.key =
                SeriesKey { start: line.shown_until, ..SeriesKey::new(line.set.attributes.clone(), 1) };
            line.retired = if line.value > line.shown { line.value.minus(line.shown) } else { V::ZERO };
            line.shown = V::ZERO;
        }
    }

    /// Removes those series without sources that `may_go`.
    pub(super) fn remove_ended(&mut self, may_go: impl Fn(&Line<V>) -> bool) {
        let before = self.by_number.len();
        self.by_number.retain(|_, line| line.sources > 0 || !may_go(line));
        if self.by_number.len() < before {
            self.by_attributes.retain(|number| self.by_number.contains_key(number));
        }
    }
}

impl<V: Number> Line<V> {
    /// Begins to add up the sources.
    pub(super) fn begin_sum(&mut self) {
        self.value = self.retired;
    }

    /// Undoes what rounding took away: floating-point numbers that are added up in another order may come to less.
    pub(super) fn keep_from_falling(&mut self) {
        if self.value < self.shown {
            self.value = self.shown;
        }
    }

    /// Says that the value is collected.
    pub(super) fn show(&mut self) {
        (self.shown, self.shown_until) = (self.value, self.time);
    }

    /// Whether nothing was observed since it was collected.
    pub(super) fn is_shown(&self) -> bool {
        self.time == self.shown_until
    }
}
