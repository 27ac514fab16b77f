//! Models of `src/queue/bounded.rs` and the ring under it.
#![cfg(freewheel_loom)]

use freewheel::{
    queue::{Bounded, TryPopError},
    sync::{Arc, thread},
};
use loom_tests::{
    check, explore,
    popped::{CLOSED, EMPTY, Popped, popped},
};

/// Values are boxed, so that one that is lost, seen half or dropped twice is noticed.
type Queue = Bounded<Box<u32>>;

fn queue<const N: usize>(capacity: usize, values: [u32; N]) -> Queue {
    let queue = Bounded::new(capacity);
    values.into_iter().for_each(|value| assert!(push(&queue, value)));
    queue
}

/// False if it is full or closed.
fn push(queue: &Queue, value: u32) -> bool {
    match queue.try_push(Box::new(value)) {
        Ok(()) => true,
        Err(refused) => {
            assert_eq!(*refused.into_inner(), value);
            false
        }
    }
}

fn pop(queue: &Queue) -> Popped {
    popped(queue.try_pop())
}

/// What was pushed out, or the value that was not taken.
fn force(value: u32) -> impl Fn(&Queue) -> Result<Option<u32>, u32> {
    move |queue| match queue.force_push(Box::new(value)) {
        Ok(old) => Ok(old.map(|value| *value)),
        Err(refused) => Err(*refused.into_inner()),
    }
}

/// What is in the queue, for the last thread.
fn rest(queue: &Queue) -> Vec<u32> {
    std::iter::from_fn(|| pop(queue).ok()).collect()
}

/// Runs `other` in a second thread and `main` in this one, and returns what is left besides.
fn race<A: Send + 'static, B>(
    queue: Queue,
    other: impl FnOnce(&Queue) -> A + Send + 'static,
    main: impl FnOnce(&Queue) -> B,
) -> (A, B, Vec<u32>) {
    let queue = Arc::new(queue);
    let thread = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || other(&queue))
    };
    let main = main(&queue);
    (thread.join().unwrap(), main, rest(&queue))
}

#[test]
fn pop_racing_push_gets_the_whole_value_or_nothing() {
    explore(3, [(EMPTY, vec![7]), (Ok(7), vec![])], || {
        let (pushed, popped, left) = race(queue(2, []), |queue| push(queue, 7), pop);
        assert!(pushed);
        (popped, left)
    });
}

#[test]
fn slot_is_not_used_again_before_it_was_read() {
    explore(3, [(true, vec![2]), (false, vec![])], || {
        let (popped, pushed, left) = race(queue(1, [1]), pop, |queue| push(queue, 2));
        assert_eq!(popped, Ok(1));
        (pushed, left)
    });
}

#[test]
fn racing_pops_share_out_the_values() {
    explore(3, [(Ok(1), Ok(2)), (Ok(2), Ok(1))], || {
        let (other, main, left) = race(queue(2, [1, 2]), pop, pop);
        assert!(left.is_empty());
        (other, main)
    });
}

#[test]
fn racing_pushes_and_a_pop_share_one_slot() {
    explore(2, two_producers_outcomes_of_one(), || two_producers(1));
}

#[test]
fn racing_pushes_and_a_pop_share_two_slots() {
    explore(2, [(EMPTY, vec![1, 2]), (EMPTY, vec![2, 1]), (Ok(1), vec![2]), (Ok(2), vec![1])], || {
        let (popped, left) = two_producers(2);
        (popped, left)
    });
}

fn two_producers_outcomes_of_one() -> [(Popped, Vec<u32>); 6] {
    [(EMPTY, vec![1]), (EMPTY, vec![2]), (Ok(1), vec![]), (Ok(2), vec![]), (Ok(1), vec![2]), (Ok(2), vec![1])]
}

fn two_producers(capacity: usize) -> (Popped, Vec<u32>) {
    let queue = Arc::new(queue(capacity, []));
    let threads = [1, 2].map(|value| {
        let queue = Arc::clone(&queue);
        thread::spawn(move || push(&queue, value))
    });
    let popped = pop(&queue);
    let accepted = threads.map(|thread| thread.join().unwrap()).into_iter().filter(|&pushed| pushed).count();
    let left = rest(&queue);
    assert_eq!(accepted, left.len() + usize::from(popped.is_ok()));
    (popped, left)
}

/// What a push before a close has said to be accepted comes out, and only then is the queue at its end.
#[test]
fn close_racing_push_loses_nothing_that_was_accepted() {
    explore(3, [(true, vec![7]), (false, vec![])], || {
        let (pushed, closed, left) = race(queue(2, []), |queue| push(queue, 7), Bounded::close);
        assert!(closed);
        (pushed, left)
    });
}

#[test]
fn push_after_close_fails_and_one_of_two_closes_has_closed() {
    explore(3, [(true, false), (false, true)], || {
        let close = |queue: &Queue| {
            let closed = queue.close();
            assert!(!push(queue, 7));
            closed
        };
        let (other, main, left) = race(queue(1, []), close, close);
        assert!(left.is_empty());
        (other, main)
    });
}

