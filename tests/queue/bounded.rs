//! The queue with a capacity.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use freewheel::queue::{Bounded, Closed, TryPopError, TryPushError};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::{
    history::{Line, LineDone, check, record},
    values::{Ledger, Value},
};

assert_impl_all!(Bounded<Cell<u8>>: Send, Sync);
assert_not_impl_any!(Bounded<Rc<u8>>: Send, Sync);

const CAPACITIES: [usize; 5] = [1, 2, 3, 7, 1024];

#[test]
fn values_come_out_in_order_on_every_lap() {
    for capacity in CAPACITIES {
        let queue = Bounded::new(capacity);
        assert_eq!(queue.capacity(), capacity);
        let (mut pushed, mut popped) = (0, 0);
        // More than it holds go in, and fewer come out, so that each lap begins elsewhere.
        for lap in 0..50 {
            while queue.try_push(pushed).is_ok() {
                pushed += 1;
                assert_eq!(queue.len(), pushed - popped);
            }
            assert_eq!(queue.try_push(pushed), Err(TryPushError::Full(pushed)));
            assert!(queue.is_full() && !queue.is_empty());
            assert_eq!(queue.len(), capacity);
            for _ in 0..=lap % capacity {
                assert_eq!(queue.try_pop(), Ok(popped));
                popped += 1;
            }
            assert!(!queue.is_full());
        }
        while let Ok(value) = queue.try_pop() {
            assert_eq!(value, popped);
            popped += 1;
        }
        assert_eq!((pushed, queue.try_pop()), (popped, Err(TryPopError::Empty)));
        assert!(queue.is_empty());
    }
}

#[test]
fn no_capacity_and_one_beyond_memory_are_refused() {
    for capacity in [0, usize::MAX, usize::MAX / 4 + 1] {
        assert!(catch_unwind(|| Bounded::<u8>::new(capacity)).is_err(), "{capacity}");
    }
}

#[test]
fn closed_queue_takes_nothing_and_gives_what_it_has() {
    for capacity in CAPACITIES {
        let queue = Bounded::new(capacity);
        for value in 0..capacity {
            queue.try_push(value).unwrap();
        }
        assert!(!queue.is_closed());
        assert!(queue.close());
        assert!(!queue.close());
        assert!(queue.is_closed());
        assert_eq!(queue.try_push(99), Err(TryPushError::Closed(99)));
        assert_eq!(queue.force_push(99), Err(TryPushError::Closed(99)));
        let mut values = vec![99];
        assert_eq!(queue.push_many(&mut values), Err(Closed(())));
        assert_eq!(values, [99]);
        for value in 0..capacity {
            assert_eq!(queue.len(), capacity - value);
            assert_eq!(queue.try_pop(), Ok(value));
        }
        assert_eq!(queue.try_pop(), Err(TryPopError::Closed));
        assert_eq!(queue.pop_many(&mut values, 1), Err(TryPopError::Closed));
        assert_eq!(queue.pop_many(&mut values, 0), Ok(0));
        // Room does not open it again.
        assert_eq!(queue.try_push(99), Err(TryPushError::Closed(99)));
    }
}

#[test]
fn force_push_displaces_the_oldest_value_only_if_there_is_no_room() {
    for capacity in CAPACITIES {
        let queue = Bounded::new(capacity);
        for value in 0..capacity {
            assert_eq!(queue.force_push(value), Ok(None));
        }
        for value in 0..3 * capacity {
            assert_eq!(queue.force_push(capacity + value), Ok(Some(value)));
            assert_eq!(queue.len(), capacity);
        }
        assert_eq!(queue.try_pop(), Ok(3 * capacity));
        assert_eq!(queue.force_push(4 * capacity), Ok(None));
        for value in 3 * capacity + 1..=4 * capacity {
            assert_eq!(queue.try_pop(), Ok(value));
        }
        assert_eq!(queue.try_pop(), Err(TryPopError::Empty));
    }
}

