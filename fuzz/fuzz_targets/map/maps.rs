//! The maps and the set, and what is seen of them.

use std::collections::{HashMap, HashSet};

use freewheel::{
    ShardedMap,
    map::{ShardedSet, WordMap},
};

use crate::{
    Room, Settings,
    hashes::Bits,
    value::{Living, Value},
};

/// What the values of keys are.
pub type Model = HashMap<u64, u64>;

/// Two maps with the same keys and values, and a set of the keys. Everybody has keys of their own: those that leave that
/// rest.
pub struct Maps {
    pub entries: ShardedMap<u64, Value, Bits>,
    pub words: WordMap<u64, u64, Bits>,
    pub members: ShardedSet<u64, Bits>,
    pub living: Living,
}

/// How many there are that have keys of their own.
pub const OWNERS: u64 = 4;

pub fn key(number: u64, owner: u64) -> u64 {
    number * OWNERS + owner
}

/// The key that a byte stands for: one of few most times, so that operations come to the same one.
pub fn key_of(byte: u8, owner: u64) -> u64 {
    let number = if byte < 192 { byte % 8 } else { byte };
    key(number.into(), owner)
}

impl Maps {
    pub fn new(Settings { bits, room }: Settings) -> Self {
        let (entries, words) = match room {
            Room::None => (ShardedMap::with_hasher(bits), WordMap::with_hasher(bits)),
            Room::Capacity(keys) => {
                let keys = usize::from(keys) % 3000;
                (
                    ShardedMap::with_capacity_and_hasher(keys, bits),
                    WordMap::with_capacity_and_hasher(keys, bits),
                )
            }
            Room::Shards(shards) => {
                (ShardedMap::with_shards_and_hasher(shards.into(), bits), WordMap::with_hasher(bits))
            }
        };
        Self { entries, words, members: ShardedSet::with_hasher(bits), living: Living::default() }
    }

    /// Checks all ways to see one key.
    pub fn check_key(&self, key: u64, expected: Option<u64>) {
        let Self { entries, words, members, .. } = self;
        assert_eq!((words.load(key), words.contains_key(key)), (expected, expected.is_some()));
        assert_eq!(entries.load(&key).map(|value| value.number()), expected);
        assert_eq!(
            entries.get(&key).map(|found| (*found.key(), found.number())),
            expected.map(|value| (key, value))
        );
        assert_eq!(
            (entries.contains_key(&key), members.contains(&key)),
            (expected.is_some(), expected.is_some())
        );
        assert_eq!(members.get(&key).map(|member| *member), expected.map(|_| key));
    }

    /// Checks that the keys of `owner` are those of the model, each of them once, and nothing that is not there is found.
    pub fn check(&self, model: &Model, owner: u64) {
        let own = |key: &u64| key % OWNERS == owner;
        let mut words: Vec<_> = self.words.iter().filter(|(key, _)| own(key)).collect();
        let pinned = self.entries.pin();
        let entries = pinned.iter().map(|(key, value)| (*key, value.number()));
        let mut entries: Vec<_> = entries.filter(|(key, _)| own(key)).collect();
        let mut members = Vec::new();
        self.members.range(|&member| {
            members.extend(Some(member).filter(own));
            true
        });
        let mut expected: Vec<_> = model.iter().map(|(&key, &value)| (key, value)).collect();
        let in_order = [&mut words, &mut entries, &mut expected];
        in_order.into_iter().for_each(|pairs| pairs.sort_unstable());
        members.sort_unstable();
        assert_eq!(words, expected);
        assert_eq!(entries, expected);
        assert!(members.iter().eq(expected.iter().map(|(key, _)| key)));
        for number in 0..256 {
            let key = key(number, owner);
            let found = pinned.get_key_value(&key).map(|(_, value)| value.number());
            assert_eq!((found, self.words.load(key)), (model.get(&key).copied(), model.get(&key).copied()));
        }
    }

    /// Visits up to so many; all of them are there, and none comes twice.
    pub fn visit(&self, most: usize, model: &Model) {
        let expected = most.clamp(1, model.len().max(1)).min(model.len());
        let mut seen = HashSet::new();
        self.entries.range(|key, value| {
            assert_eq!(model.get(key), Some(&value.number()));
            assert!(seen.insert(*key), "{key} comes twice");
            seen.len() < most
        });
        assert_eq!(seen.len(), expected);
        seen.clear();
        self.words.range(|key, value| {
            assert_eq!(model.get(&key), Some(&value));
            assert!(seen.insert(key), "{key} comes twice");
            seen.len() < most
        });
        assert_eq!(seen.len(), expected);
        let pinned = self.entries.pin();
        assert_eq!((pinned.keys().count(), pinned.values().count()), (model.len(), model.len()));
    }

    /// Stores a key everywhere, and looks at nothing.
    pub fn store_only(&self, key: u64, value: u64, model: &mut Model) {
        self.entries.store(key, self.living.value(value));
        self.words.store(key, value);
        self.members.insert(key);
        model.insert(key, value);
    }

    /// Deletes a key everywhere, and looks at nothing.
    pub fn delete_only(&self, key: u64, model: &mut Model) {
        self.entries.delete(&key);
        self.words.delete(key);
        self.members.remove(&key);
        model.remove(&key);
    }

    /// Those of `owner` go whose number is a multiple of that.
    pub fn retain(&self, divisor: u64, owner: u64, model: &mut Model) {
        let keep = |key: u64| key % OWNERS != owner || !(key / OWNERS).is_multiple_of(divisor);
        self.entries.retain(|key, _| keep(*key));
        self.words.retain(|key, _| keep(key));
        self.members.retain(|key| keep(*key));
        model.retain(|key, _| keep(*key));
    }

    pub fn reserve(&self, more: usize) {
        self.entries.reserve(more);
        self.words.reserve(more);
    }
}
