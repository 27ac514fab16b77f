//! What the callbacks of an instrument observed last, and what it means for the series.

use std::{collections::BTreeSet, mem};

use hashbrown::HashTable;

use super::{
    kind::{Kind, Number, Rule},
    line::{Line, Lines},
    observer::{AttributeSet, Observed},
};
use crate::metrics::{
    Timestamp,
    collection::{Collection, Points},
    instrument::{Identity, Settings},
    series,
    view::Keys,
};

/// The sources of an instrument and its series.
#[derive(Debug)]
pub(super) struct Table<K: Kind> {
    /// By callback, in the order of registration.
    sources: Vec<Sources<K::Value>>,
    lines: Lines<K::Value>,
    kept_keys: Option<Keys>,
    /// How many sources that ended are remembered for each callback.
    memory: usize,
}

/// What one callback observes.
#[derive(Debug)]
struct Sources<V> {
    by_attributes: HashTable<Source<V>>,
    /// The time of the last run, or of the registration.
    since: Timestamp,
    runs: u64,
}

/// What one callback observes under one set of attributes.
#[derive(Debug)]
struct Source<V> {
    set: AttributeSet,
    /// What was observed last.
    value: V,
    /// What the series counts from.
    origin: V,
    /// The line of the series; none since a run left the source out.
    line: Option<u64>,
    /// The last run that observed it.
    run: u64,
}

impl<K: Kind> Table<K> {
    pub(super) fn new(settings: &Settings) -> Self {
        let (limit, kept_keys) = (series::limit(settings), settings.kept_keys.clone());
        let memory = limit.max(series::DEFAULT_LIMIT);
        Self { sources: Vec::new(), lines: Lines::new(limit), kept_keys, memory }
    }

    /// Adds a callback and numbers it.
    pub(super) fn add_callback(&mut self, since: Timestamp) -> usize {
        self.sources.push(Sources { by_attributes: HashTable::new(), since, runs: 0 });
        self.sources.len() - 1
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// How many sources came when there was no room for another series.
    pub(super) fn overflowed(&self) -> u64 {
        self.lines.overflowed()
    }

    /// Takes what a run of a callback observed, up to `now`.
    pub(super) fn take(&mut self, callback: usize, observed: Vec<Observed<K::Value>>, now: Timestamp) {
        if K::RULE == Rule::Rising {
            self.begin_anew_where_one_fell(callback, &observed);
        }
        let Self { sources, lines, kept_keys, memory } = self;
        let sources = &mut sources[callback];
        sources.end_all_but::<K>(&observed, lines);
        let since = mem::replace(&mut sources.since, now);
        for Observed { set, value } in observed {
            let source = sources.get_or_insert(set);
            source.origin = match K::RULE {
                Rule::Rising if value >= source.value && source.line.is_some() => source.origin,
                Rule::Rising if value >= source.value => source.value,
                // What fell was reset.
                Rule::Rising | Rule::Sum | Rule::Last => K::Value::ZERO,
            };
            source.value = value;
            let line = *source.line.get_or_insert_with(|| {
                let set = match kept_keys {
                    Some(kept) => AttributeSet::new(&source.set.attributes, Some(kept)),
                    None => source.set.clone(),
                };
                lines.attach(set, since)
            });
            lines.observe(line, value, now);
        }
        // A last rise is shown once, at the next collection.
        lines.remove_ended(|line| K::RULE != Rule::Rising || line.is_shown());
        sources.forget(if K::RULE == Rule::Rising { *memory } else { 0 });
    }

    /// Gives the series of sources that fell a new beginning, and lets its other sources count from where they are.
    fn begin_anew_where_one_fell(&mut self, callback: usize, observed: &[Observed<K::Value>]) {
        let fallen = observed.iter().filter_map(|Observed { set, value }| {
            let source = self.sources[callback].find(set)?;
            source.line.filter(|_| *value < source.value)
        });
        let fallen: BTreeSet<u64> = fallen.collect();
        if fallen.is_empty() {
            return;
        }
        self.add_up();
        fallen.iter().for_each(|line| self.lines.begin_anew(*line));
        let sources = self.sources.iter_mut().flat_map(|sources| &mut sources.by_attributes);
        for source in sources.filter(|source| source.line.is_some_and(|line| fallen.contains(&line))) {
            source.origin = source.value;
        }
    }

    /// Ends a series; false if there is none with these attributes.
    pub(super) fn remove(&mut self, set: &AttributeSet) -> bool {
        let Some(line) = self.lines.find(set) else { return false };
        for sources in &mut self.sources {
            for source in &mut sources.by_attributes {
                if source.line == Some(line) {
                    source.end::<K>(&mut self.lines);
                }
            }
        }
        self.lines.remove_ended(|_| true);
        true
    }

    /// Adds the points to a collection.
    pub(super) fn collect(&mut self, identity: &Identity, collection: &mut Collection<'_>) {
        if K::RULE != Rule::Last {
            self.add_up();
        }
        let mut points = Points::over(collection.reuse(identity).and_then(K::points));
        for line in self.lines.iter_mut() {
            if K::RULE == Rule::Rising {
                line.keep_from_falling();
            }
            points.push(&line.key, line.time, line.value);
            line.show();
        }
        self.lines.remove_ended(|_| true);
        collection.push_observed(identity, K::data(points.finish()));
    }

    fn add_up(&mut self) {
        self.lines.iter_mut().for_each(Line::begin_sum);
        for source in self.sources.iter().flat_map(|sources| &sources.by_attributes) {
            if let Some(line) = source.line.and_then(|line| self.lines.get_mut(line)) {
                line.value = line.value.plus(source.value.minus(source.origin));
            }
        }
    }
}

impl<V: Number> Sources<V> {
    fn find(&self, set: &AttributeSet) -> Option<&Source<V>> {
        self.by_attributes.find(set.hash, |source| source.set.is(set))
    }

