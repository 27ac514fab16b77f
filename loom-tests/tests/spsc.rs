//! Models of `src/queue/spsc`: values that pass from one thread to another, round the ring and to its end.
#![cfg(freewheel_loom)]

use freewheel::{
    queue::{Consumer, Producer, Spsc, TryPushError},
    sync::{Arc, thread},
};
use loom_tests::{
    check, explore,
    popped::{CLOSED, EMPTY, Popped, popped},
};

/// Runs `produce` in a second thread and `consume` in this one.
fn race<A: Send + 'static, B>(
    capacity: usize,
    produce: impl FnOnce(Producer<Box<u32>>) -> A + Send + 'static,
    consume: impl FnOnce(&mut Consumer<Box<u32>>) -> B,
) -> (A, B, Vec<u32>) {
    let (producer, mut consumer) = Spsc::new(capacity).split();
    let thread = thread::spawn(move || produce(producer));
    let consumed = consume(&mut consumer);
    let produced = thread.join().unwrap();
    (produced, consumed, std::iter::from_fn(|| pop(&mut consumer).ok()).collect())
}

fn push(producer: &mut Producer<Box<u32>>, value: u32) -> bool {
    producer.try_push(Box::new(value)).is_ok()
}

fn pop(consumer: &mut Consumer<Box<u32>>) -> Popped {
    popped(consumer.try_pop())
}

#[test]
fn pop_racing_push_gets_the_whole_value_or_nothing() {
    explore(3, [(EMPTY, vec![7]), (Ok(7), vec![])], || {
        let push_one = |mut producer: Producer<_>| {
            assert!(push(&mut producer, 7));
            producer
        };
        let (_, popped, left) = race(1, push_one, pop);
        (popped, left)
    });
}

#[test]
fn slot_is_not_used_again_before_it_was_read() {
    explore(3, [(EMPTY, false, vec![1]), (Ok(1), false, vec![]), (Ok(1), true, vec![2])], || {
        let push_two = |mut producer: Producer<_>| {
            assert!(push(&mut producer, 1));
            let pushed = push(&mut producer, 2);
            (pushed, producer)
        };
        let ((pushed, _), popped, left) = race(1, push_two, pop);
        (popped, pushed, left)
    });
}

#[test]
fn values_keep_their_order_round_the_ring() {
    check(3, || {
        let push_four = |mut producer: Producer<_>| {
            (1..=4).filter(|&value| push(&mut producer, value)).collect::<Vec<_>>()
        };
        let (pushed, mut popped, left) =
            race(2, push_four, |consumer| (0..3).filter_map(|_| pop(consumer).ok()).collect::<Vec<_>>());
        popped.extend(left);
        assert_eq!(pushed, popped);
    });
}

#[test]
fn pop_says_closed_only_behind_the_last_value() {
    explore(3, [(EMPTY, vec![7]), (Ok(7), vec![])], || {
        // The producer ends with the call.
        let push_and_end = |mut producer: Producer<_>| assert!(push(&mut producer, 7));
        let ((), popped, left) = race(1, push_and_end, |consumer| {
            let popped = pop(consumer);
            assert_ne!(popped, CLOSED, "a value was pushed before the end");
            popped
        });
        (popped, left)
    });
}

#[test]
fn push_behind_the_end_of_the_consumer_gives_the_value_back() {
    explore(3, ["pushed", "full", "closed"], || {
        let value = Arc::new(());
        let (mut producer, mut consumer) = Spsc::new(1).split();
        assert!(producer.try_push(Arc::clone(&value)).is_ok());
        let consumer = thread::spawn(move || {
            // As the last thing that it does it makes room, which a push that sees its end sees too.
            drop(consumer.try_pop());
        });
        let outcome = match producer.try_push(Arc::clone(&value)) {
            Ok(()) => "pushed",
            Err(TryPushError::Full(_)) => "full",
            Err(TryPushError::Closed(_)) => "closed",
        };
        consumer.join().unwrap();
        drop(producer);
        assert_eq!(Arc::strong_count(&value), 1, "a value is left, or was dropped twice");
        outcome
    });
}

#[test]
fn pop_many_racing_push_many_gets_whole_values_in_order() {
    explore(3, [0, 2], || {
        let push_many = |mut producer: Producer<_>| {
            let mut values = vec![Box::new(1), Box::new(2), Box::new(3)];
            assert_eq!(producer.push_many(&mut values), Ok(2));
            assert_eq!(values, [Box::new(3)]);
            producer
        };
        let (_, mut popped, left) = race(2, push_many, |consumer| {
            let mut values = Vec::new();
            let count = consumer.pop_many(&mut values, 3).unwrap_or(0);
            assert_eq!(count, values.len());
            values.into_iter().map(|value| *value).collect::<Vec<_>>()
        });
        let early = popped.len();
        popped.extend(left);
        assert_eq!(popped, [1, 2]);
        early
    });
}
