//! The queue without a capacity.

use std::thread;

use freewheel::queue::{
    TryPopError::{self, Closed, Empty},
    Unbounded,
};

use crate::stopped::{Stops, at_each_two_steps, stages};

/// Elements in the first segment; the second one has twice as many, and so on.
const SEGMENT: u32 = 16;

/// What was done to a queue that holds numbers from 1 on.
struct Past {
    /// By others.
    others: fn(&Unbounded<u32>),
    /// By the thread that is stopped later.
    own: fn(&Unbounded<u32>),
    holds: u32,
}

const NEVER_USED: Past = Past { others: |_| (), own: |_| (), holds: 0 };
const EMPTY: Past = Past { others: |queue| go_on(queue, 1), ..NEVER_USED };
const WITH_ROOM: Past = Past { others: |queue| push(queue, 1), holds: 1, ..NEVER_USED };
/// The thread finds everything as it left it.
const KNOWN: Past = Past { own: |queue| assert_eq!(queue.len(), 1), ..WITH_ROOM };
const FULL: Past = Past { others: |queue| push(queue, SEGMENT), holds: SEGMENT, ..NEVER_USED };
const FULL_AGAIN: Past = Past {
    others: |queue| {
        go_on(queue, SEGMENT);
        push(queue, SEGMENT);
    },
    ..FULL
};
/// Pops have come to the end of the first segment, and there is a second one.
const AT_THE_END: Past = Past {
    others: |queue| {
        (0..SEGMENT).for_each(|_| queue.push(0).unwrap());
        push(queue, 1);
        (0..SEGMENT).for_each(|_| assert_eq!(queue.try_pop(), Ok(0)));
    },
    ..WITH_ROOM
};
/// Others have left the segment behind that the thread has used.
const LEFT_BEHIND: Past = Past {
    own: |queue| {
        assert_eq!(queue.len(), 1);
        on_another_thread(|| {
            (0..SEGMENT).for_each(|_| queue.push(0).unwrap());
            push(queue, 1);
            assert_eq!(queue.try_pop(), Ok(1));
            (0..SEGMENT).for_each(|_| assert_eq!(queue.try_pop(), Ok(0)));
        });
    },
    ..WITH_ROOM
};

/// Pushes 1, 2 and so on.
fn push(queue: &Unbounded<u32>, many: u32) {
    (1..=many).for_each(|value| queue.push(value).unwrap());
}

/// Pushes and pops one so many times.
fn go_on(queue: &Unbounded<u32>, many: u32) {
    for _ in 0..many {
        queue.push(0).unwrap();
        assert_eq!(queue.try_pop(), Ok(0));
    }
}

fn on_another_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

fn all(queue: &Unbounded<u32>) -> (Vec<u32>, TryPopError) {
    let mut values = vec![];
    loop {
        match queue.try_pop() {
            Ok(value) => values.push(value),
            Err(nothing) => return (values, nothing),
        }
    }
}

/// What others find in a queue in which a thread is stopped.
#[derive(Debug, PartialEq)]
struct Found {
    /// What was popped until there was nothing, after a push of 1000; and what there was then.
    popped: Vec<u32>,
    nothing: TryPopError,
    /// How many elements there were still, by `len`.
    hidden: usize,
}

/// What they find that hold numbers up to `holds`, and then those.
fn found(holds: u32, more: &[u32]) -> Found {
    let popped = (1..=holds).chain(more.iter().copied()).collect();
    Found { popped, nothing: Empty, hidden: 0 }
}

/// Stops `operation` on a queue with that past: what it gets, what others find meanwhile, and what is left.
fn stopped_in<R: Send>(
    stops: &Stops,
    past: &Past,
    operation: impl FnOnce(&Unbounded<u32>) -> R + Send,
) -> (R, Found, Vec<u32>) {
    let queue = Unbounded::new();
    on_another_thread(|| (past.others)(&queue));
    let others = || {
        let _ = queue.push(1000);
        let (popped, nothing) = all(&queue);
        let hidden = queue.len();
        // More segments, and what is left of them is one element.
        if (2001..2100).all(|value| queue.push(value).is_ok()) && hidden == 0 {
            (2001..2099).for_each(|value| assert_eq!(queue.try_pop(), Ok(value)));
        }
        Found { popped, nothing, hidden }
    };
    let (result, found) = stops.during(|| (past.own)(&queue), || operation(&queue), others);
    (result, found, all(&queue).0)
}