#[test]
fn pop_says_closed_only_behind_the_last_value() {
    explore(3, [(true, EMPTY), (true, Ok(7)), (false, EMPTY), (false, CLOSED)], || {
        let push_and_close = |queue: &Queue| {
            let pushed = push(queue, 7);
            queue.close();
            pushed
        };
        let queue = Arc::new(queue(1, []));
        let closer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.close()
        });
        let pusher = thread::spawn({
            let queue = Arc::clone(&queue);
            move || push_and_close(&queue)
        });
        let popped = pop(&queue);
        closer.join().unwrap();
        let pushed = pusher.join().unwrap();
        let left = rest(&queue);
        assert_eq!(usize::from(pushed), left.len() + usize::from(popped.is_ok()));
        assert!(popped != CLOSED || left.is_empty(), "a value came after the end");
        (pushed, popped)
    });
}

#[test]
fn pop_that_sees_the_end_sees_all_that_was_pushed_before() {
    explore(3, [(EMPTY, vec![7]), (Ok(7), vec![])], || {
        let push_and_close = |queue: &Queue| {
            assert!(push(queue, 7));
            queue.close();
        };
        let ((), popped, left) = race(queue(1, []), push_and_close, pop);
        (popped, left)
    });
}

#[test]
fn close_racing_force_push_is_final_for_pops() {
    let outcomes = [(Ok(Some(1)), EMPTY, vec![2]), (Ok(Some(1)), Ok(2), vec![]), (Err(2), Ok(1), vec![])];
    explore(3, outcomes, || {
        race(queue(1, [1]), force(2), |queue| {
            queue.close();
            let popped = pop(queue);
            assert_ne!(popped, CLOSED, "a value may still come");
            popped
        })
    });
}

/// The pop is in a third thread, and knows of the close by the ring only.
#[test]
fn pop_says_closed_only_behind_every_displacement() {
    check(2, || {
        let queue = Arc::new(queue(1, [1]));
        let closer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.close()
        });
        let forcer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || force(2)(&queue)
        });
        let first = pop(&queue);
        let closed = first == CLOSED || pop(&queue) == CLOSED;
        closer.join().unwrap();
        let _ = forcer.join().unwrap();
        let left = rest(&queue);
        assert!(!closed || left.is_empty(), "{left:?} came after the end");
    });
}

#[test]
fn force_push_racing_pop_brings_each_value_out_once() {
    let outcomes = [
        (Ok(Some(1)), EMPTY, vec![2]),
        (Ok(Some(1)), Ok(2), vec![]),
        (Ok(None), Ok(1), vec![2]),
        (Err(2), Ok(1), vec![]),
    ];
    explore(3, outcomes, || race(queue(1, [1]), force(2), pop));
}

/// Whoever meets another one in the middle gives up, for it does not wait.
#[test]
fn racing_force_pushes_push_out_the_oldest() {
    let outcomes = [
        (Ok(Some(1)), Ok(Some(2)), vec![3]),
        (Ok(Some(3)), Ok(Some(1)), vec![2]),
        (Ok(Some(1)), Err(3), vec![2]),
        (Err(2), Ok(Some(1)), vec![3]),
    ];
    explore(2, outcomes, || race(queue(1, [1]), force(2), force(3)));
}

#[test]
fn pop_many_racing_push_many_gets_whole_values_in_order() {
    explore(3, [vec![], vec![1], vec![1, 2]], || {
        let push_many = |queue: &Queue| {
            let mut values = vec![Box::new(1), Box::new(2), Box::new(3)];
            assert_eq!(queue.push_many(&mut values), Ok(2));
            assert_eq!(values, [Box::new(3)]);
        };
        let pop_many = |queue: &Queue| {
            let mut values = Vec::new();
            let popped = queue.pop_many(&mut values, 3);
            assert_eq!(popped.unwrap_or(0), values.len());
            values.into_iter().map(|value| *value).collect::<Vec<_>>()
        };
        let ((), mut popped, left) = race(queue(2, []), push_many, pop_many);
        let early = popped.clone();
        popped.extend(left);
        assert_eq!(popped, [1, 2]);
        early
    });
}

#[test]
fn pop_many_of_a_queue_that_is_being_displaced_never_says_closed() {
    explore(3, [(true, vec![2]), (true, vec![]), (false, vec![1])], || {
        let (forced, popped, left) = race(queue(1, [1]), force(2), |queue| {
            queue.close();
            let mut values = Vec::new();
            assert_ne!(queue.pop_many(&mut values, 2), Err(TryPopError::Closed), "a value may still come");
            values.into_iter().map(|value| *value).collect::<Vec<_>>()
        });
        assert_eq!(popped.len() + left.len(), 1);
        (forced.is_ok(), popped)
    });
}

#[test]
fn racing_push_many_keep_their_values_together() {
    explore(2, [vec![1, 2, 3], vec![3, 1, 2]], || {
        let push_two =
            |queue: &Queue| assert_eq!(queue.push_many(&mut vec![Box::new(1), Box::new(2)]), Ok(2));
        race(queue(3, []), push_two, |queue| assert!(push(queue, 3))).2
    });
}
