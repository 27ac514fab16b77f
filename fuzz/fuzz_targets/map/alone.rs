//! One thread, and now and then another one, in turn.

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::{
    Settings,
    common::{Place, at},
    maps::{Maps, Model, key, key_of},
    operations::OnKey,
};

#[derive(Clone, Copy, Debug)]
pub enum Operation {
    OnKey(u8, OnKey),
    /// As that, on a thread of its own, which has ended then.
    Elsewhere(u8, OnKey),
    /// Store so many more, one by one or all at once.
    Store(u8),
    Extend(u8),
    /// Delete so many of those.
    Delete(u8),
    /// Those that are a multiple of that go.
    Retain(u8),
    Clear,
    Reserve(u16),
    ShrinkToFit,
    Flush,
    /// Look at a key while it and so many others are replaced.
    Hold(u8, u8),
    /// Visit up to so many.
    Visit(u8),
    /// So many of the others, as that number has it: so a few bytes are a long sequence.
    Many(u8, u16),
}

/// One byte says which it is; most are on one key.
impl<'a> Arbitrary<'a> for Operation {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.arbitrary::<u8>()? % 32 {
            0 => Self::Elsewhere(bytes.arbitrary()?, bytes.arbitrary()?),
            1 | 2 => Self::Store(bytes.arbitrary()?),
            3 | 4 => Self::Extend(bytes.arbitrary()?),
            5 | 6 => Self::Delete(bytes.arbitrary()?),
            7 => Self::Retain(bytes.arbitrary()?),
            8 => Self::Clear,
            9 => Self::Reserve(bytes.arbitrary()?),
            10 => Self::ShrinkToFit,
            11 => Self::Flush,
            12 => Self::Hold(bytes.arbitrary()?, bytes.arbitrary()?),
            13 => Self::Visit(bytes.arbitrary()?),
            14..20 | 31 => Self::Many(bytes.arbitrary()?, bytes.arbitrary()?),
            _ => Self::OnKey(bytes.arbitrary()?, bytes.arbitrary()?),
        })
    }
}

struct Bench {
    maps: Maps,
    model: Model,
}

impl Bench {
    fn step(&mut self, operation: Operation) {
        self.apply(operation);
        let Self { maps: Maps { entries, words, members, living }, model } = self;
        let lens = [entries.len(), words.len(), members.len()];
        assert_eq!(lens, [model.len(); 3]);
        let is_empty = [entries.is_empty(), words.is_empty(), members.is_empty()];
        assert_eq!(is_empty, [model.is_empty(); 3]);
        assert!(living.count() >= model.len(), "a value is lost");
    }

    fn apply(&mut self, operation: Operation) {
        let Self { maps, model } = self;
        match operation {
            Operation::OnKey(number, operation) => maps.on_key(key_of(number, 0), operation, model),
            Operation::Elsewhere(number, operation) => {
                at(Place::Elsewhere, || maps.on_key(key_of(number, 0), operation, model));
            }
            Operation::Store(count) => {
                (0..u64::from(count)).for_each(|number| maps.store_only(more(number), number, model));
            }
            Operation::Extend(count) => self.extend(count),
            Operation::Delete(count) => {
                (0..u64::from(count)).for_each(|number| maps.delete_only(more(number), model));
            }
            Operation::Retain(divisor) => maps.retain(u64::from(divisor).max(1), 0, model),
            Operation::Clear => {
                maps.entries.clear();
                maps.words.clear();
                maps.members.clear();
                model.clear();
            }
            Operation::Reserve(more) => maps.reserve((more % 2000).into()),
            Operation::ShrinkToFit => maps.entries.shrink_to_fit(),
            Operation::Flush => {
                maps.entries.flush();
                assert_eq!(maps.living.count(), model.len(), "nobody looks at anything");
            }
            Operation::Hold(number, writes) => self.hold(number, writes),
            Operation::Visit(most) => maps.visit(most.into(), model),
            Operation::Many(count, seed) => self.many(count, seed),
        }
    }

    fn extend(&mut self, count: u8) {
        let Self { maps: Maps { entries, words, members, living }, model } = self;
        let pairs = (0..u64::from(count)).map(|number| (more(number), number));
        entries.extend(pairs.clone().map(|(key, number)| (key, living.value(number))));
        words.extend(pairs.clone());
        members.extend(pairs.clone().map(|(key, _)| key));
        model.extend(pairs);
    }

    fn many(&mut self, count: u8, seed: u16) {
        let mut state = u64::from(seed);
        for _ in 0..count % 64 {
            let words = [(); 2].map(|()| {
                state = state.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                (state ^ state >> 29).to_le_bytes()
            });
            match Operation::arbitrary(&mut Unstructured::new(words.as_flattened())) {
                Ok(Operation::Many(..)) | Err(_) => {}
                Ok(operation) => self.step(operation),
            }
        }
    }

    fn hold(&mut self, number: u8, writes: u8) {
        let Self { maps, model } = self;
        let held = key_of(number, 0);
        let expected = model.get(&held).copied();
        let (reference, pinned) = (maps.entries.get(&held), maps.entries.pin());
        let seen = pinned.get(&held);
        for write in 0..u64::from(writes) {
            maps.store_only(held, write, model);
            maps.store_only(more(write % 8), write, model);
            maps.delete_only(held, model);
        }
        maps.entries.flush();
        assert_eq!(reference.map(|value| value.number()), expected);
        assert_eq!(seen.map(|value| value.number()), expected);
    }
}

/// Keys that no other operation uses.
fn more(number: u64) -> u64 {
    key(256 + number, 0)
}

pub fn run(settings: Settings, operations: &[Operation]) {
    let mut bench = Bench { maps: Maps::new(settings), model: Model::new() };
    for &operation in operations {
        bench.step(operation);
    }
    let Bench { maps, model } = bench;
    maps.check(&model, 0);
    let Maps { entries, members, living, .. } = maps;
    let entries = entries.into_iter();
    assert_eq!((entries.len(), members.len()), (model.len(), model.len()));
    let values: Model = entries.map(|(key, value)| (key, value.number())).collect();
    assert_eq!(values, model);
    assert!(members.into_iter().all(|member| model.contains_key(&member)));
    assert_eq!(living.count(), 0, "the map has leaked values");
}
