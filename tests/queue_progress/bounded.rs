//! The queue with a capacity.

use freewheel::queue::{
    Bounded, Closed,
    TryPopError::{self, Empty},
    TryPushError::{self, Full},
};

use crate::stopped::{Stops, at_each_two_steps, stages};

/// What others find in a queue of three in which a thread is stopped.
#[derive(Debug, PartialEq)]
struct Found {
    /// Whether 10 could be pushed.
    pushed: bool,
    /// What was popped until there was nothing, and what there was then.
    popped: Vec<u32>,
    nothing: TryPopError,
    /// How many elements there were still, by `len`.
    hidden: usize,
    /// How many of 20, 21, 22 there was room for then.
    room: usize,
    /// What `force_push` of 30 made of it.
    forced: Result<Option<u32>, TryPushError<u32>>,
}

/// What they find where nobody is in the way.
fn found(pushed: bool, popped: &[u32]) -> Found {
    let forced = Ok(Some(20));
    Found { pushed, popped: popped.to_vec(), nothing: Empty, hidden: 0, room: 3, forced }
}

/// The same behind an operation that has not returned: so many elements hidden, room for so many, and no way out.
fn behind(pushed: bool, popped: &[u32], hidden: usize, room: usize) -> Found {
    Found { hidden, room, forced: Err(Full(30)), ..found(pushed, popped) }
}

/// The same in a queue that is closed.
fn closed(popped: &[u32], nothing: TryPopError) -> Found {
    Found { nothing, forced: Err(TryPushError::Closed(30)), ..behind(false, popped, 0, 0) }
}

fn look(queue: &Bounded<u32>) -> Found {
    let pushed = queue.try_push(10).is_ok();
    let (popped, nothing) = all(queue);
    let hidden = queue.len();
    let room = (20..23).take_while(|&value| queue.try_push(value).is_ok()).count();
    Found { pushed, popped, nothing, hidden, room, forced: queue.force_push(30) }
}

fn all(queue: &Bounded<u32>) -> (Vec<u32>, TryPopError) {
    let mut values = vec![];
    loop {
        match queue.try_pop() {
            Ok(value) => values.push(value),
            Err(nothing) => return (values, nothing),
        }
    }
}

/// A queue for three elements that holds those, and has taken so many before.
fn queue_with(values: &[u32], before: usize) -> Bounded<u32> {
    let queue = Bounded::new(3);
    for _ in 0..before {
        queue.try_push(0).unwrap();
        queue.try_pop().unwrap();
    }
    values.iter().for_each(|&value| queue.try_push(value).unwrap());
    queue
}

/// Stops `operation` on a queue that holds `values`: what it gets, what others find meanwhile, and what is left, stage
/// by stage. That is the same wherever in the ring the values are.
fn stages_of<R: Send + PartialEq + std::fmt::Debug>(
    values: &[u32],
    operation: impl Fn(&Bounded<u32>) -> R + Sync,
) -> Vec<(R, Found, Vec<u32>)> {
    let stages_after = |before| {
        stages(|stops: &Stops| {
            let queue = queue_with(values, before);
            let (result, found) = stops.during(|| (), || operation(&queue), || look(&queue));
            (result, found, all(&queue).0)
        })
    };
    let stages = stages_after(0);
    (1..4).for_each(|before| assert_eq!(stages_after(before), stages, "after {before}"));
    stages
}

#[test]
fn a_push_that_is_stopped_hides_what_was_pushed_later() {
    let stages = stages_of(&[1], |queue| queue.try_push(2));
    assert_eq!(
        stages,
        [
            (Err(Full(2)), found(true, &[1, 10]), vec![21, 22, 30]),
            (Ok(()), behind(true, &[1], 2, 1), vec![2, 10, 20]),
            (Ok(()), found(true, &[1, 2, 10]), vec![21, 22, 30]),
        ]
    );
}

#[test]
fn a_push_into_a_full_queue_is_in_nobodys_way() {
    let stages = stages_of(&[1, 2, 3], |queue| queue.try_push(4));
    assert_eq!(stages, [(Err(Full(4)), found(false, &[1, 2, 3]), vec![21, 22, 30])]);
}

#[test]
fn a_pop_that_is_stopped_holds_the_room_for_the_push_a_lap_later() {
    let stages = stages_of(&[1, 2, 3], Bounded::try_pop);
    assert_eq!(
        stages,
        [
            (Ok(21), found(false, &[1, 2, 3]), vec![22, 30]),
            (Ok(1), behind(false, &[2, 3], 0, 0), vec![]),
            (Ok(1), found(true, &[2, 3, 10]), vec![21, 22, 30]),
        ]
    );
}

#[test]
fn a_pop_from_an_empty_queue_is_in_nobodys_way() {
    let stages = stages_of(&[], Bounded::try_pop);
    assert_eq!(
        stages,
        [(Ok(21), found(true, &[10]), vec![22, 30]), (Err(Empty), found(true, &[10]), vec![21, 22, 30]),]
    );
}

#[test]
fn a_forced_push_that_is_stopped_is_like_a_pop_and_then_like_a_push() {
    let stages = stages_of(&[1, 2, 3], |queue| queue.force_push(4));
    assert_eq!(
        stages,
        [
            // It forces out what others have pushed.
            (Ok(Some(21)), found(false, &[1, 2, 3]), vec![22, 30, 4]),
            (Ok(Some(1)), behind(false, &[2, 3], 0, 0), vec![4]),
            (Ok(Some(1)), behind(false, &[2, 3], 1, 2), vec![4, 20, 21]),
            (Ok(Some(1)), found(false, &[2, 3, 4]), vec![21, 22, 30]),
        ]
    );
}

