//! `Bounded`.

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use freewheel::queue::{Bounded, Closed, TryPopError, TryPushError};

use crate::{
    Few, LONGEST,
    common::{Census, Name, Source, Value, names, together},
    history::{self, Seen},
};

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Operation {
    TryPush,
    TryPop,
    ForcePush,
    PushMany(Few),
    PopMany(Few),
    Close,
}

struct Model {
    queue: Bounded<Value>,
    names: VecDeque<Name>,
    closed: bool,
    source: Source,
}

impl Model {
    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::TryPush => self.try_push(),
            Operation::TryPop => {
                let nothing = self.nothing();
                let popped = self.queue.try_pop().map(|value| value.name());
                assert_eq!(popped, self.names.pop_front().ok_or(nothing));
            }
            Operation::ForcePush => self.force_push(),
            Operation::PushMany(count) => self.push_many(count.get()),
            Operation::PopMany(max) => self.pop_many(max.get()),
            Operation::Close => {
                assert_eq!(self.queue.close(), !self.closed);
                self.closed = true;
            }
        }
    }

    fn is_full(&self) -> bool {
        self.names.len() == self.queue.capacity()
    }

    fn nothing(&self) -> TryPopError {
        if self.closed { TryPopError::Closed } else { TryPopError::Empty }
    }

    fn try_push(&mut self) {
        let value = self.source.make();
        let name = value.name();
        match self.queue.try_push(value) {
            Ok(()) => {
                assert!(!self.closed && !self.is_full());
                self.names.push_back(name);
            }
            Err(TryPushError::Full(value)) => {
                assert!(!self.closed && self.is_full());
                assert_eq!(value.name(), name);
            }
            Err(TryPushError::Closed(value)) => {
                assert!(self.closed);
                assert_eq!(value.name(), name);
            }
        }
    }

    fn force_push(&mut self) {
        let value = self.source.make();
        let name = value.name();
        match self.queue.force_push(value) {
            Ok(displaced) => {
                assert!(!self.closed);
                let oldest = if self.is_full() { self.names.pop_front() } else { None };
                assert_eq!(displaced.map(|value| value.name()), oldest);
                self.names.push_back(name);
            }
            Err(TryPushError::Full(value)) => panic!("{value:?} has nobody in its way"),
            Err(TryPushError::Closed(value)) => {
                assert!(self.closed);
                assert_eq!(value.name(), name);
            }
        }
    }

    fn push_many(&mut self, count: usize) {
        let mut values = self.source.make_many(count);
        let mut all = names(&values);
        let room = if self.closed { 0 } else { self.queue.capacity() - self.names.len() };
        let expected = if self.closed { Err(Closed(())) } else { Ok(room.min(count)) };
        assert_eq!(self.queue.push_many(&mut values), expected);
        self.names.extend(all.drain(..room.min(count)));
        assert_eq!(names(&values), all);
    }

    fn pop_many(&mut self, max: usize) {
        let mut values = Vec::new();
        let count = max.min(self.names.len());
        let expected = if count == 0 && max > 0 { Err(self.nothing()) } else { Ok(count) };
        assert_eq!(self.queue.pop_many(&mut values, max), expected);
        assert_eq!(names(&values), self.names.drain(..count).collect::<Vec<_>>());
    }

    fn check(&self, census: &Census) {
        assert_eq!(self.queue.len(), self.names.len());
        assert_eq!(self.queue.is_empty(), self.names.is_empty());
        assert_eq!(self.queue.is_full(), self.is_full());
        assert_eq!(self.queue.is_closed(), self.closed);
        assert_eq!(census.living(), self.names.len());
    }
}

pub fn alone(capacity: usize, operations: Vec<Operation>) {
    let census = Census::default();
    let queue = Bounded::new(capacity);
    assert_eq!(queue.capacity(), capacity);
    let mut model = Model { queue, names: VecDeque::new(), closed: false, source: census.source(0) };
    for operation in operations.into_iter().take(LONGEST) {
        model.apply(operation);
        model.check(&census);
    }
    drop(model);
    assert_eq!(census.living(), 0, "the queue has leaked values");
}

fn run(queue: &Bounded<Value>, script: Vec<Operation>, mut source: Source) -> Seen {
    let mut seen = Seen::default();
    for operation in script {
        match operation {
            Operation::TryPush => {
                let value = source.make();
                let name = value.name();
                match queue.try_push(value) {
                    Ok(()) => seen.push(name),
                    Err(refused) => seen.refused |= refused.is_closed(),
                }
            }
            Operation::TryPop => seen.pop(queue.try_pop()),
            Operation::ForcePush => {
                let value = source.make();
                let name = value.name();
                match queue.force_push(value) {
                    Ok(displaced) => {
                        seen.push(name);
                        displaced.into_iter().for_each(|value| seen.pop(Ok(value)));
                    }
                    Err(refused) => seen.refused |= refused.is_closed(),
                }
            }
            Operation::PushMany(count) => {
                let mut values = source.make_many(count.get());
                let all = names(&values);
                match queue.push_many(&mut values) {
                    Ok(count) => all[..count].iter().for_each(|name| seen.push(*name)),
                    Err(Closed(())) => seen.refused = true,
                }
                assert_eq!(names(&values), all[all.len() - values.len()..]);
            }
            Operation::PopMany(max) => {
                let mut values = Vec::new();
                match queue.pop_many(&mut values, max.get()) {
                    Ok(count) => assert_eq!(count, values.len()),
                    Err(error) => seen.nothing(error),
                }
                values.into_iter().for_each(|value| seen.pop(Ok(value)));
            }
            Operation::Close => seen.close(queue.close()),
        }
        assert!(queue.len() <= queue.capacity());
    }
    seen
}

pub fn all_together(capacity: usize, scripts: [Vec<Operation>; 3]) {
    let census = Census::default();
    let queue = Bounded::new(capacity);
    let scripts = scripts.into_iter().filter(|script| !script.is_empty()).collect();
    let seen = together(scripts, |thread, script| run(&queue, script, census.source(thread)));
    let is_closed = queue.is_closed();
    let length = queue.len();
    let rest: Vec<Value> = std::iter::from_fn(|| queue.try_pop().ok()).collect();
    assert_eq!(rest.len(), length, "nobody is in the middle of an operation");
    history::check(seen, rest, is_closed, &census);
}
