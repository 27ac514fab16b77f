//! What a stack does.

use super::Specification;

/// The values of a stack; the last one is on top.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pile(Vec<u32>);

/// What an operation has done to a stack.
#[derive(Clone, Debug)]
pub(crate) enum PileDone {
    Pushed(u32),
    Popped(Option<u32>),
    /// All values, from the top down.
    Drained(Vec<u32>),
}

impl Specification for Pile {
    type Done = PileDone;

    fn after(&self, done: &PileDone) -> Option<Self> {
        let mut after = self.clone();
        let may_be = match done {
            PileDone::Pushed(value) => {
                after.0.push(*value);
                true
            }
            PileDone::Popped(popped) => after.0.pop() == *popped,
            PileDone::Drained(values) => {
                after.0.clear();
                self.0.iter().rev().eq(values)
            }
        };
        may_be.then_some(after)
    }
}
