//! References into a map.

use std::{
    fmt,
    hash::{BuildHasher, Hash},
    ops::Deref,
};

use equivalent::Equivalent;

use super::{ShardedMap, entry::Entry, iter::Entries};
use crate::reclaim;

/// A reference to a value in a map.
///
/// It is no lock: the value may be replaced or deleted meanwhile, and stays what it was here. As long as there is a
/// reference, little that was in any map when it was made is freed ([memory](super#memory)); so keep none for long.
pub struct Ref<'a, K, V> {
    entry: &'a Entry<K, V>,
    _guard: reclaim::Guard,
}

impl<'a, K, V> Ref<'a, K, V> {
    /// `guard` keeps `entry`.
    pub(super) fn new(entry: &'a Entry<K, V>, guard: reclaim::Guard) -> Self {
        Self { entry, _guard: guard }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.entry.key
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &V {
        &self.entry.value
    }
}

impl<K, V> Deref for Ref<'_, K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.entry.value
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Ref<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ref").field("key", self.key()).field("value", self.value()).finish()
    }
}

/// A map that is looked at more than once: see [`ShardedMap::pin`].
pub struct Pinned<'a, K, V, S> {
    map: &'a ShardedMap<K, V, S>,
    guard: reclaim::Guard,
}

impl<'a, K: Eq + Hash, V, S: BuildHasher> Pinned<'a, K, V, S> {
    pub(super) fn new(map: &'a ShardedMap<K, V, S>) -> Self {
        Self { map, guard: reclaim::pin() }
    }

    /// The value of `key`.
    ///
    /// *Progress:* lock-free. *Cost:* as [`ShardedMap::get`], without the guard.
    #[inline(always)]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&V> {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The key that is equal to `key`, and its value.
    #[inline(always)]
    pub fn get_key_value<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<(&K, &V)> {
        // SAFETY: the guard is there as long as `self`.
        let entry = unsafe { self.map.find(key, self.map.hash(key), &self.guard) }?;
        Some((&entry.key, &entry.value))
    }

    /// Whether there is a value for `key`.
    #[inline]
    pub fn contains_key<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.get(key).is_some()
    }

    /// All keys and values, in no order; [`ShardedMap::range`] says what it may miss.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries().map(|entry| (&entry.key, &entry.value))
    }

    pub(super) fn entries(&self) -> Entries<'_, K, V> {
        Entries::new(&self.map.table, &self.guard)
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// All values, in no order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K, V, S> fmt::Debug for Pinned<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").finish_non_exhaustive()
    }
}
