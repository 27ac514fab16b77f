//! Models of `src/queue/unbounded`: segments that are appended, left and freed. The first has room for one value.
#![cfg(freewheel_loom)]

use freewheel::{
    queue::Unbounded,
    sync::{Arc, thread},
};
use loom_tests::{
    explore,
    popped::{CLOSED, EMPTY, Popped, popped},
};

/// Values are boxed, so that one that is lost, seen half or dropped twice is noticed.
type Queue = Unbounded<Box<u32>>;

/// False if it is closed.
fn push(queue: &Queue, value: u32) -> bool {
    queue.push(Box::new(value)).is_ok()
}

fn pop(queue: &Queue) -> Popped {
    popped(queue.try_pop())
}

/// Runs `other` in a second thread and `main` in this one on a queue of `values`, and returns what is left besides.
fn race<const N: usize, A: Send + 'static, B>(
    values: [u32; N],
    other: impl FnOnce(&Queue) -> A + Send + 'static,
    main: impl FnOnce(&Queue) -> B,
) -> (A, B, Vec<u32>) {
    let queue = Arc::new(Queue::from_iter(values.map(Box::new)));
    let thread = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || other(&queue))
    };
    let main = main(&queue);
    let other = thread.join().unwrap();
    (other, main, std::iter::from_fn(|| pop(&queue).ok()).collect())
}

#[test]
fn the_first_segment_made_by_two_threads_at_once_is_one() {
    explore(1, [vec![1, 2], vec![2, 1]], || {
        let (other, main, left) = race([], |queue| push(queue, 1), |queue| push(queue, 2));
        assert!(other && main);
        left
    });
}

#[test]
fn pop_racing_the_first_push_gets_the_whole_value_or_nothing() {
    explore(3, [(EMPTY, vec![7]), (Ok(7), vec![])], || {
        let (_, popped, left) = race([], |queue| push(queue, 7), pop);
        (popped, left)
    });
}

#[test]
fn pop_follows_a_push_into_the_next_segment() {
    explore(3, [(Ok(1), EMPTY, vec![2]), (Ok(1), Ok(2), vec![])], || {
        let (pushed, (first, second), left) =
            race([1], |queue| push(queue, 2), |queue| (pop(queue), pop(queue)));
        assert!(pushed);
        (first, second, left)
    });
}

/// The segment that both pops begin in is empty: it is left, retired and freed.
#[test]
fn a_segment_is_not_freed_while_another_thread_is_in_it() {
    explore(2, [(Ok(2), EMPTY), (EMPTY, Ok(2))], || {
        let queue = Arc::new(Queue::from_iter([1, 2].map(Box::new)));
        assert_eq!(pop(&queue), Ok(1));
        // Also moves the hazard that the pushes have left behind, which would keep the segment.
        assert_eq!(queue.len(), 1);
        let other = thread::spawn({
            let queue = Arc::clone(&queue);
            move || pop(&queue)
        });
        let popped = pop(&queue);
        (other.join().unwrap(), popped)
    });
}

/// The segment that the push begins in is left, retired and freed.
#[test]
fn a_push_that_comes_too_late_into_a_segment_finds_the_next() {
    explore(2, [(Ok(1), Ok(2), vec![3]), (Ok(1), Ok(2), vec![])], || {
        let (pushed, (first, second, third), left) =
            race([1, 2], |queue| push(queue, 3), |queue| (pop(queue), pop(queue), pop(queue)));
        assert!(pushed && (third == Ok(3)) == left.is_empty());
        (first, second, left)
    });
}

#[test]
fn two_pushers_and_a_popper_hand_over_segments() {
    let outcomes = [(EMPTY, vec![1, 2]), (EMPTY, vec![2, 1]), (Ok(1), vec![2]), (Ok(2), vec![1])];
    explore(1, outcomes, || {
        let queue = Arc::new(Queue::from_iter([Box::new(0)]));
        let threads = [1, 2].map(|value| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || push(&queue, value))
        });
        assert_eq!(pop(&queue), Ok(0));
        let popped = pop(&queue);
        assert!(threads.map(|thread| thread.join().unwrap()).iter().all(|&pushed| pushed));
        (popped, std::iter::from_fn(|| pop(&queue).ok()).collect::<Vec<_>>())
    });
}

#[test]
fn close_racing_push_loses_nothing_that_was_accepted() {
    explore(2, [(true, vec![1, 7]), (false, vec![1])], || {
        let (pushed, closed, left) = race([1], |queue| push(queue, 7), Unbounded::close);
        assert!(closed);
        (pushed, left)
    });
}

#[test]
fn push_after_close_fails_and_one_of_two_closes_has_closed() {
    explore(1, [(true, false), (false, true)], || {
        let close = |queue: &Queue| {
            let closed = queue.close();
            assert!(!push(queue, 7) && queue.is_closed());
            closed
        };
        let (other, main, left) = race([], close, close);
        assert!(left.is_empty());
        (other, main)
    });
}

#[test]
fn pop_says_closed_only_behind_the_last_value() {
    explore(2, [(EMPTY, EMPTY, 1), (EMPTY, Ok(7), 0), (Ok(7), EMPTY, 0), (Ok(7), CLOSED, 0)], || {
        let push_and_close = |queue: &Queue| {
            assert!(push(queue, 7));
            queue.close();
        };
        let ((), (first, second), left) = race([], push_and_close, |queue| (pop(queue), pop(queue)));
        (first, second, left.len())
    });
}

#[test]
fn len_counts_over_segments_that_are_left_meanwhile() {
    explore(2, [0, 1, 2], || {
        let pop_both = |queue: &Queue| assert_eq!((pop(queue), pop(queue)), (Ok(1), Ok(2)));
        race([1, 2], pop_both, |queue| queue.len()).1
    });
}
