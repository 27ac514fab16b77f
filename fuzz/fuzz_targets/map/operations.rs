//! What is done with one key, to the maps, the set and the model.

use arbitrary::{Arbitrary, Result, Unstructured};
use freewheel::map::{Action, LoadOrStore};

use crate::maps::{Maps, Model};

#[derive(Clone, Copy, Debug)]
pub enum OnKey {
    Store(u16),
    Swap(u16),
    Load,
    LoadOrStore(u16),
    LoadOrStoreWith(u16),
    Delete,
    LoadAndDelete,
    CompareAndSwap(Guess, u16),
    CompareAndDelete(Guess),
    Update(u16),
    Compute(Decision),
}

/// One byte says which it is, where a derived choice takes four: so an input of some bytes is some operations.
impl<'a> Arbitrary<'a> for OnKey {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.arbitrary::<u8>()? % 16 {
            0 | 1 => Self::Store(bytes.arbitrary()?),
            2 => Self::Swap(bytes.arbitrary()?),
            3 => Self::Load,
            4 => Self::LoadOrStore(bytes.arbitrary()?),
            5 => Self::LoadOrStoreWith(bytes.arbitrary()?),
            6 => Self::Delete,
            7 => Self::LoadAndDelete,
            8 => Self::CompareAndSwap(Guess::Right, bytes.arbitrary()?),
            9 => Self::CompareAndSwap(Guess::Any(bytes.arbitrary()?), bytes.arbitrary()?),
            10 => Self::CompareAndDelete(Guess::Right),
            11 => Self::CompareAndDelete(Guess::Any(bytes.arbitrary()?)),
            12 => Self::Update(bytes.arbitrary()?),
            13 => Self::Compute(Decision::Keep),
            14 => Self::Compute(Decision::Add(bytes.arbitrary()?)),
            _ => Self::Compute(Decision::Delete),
        })
    }
}

/// What the value of a key is thought to be.
#[derive(Clone, Copy, Debug)]
pub enum Guess {
    Right,
    Any(u16),
}

