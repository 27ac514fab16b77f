//! What a map does to one key.

use super::Specification;

/// The value of a key, if it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Register(Option<u32>);

/// What an operation has done to a key.
#[derive(Clone, Debug)]
pub(crate) enum RegisterDone {
    Loaded(Option<u32>),
    Stored(u32),
    /// The second is what was there.
    Swapped(u32, Option<u32>),
    /// Found a value, and stored nothing.
    Kept(u32),
    /// Found nothing, and stored that.
    Added(u32),
    /// What was there.
    Deleted(Option<u32>),
    /// For the first the second; whether it was the first.
    Compared(u32, Option<u32>, bool),
    /// Found the first, and left the second.
    Computed(Option<u32>, Option<u32>),
}

impl Specification for Register {
    type Done = RegisterDone;

    fn after(&self, done: &RegisterDone) -> Option<Self> {
        let (before, after) = match *done {
            RegisterDone::Loaded(value) => (value, value),
            RegisterDone::Stored(value) => (self.0, Some(value)),
            RegisterDone::Swapped(value, old) => (old, Some(value)),
            RegisterDone::Kept(value) => (Some(value), Some(value)),
            RegisterDone::Added(value) => (None, Some(value)),
            RegisterDone::Deleted(old) => (old, None),
            RegisterDone::Compared(current, new, true) => (Some(current), new),
            RegisterDone::Compared(current, _, false) => {
                return (self.0 != Some(current)).then(|| self.clone());
            }
            RegisterDone::Computed(before, after) => (before, after),
        };
        (self.0 == before).then_some(Self(after))
    }
}
