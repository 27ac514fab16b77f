//! The maps, with one face.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
    sync::RwLock,
};

use freewheel::{ShardedMap, map::WordMap};

use super::Key;

type Hasher = foldhash::quality::FixedState;

/// What every map can do.
pub(super) trait Map<K>: Send + Sync + 'static {
    fn new() -> Self;
    fn get(&self, key: &K) -> Option<u64>;
    fn store(&self, key: &K, value: u64);
    fn delete(&self, key: &K);
}

pub(super) type Freewheel<K> = ShardedMap<K, u64, Hasher>;

impl<K: Key> Map<K> for Freewheel<K> {
    fn new() -> Self {
        Self::with_hasher(Hasher::default())
    }

    #[inline(always)]
    fn get(&self, key: &K) -> Option<u64> {
        self.load(key)
    }

    #[inline(always)]
    fn store(&self, key: &K, value: u64) {
        ShardedMap::store(self, key.clone(), value);
    }

    #[inline(always)]
    fn delete(&self, key: &K) {
        ShardedMap::delete(self, key);
    }
}

pub(super) type Words = WordMap<u64, u64, Hasher>;

impl Map<u64> for Words {
    fn new() -> Self {
        Self::with_hasher(Hasher::default())
    }

    #[inline(always)]
    fn get(&self, key: &u64) -> Option<u64> {
        self.load(*key)
    }

    #[inline(always)]
    fn store(&self, key: &u64, value: u64) {
        WordMap::store(self, *key, value);
    }

    #[inline(always)]
    fn delete(&self, key: &u64) {
        WordMap::delete(self, *key);
    }
}

pub(super) type Dashmap<K> = dashmap::DashMap<K, u64, Hasher>;

impl<K: Key> Map<K> for Dashmap<K> {
    fn new() -> Self {
        Self::with_hasher(Hasher::default())
    }

    #[inline(always)]
    fn get(&self, key: &K) -> Option<u64> {
        dashmap::DashMap::get(self, key).map(|value| *value)
    }

    #[inline(always)]
    fn store(&self, key: &K, value: u64) {
        // The cheaper way, without a clone of the key, if it is there.
        match self.get_mut(key) {
            Some(mut place) => *place = value,
            None => drop(self.insert(key.clone(), value)),
        }
    }

    #[inline(always)]
    fn delete(&self, key: &K) {
        self.remove(key);
    }
}

pub(super) type Papaya<K> = papaya::HashMap<K, u64, Hasher>;

impl<K: Key> Map<K> for Papaya<K> {
    fn new() -> Self {
        papaya::HashMap::with_hasher(Hasher::default())
    }

    #[inline(always)]
    fn get(&self, key: &K) -> Option<u64> {
        self.pin().get(key).copied()
    }

    #[inline(always)]
    fn store(&self, key: &K, value: u64) {
        self.pin().insert(key.clone(), value);
    }

    #[inline(always)]
    fn delete(&self, key: &K) {
        self.pin().remove(key);
    }
}

pub(super) type HashIndex<K> = scc::HashIndex<K, u64, Hasher>;

impl<K: Key> Map<K> for HashIndex<K> {
    fn new() -> Self {
        scc::HashIndex::with_hasher(Hasher::default())
    }

    #[inline(always)]
    fn get(&self, key: &K) -> Option<u64> {
        self.peek_with(key, |_, value| *value)
    }

    #[inline(always)]
    fn store(&self, key: &K, value: u64) {
        match self.entry_sync(key.clone()) {
            scc::hash_index::Entry::Occupied(mut entry) => entry.update(value),
            scc::hash_index::Entry::Vacant(entry) => drop(entry.insert_entry(value)),
        }
    }

    #[inline(always)]
    fn delete(&self, key: &K) {
        self.remove_sync(key);
    }
}

pub(super) type SccMap<K> = scc::HashMap<K, u64, Hasher>;

impl<K: Key> Map<K> for SccMap<K> {
    fn new() -> Self {
        scc::HashMap::with_hasher(Hasher::default())
    }

    #[inline(always)]
    fn get(&self, key: &K) -> Option<u64> {
        self.read_sync(key, |_, value| *value)
    }

    #[inline(always)]
    fn store(&self, key: &K, value: u64) {
        if self.update_sync(key, |_, place| *place = value).is_none() {
            self.upsert_sync(key.clone(), value);
        }
    }

    #[inline(always)]
    fn delete(&self, key: &K) {
        self.remove_sync(key);
    }
}

type Table<K> = HashMap<K, u64, Hasher>;

fn store_in<K: Eq + Hash + Clone>(table: &mut Table<K>, key: &K, value: u64) {
    match table.get_mut(key) {
        Some(place) => *place = value,
        None => drop(table.insert(key.clone(), value)),
    }
}

/// One lock around a table of `std`.
pub(super) struct Locked<K>(RwLock<Table<K>>);

impl<K: Key> Map<K> for Locked<K> {
    fn new() -> Self {
        Self(RwLock::default())
    }

    #[inline(always)]
    fn get(&self, key: &K) -> Option<u64> {
        self.0.read().expect("nobody panics").get(key).copied()
    }

    #[inline(always)]
    fn store(&self, key: &K, value: u64) {
        store_in(&mut self.0.write().expect("nobody panics"), key, value);
    }

    #[inline(always)]
    fn delete(&self, key: &K) {
        self.0.write().expect("nobody panics").remove(key);
    }
}

/// A lock around each of 64 tables.
pub(super) struct Locked64<K> {
    tables: [crossbeam_utils::CachePadded<parking_lot::RwLock<Table<K>>>; 64],
    hasher: Hasher,
}

impl<K: Key> Locked64<K> {
    #[inline(always)]
    fn table(&self, key: &K) -> &parking_lot::RwLock<Table<K>> {
        &self.tables[(self.hasher.hash_one(key) >> 50) as usize % 64]
    }
}

impl<K: Key> Map<K> for Locked64<K> {
    fn new() -> Self {
        Self { tables: std::array::from_fn(|_| Default::default()), hasher: Hasher::default() }
    }

    #[inline(always)]
    fn get(&self, key: &K) -> Option<u64> {
        self.table(key).read().get(key).copied()
    }

    #[inline(always)]
    fn store(&self, key: &K, value: u64) {
        store_in(&mut self.table(key).write(), key, value);
    }

    #[inline(always)]
    fn delete(&self, key: &K) {
        self.table(key).write().remove(key);
    }
}
