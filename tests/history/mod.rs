//! What threads did at the same time, and whether a sequence of whole operations explains it.

mod checker;
mod line;
mod pile;
mod recorder;
mod register;
mod selftest;

/// What operations do to a structure, one after the other.
pub(crate) trait Specification: Clone + Eq + std::hash::Hash {
    /// An operation, with what it has returned.
    type Done: Clone + std::fmt::Debug;

    /// What `done` makes of this; `None` if it cannot have happened here.
    fn after(&self, done: &Self::Done) -> Option<Self>;
}

/// An operation of a thread, and the times at which it was called and had returned.
#[derive(Clone, Debug)]
pub(crate) struct Event<D> {
    pub(crate) thread: usize,
    pub(crate) called: u64,
    pub(crate) returned: u64,
    pub(crate) done: D,
}

pub(crate) use self::{checker::check, recorder::record};
pub(crate) use self::{
    line::{Line, LineDone},
    pile::{Pile, PileDone},
    register::{Register, RegisterDone},
};
