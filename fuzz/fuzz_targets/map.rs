//! Sequences of operations on both maps against a `HashMap`, with hashes of any quality; and scripts that several threads
//! run at once on keys of their own, after which each finds what it left.
#![no_main]

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher},
    thread,
};

use arbitrary::Arbitrary;
use freewheel::{
    ShardedMap,
    map::{Action, WordMap},
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    Store(u8, u16),
    Swap(u8, u16),
    Load(u8),
    LoadOrStore(u8, u16),
    Delete(u8),
    CompareAndSwap(u8, u16, u16),
    CompareAndDelete(u8, u16),
    Add(u8, u16),
    /// Those that are a multiple of that go.
    Retain(u8),
    Clear,
    Reserve(u16),
    ShrinkToFit,
    Flush,
    /// Store so many more.
    Extend(u8),
}

#[derive(Arbitrary, Debug)]
enum Input {
    Alone(Bits, Vec<Operation>),
    Together(Bits, [Vec<Operation>; 3]),
}

/// Hashes are some bits of a good one, at some place.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Bits {
    mask: u64,
    rotation: u8,
}

struct Mixed(Bits, u64);

impl BuildHasher for Bits {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed(*self, 0)
    }
}

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u64(&mut self, word: u64) {
        self.1 = (self.1 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    fn finish(&self) -> u64 {
        (self.1 & self.0.mask).rotate_left(self.0.rotation.into())
    }
}

/// Operations of a sequence; the rest is left out, to bound the time.
const LONGEST: usize = 300;

struct Maps {
    entries: ShardedMap<u64, Box<u64>, Bits>,
    words: WordMap<u64, u64, Bits>,
}

impl Maps {
    fn new(bits: Bits) -> Self {
        Self { entries: ShardedMap::with_hasher(bits), words: WordMap::with_hasher(bits) }
    }

    /// Does the same with the maps and the model, of which keys are `of` and nobody else's.
    fn apply(&self, operation: Operation, model: &mut HashMap<u64, u64>, of: u64) {
        let key = |key: u8| u64::from(key) << 2 | of;
        let Self { entries, words } = self;
        match operation {
            Operation::Store(k, value) => {
                entries.store(key(k), Box::new(value.into()));
                words.store(key(k), value.into());
                model.insert(key(k), value.into());
            }
            Operation::Swap(k, value) => {
                let old = model.insert(key(k), value.into());
                assert_eq!(entries.swap(key(k), Box::new(value.into())).as_deref(), old.as_ref());
                assert_eq!(words.swap(key(k), value.into()), old);
            }
            Operation::Load(k) => {
                let expected = model.get(&key(k));
                assert_eq!(entries.load(&key(k)).as_deref(), expected);
                assert_eq!(words.load(key(k)).as_ref(), expected);
            }
            Operation::LoadOrStore(k, value) => {
                let expected = *model.entry(key(k)).or_insert(value.into());
                assert_eq!(
                    *entries.load_or_store_with(&key(k), || Box::new(value.into())).into_inner(),
                    expected
                );
                assert_eq!(words.load_or_store(key(k), value.into()).into_inner(), expected);
            }
            Operation::Delete(k) => {
                let old = model.remove(&key(k));
                assert_eq!(entries.load_and_delete(&key(k)).as_deref(), old.as_ref());
                assert_eq!(words.load_and_delete(key(k)), old);
            }
            Operation::CompareAndSwap(k, current, new) => {
                let (current, new) = (u64::from(current), u64::from(new));
                let is_it = model.get(&key(k)) == Some(&current);
                if is_it {
                    model.insert(key(k), new);
                }
                assert_eq!(
                    entries.compare_and_swap(&key(k), &Box::new(current), Box::new(new)).is_ok(),
                    is_it
                );
                assert_eq!(words.compare_and_swap(key(k), current, new).is_ok(), is_it);
            }
            Operation::CompareAndDelete(k, current) => {
                let is_it = model.get(&key(k)) == Some(&current.into());
                if is_it {
                    model.remove(&key(k));
                }
                assert_eq!(entries.compare_and_delete(&key(k), &Box::new(current.into())), is_it);
                assert_eq!(words.compare_and_delete(key(k), current.into()), is_it);
            }
            Operation::Add(k, more) => {
                let sum = |value: u64| value.wrapping_add(more.into());
                let sum_or_delete = |value: Option<u64>| match value {
                    Some(value) if value % 7 == 0 => None,
                    value => Some(sum(value.unwrap_or_default())),
                };
                let expected = sum_or_delete(model.get(&key(k)).copied());
                match expected {
                    Some(value) => model.insert(key(k), value),
                    None => model.remove(&key(k)),
                };
                let action = |value| sum_or_delete(value).map_or(Action::Delete, Action::Store);
                assert_eq!(words.compute(key(k), action), expected);
                let action = |value: Option<&Box<u64>>| {
                    sum_or_delete(value.map(|value| **value))
                        .map_or(Action::Delete, |sum| Action::Store(Box::new(sum)))
                };
                assert_eq!(entries.compute(key(k), action).map(|sum| **sum), expected);
            }
            Operation::Retain(divisor) => {
                let divisor = u64::from(divisor).max(1);
                let keep = |key: u64| key % 4 != of || !(key / 4).is_multiple_of(divisor);
                entries.retain(|key, _| keep(*key));
                words.retain(|key, _| keep(key));
                model.retain(|key, _| keep(*key));
            }
            Operation::Extend(count) => {
                for k in 0..u64::from(count) {
                    let key = (k + 256) << 2 | of;
                    entries.store(key, Box::new(k));
                    words.store(key, k);
                    model.insert(key, k);
                }
            }
            Operation::Reserve(more) => {
                entries.reserve((more % 2000).into());
                words.reserve((more % 2000).into());
            }
            Operation::Flush => entries.flush(),
            Operation::Clear | Operation::ShrinkToFit => {}
        }
    }

    /// Checks that the keys `of` somebody are those of the model.
    fn check(&self, model: &HashMap<u64, u64>, of: u64) {
        let seen: HashMap<u64, u64> = self.words.iter().filter(|(key, _)| key % 4 == of).collect();
        assert_eq!(&seen, model);
        let pinned = self.entries.pin();
        let entries: Vec<_> = pinned.iter().filter(|(key, _)| **key % 4 == of).collect();
        assert_eq!(entries.len(), model.len(), "no key comes twice");
        assert!(entries.into_iter().all(|(key, value)| model.get(key) == Some(&**value)));
    }
}

fn alone(bits: Bits, operations: &[Operation]) {
    let mut maps = Maps::new(bits);
    let mut model = HashMap::new();
    for &operation in operations {
        match operation {
            Operation::Clear => {
                maps.entries.clear();
                maps.words.clear();
                model.clear();
            }
            Operation::ShrinkToFit => maps.entries.shrink_to_fit(),
            _ => maps.apply(operation, &mut model, 0),
        }
        assert_eq!((maps.entries.len(), maps.words.len()), (model.len(), model.len()));
    }
    maps.check(&model, 0);
    let values: HashMap<u64, u64> = maps.entries.into_iter().map(|(key, value)| (key, *value)).collect();
    assert_eq!(values, model);
}

fn together(bits: Bits, scripts: &[Vec<Operation>; 3]) {
    let maps = &Maps::new(bits);
    thread::scope(|scope| {
        for (of, script) in (0..).zip(scripts) {
            scope.spawn(move || {
                let mut model = HashMap::new();
                for &operation in script.iter().take(LONGEST) {
                    maps.apply(operation, &mut model, of);
                }
                maps.check(&model, of);
            });
        }
    });
}

fuzz_target!(|input: Input| match input {
    Input::Alone(bits, operations) => alone(bits, &operations[..operations.len().min(LONGEST)]),
    Input::Together(bits, scripts) => together(bits, &scripts),
});
