//! Both maps, with numbers that are their own hashes.

use freewheel::{
    ShardedMap,
    map::{Action, LoadOrStore, WordMap},
};

use crate::hashers::BuildIdentity;

pub(crate) type Sharded = ShardedMap<u64, u64, BuildIdentity>;
pub(crate) type Words = WordMap<u64, u64, BuildIdentity>;

/// What both maps can do.
pub(crate) trait Map: Sync {
    /// In a bucket.
    const SLOTS: u64;
    /// Keys after which a new map grows for the first time.
    const FIRST: u64;
    /// Keys after which a segment divides.
    const FULL: u64;

    fn with_capacity(keys: u64) -> Self;
    fn store(&self, key: u64, value: u64);
    fn delete(&self, key: u64) -> bool;
    fn compute(&self, key: u64, decide: impl FnOnce(Option<u64>) -> Action<u64>) -> Option<u64>;
    fn retain(&self, keep: impl FnMut(u64) -> bool);
    fn clear(&self);
    fn reserve(&self, additional: u64);
    /// Frees what nobody looks at any more, if it is ever freed.
    fn flush(&self);
    fn load(&self, key: u64) -> Option<u64>;
    /// By another way, if there is one.
    fn get(&self, key: u64) -> Option<u64>;
    fn contains_key(&self, key: u64) -> bool;
    fn load_or_store(&self, key: u64, value: u64) -> LoadOrStore<u64>;
    fn iter(&self) -> Vec<(u64, u64)>;
    fn range(&self, visit: impl FnMut(u64, u64) -> bool);
    fn len(&self) -> usize;
}

impl Map for Sharded {
    const SLOTS: u64 = 7;
    const FIRST: u64 = 6;
    const FULL: u64 = 374;

    fn with_capacity(keys: u64) -> Self {
        Self::with_capacity_and_hasher(keys as usize, BuildIdentity::default())
    }

    fn store(&self, key: u64, value: u64) {
        self.store(key, value);
    }

    fn delete(&self, key: u64) -> bool {
        self.delete(&key)
    }

    fn compute(&self, key: u64, decide: impl FnOnce(Option<u64>) -> Action<u64>) -> Option<u64> {
        self.compute(key, |value| decide(value.copied())).map(|value| *value)
    }

    fn retain(&self, mut keep: impl FnMut(u64) -> bool) {
        self.retain(|&key, _| keep(key));
    }

    fn clear(&self) {
        self.clear();
    }

    fn reserve(&self, additional: u64) {
        self.reserve(additional as usize);
    }

    fn flush(&self) {
        self.flush();
    }

    fn load(&self, key: u64) -> Option<u64> {
        self.load(&key)
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key).map(|value| *value)
    }

    fn contains_key(&self, key: u64) -> bool {
        self.contains_key(&key)
    }

    fn load_or_store(&self, key: u64, value: u64) -> LoadOrStore<u64> {
        self.load_or_store(key, value)
    }

    fn iter(&self) -> Vec<(u64, u64)> {
        self.pin().iter().map(|(&key, &value)| (key, value)).collect()
    }

    fn range(&self, mut visit: impl FnMut(u64, u64) -> bool) {
        self.range(|&key, &value| visit(key, value));
    }

    fn len(&self) -> usize {
        self.len()
    }
}

impl Map for Words {
    const SLOTS: u64 = 3;
    const FIRST: u64 = 3;
    const FULL: u64 = 160;

    fn with_capacity(keys: u64) -> Self {
        Self::with_capacity_and_hasher(keys as usize, BuildIdentity::default())
    }

    fn store(&self, key: u64, value: u64) {
        self.store(key, value);
    }

    fn delete(&self, key: u64) -> bool {
        self.delete(key)
    }

    fn compute(&self, key: u64, decide: impl FnOnce(Option<u64>) -> Action<u64>) -> Option<u64> {
        self.compute(key, decide)
    }

    fn retain(&self, mut keep: impl FnMut(u64) -> bool) {
        self.retain(|key, _| keep(key));
    }

    fn clear(&self) {
        self.clear();
    }

    fn reserve(&self, additional: u64) {
        self.reserve(additional as usize);
    }

    fn flush(&self) {}

    fn load(&self, key: u64) -> Option<u64> {
        self.load(key)
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.load(key)
    }

    fn contains_key(&self, key: u64) -> bool {
        self.contains_key(key)
    }

    fn load_or_store(&self, key: u64, value: u64) -> LoadOrStore<u64> {
        self.load_or_store(key, value)
    }

    fn iter(&self) -> Vec<(u64, u64)> {
        self.iter().collect()
    }

    fn range(&self, visit: impl FnMut(u64, u64) -> bool) {
        self.range(visit);
    }

    fn len(&self) -> usize {
        self.len()
    }
}
