//! What a queue does.

use std::collections::VecDeque;

use super::Specification;

/// The values of a queue, its capacity, and whether it is closed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    values: VecDeque<u32>,
    capacity: usize,
    closed: bool,
}

/// What an operation has done to a queue.
#[derive(Clone, Debug)]
pub(crate) enum LineDone {
    Pushed(Vec<u32>),
    Popped(Vec<u32>),
    /// The first went in, for which the second came out.
    Displaced(u32, u32),
    /// Found it full, or empty. That can be due to an operation which is not finished, so it always may happen.
    Failed,
    /// A push found it closed.
    Refused,
    /// A pop found it closed and empty.
    Ended,
    /// Closed it, or found that somebody had.
    Closed(bool),
}

impl Line {
    /// An empty queue.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { values: VecDeque::new(), capacity, closed: false }
    }

    /// A queue without a capacity, with these values.
    pub(crate) fn with(values: impl IntoIterator<Item = u32>) -> Self {
        Self { values: values.into_iter().collect(), ..Self::new(usize::MAX) }
    }

    fn push(&mut self, values: &[u32]) -> bool {
        self.values.extend(values);
        !self.closed && self.values.len() <= self.capacity
    }

    fn pop(&mut self, values: &[u32]) -> bool {
        values.iter().all(|value| self.values.pop_front() == Some(*value))
    }
}

impl Specification for Line {
    type Done = LineDone;

    fn after(&self, done: &LineDone) -> Option<Self> {
        let mut after = self.clone();
        let may_be = match done {
            LineDone::Pushed(values) => after.push(values),
            LineDone::Popped(values) => after.pop(values),
            LineDone::Displaced(new, old) => after.pop(&[*old]) && after.push(&[*new]),
            LineDone::Failed => true,
            LineDone::Refused => self.closed,
            LineDone::Ended => self.closed && self.values.is_empty(),
            LineDone::Closed(first) => {
                after.closed = true;
                self.closed != *first
            }
        };
        may_be.then_some(after)
    }
}
