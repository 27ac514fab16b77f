//! Maps as serde's maps, and sets as its sequences.

use std::{fmt, hash::BuildHasher, hash::Hash, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::{ShardedMap, ShardedSet, Word, WordMap};

impl<K: Eq + Hash + Serialize, V: Serialize, S: BuildHasher> Serialize for ShardedMap<K, V, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        // The number of entries may change meanwhile, and some forms want to know it beforehand.
        let pinned = self.pin();
        let entries: Vec<_> = pinned.iter().collect();
        serializer.collect_map(entries)
    }
}

impl<K: Word + Serialize, V: Word + Serialize, S: BuildHasher> Serialize for WordMap<K, V, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let pairs: Vec<_> = self.iter().collect();
        serializer.collect_map(pairs)
    }
}

impl<T: Eq + Hash + Serialize, S: BuildHasher> Serialize for ShardedSet<T, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let pinned = self.map().pin();
        let members: Vec<_> = pinned.keys().collect();
        serializer.collect_seq(members)
    }
}

/// Collects what comes into a `C`.
struct Collector<C, T>(PhantomData<(C, T)>);

impl<'de, C, K, V> Visitor<'de> for Collector<C, (K, V)>
where
    C: Default + Extend<(K, V)>,
    K: Deserialize<'de>,
    V: Deserialize<'de>,
{
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<C, A::Error> {
        let mut collected = C::default();
        while let Some(entry) = entries.next_entry()? {
            collected.extend([entry]);
        }
        Ok(collected)
    }
}

impl<'de, C, T> Visitor<'de> for Collector<C, [T; 1]>
where
    C: Default + Extend<T>,
    T: Deserialize<'de>,
{
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<C, A::Error> {
        let mut collected = C::default();
        while let Some(member) = members.next_element()? {
            collected.extend([member]);
        }
        Ok(collected)
    }
}

impl<'de, K, V, S> Deserialize<'de> for ShardedMap<K, V, S>
where
    K: Eq + Hash + Deserialize<'de>,
    V: Deserialize<'de>,
    S: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collector::<Self, (K, V)>(PhantomData))
    }
}

impl<'de, K, V, S> Deserialize<'de> for WordMap<K, V, S>
where
    K: Word + Deserialize<'de>,
    V: Word + Deserialize<'de>,
    S: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collector::<Self, (K, V)>(PhantomData))
    }
}

impl<'de, T, S> Deserialize<'de> for ShardedSet<T, S>
where
    T: Eq + Hash + Deserialize<'de>,
    S: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Collector::<Self, [T; 1]>(PhantomData))
    }
}