impl Guess {
    fn number(self, value: Option<u64>) -> u64 {
        match (self, value) {
            (Self::Right, value) => value.unwrap_or_default(),
            (Self::Any(number), _) => number.into(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Decision {
    Keep,
    Add(u16),
    Delete,
}

impl Decision {
    fn action(self, value: Option<u64>) -> Action<u64> {
        match self {
            Self::Keep => Action::Keep,
            Self::Add(more) => Action::Store(value.unwrap_or_default().wrapping_add(more.into())),
            Self::Delete => Action::Delete,
        }
    }
}

impl Maps {
    /// Does the same with the maps and the model, and has the set follow.
    pub fn on_key(&self, key: u64, operation: OnKey, model: &mut Model) {
        let before = model.get(&key).copied();
        let after = self.change(key, operation, before);
        match after {
            Some(value) => model.insert(key, value),
            None => model.remove(&key),
        };
        let has_changed = before.is_some() != after.is_some();
        let follows = if after.is_some() { self.members.insert(key) } else { self.members.remove(&key) };
        assert_eq!(follows, has_changed);
        self.check_key(key, after);
    }

    /// Returns the value that is there after that, if `before` was there before.
    fn change(&self, key: u64, operation: OnKey, before: Option<u64>) -> Option<u64> {
        match operation {
            OnKey::Load => before,
            OnKey::Store(_) | OnKey::Swap(_) | OnKey::LoadOrStore(_) | OnKey::LoadOrStoreWith(_) => {
                self.store(key, operation, before)
            }
            OnKey::Delete | OnKey::LoadAndDelete => self.delete(key, operation, before),
            OnKey::CompareAndSwap(..) | OnKey::CompareAndDelete(_) => self.compare(key, operation, before),
            OnKey::Update(_) | OnKey::Compute(_) => self.compute(key, operation, before),
        }
    }

    fn store(&self, key: u64, operation: OnKey, before: Option<u64>) -> Option<u64> {
        let Self { entries, words, living, .. } = self;
        match operation {
            OnKey::Store(value) => {
                entries.store(key, living.value(value.into()));
                words.store(key, value.into());
                Some(value.into())
            }
            OnKey::Swap(value) => {
                let old = entries.swap(key, living.value(value.into()));
                assert_eq!(old.map(|old| old.number()), before);
                assert_eq!(words.swap(key, value.into()), before);
                Some(value.into())
            }
            OnKey::LoadOrStore(value) => {
                let value = u64::from(value);
                let expected = before.map_or(LoadOrStore::Stored(value), LoadOrStore::Loaded);
                assert_eq!(words.load_or_store(key, value), expected);
                let stored = entries.load_or_store(key, living.value(value));
                assert_eq!((stored.is_loaded(), stored.into_inner().number()), parts(expected));
                Some(expected.into_inner())
            }
            OnKey::LoadOrStoreWith(value) => {
                let value = u64::from(value);
                let expected = before.map_or(LoadOrStore::Stored(value), LoadOrStore::Loaded);
                assert_eq!(words.load_or_store_with(key, || value), expected);
                let stored = entries.get_or_store_with(&key, || living.value(value));
                assert_eq!((stored.is_loaded(), stored.into_inner().number()), parts(expected));
                Some(expected.into_inner())
            }
            _ => unreachable!("the caller knows that it stores"),
        }
    }

    fn delete(&self, key: u64, operation: OnKey, before: Option<u64>) -> Option<u64> {
        let Self { entries, words, .. } = self;
        if let OnKey::Delete = operation {
            assert_eq!((entries.delete(&key), words.delete(key)), (before.is_some(), before.is_some()));
        } else {
            assert_eq!(entries.load_and_delete(&key).map(|old| old.number()), before);
            assert_eq!(words.load_and_delete(key), before);
        }
        None
    }

    fn compare(&self, key: u64, operation: OnKey, before: Option<u64>) -> Option<u64> {
        let Self { entries, words, living, .. } = self;
        let (OnKey::CompareAndSwap(guess, _) | OnKey::CompareAndDelete(guess)) = operation else {
            unreachable!("the caller knows that it compares")
        };
        let current = guess.number(before);
        let is_it = before == Some(current);
        if let OnKey::CompareAndSwap(_, new) = operation {
            let swapped = entries.compare_and_swap(&key, &living.value(current), living.value(new.into()));
            let expected = if is_it { Ok(()) } else { Err(u64::from(new)) };
            assert_eq!(swapped.map_err(|new| new.number()), expected);
            let expected = if is_it { Ok(()) } else { Err(before) };
            assert_eq!(words.compare_and_swap(key, current, new.into()), expected);
            if is_it { Some(new.into()) } else { before }
        } else {
            assert_eq!(entries.compare_and_delete(&key, &living.value(current)), is_it);
            assert_eq!(words.compare_and_delete(key, current), is_it);
            if is_it { None } else { before }
        }
    }

    fn compute(&self, key: u64, operation: OnKey, before: Option<u64>) -> Option<u64> {
        let action = match operation {
            OnKey::Update(more) => {
                let add = |value: u64| value.wrapping_add(more.into());
                assert_eq!(self.words.update(key, add), before);
                before.map_or(Action::Keep, |value| Action::Store(add(value)))
            }
            OnKey::Compute(decision) => {
                let action = decision.action(before);
                let seen = |value| {
                    assert_eq!(value, before);
                    action
                };
                assert_eq!(self.words.compute(key, seen), after(action, before));
                action
            }
            _ => unreachable!("the caller knows that it computes"),
        };
        let computed = self.entries.compute(key, |value| {
            assert_eq!(value.map(|value| value.number()), before);
            match action {
                Action::Keep => Action::Keep,
                Action::Store(number) => Action::Store(self.living.value(number)),
                Action::Delete => Action::Delete,
            }
        });
        assert_eq!(computed.map(|value| value.number()), after(action, before));
        after(action, before)
    }
}

fn after(action: Action<u64>, before: Option<u64>) -> Option<u64> {
    match action {
        Action::Keep => before,
        Action::Store(value) => Some(value),
        Action::Delete => None,
    }
}

fn parts(value: LoadOrStore<u64>) -> (bool, u64) {
    (value.is_loaded(), value.into_inner())
}