    fn get_or_insert(&mut self, set: AttributeSet) -> &mut Source<V> {
        let run = self.runs;
        let is = |source: &Source<V>| source.set.is(&set);
        let entry = self.by_attributes.entry(set.hash, is, |source| source.set.hash);
        let new = || Source { set: set.clone(), value: V::ZERO, origin: V::ZERO, line: None, run };
        entry.or_insert_with(new).into_mut()
    }

    /// Begins another run: ends those sources that it did not observe.
    fn end_all_but<K: Kind<Value = V>>(&mut self, observed: &[Observed<V>], lines: &mut Lines<V>) {
        self.runs += 1;
        for Observed { set, .. } in observed {
            if let Some(source) = self.by_attributes.find_mut(set.hash, |source| source.set.is(set)) {
                source.run = self.runs;
            }
        }
        for source in self.by_attributes.iter_mut().filter(|source| source.run < self.runs) {
            source.end::<K>(lines);
        }
    }

    /// Forgets sources that ended, the oldest first, until there are not more than `remembered`; but all that ended in the
    /// same run or none.
    fn forget(&mut self, remembered: usize) {
        let ended = self.by_attributes.iter().filter(|source| source.line.is_none());
        let mut ended: Vec<u64> = ended.map(|source| source.run).collect();
        let Some(surplus) = ended.len().checked_sub(remembered + 1) else { return };
        ended.sort_unstable();
        let first_kept = ended.get(surplus + 1).copied().unwrap_or(u64::MAX);
        self.by_attributes.retain(|source| source.line.is_some() || source.run >= first_kept);
    }
}

impl<V: Number> Source<V> {
    /// Ends the source. What it rose to stays in the series, if that goes on.
    fn end<K: Kind<Value = V>>(&mut self, lines: &mut Lines<V>) {
        if let Some(line) = self.line.take() {
            let came_to = self.value.minus(self.origin);
            lines.detach(line, if K::RULE == Rule::Rising { came_to } else { V::ZERO });
        }
    }
}
