//! [`Observer`]: what a callback observes with.

use std::fmt;

use hashbrown::HashTable;

use super::kind::{Kind, Rule};
use crate::metrics::{Attributes, KeyValue, ValueRef, digest, instrument::Settings, view::Keys};

/// Takes what a [callback](super::super::InstrumentBuilder::observe) observes.
pub struct Observer<V> {
    collection: u64,
    /// Other attributes are left out.
    kept_keys: Option<Keys>,
    is_valid: fn(V) -> bool,
    observed: Vec<Observed<V>>,
    /// Where what is in `observed`, by attributes.
    places: HashTable<usize>,
    rejected: u64,
}

/// What was observed of one set of attributes.
#[derive(Debug)]
pub(super) struct Observed<V> {
    pub(super) set: AttributeSet,
    pub(super) value: V,
}

/// Attributes with different keys, sorted, and their hash.
#[derive(Clone, Debug)]
pub(super) struct AttributeSet {
    pub(super) attributes: Attributes,
    pub(super) hash: u64,
}

impl<V> Observer<V> {
    pub(super) fn new<K: Kind<Value = V>>(collection: u64, settings: &Settings) -> Self {
        // Sums need to know what they are made of, even where it adds up to one series.
        let kept_keys = settings.kept_keys.clone().filter(|_| K::RULE == Rule::Last);
        Self {
            collection,
            kept_keys,
            is_valid: K::is_valid,
            observed: Vec::new(),
            places: HashTable::new(),
            rejected: 0,
        }
    }

    /// Observes a value: the total since the beginning for counters, and what there is now for all else.
    ///
    /// The order of attributes does not matter. Of attributes with the same key the last one counts, and those without a
    /// key do not. If the same attributes are observed again in the same run, the last value counts.
    ///
    /// NaN and infinities are not recorded, nor are negative totals of counters; the metric
    /// `freewheel.samples.rejected` counts them.
    pub fn observe(&mut self, value: V, attributes: &[KeyValue])
    where
        V: Copy,
    {
        if !(self.is_valid)(value) {
            self.rejected += 1;
            return;
        }
        let set = AttributeSet::new(attributes, self.kept_keys.as_ref());
        let known = self.places.find(set.hash, |&at| self.observed[at].set.is(&set));
        match known.copied() {
            Some(at) => self.observed[at].value = value,
            None => {
                self.places.insert_unique(set.hash, self.observed.len(), |&at| self.observed[at].set.hash);
                self.observed.push(Observed { set, value });
            }
        }
    }

    /// The number of the collection that asks. Callbacks of one registry that share a costly reading read anew when the
    /// number is another one.
    #[must_use]
    pub fn collection(&self) -> u64 {
        self.collection
    }

    /// What was observed, in the order in which the attributes came first, and how many values were not recorded.
    pub(super) fn finish(self) -> (Vec<Observed<V>>, u64) {
        (self.observed, self.rejected)
    }
}

impl AttributeSet {
    /// The set of those attributes whose keys are kept; all, if it is not said which.
    pub(super) fn new(attributes: &[KeyValue], kept_keys: Option<&Keys>) -> Self {
        let is_in_set = |&(at, KeyValue { key, .. }): &(usize, &KeyValue)| {
            !key.is_empty()
                && kept_keys.is_none_or(|kept| kept.contains(key))
                && attributes[at + 1..].iter().all(|later| later.key != *key)
        };
        let in_set = attributes.iter().enumerate().filter(is_in_set);
        let mut attributes: Vec<KeyValue> = in_set.map(|(_, attribute)| attribute.clone()).collect();
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
        let hash = digest::hash(attributes.iter().map(KeyValue::as_ref));
        Self { attributes: attributes.into(), hash }
    }

    /// Whether both have the same attributes.
    pub(super) fn is(&self, other: &Self) -> bool {
        let same = |(a, b): (&KeyValue, &KeyValue)| {
            a.key == b.key && ValueRef::from(&a.value).is(ValueRef::from(&b.value))
        };
        self.hash == other.hash
            && self.attributes.len() == other.attributes.len()
            && self.attributes.iter().zip(&*other.attributes).all(same)
    }
}

impl<V: fmt::Debug> fmt::Debug for Observer<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("collection", &self.collection)
            .field("observed", &self.observed)
            .finish_non_exhaustive()
    }
}
