//! `freewheel::queue` with more threads and longer runs than loom affords.

#![cfg(freewheel_shuttle)]

use freewheel::{
    queue::{Bounded, Spsc, TryPopError, TryPushError, Unbounded},
    sync::{Arc, thread},
};
use loom_tests::sample;

const ITERATIONS: usize = 3_000;
const THREADS: usize = 4;
const ROUNDS: usize = 6;

/// What one thread has seen. The values of thread `t` are `t * ROUNDS` and on, in the order in which it pushes them.
#[derive(Debug, Default)]
struct Seen {
    pushed: Vec<usize>,
    popped: Vec<usize>,
    /// It was the one who closed the queue.
    closed: bool,
    /// A push has said that the queue is closed.
    refused: bool,
    /// A pop has said that there will never be anything again.
    ended: bool,
}

impl Seen {
    fn push(&mut self, value: usize, pushed: Result<(), TryPushError<usize>>) {
        match pushed {
            Ok(()) => {
                assert!(!self.refused, "{value} was pushed into a queue that is closed");
                self.pushed.push(value);
            }
            Err(refused) => {
                self.refused |= refused.is_closed();
                assert_eq!(refused.into_inner(), value);
            }
        }
    }

    fn force_push(&mut self, value: usize, pushed: Result<Option<usize>, TryPushError<usize>>) {
        let displaced = pushed.map(|displaced| displaced.into_iter().for_each(|value| self.pop(Ok(value))));
        self.push(value, displaced);
    }

    fn pop(&mut self, popped: Result<usize, TryPopError>) {
        match popped {
            Ok(value) => {
                assert!(!self.ended, "{value} came out of a queue that is closed and empty");
                self.popped.push(value);
            }
            Err(error) => {
                // Not that it stays closed: a `force_push` that is refused may make pops say empty meanwhile.
                self.ended |= error.is_closed();
            }
        }
    }

    fn close(&mut self, was_open: bool) {
        self.closed |= was_open;
        self.refused = true;
    }
}

/// Runs `script` on four threads, and checks what they have seen; `pop` pops what they have left.
fn on_four_threads<Q: Send + Sync + 'static>(
    queue: Q,
    pop: impl Fn(&Q) -> Result<usize, TryPopError>,
    script: impl Fn(usize, &Q, &mut Seen) + Send + Sync + 'static,
) {
    let (queue, script) = (Arc::new(queue), Arc::new(script));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (queue, script) = (Arc::clone(&queue), Arc::clone(&script));
            thread::spawn(move || {
                let mut seen = Seen::default();
                script(thread, &queue, &mut seen);
                seen
            })
        })
        .collect();
    let seen: Vec<Seen> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let mut rest = Vec::new();
    let end = loop {
        match pop(&queue) {
            Ok(value) => rest.push(value),
            Err(end) => break end,
        }
    };
    check(&seen, &rest, end);
}

fn check(all: &[Seen], rest: &[usize], end: TryPopError) {
    let closed = all.iter().filter(|seen| seen.closed).count();
    assert_eq!(closed, usize::from(end.is_closed()), "threads that have closed the queue");
    assert!(all.iter().all(|seen| end.is_closed() || !seen.refused), "refused by a queue that is open");
    assert!(rest.is_empty() || all.iter().all(|seen| !seen.ended), "{rest:?} in a queue at its end");
    for seen in all {
        let sequence: Vec<_> = seen.popped.iter().chain(rest).collect();
        let of = |thread| sequence.iter().filter(move |value| **value / ROUNDS == thread);
        let in_order = (0..THREADS).all(|thread| of(thread).is_sorted_by(|first, second| first < second));
        assert!(in_order, "out of order: {sequence:?}");
    }
    let sorted = |values: Vec<usize>| {
        let mut values = values;
        values.sort_unstable();
        values
    };
    let pushed = sorted(all.iter().flat_map(|seen| seen.pushed.clone()).collect());
    let out = all.iter().flat_map(|seen| seen.popped.clone()).chain(rest.iter().copied());
    assert_eq!(sorted(out.collect()), pushed, "a value was lost or came twice");
}

fn values(thread: usize) -> impl Iterator<Item = usize> {
    thread * ROUNDS..(thread + 1) * ROUNDS
}

/// Only for `check` to fail on what must not be: it is no good if it passes everything.
#[test]
#[should_panic(expected = "a value was lost or came twice")]
fn a_lost_value_is_found() {
    let seen = Seen { pushed: vec![0, 1], popped: vec![0], ..Seen::default() };
    check(&[seen], &[], TryPopError::Empty);
}

#[test]
fn bounded_pushes_and_pops_lose_nothing() {
    for capacity in 1..=3 {
        sample(ITERATIONS, move || {
            on_four_threads(Bounded::new(capacity), Bounded::try_pop, |thread, queue, seen| {
                for value in values(thread) {
                    seen.push(value, queue.try_push(value));
                    seen.pop(queue.try_pop());
                }
            });
        });
    }
}