#[test]
fn a_push_that_is_stopped_hides_what_was_pushed_later() {
    for past in [NEVER_USED, EMPTY, WITH_ROOM, KNOWN, AT_THE_END, LEFT_BEHIND] {
        let holds = past.holds;
        let stages = stages(|stops| stopped_in(stops, &past, |queue| queue.push(500)));
        let hidden: Vec<u32> = [500, 1000].into_iter().chain(2001..2100).collect();
        assert_eq!(
            stages,
            [
                (Ok(()), found(holds, &[1000]), vec![2099, 500]),
                (Ok(()), Found { hidden: 2, ..found(holds, &[]) }, hidden),
                (Ok(()), found(holds, &[500, 1000]), vec![2099]),
            ]
        );
    }
}

#[test]
fn a_push_that_appends_a_segment_hides_nothing() {
    for past in [FULL, FULL_AGAIN] {
        let stages = stages(|stops| stopped_in(stops, &past, |queue| queue.push(500)));
        assert_eq!(
            stages,
            [
                (Ok(()), found(SEGMENT, &[1000]), vec![2099, 500]),
                (Ok(()), found(SEGMENT, &[500, 1000]), vec![2099]),
            ]
        );
    }
}

#[test]
fn a_pop_that_is_stopped_is_in_nobodys_way() {
    for past in [NEVER_USED, EMPTY, WITH_ROOM, KNOWN, FULL, FULL_AGAIN, AT_THE_END, LEFT_BEHIND] {
        let stages = stages(|stops| stopped_in(stops, &past, Unbounded::try_pop));
        let after = if past.holds == 0 {
            (Err(Empty), found(0, &[1000]), vec![2099])
        } else {
            let popped = (2..=past.holds).chain([1000]).collect();
            (Ok(1), Found { popped, nothing: Empty, hidden: 0 }, vec![2099])
        };
        assert_eq!(stages, [(Ok(2099), found(past.holds, &[1000]), vec![]), after]);
    }
}

#[test]
fn a_close_that_is_stopped_is_in_nobodys_way() {
    for past in [NEVER_USED, EMPTY, WITH_ROOM, KNOWN, FULL, FULL_AGAIN, AT_THE_END, LEFT_BEHIND] {
        let stages = stages(|stops| stopped_in(stops, &past, Unbounded::close));
        let closed = Found { nothing: Closed, ..found(past.holds, &[]) };
        assert_eq!(stages, [(true, found(past.holds, &[1000]), vec![2099]), (true, closed, vec![])]);
    }
}

#[test]
fn a_thread_that_is_stopped_while_it_looks_changes_nothing() {
    for past in [NEVER_USED, EMPTY, WITH_ROOM, KNOWN, FULL, FULL_AGAIN, AT_THE_END, LEFT_BEHIND] {
        let seen = (found(past.holds, &[1000]), vec![2099]);
        let lens = stages(|stops| {
            let (len, found, left) = stopped_in(stops, &past, Unbounded::len);
            assert_eq!((found, left), seen);
            len
        });
        assert_eq!(lens.first(), Some(&1));
        assert_eq!(lens.last(), Some(&(past.holds as usize)));
        stages(|stops| {
            let (is_closed, found, left) = stopped_in(stops, &past, Unbounded::is_closed);
            assert!(!is_closed);
            assert_eq!((found, left), seen);
        });
    }
}

#[test]
fn a_thread_stopped_twice_in_any_operation_loses_nothing_and_keeps_the_order() {
    /// Returns what was popped.
    type Operation = fn(&Unbounded<u32>) -> Option<u32>;
    let push: Operation = |queue| queue.push(500).err().map(|closed| closed.into_inner());
    let pop: Operation = |queue| queue.try_pop().ok();
    let close: Operation = |queue| {
        assert!(queue.close());
        None
    };
    for (operation, own) in [(push, Some(500)), (pop, None), (close, None)] {
        for past in [NEVER_USED, FULL, AT_THE_END, LEFT_BEHIND] {
            at_each_two_steps(|stops| {
                let queue = Unbounded::new();
                on_another_thread(|| (past.others)(&queue));
                let (mut next, mut popped) = (past.holds, vec![]);
                let others = || {
                    // Past the end of a segment.
                    for _ in 0..SEGMENT / 2 {
                        popped.extend(queue.try_pop());
                        next += u32::from(queue.push(next + 1).is_ok());
                        next += u32::from(queue.push(next + 1).is_ok());
                    }
                };
                let (own_popped, ()) = stops.during(|| (past.own)(&queue), || operation(&queue), others);
                popped.extend(all(&queue).0);
                assert!(popped.iter().filter(|&&value| value < 500).is_sorted(), "{popped:?}");
                popped.extend(own_popped);
                popped.sort_unstable();
                assert!(popped.into_iter().eq((1..=next).chain(own)));
            });
        }
    }
}