#[test]
fn a_close_that_is_stopped_lets_others_go_on_to_the_end_of_the_queue() {
    let stages = stages_of(&[1], Bounded::close);
    assert_eq!(
        stages,
        [
            (true, found(true, &[1, 10]), vec![21, 22, 30]),
            (true, closed(&[1], Empty), vec![]),
            (true, closed(&[1], TryPopError::Closed), vec![]),
        ]
    );
}

#[test]
fn closed_queue_is_not_at_its_end_before_what_is_being_pushed() {
    let displaced = |queue: &Bounded<u32>| queue.force_push(4).is_ok();
    let pushed = |queue: &Bounded<u32>| queue.try_push(4).is_ok();
    for (values, operation) in [(&[1, 2, 3][..], &displaced as &(dyn Fn(&_) -> bool + Sync)), (&[1], &pushed)]
    {
        let stages = stages(|stops| {
            let queue = queue_with(values, 0);
            let others = || {
                queue.close();
                all(&queue).1
            };
            let (succeeds, nothing) = stops.during(|| (), || operation(&queue), others);
            let (left, end) = all(&queue);
            // What they were told was the end is the end.
            assert!(nothing == Empty || left.is_empty());
            assert_eq!(end, TryPopError::Closed);
            (succeeds, nothing, left)
        });
        assert!(stages.contains(&(false, TryPopError::Closed, vec![])), "{stages:?}");
        assert!(stages.contains(&(true, Empty, vec![4])), "{stages:?}");
        assert_eq!(stages.last(), Some(&(true, TryPopError::Closed, vec![])));
    }
}

#[test]
fn a_push_of_many_that_is_stopped_shows_them_one_by_one() {
    let stages = stages_of(&[1], |queue| {
        let mut values = vec![2, 3, 4];
        (queue.push_many(&mut values), values)
    });
    assert_eq!(
        stages,
        [
            ((Ok(0), vec![2, 3, 4]), found(true, &[1, 10]), vec![21, 22, 30]),
            ((Ok(2), vec![4]), behind(false, &[1], 2, 1), vec![2, 3, 20]),
            ((Ok(2), vec![4]), behind(false, &[1, 2], 1, 2), vec![3, 20, 21]),
            ((Ok(2), vec![4]), found(false, &[1, 2, 3]), vec![21, 22, 30]),
        ]
    );
}

#[test]
fn a_pop_of_many_that_is_stopped_frees_their_room_one_by_one() {
    let stages = stages_of(&[1, 2, 3], |queue| {
        let mut values = vec![];
        (queue.pop_many(&mut values, 2), values)
    });
    assert_eq!(
        stages,
        [
            ((Ok(2), vec![21, 22]), found(false, &[1, 2, 3]), vec![30]),
            ((Ok(2), vec![1, 2]), behind(false, &[3], 0, 0), vec![]),
            ((Ok(2), vec![1, 2]), behind(true, &[3, 10], 0, 0), vec![]),
            ((Ok(2), vec![1, 2]), found(true, &[3, 10]), vec![21, 22, 30]),
        ]
    );
}

#[test]
fn a_thread_stopped_twice_in_any_operation_loses_nothing_and_keeps_the_order() {
    /// Returns what was pushed, and what was popped.
    type Operation = fn(&Bounded<u32>) -> (Vec<u32>, Vec<u32>);
    let push: Operation = |queue| (queue.try_push(100).map(|()| 100).into_iter().collect(), vec![]);
    let pop: Operation = |queue| (vec![], queue.try_pop().into_iter().collect());
    let force: Operation = |queue| match queue.force_push(100) {
        Ok(displaced) => (vec![100], displaced.into_iter().collect()),
        Err(_) => (vec![], vec![]),
    };
    let push_many: Operation = |queue| {
        let mut values = vec![100, 101];
        let pushed = queue.push_many(&mut values).unwrap();
        ((100..).take(pushed).collect(), vec![])
    };
    let pop_many: Operation = |queue| {
        let mut values = vec![];
        let _ = queue.pop_many(&mut values, 2);
        (vec![], values)
    };
    for operation in [push, pop, force, push_many, pop_many] {
        for len in 0..=3 {
            at_each_two_steps(|stops| {
                let queue = queue_with(&[1, 2, 3][..len], 0);
                let (mut next, mut pushed, mut popped) = (len as u32, vec![], vec![]);
                let others = || {
                    popped.extend(queue.try_pop());
                    for _ in 0..2 {
                        if queue.try_push(next + 1).is_ok() {
                            next += 1;
                        }
                    }
                };
                let ((mut own_pushed, own_popped), ()) = stops.during(|| (), || operation(&queue), others);
                popped.extend(all(&queue).0);
                let (own, theirs): (Vec<u32>, Vec<u32>) = popped.iter().partition(|&&value| value >= 100);
                assert!(own.is_sorted() && theirs.is_sorted(), "{popped:?}");
                pushed.extend(1..=next);
                pushed.append(&mut own_pushed);
                popped.extend(own_popped);
                popped.sort_unstable();
                assert_eq!(popped, pushed);
                assert_eq!(queue.push_many(&mut vec![7; 4]), Ok::<_, Closed<()>>(3));
            });
        }
    }
}
