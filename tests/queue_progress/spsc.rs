//! The queue with one thread at each end.

use std::fmt::Debug;

use freewheel::queue::{
    Consumer, Producer, Spsc,
    TryPopError::{self, Closed, Empty},
    TryPushError::{self, Full},
};

use crate::stopped::stages;

/// The ends of a queue for three elements that holds those, and has taken so many before.
fn ends_of(values: &[u32], before: usize) -> (Producer<u32>, Consumer<u32>) {
    let (mut producer, mut consumer) = Spsc::new(3).split();
    for _ in 0..before {
        producer.try_push(0).unwrap();
        consumer.try_pop().unwrap();
    }
    assert_eq!(producer.push_slice(values), values.len());
    (producer, consumer)
}

fn all(consumer: &mut Consumer<u32>) -> (Vec<u32>, TryPopError) {
    let mut values = vec![];
    loop {
        match consumer.try_pop() {
            Ok(value) => values.push(value),
            Err(nothing) => return (values, nothing),
        }
    }
}

/// How many of 10, 11 ... there is room for, and what becomes of the next.
fn fill(producer: &mut Producer<u32>) -> (usize, TryPushError<u32>) {
    let mut pushed = 0;
    loop {
        match producer.try_push(10 + pushed as u32) {
            Ok(()) => pushed += 1,
            Err(refused) => return (pushed, refused),
        }
    }
}

/// Stops the producer in `operation`: what it gets, what the consumer finds meanwhile, and what is left, stage by stage.
fn stages_of_producer<R: Send + PartialEq + Debug>(
    values: &[u32],
    operation: impl Fn(&mut Option<Producer<u32>>) -> R + Sync,
) -> Vec<(R, Vec<u32>, TryPopError, Vec<u32>)> {
    let stages_after = |before| {
        stages(|stops| {
            let (producer, mut consumer) = ends_of(values, before);
            let mut producer = Some(producer);
            let (result, (found, nothing)) =
                stops.during(|| (), || operation(&mut producer), || all(&mut consumer));
            (result, found, nothing, all(&mut consumer).0)
        })
    };
    let stages = stages_after(0);
    (1..6).for_each(|before| assert_eq!(stages_after(before), stages, "after {before}"));
    stages
}

/// Stops the consumer in `operation`: what it gets, what the producer finds meanwhile, and what is left, stage by stage.
fn stages_of_consumer<R: Send + PartialEq + Debug>(
    values: &[u32],
    operation: impl Fn(&mut Option<Consumer<u32>>) -> R + Sync,
) -> Vec<(R, usize, TryPushError<u32>, Vec<u32>)> {
    let stages_after = |before| {
        stages(|stops| {
            let (mut producer, consumer) = ends_of(values, before);
            let mut consumer = Some(consumer);
            let (result, (room, refused)) =
                stops.during(|| (), || operation(&mut consumer), || fill(&mut producer));
            let left = consumer.map(|mut consumer| all(&mut consumer).0);
            (result, room, refused, left.unwrap_or_default())
        })
    };
    let stages = stages_after(0);
    (1..6).for_each(|before| assert_eq!(stages_after(before), stages, "after {before}"));
    stages
}

#[test]
fn a_producer_that_is_stopped_in_a_push_is_not_in_the_consumers_way() {
    let push = |producer: &mut Option<Producer<u32>>| producer.as_mut().unwrap().try_push(4);
    let before = (Ok(()), vec![1], Empty, vec![4]);
    let after = (Ok(()), vec![1, 4], Empty, vec![]);
    assert_eq!(stages_of_producer(&[1], push), [before, after]);
    // As long as it has not looked, there may be room by then.
    let before = (Ok(()), vec![1, 2, 3], Empty, vec![4]);
    let after = (Err(Full(4)), vec![1, 2, 3], Empty, vec![]);
    assert_eq!(stages_of_producer(&[1, 2, 3], push), [before, after]);
}

#[test]
fn what_is_pushed_at_once_is_seen_at_once() {
    let stages = stages_of_producer(&[1], |producer| {
        let mut values = vec![4, 5, 6];
        let pushed = producer.as_mut().unwrap().push_many(&mut values);
        (pushed.unwrap(), values.len())
    });
    let slice_stages = stages_of_producer(&[1], |producer| {
        let pushed = producer.as_mut().unwrap().push_slice(&[4, 5, 6]);
        (pushed, 3 - pushed)
    });
    for stages in [stages, slice_stages] {
        assert_eq!(
            stages,
            [
                // It has not looked yet, and finds room for more.
                ((3, 0), vec![1], Empty, vec![4, 5, 6]),
                ((2, 1), vec![1], Empty, vec![4, 5]),
                ((2, 1), vec![1, 4, 5], Empty, vec![]),
            ]
        );
    }
}

#[test]
fn a_consumer_that_is_stopped_in_a_pop_is_not_in_the_producers_way() {
    let pop = |consumer: &mut Option<Consumer<u32>>| consumer.as_mut().unwrap().try_pop();
    let before = (Ok(1), 0, Full(10), vec![2, 3]);
    let after = (Ok(1), 1, Full(11), vec![2, 3, 10]);
    assert_eq!(stages_of_consumer(&[1, 2, 3], pop), [before, after]);
    let before = (Ok(10), 3, Full(13), vec![11, 12]);
    let after = (Err(Empty), 3, Full(13), vec![10, 11, 12]);
    assert_eq!(stages_of_consumer(&[], pop), [before, after]);
}

#[test]
fn what_is_popped_at_once_makes_room_at_once() {
    let pop_many = stages_of_consumer(&[1, 2, 3], |consumer| {
        let mut values = vec![];
        consumer.as_mut().unwrap().pop_many(&mut values, 2).unwrap()
    });
    let pop_slice =
        stages_of_consumer(&[1, 2, 3], |consumer| consumer.as_mut().unwrap().pop_slice(&mut [0; 2]));
    let discard = stages_of_consumer(&[1, 2, 3], |consumer| consumer.as_mut().unwrap().discard(2));
    for stages in [pop_many, pop_slice, discard] {
        assert_eq!(stages, [(2, 0, Full(10), vec![3]), (2, 2, Full(12), vec![3, 10, 11])]);
    }
}

#[test]
fn an_end_that_is_stopped_while_it_ends_is_not_in_the_way_of_the_other() {
    let producers = stages_of_producer(&[1], |producer| drop(producer.take()));
    assert_eq!(producers, [((), vec![1], Empty, vec![]), ((), vec![1], Closed, vec![])]);
    let consumers = stages_of_consumer(&[1], |consumer| drop(consumer.take()));
    let closed = TryPushError::Closed(12);
    assert_eq!(consumers, [((), 2, Full(12), vec![]), ((), 2, closed, vec![])]);
}