#[test]
fn bounded_many_at_once_lose_nothing() {
    sample(ITERATIONS, || {
        on_four_threads(Bounded::new(3), Bounded::try_pop, |thread, queue, seen| {
            let mut left: Vec<usize> = values(thread).collect();
            for round in 0..ROUNDS {
                let before = left.clone();
                let count = queue.push_many(&mut left).expect("nobody closes it");
                seen.pushed.extend(&before[..count]);
                assert_eq!(left, before[count..]);
                match queue.pop_many(&mut seen.popped, 1 + round % 3) {
                    Ok(count) => assert!((1..=3).contains(&count)),
                    Err(error) => assert_eq!(error, TryPopError::Empty),
                }
            }
        });
    });
}

#[test]
fn displaced_values_are_accounted_for() {
    for capacity in 1..=2 {
        sample(ITERATIONS, move || {
            on_four_threads(Bounded::new(capacity), Bounded::try_pop, |thread, queue, seen| {
                for value in values(thread) {
                    match thread {
                        0 => seen.push(value, queue.try_push(value)),
                        1 => seen.pop(queue.try_pop()),
                        _ => seen.force_push(value, queue.force_push(value)),
                    }
                }
            });
        });
    }
}

#[test]
fn a_queue_that_is_closed_and_empty_stays_so() {
    for capacity in 1..=2 {
        sample(ITERATIONS, move || {
            on_four_threads(Bounded::new(capacity), Bounded::try_pop, |thread, queue, seen| {
                for (round, value) in values(thread).enumerate() {
                    match thread {
                        0 => seen.push(value, queue.try_push(value)),
                        1 => seen.force_push(value, queue.force_push(value)),
                        _ => seen.pop(queue.try_pop()),
                    }
                    if thread != 1 && round == 2 {
                        seen.close(queue.close());
                    }
                }
            });
        });
    }
}

#[test]
fn unbounded_pushes_and_pops_lose_nothing() {
    sample(ITERATIONS, || {
        on_four_threads(Unbounded::new(), Unbounded::try_pop, |thread, queue, seen| {
            for value in values(thread) {
                seen.push(
                    value,
                    queue.push(value).map_err(|closed| TryPushError::Closed(closed.into_inner())),
                );
                // Now and then two stay, so that there are several segments.
                if value % 3 == 0 {
                    seen.pop(queue.try_pop());
                }
            }
            (0..ROUNDS / 2).for_each(|_| seen.pop(queue.try_pop()));
        });
    });
}

#[test]
fn unbounded_producers_and_consumers_keep_the_order() {
    sample(ITERATIONS, || {
        on_four_threads(Unbounded::new(), Unbounded::try_pop, |thread, queue, seen| {
            for value in values(thread) {
                if thread < 2 {
                    queue.push(value).expect("nobody closes it");
                    seen.pushed.push(value);
                } else {
                    seen.pop(queue.try_pop());
                    assert!(queue.len() <= 2 * ROUNDS);
                }
            }
        });
    });
}

#[test]
fn an_unbounded_queue_that_is_closed_and_empty_stays_so() {
    sample(ITERATIONS, || {
        on_four_threads(Unbounded::new(), Unbounded::try_pop, |thread, queue, seen| {
            for (round, value) in values(thread).enumerate() {
                if thread < 2 {
                    let pushed = queue.push(value);
                    seen.push(value, pushed.map_err(|closed| TryPushError::Closed(closed.into_inner())));
                } else {
                    seen.pop(queue.try_pop());
                    seen.refused |= queue.is_closed();
                }
                if thread % 2 == 0 && round == 3 {
                    seen.close(queue.close());
                }
            }
        });
    });
}

#[test]
fn both_ends_of_a_split_queue_agree() {
    for capacity in 1..=3 {
        sample(ITERATIONS, move || {
            let (mut producer, mut consumer) = Spsc::new(capacity).split();
            let producer = thread::spawn(move || {
                let mut pushed = Vec::new();
                let mut many = vec![2 * ROUNDS, 2 * ROUNDS + 1];
                for value in 0..2 * ROUNDS {
                    pushed.extend(producer.try_push(value).is_ok().then_some(value));
                }
                let count = producer.push_many(&mut many).unwrap_or(0);
                pushed.extend(2 * ROUNDS..2 * ROUNDS + count);
                pushed
            });
            let mut popped = Vec::new();
            for round in 0..ROUNDS {
                popped.extend(consumer.try_pop());
                let _ = consumer.pop_many(&mut popped, round % 3);
            }
            let pushed = producer.join().unwrap();
            popped.extend(std::iter::from_fn(|| consumer.try_pop().ok()));
            assert_eq!(consumer.try_pop(), Err(TryPopError::Closed));
            assert_eq!(popped, pushed);
        });
    }
}
