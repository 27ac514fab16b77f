//! `Spsc`, of values that are dropped.

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use freewheel::queue::{Closed, Consumer, Producer, Spsc, TryPopError, TryPushError};

use crate::{
    Few, LONGEST,
    common::{Census, Name, Source, Value, names, together},
};

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Operation {
    TryPush,
    TryPop,
    PushMany(Few),
    PopMany(Few),
    /// Write so many in place, or as many as there is room for.
    Commit(Few),
    Look,
    Discard(Few),
    DropProducer,
    DropConsumer,
}

struct Model {
    producer: Option<Producer<Value>>,
    consumer: Option<Consumer<Value>>,
    capacity: usize,
    names: VecDeque<Name>,
    source: Source,
}

impl Model {
    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::TryPush | Operation::PushMany(_) | Operation::Commit(_) => self.push(operation),
            Operation::DropProducer => self.producer = None,
            Operation::DropConsumer => self.consumer = None,
            _ => self.pop(operation),
        }
        if self.producer.is_none() && self.consumer.is_none() {
            self.names.clear();
        }
    }

    fn push(&mut self, operation: Operation) {
        let Some(producer) = &mut self.producer else { return };
        let (room, closed) = (self.capacity - self.names.len(), self.consumer.is_none());
        assert_eq!(producer.is_closed(), closed);
        match operation {
            Operation::PushMany(count) => {
                let mut values = self.source.make_many(count.get());
                let mut all = names(&values);
                let fit = room.min(all.len());
                let refused = fit == 0 && !all.is_empty() && closed;
                let expected = if refused { Err(Closed(())) } else { Ok(fit) };
                assert_eq!(producer.push_many(&mut values), expected);
                self.names.extend(all.drain(..fit));
                assert_eq!(names(&values), all);
            }
            Operation::Commit(count) => {
                self.names.extend(commit(producer, count.get(), room, &mut self.source))
            }
            _ => {
                let value = self.source.make();
                let name = value.name();
                match producer.try_push(value) {
                    Ok(()) => {
                        assert!(room > 0);
                        self.names.push_back(name);
                    }
                    Err(refused) => {
                        assert!(room == 0 && refused.is_closed() == closed);
                        assert_eq!(refused.into_inner().name(), name);
                    }
                }
            }
        }
    }

    fn pop(&mut self, operation: Operation) {
        let Some(consumer) = &mut self.consumer else { return };
        let closed = self.producer.is_none();
        assert_eq!(consumer.is_closed(), closed);
        let nothing = if closed { TryPopError::Closed } else { TryPopError::Empty };
        match operation {
            Operation::PopMany(max) => {
                let (mut values, count) = (Vec::new(), max.get().min(self.names.len()));
                let expected = if count == 0 && max.get() > 0 { Err(nothing) } else { Ok(count) };
                assert_eq!(consumer.pop_many(&mut values, max.get()), expected);
                assert_eq!(names(&values), self.names.drain(..count).collect::<Vec<_>>());
            }
            Operation::Discard(count) => {
                let expected = count.get().min(self.names.len());
                assert_eq!(consumer.discard(count.get()), expected);
                self.names.drain(..expected);
            }
            Operation::Look => {
                let (first, second) = consumer.as_slices();
                assert_eq!(names(first.iter().chain(second)), self.names.make_contiguous());
            }
            _ => {
                let popped = consumer.try_pop().map(|value| value.name());
                assert_eq!(popped, self.names.pop_front().ok_or(nothing));
            }
        }
    }

    fn check(&self, census: &Census) {
        assert_eq!(census.living(), self.names.len());
        let lengths = self.producer.iter().map(Producer::len).chain(self.consumer.iter().map(Consumer::len));
        assert!(lengths.into_iter().all(|length| length == self.names.len()));
    }
}