#[test]
fn many_are_pushed_as_far_as_there_is_room_and_popped_as_far_as_there_are() {
    for capacity in CAPACITIES {
        // From every slot on, so that they go round the end in every way.
        for begin in 0..capacity.min(20) {
            let queue = Bounded::new(capacity);
            for _ in 0..begin {
                queue.try_push(0).unwrap();
                queue.try_pop().unwrap();
            }
            let mut values: Vec<_> = (0..capacity + 5).collect();
            assert_eq!(queue.push_many(&mut values), Ok(capacity));
            assert!(values.iter().copied().eq(capacity..capacity + 5));
            assert_eq!(queue.push_many(&mut values), Ok(0));
            assert_eq!((values.len(), queue.len()), (5, capacity));

            let mut popped = vec![77];
            assert_eq!(queue.pop_many(&mut popped, 0), Ok(0));
            assert_eq!(queue.pop_many(&mut popped, 1), Ok(1));
            assert_eq!(queue.push_many(&mut values), Ok(1));
            assert_eq!(queue.pop_many(&mut popped, usize::MAX), Ok(capacity));
            assert_eq!(popped[0], 77);
            assert!(popped[1..].iter().copied().eq(0..=capacity));
            assert_eq!(queue.pop_many(&mut popped, 1), Err(TryPopError::Empty));
            assert_eq!(queue.pop_many(&mut popped, 0), Ok(0));
            assert_eq!(queue.push_many(&mut Vec::new()), Ok(0));
        }
    }
}

#[test]
fn each_value_is_dropped_once_also_when_a_destructor_panics() {
    for panics in [3, 50, 99] {
        let ledger = Ledger::new(100);
        let queue = Bounded::new(70);
        for number in 0..100 {
            let value = if number == panics { ledger.panicking(number) } else { ledger.value(number) };
            // The first thirty are displaced.
            if let Some(old) = queue.force_push(value).unwrap() {
                assert_eq!(old.number, number - 70);
                let _ = catch_unwind(AssertUnwindSafe(|| drop(old)));
            }
        }
        assert!(ledger.drops()[30..].iter().all(|&drops| drops == 0));
        assert_eq!(catch_unwind(AssertUnwindSafe(|| drop(queue))).is_err(), panics >= 30);
        ledger.assert_each_once();
    }
}

#[test]
fn refused_values_come_back_whole() {
    let ledger = Ledger::new(3);
    let queue = Bounded::new(1);
    queue.try_push(ledger.value(0)).unwrap();
    let back: Value = queue.try_push(ledger.value(1)).unwrap_err().into_inner();
    queue.close();
    let late: Value = queue.force_push(ledger.value(2)).unwrap_err().into_inner();
    assert_eq!((back.number, late.number, ledger.drops()), (1, 2, vec![0; 3]));
    drop((queue, back, late));
    ledger.assert_each_once();
}

#[test]
fn zero_sized_over_aligned_and_borrowing_values_are_no_exception() {
    #[derive(Debug)]
    #[repr(align(128))]
    struct Wide(u8);
    let words = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
    let (nothing, wide, borrowing) = (Bounded::new(3), Bounded::new(3), Bounded::new(3));
    for number in 0..3 {
        nothing.try_push(()).unwrap();
        wide.try_push(Wide(number)).unwrap();
        borrowing.try_push(words[usize::from(number)].as_str()).unwrap();
    }
    assert_eq!(nothing.try_push(()), Err(TryPushError::Full(())));
    for number in 0..3 {
        assert_eq!(nothing.try_pop(), Ok(()));
        let value = wide.try_pop().unwrap();
        assert_eq!((value.0, (&raw const value).addr() % 128), (number, 0));
        assert_eq!(borrowing.try_pop(), Ok(words[usize::from(number)].as_str()));
    }
    assert_eq!(nothing.try_pop(), Err(TryPopError::Empty));
}

