//! `Unbounded`.

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use freewheel::queue::{TryPopError, Unbounded};

use crate::{
    LONGEST,
    common::{Census, Name, Place, Source, Value, at, names, together},
    history::{self, Seen},
};

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Operation {
    /// So many times.
    Push(u8),
    TryPop(u8),
    Extend(u8),
    Close,
    Look,
    /// Go on from this thread.
    Move(Place),
}

struct Model {
    queue: Unbounded<Value>,
    names: VecDeque<Name>,
    closed: bool,
    source: Source,
}

impl Model {
    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Push(count) => (0..count).for_each(|_| self.push()),
            Operation::TryPop(count) => (0..count).for_each(|_| self.try_pop()),
            Operation::Extend(count) => {
                if !self.closed {
                    let values = self.source.make_many(count.into());
                    self.names.extend(names(&values));
                    self.queue.extend(values);
                }
            }
            Operation::Close => {
                assert_eq!(self.queue.close(), !self.closed);
                self.closed = true;
            }
            Operation::Look => {
                assert_eq!(self.queue.len(), self.names.len());
                assert_eq!(self.queue.is_empty(), self.names.is_empty());
                assert_eq!(self.queue.is_closed(), self.closed);
            }
            Operation::Move(_) => {}
        }
    }

    fn push(&mut self) {
        let value = self.source.make();
        let name = value.name();
        match self.queue.push(value) {
            Ok(()) => {
                assert!(!self.closed);
                self.names.push_back(name);
            }
            Err(closed) => {
                assert!(self.closed);
                assert_eq!(closed.into_inner().name(), name);
            }
        }
    }

    fn try_pop(&mut self) {
        let nothing = if self.closed { TryPopError::Closed } else { TryPopError::Empty };
        let popped = self.queue.try_pop().map(|value| value.name());
        assert_eq!(popped, self.names.pop_front().ok_or(nothing));
    }
}

pub fn alone(operations: Vec<Operation>) {
    let census = Census::default();
    let (queue, names) = (Unbounded::new(), VecDeque::new());
    let mut model = Model { queue, names, closed: false, source: census.source(0) };
    let mut place = Place::Here;
    for operation in operations.into_iter().take(LONGEST) {
        if let Operation::Move(next) = operation {
            place = next;
        }
        // Two threads, for the hazards of one keep the segments of the other.
        at(place, || model.apply(operation));
        assert_eq!(census.living(), model.names.len());
    }
    model.apply(Operation::Look);
    drop(model);
    assert_eq!(census.living(), 0, "the queue has leaked values");
}

fn run(queue: &Unbounded<Value>, script: Vec<Operation>, mut source: Source) -> Seen {
    let mut seen = Seen::default();
    for operation in script {
        match operation {
            Operation::Push(count) | Operation::Extend(count) => (0..count).for_each(|_| {
                let value = source.make();
                let name = value.name();
                match queue.push(value) {
                    Ok(()) => seen.push(name),
                    Err(_) => seen.refused = true,
                }
            }),
            Operation::TryPop(count) => (0..count).for_each(|_| seen.pop(queue.try_pop())),
            Operation::Close => seen.close(queue.close()),
            Operation::Look | Operation::Move(_) => seen.refused |= queue.is_closed(),
        }
    }
    seen
}

pub fn all_together(scripts: [Vec<Operation>; 3]) {
    let census = Census::default();
    let queue = Unbounded::new();
    let scripts = scripts.into_iter().filter(|script| !script.is_empty()).collect();
    let seen = together(scripts, |thread, script| run(&queue, script, census.source(thread)));
    let is_closed = queue.is_closed();
    let length = queue.len();
    let rest: Vec<Value> = std::iter::from_fn(|| queue.try_pop().ok()).collect();
    assert_eq!(rest.len(), length, "nobody is in the middle of an operation");
    history::check(seen, rest, is_closed, &census);
}
