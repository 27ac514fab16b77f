//! The map beside one of `std`, in sequences of everything that one thread can do with it.

use std::{collections::HashMap, hash::BuildHasher, sync::Arc};

use fastrand::Rng;
use freewheel::{
    ShardedMap,
    map::{Action, DefaultHashBuilder, LoadOrStore, Ref},
};

use crate::hashers::{
    BuildConstant, BuildIdentity, FewBuckets, FewHashes, OnlyHighBits, OnlyLowBits, OnlyTags,
};

/// A number that is counted: the map must drop each that it was given, and clone none that it was not asked for.
#[derive(Clone, Debug)]
struct Value(u64, #[expect(dead_code, reason = "it counts those that there are")] Arc<()>);

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

fn number(value: Option<Value>) -> Option<u64> {
    value.map(|value| value.0)
}

type Map<S> = ShardedMap<u64, Value, S>;

struct Model<'a, S> {
    map: &'a Map<S>,
    expected: &'a mut HashMap<u64, u64>,
    census: &'a Arc<()>,
    /// References that are kept for a while, and their values.
    kept: Vec<(Ref<'a, u64, Value>, u64)>,
}

impl<'a, S: BuildHasher> Model<'a, S> {
    fn value(&self, number: u64) -> Value {
        Value(number, Arc::clone(self.census))
    }

    fn keep(&mut self, stored: Ref<'a, u64, Value>, expected: u64) {
        assert_eq!(stored.0, expected);
        if self.kept.len() < 3 {
            self.kept.push((stored, expected));
        }
    }

    fn let_go(&mut self) {
        if let Some((stored, expected)) = self.kept.pop() {
            assert_eq!(stored.0, expected);
        }
    }

    fn read(&mut self, key: u64, random: &mut Rng) {
        let expected = self.expected.get(&key).copied();
        match random.u32(..4) {
            0 => assert_eq!(number(self.map.load(&key)), expected),
            1 => assert_eq!(self.map.contains_key(&key), expected.is_some()),
            2 => {
                let pinned = self.map.pin();
                assert_eq!(
                    pinned.get_key_value(&key).map(|(&key, value)| (key, value.0)),
                    expected.map(|value| (key, value))
                );
            }
            _ => {
                let stored = self.map.get(&key);
                assert_eq!(stored.is_some(), expected.is_some());
                if let Some((stored, expected)) = stored.zip(expected) {
                    self.keep(stored, expected);
                }
            }
        }
    }

    fn store(&mut self, key: u64, new: u64, random: &mut Rng) {
        let value = self.value(new);
        match random.u32(..5) {
            0 => self.map.store(key, value),
            1 => {
                assert_eq!(number(self.map.swap(key, value)), self.expected.get(&key).copied());
            }
            2 => {
                let current =
                    self.expected.get(&key).copied().filter(|_| random.bool()).unwrap_or(random.u64(..8));
                let swapped = self.map.compare_and_swap(&key, &self.value(current), value);
                assert_eq!(swapped.is_ok(), self.expected.get(&key) == Some(&current));
                return swapped.map_or_else(|refused| assert_eq!(refused.0, new), |()| self.note(key, new));
            }
            3 => return self.load_or_store(key, value, random),
            _ => return self.compute(key, value, random),
        }
        self.note(key, new);
    }

    fn note(&mut self, key: u64, new: u64) {
        self.expected.insert(key, new);
    }

    fn load_or_store(&mut self, key: u64, value: Value, random: &mut Rng) {
        let new = value.0;
        let before = self.expected.get(&key).copied();
        let is_loaded = match random.u32(..4) {
            0 => self.map.load_or_store(key, value).is_loaded(),
            1 => self.map.load_or_store_with(&key, || value).is_loaded(),
            2 => match self.map.get_or_store(key, value) {
                LoadOrStore::Loaded(stored) => {
                    self.keep(stored, before.expect("there is a value"));
                    true
                }
                LoadOrStore::Stored(stored) => {
                    self.keep(stored, new);
                    false
                }
            },
            _ => self.map.get_or_store_with(&key, || value).is_loaded(),
        };
        assert_eq!(is_loaded, before.is_some());
        self.expected.entry(key).or_insert(new);
    }

    fn compute(&mut self, key: u64, value: Value, random: &mut Rng) {
        let new = value.0;
        let action = match random.u32(..3) {
            0 => Action::Keep,
            1 => Action::Delete,
            _ => Action::Store(value),
        };
        let before = self.expected.get(&key).copied();
        let after = match action {
            Action::Keep => before,
            Action::Delete => None,
            Action::Store(_) => Some(new),
        };
        let stored = self.map.compute(key, |value| {
            assert_eq!(value.map(|value| value.0), before);
            action
        });
        assert_eq!(stored.as_ref().map(|stored| stored.0), after);
        if let Some((stored, after)) = stored.zip(after) {
            self.keep(stored, after);
            self.note(key, after);
        } else {
            self.expected.remove(&key);
        }
    }

    fn delete(&mut self, key: u64, random: &mut Rng) {
        let before = self.expected.get(&key).copied();
        match random.u32(..3) {
            0 => assert_eq!(self.map.delete(&key), before.is_some()),
            1 => assert_eq!(number(self.map.load_and_delete(&key)), before),
            _ => {
                let current = before.filter(|_| random.bool()).unwrap_or(random.u64(..8));
                let is_it = before == Some(current);
                assert_eq!(self.map.compare_and_delete(&key, &self.value(current)), is_it);
                if !is_it {
                    return;
                }
            }
        }
        self.expected.remove(&key);
    }

    /// What has to do with all keys.
    fn change_many(&mut self, random: &mut Rng) {
        match random.u32(..5) {
            0 => self.map.reserve(random.usize(..500)),
            1 => self.map.flush(),
            2 => {
                let divisor = random.u64(1..4);
                self.map.retain(|key, value| (key + value.0) % divisor == 0);
                self.expected.retain(|key, value| (*key + *value) % divisor == 0);
            }
            3 if random.u32(..4) == 0 => {
                self.map.clear();
                self.expected.clear();
            }
            _ => self.check(),
        }
    }

    fn step(&mut self, key: u64, random: &mut Rng) {
        // Small ones, which are met again.
        let new = random.u64(..8);
        match random.u32(..400) {
            0..160 => self.store(key, new, random),
            160..260 => self.delete(key, random),
            260..397 => self.read(key, random),
            397..399 => self.let_go(),
            _ => self.change_many(random),
        }
        assert_eq!(self.map.len(), self.expected.len());
    }

    fn check(&self) {
        let mut expected: Vec<_> = self.expected.iter().map(|(&key, &value)| (key, value)).collect();
        expected.sort_unstable();
        let pinned = self.map.pin();
        let mut entries: Vec<_> = pinned.iter().map(|(&key, value)| (key, value.0)).collect();
        entries.sort_unstable();
        assert_eq!(entries, expected);
        let mut keys: Vec<_> = pinned.keys().copied().collect();
        keys.sort_unstable();
        assert!(keys.iter().eq(expected.iter().map(|(key, _)| key)));
        let sum: u64 = pinned.values().map(|value| value.0).sum();
        assert_eq!(sum, expected.iter().map(|(_, value)| value).sum::<u64>());
        assert_eq!(self.map.is_empty(), expected.is_empty());
    }
}

/// What the owner alone can do.
fn own<S: BuildHasher + Default>(
    map: &mut Map<S>,
    expected: &mut HashMap<u64, u64>,
    census: &Arc<()>,
    random: &mut Rng,
) {
    let entry = |key: u64| (key, Value(key % 8, Arc::clone(census)));
    match random.u32(..4) {
        0 => map.shrink_to_fit(),
        1 => {
            let first = random.u64(..100);
            map.extend((first..first + 40).map(entry));
            expected.extend((first..first + 40).map(|key| (key, key % 8)));
        }
        2 => *map = std::mem::take(map).into_iter().collect(),
        _ => {}
    }
}

fn run<S: BuildHasher + Default>(seeds: u64, most_keys: u64) {
    for seed in 0..seeds {
        let mut random = Rng::with_seed(seed);
        let census = Arc::new(());
        let mut map = match random.u32(..3) {
            0 => Map::with_hasher(S::default()),
            1 => Map::with_capacity_and_hasher(random.usize(..2000), S::default()),
            _ => Map::with_shards_and_hasher(random.usize(..20), S::default()),
        };
        let mut expected = HashMap::new();
        for _ in 0..random.u32(1..6) {
            let keys = random.u64(1..=most_keys);
            let mut model = Model { map: &map, expected: &mut expected, census: &census, kept: Vec::new() };
            for _ in 0..random.u64(1..3 * most_keys) {
                let key = random.u64(..keys);
                model.step(key, &mut random);
            }
            model.check();
            drop(model);
            own(&mut map, &mut expected, &census, &mut random);
        }
        assert!(expected.keys().all(|key| map.contains_key(key)));
        assert!(Arc::strong_count(&census) > expected.len());
        drop(map);
        assert_eq!(Arc::strong_count(&census), 1, "a value was not dropped");
    }
}

#[test]
fn any_sequence_does_what_it_would_do_to_a_map_of_std() {
    run::<DefaultHashBuilder>(60, 50);
    run::<DefaultHashBuilder>(12, 4000);
}

#[test]
fn any_sequence_does_so_with_one_hash_for_all() {
    run::<BuildConstant>(40, 30);
    run::<BuildConstant>(4, 500);
    run::<BuildConstant<{ u64::MAX }>>(40, 30);
    run::<BuildConstant<{ u64::MAX }>>(4, 500);
}

#[test]
fn any_sequence_does_so_if_keys_are_their_own_hashes() {
    run::<BuildIdentity>(40, 50);
    run::<BuildIdentity>(6, 2000);
}

#[test]
fn any_sequence_does_so_if_only_some_bits_of_a_hash_are_good() {
    run::<OnlyLowBits>(6, 2000);
    run::<OnlyHighBits>(6, 2000);
    run::<FewBuckets>(6, 20_000);
    run::<OnlyTags>(6, 600);
    run::<FewHashes>(10, 600);
}