/// Writes up to `count` values into the `room` slots that are vacant, and returns which.
fn commit(producer: &mut Producer<Value>, count: usize, room: usize, source: &mut Source) -> Vec<Name> {
    let (first, second) = producer.vacant_slices();
    assert!(first.len() + second.len() >= room, "{} and {}, not {room}", first.len(), second.len());
    let slots = first.iter_mut().chain(second).take(count);
    let written: Vec<Name> = slots.map(|slot| slot.write(source.make()).name()).collect();
    // SAFETY: so many of the first slots were written to just now.
    unsafe { producer.commit(written.len()) };
    written
}

pub fn alone(capacity: usize, operations: Vec<Operation>) {
    let census = Census::default();
    let (producer, consumer) = Spsc::new(capacity).split();
    assert_eq!((producer.capacity(), consumer.capacity()), (capacity, capacity));
    let (producer, consumer) = (Some(producer), Some(consumer));
    let mut model = Model { producer, consumer, capacity, names: VecDeque::new(), source: census.source(0) };
    for operation in operations.into_iter().take(LONGEST) {
        model.apply(operation);
        model.check(&census);
    }
    drop(model);
    assert_eq!(census.living(), 0, "the queue has leaked values");
}

/// One end, and what it has pushed or popped.
enum End {
    Producer(Producer<Value>, Vec<Name>),
    Consumer(Consumer<Value>, Vec<Value>),
}

fn produce(mut producer: Producer<Value>, script: Vec<Operation>, mut source: Source) -> End {
    let mut pushed = Vec::new();
    for operation in script {
        match operation {
            Operation::PushMany(count) => {
                let mut values = source.make_many(count.get());
                let all = names(&values);
                let count = producer.push_many(&mut values).expect("the consumer is there");
                pushed.extend(&all[..count]);
            }
            Operation::Commit(count) => {
                // At least: the consumer goes on making room.
                let room = producer.capacity() - producer.len();
                pushed.extend(commit(&mut producer, count.get(), room, &mut source));
            }
            _ => {
                let value = source.make();
                let name = value.name();
                match producer.try_push(value) {
                    Ok(()) => pushed.push(name),
                    Err(TryPushError::Full(_)) => {}
                    Err(TryPushError::Closed(value)) => {
                        panic!("{value:?} was refused, the consumer is there")
                    }
                }
            }
        }
    }
    End::Producer(producer, pushed)
}

fn consume(mut consumer: Consumer<Value>, script: Vec<Operation>) -> End {
    let mut popped = Vec::new();
    for operation in script {
        match operation {
            Operation::PopMany(max) => {
                let before = popped.len();
                let count = consumer.pop_many(&mut popped, max.get());
                assert_eq!(popped.len() - before, count.unwrap_or(0));
            }
            Operation::Look => {
                let (first, second) = consumer.as_slices();
                let seen = names(first.iter().chain(second));
                let taken = (0..seen.len()).map(|_| consumer.try_pop().expect("it was seen"));
                popped.extend(taken);
                assert!(names(&popped).ends_with(&seen));
            }
            _ => popped.extend(consumer.try_pop()),
        }
    }
    End::Consumer(consumer, popped)
}

pub fn both_together(capacity: usize, pushes: Vec<Operation>, pops: Vec<Operation>) {
    let census = Census::default();
    let (producer, consumer) = Spsc::new(capacity).split();
    let ends =
        vec![(End::Producer(producer, Vec::new()), pushes), (End::Consumer(consumer, Vec::new()), pops)];
    let ends = together(ends, |thread, (end, script)| match end {
        End::Producer(producer, _) => produce(producer, script, census.source(thread)),
        End::Consumer(consumer, _) => consume(consumer, script),
    });
    let Ok([End::Producer(producer, pushed), End::Consumer(mut consumer, mut popped)]) =
        <[End; 2]>::try_from(ends)
    else {
        unreachable!("the ends come back in their order")
    };
    assert_eq!(census.living(), pushed.len(), "values that were refused are gone, the others are not");
    drop(producer);
    popped.extend(std::iter::from_fn(|| consumer.try_pop().ok()));
    assert_eq!(consumer.try_pop().err(), Some(TryPopError::Closed));
    assert_eq!(names(&popped), pushed);
    drop((popped, consumer));
    assert_eq!(census.living(), 0, "the queue has leaked values");
}