#[test]
fn debug_says_how_full_it_is() {
    let queue = Bounded::<Rc<u8>>::new(3);
    queue.try_push(Rc::new(1)).unwrap();
    assert_eq!(format!("{queue:?}"), "Bounded { len: 1, capacity: 3, is_closed: false, .. }");
}

#[test]
fn every_value_is_accounted_for_with_four_threads() {
    const EACH: usize = 10_000;
    for capacity in [1, 3, 64] {
        let ledger = Ledger::new(2 * EACH);
        let queue = Bounded::new(capacity);
        let (popped, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            let (queue, popped, done, ledger) = (&queue, &popped, &done, &ledger);
            for producer in 0..2 {
                scope.spawn(move || {
                    for number in producer * EACH..(producer + 1) * EACH {
                        let mut value = vec![ledger.value(number)];
                        while queue.push_many(&mut value).unwrap() == 0 {
                            thread::yield_now();
                        }
                    }
                    if done.fetch_add(1, SeqCst) == 1 {
                        assert!(queue.close());
                    }
                });
                scope.spawn(move || {
                    let mut last = [None; 2];
                    loop {
                        match queue.try_pop() {
                            Ok(value) => {
                                let last = &mut last[value.number / EACH];
                                assert!(*last < Some(value.number), "{} after {last:?}", value.number);
                                *last = Some(value.number);
                                popped.fetch_add(1, SeqCst);
                            }
                            Err(TryPopError::Empty) => thread::yield_now(),
                            Err(TryPopError::Closed) => break,
                        }
                    }
                });
            }
        });
        assert_eq!(popped.load(SeqCst), 2 * EACH);
        ledger.assert_each_once();
    }
}

/// Does one operation, chosen at random; few of them close the queue.
fn any_operation(queue: &Bounded<u32>, thread: usize, random: &mut fastrand::Rng) -> LineDone {
    let mut new = || random.u32(..1 << 20) * 4 + thread as u32;
    let (one, mut many) = (new(), vec![new(), new(), new()]);
    match random.u32(..24) {
        0..6 => match queue.try_push(one) {
            Ok(()) => LineDone::Pushed(vec![one]),
            Err(TryPushError::Full(_)) => LineDone::Failed,
            Err(TryPushError::Closed(_)) => LineDone::Refused,
        },
        6..9 => match queue.force_push(one) {
            Ok(None) => LineDone::Pushed(vec![one]),
            Ok(Some(old)) => LineDone::Displaced(one, old),
            Err(TryPushError::Full(_)) => LineDone::Failed,
            Err(TryPushError::Closed(_)) => LineDone::Refused,
        },
        9..12 => {
            let offered = many.clone();
            match queue.push_many(&mut many) {
                Ok(0) => LineDone::Failed,
                Ok(count) => LineDone::Pushed(offered[..count].to_vec()),
                Err(Closed(())) => LineDone::Refused,
            }
        }
        12..20 => popped(queue.try_pop().map(|value| vec![value])),
        20..23 => {
            let mut values = Vec::new();
            popped(queue.pop_many(&mut values, 2).map(|_| values))
        }
        _ if random.u32(..8) == 0 => LineDone::Closed(queue.close()),
        _ => popped(queue.try_pop().map(|value| vec![value])),
    }
}

fn popped(values: Result<Vec<u32>, TryPopError>) -> LineDone {
    match values {
        Ok(values) => LineDone::Popped(values),
        Err(TryPopError::Empty) => LineDone::Failed,
        Err(TryPopError::Closed) => LineDone::Ended,
    }
}

#[test]
fn histories_of_three_threads_are_those_of_a_queue() {
    for round in 0..400 {
        let capacity = [1, 2, 3, 7][round as usize % 4];
        let queue = Bounded::new(capacity);
        let history = record(3, 60, round, |thread, random| any_operation(&queue, thread, random));
        if let Err(event) = check(Line::new(capacity), &history) {
            panic!("round {round}: no order explains {event:?} in {history:#?}");
        }
    }
}
