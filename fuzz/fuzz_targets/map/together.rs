//! Several threads at once: each finds what it left at its own keys, and what they did to shared ones adds up.

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::{Arbitrary, Result, Unstructured};
use freewheel::map::Action;

use crate::{
    LONGEST, Settings,
    common::together,
    maps::{Maps, Model, OWNERS, key, key_of},
    operations::OnKey,
};

#[derive(Clone, Copy, Debug)]
pub enum Step {
    OnOwnKey(u8, OnKey),
    /// Store so many more, or delete as many of those.
    Store(u8),
    Delete(u8),
    Retain(u8),
    Reserve(u16),
    Flush,
    /// Adds one to each of so many shared keys.
    Count(u8),
    /// Stores so many shared keys, if nobody else has.
    Claim(u8),
}

/// One byte says which it is.
impl<'a> Arbitrary<'a> for Step {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.arbitrary::<u8>()? % 16 {
            0 | 1 => Self::Store(bytes.arbitrary()?),
            2 | 3 => Self::Delete(bytes.arbitrary()?),
            4 => Self::Retain(bytes.arbitrary()?),
            5 => Self::Reserve(bytes.arbitrary()?),
            6 => Self::Flush,
            7 | 8 => Self::Count(bytes.arbitrary()?),
            9 | 10 => Self::Claim(bytes.arbitrary()?),
            _ => Self::OnOwnKey(bytes.arbitrary()?, bytes.arbitrary()?),
        })
    }
}

/// Who has the shared keys.
const SHARED: u64 = OWNERS - 1;

fn counter(number: u8) -> u64 {
    key(number.into(), SHARED)
}

fn claim(number: u8) -> u64 {
    key(1000 + u64::from(number), SHARED)
}

/// What one thread has done to shared keys.
#[derive(Default)]
struct Done {
    counts: BTreeMap<u64, u64>,
    claims: [Vec<u64>; 3],
}

impl Maps {
    fn run(&self, script: &[Step], owner: u64) -> Done {
        let (mut model, mut done) = (Model::new(), Done::default());
        script.iter().take(LONGEST).for_each(|&step| self.step(step, owner, &mut model, &mut done));
        self.check(&model, owner);
        done
    }

    fn step(&self, step: Step, owner: u64, model: &mut Model, done: &mut Done) {
        let more = |number: u64| key(256 + number, owner);
        match step {
            Step::OnOwnKey(number, operation) => self.on_key(key_of(number, owner), operation, model),
            Step::Store(count) => {
                (0..u64::from(count)).for_each(|number| self.store_only(more(number), number, model));
            }
            Step::Delete(count) => {
                (0..u64::from(count)).for_each(|number| self.delete_only(more(number), model));
            }
            Step::Retain(divisor) => self.retain(u64::from(divisor).max(1), owner, model),
            Step::Reserve(more) => self.reserve((more % 2000).into()),
            Step::Flush => self.entries.flush(),
            Step::Count(count) => (0..count).for_each(|number| self.count(counter(number), done)),
            Step::Claim(count) => (0..count).for_each(|number| self.claim(claim(number), owner, done)),
        }
    }

    fn count(&self, key: u64, done: &mut Done) {
        *done.counts.entry(key).or_default() += 1;
        self.entries.compute(key, |value| {
            let value = value.map_or(0, |value| value.number());
            Action::Store(self.living.value(value + 1))
        });
        self.words.compute(key, |value| Action::Store(value.unwrap_or_default() + 1));
    }

    fn claim(&self, key: u64, owner: u64, done: &mut Done) {
        let stored = self.entries.load_or_store_with(&key, || self.living.value(owner));
        done.claims[0].extend((!stored.is_loaded()).then_some(key));
        let stored = self.words.load_or_store(key, owner);
        done.claims[1].extend((!stored.is_loaded()).then_some(key));
        done.claims[2].extend(self.members.insert(key).then_some(key));
    }

    /// Checks that the shared keys are as all threads together have left them.
    fn check_shared(&self, all: &[Done]) {
        let mut expected = BTreeMap::new();
        for (&key, &count) in all.iter().flat_map(|done| &done.counts) {
            *expected.entry(key).or_default() += count;
        }
        for (&key, &count) in &expected {
            let found = self.entries.load(&key).map(|value| value.number());
            assert_eq!((found, self.words.load(key)), (Some(count), Some(count)));
        }
        let claims = |kind: usize| {
            let claims: Vec<u64> = all.iter().flat_map(|done| &done.claims[kind]).copied().collect();
            let distinct: BTreeSet<u64> = claims.iter().copied().collect();
            assert_eq!(distinct.len(), claims.len(), "two threads have the same key");
            distinct
        };
        let keys = claims(0);
        assert_eq!((&keys, &keys), (&claims(1), &claims(2)));
        for (owner, done) in (0..).zip(all) {
            assert!(done.claims[1].iter().all(|&key| self.words.load(key) == Some(owner)));
            let claims = done.claims[0].iter().map(|key| self.entries.load(key));
            assert!(claims.into_iter().all(|value| value.map(|value| value.number()) == Some(owner)));
        }
    }
}

pub fn run(settings: Settings, scripts: &[Vec<Step>; 3]) {
    let maps = Maps::new(settings);
    let done = together(scripts.iter().collect(), |thread, script| maps.run(script, thread as u64));
    maps.check_shared(&done);
    let pairs: BTreeMap<u64, u64> = maps.words.iter().collect();
    assert_eq!(pairs.len(), maps.words.len());
    assert_eq!(maps.entries.pin().keys().count(), maps.entries.len());
    let Maps { entries, living, .. } = maps;
    drop(entries);
    assert_eq!(living.count(), 0, "the map has leaked values");
}
