//! The queue with one thread at each end.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    thread,
};

use freewheel::queue::{Closed, Consumer, Producer, Spsc, TryPopError, TryPushError};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::{
    history::{Line, LineDone, check, record},
    values::Ledger,
};

assert_impl_all!(Spsc<Cell<u8>>: Send);
assert_impl_all!(Producer<Cell<u8>>: Send);
assert_impl_all!(Consumer<Cell<u8>>: Send);
assert_not_impl_any!(Spsc<Rc<u8>>: Send, Sync);
assert_not_impl_any!(Producer<Rc<u8>>: Send, Sync, Clone);
assert_not_impl_any!(Consumer<Rc<u8>>: Send, Sync, Clone);

const CAPACITIES: [usize; 5] = [1, 2, 3, 7, 1024];

#[test]
fn values_come_out_in_order_on_every_lap() {
    for capacity in CAPACITIES {
        let queue = Spsc::new(capacity);
        assert_eq!(queue.capacity(), capacity);
        let (mut producer, mut consumer) = queue.split();
        assert_eq!((producer.capacity(), consumer.capacity()), (capacity, capacity));
        let (mut pushed, mut popped) = (0, 0);
        for lap in 0..50 {
            while producer.try_push(pushed).is_ok() {
                pushed += 1;
                assert_eq!((producer.len(), consumer.len()), (pushed - popped, pushed - popped));
            }
            assert_eq!(producer.try_push(pushed), Err(TryPushError::Full(pushed)));
            assert_eq!(consumer.len(), capacity);
            for _ in 0..=lap % capacity {
                assert_eq!(consumer.try_pop(), Ok(popped));
                popped += 1;
            }
        }
        while let Ok(value) = consumer.try_pop() {
            assert_eq!(value, popped);
            popped += 1;
        }
        assert_eq!((pushed, consumer.try_pop()), (popped, Err(TryPopError::Empty)));
        assert!(producer.is_empty() && consumer.is_empty());
    }
}

#[test]
fn no_capacity_is_refused() {
    assert!(catch_unwind(|| Spsc::<u8>::new(0)).is_err());
}

#[test]
fn many_are_pushed_as_far_as_there_is_room_and_popped_as_far_as_there_are() {
    for capacity in CAPACITIES {
        for begin in 0..capacity.min(20) {
            let (mut producer, mut consumer) = Spsc::new(capacity).split();
            for _ in 0..begin {
                producer.try_push(0).unwrap();
                consumer.try_pop().unwrap();
            }
            let mut values: Vec<_> = (0..capacity + 5).collect();
            assert_eq!(producer.push_many(&mut values), Ok(capacity));
            assert!(values.iter().copied().eq(capacity..capacity + 5));
            assert_eq!(producer.push_many(&mut values), Ok(0));
            assert_eq!(values.len(), 5);

            let mut popped = vec![77];
            assert_eq!(consumer.pop_many(&mut popped, 0), Ok(0));
            assert_eq!(consumer.pop_many(&mut popped, 1), Ok(1));
            assert_eq!(producer.push_many(&mut values), Ok(1));
            assert_eq!(consumer.pop_many(&mut popped, usize::MAX), Ok(capacity));
            assert_eq!(popped[0], 77);
            assert!(popped[1..].iter().copied().eq(0..=capacity));
            assert_eq!(consumer.pop_many(&mut popped, 1), Err(TryPopError::Empty));
            assert_eq!(producer.push_many(&mut Vec::new()), Ok(0));
        }
    }
}

#[test]
fn slices_show_free_slots_and_values_in_order_round_the_end() {
    for capacity in [1, 2, 3, 7, 8] {
        for begin in 0..2 * capacity {
            let (mut producer, mut consumer) = Spsc::new(capacity).split();
            for _ in 0..begin {
                producer.try_push(0).unwrap();
                consumer.try_pop().unwrap();
            }
            let (first, second) = producer.vacant_slices();
            assert_eq!(first.len() + second.len(), capacity);
            let slots = first.iter_mut().chain(second);
            let written = slots.zip(1..).map(|(slot, value)| *slot.write(value)).last().unwrap();
            assert_eq!(written, capacity);
            assert!(consumer.is_empty(), "nothing is pushed before the commit");
            // SAFETY: the last slot was not needed, and the others were written to just now.
            unsafe { producer.commit(capacity - 1) };
            // SAFETY: the slot was written to, and nothing since has changed it.
            unsafe { producer.commit(1) };
            let (first, second) = producer.vacant_slices();
            assert!(first.is_empty() && second.is_empty());

            let (first, second) = consumer.as_slices();
            assert!(first.iter().chain(second).copied().eq(1..=capacity));
            assert_eq!(consumer.discard(1), 1);
            assert_eq!(consumer.len(), capacity - 1);
            let (first, second) = consumer.as_slices();
            assert!(first.iter().chain(second).copied().eq(2..=capacity));
            assert_eq!(consumer.discard(usize::MAX), capacity - 1);
            assert_eq!(consumer.discard(1), 0);
            assert_eq!(consumer.as_slices(), (&[][..], &[][..]));
        }
    }
}

#[test]
fn more_than_the_vacant_slots_cannot_be_committed() {
    let (mut producer, _consumer) = Spsc::<u8>::new(2).split();
    producer.try_push(1).unwrap();
    // SAFETY: it refuses before it looks at a slot.
    assert!(catch_unwind(AssertUnwindSafe(|| unsafe { producer.commit(2) })).is_err());
    assert_eq!(producer.len(), 1);
}

#[test]
fn copied_slices_go_in_and_out_round_the_end() {
    for capacity in [1, 3, 7, 8] {
        let (mut producer, mut consumer) = Spsc::new(capacity).split();
        let (mut pushed, mut popped) = (0_u32, 0_u32);
        for round in 0..200 {
            let offered: Vec<u32> = (pushed..pushed + round % 11).collect();
            let room = capacity - producer.len();
            let count = producer.push_slice(&offered);
            assert_eq!(count, offered.len().min(room));
            pushed += count as u32;
            let mut received = vec![u32::MAX; round as usize % 5];
            let count = consumer.pop_slice(&mut received);
            assert_eq!(count, received.len().min((pushed - popped) as usize));
            assert!(received[..count].iter().copied().eq(popped..popped + count as u32));
            assert!(received[count..].iter().all(|&value| value == u32::MAX));
            popped += count as u32;
        }
        assert!(pushed > 100);
    }
}

#[test]
fn end_of_the_producer_closes_the_queue_behind_its_values() {
    let (mut producer, mut consumer) = Spsc::new(4).split();
    producer.try_push(1).unwrap();
    producer.try_push(2).unwrap();
    assert!(!consumer.is_closed());
    drop(producer);
    assert!(consumer.is_closed());
    assert_eq!((consumer.try_pop(), consumer.len()), (Ok(1), 1));
    let mut values = Vec::new();
    assert_eq!(consumer.pop_many(&mut values, 9), Ok(1));
    assert_eq!(values, [2]);
    assert_eq!(consumer.try_pop(), Err(TryPopError::Closed));
    assert_eq!(consumer.pop_many(&mut values, 1), Err(TryPopError::Closed));
    assert_eq!(consumer.pop_many(&mut values, 0), Ok(0));
}

#[test]
fn end_of_the_consumer_refuses_what_there_is_no_room_for() {
    let (mut producer, consumer) = Spsc::new(2).split();
    producer.try_push(1).unwrap();
    assert!(!producer.is_closed());
    drop(consumer);
    assert!(producer.is_closed());
    // As documented: there is room for it.
    producer.try_push(2).unwrap();
    assert_eq!(producer.try_push(3), Err(TryPushError::Closed(3)));
    let mut values = vec![3];
    assert_eq!(producer.push_many(&mut values), Err(Closed(())));
    assert_eq!(values, [3]);
    assert_eq!(producer.push_many(&mut Vec::new()), Ok(0));
}

#[test]
fn each_value_is_dropped_once_whichever_end_goes_first() {
    for producer_first in [true, false] {
        for panics in [2, 4, 7] {
            let ledger = Ledger::new(8);
            let (mut producer, mut consumer) = Spsc::new(7).split();
            let value =
                |number| if number == panics { ledger.panicking(number) } else { ledger.value(number) };
            producer.try_push(value(0)).unwrap();
            producer.try_push(value(1)).unwrap();
            drop((consumer.try_pop().unwrap(), consumer.try_pop().unwrap()));
            // From here on round the end of the slots.
            let mut values = (2..8).map(value).collect();
            assert_eq!(producer.push_many(&mut values), Ok(6));
            let ends = catch_unwind(AssertUnwindSafe(|| {
                if producer_first {
                    drop(producer);
                    assert_eq!(ledger.drops(), [1, 1, 0, 0, 0, 0, 0, 0]);
                    drop(consumer);
                } else {
                    drop(consumer);
                    assert_eq!(ledger.drops(), [1, 1, 0, 0, 0, 0, 0, 0]);
                    drop(producer);
                }
            }));
            assert!(ends.unwrap_err().downcast_ref::<String>().unwrap().contains("panics"));
            ledger.assert_each_once();
        }
    }
    let ledger = Ledger::new(1);
    let unsplit = Spsc::new(3);
    assert_eq!(format!("{unsplit:?}"), "Spsc { capacity: 3, .. }");
    let (mut producer, _) = unsplit.split();
    producer.try_push(ledger.value(0)).unwrap();
    drop(producer);
    ledger.assert_each_once();
}

#[test]
fn discard_goes_on_behind_a_destructor_that_panics() {
    let ledger = Ledger::new(10);
    let (mut producer, mut consumer) = Spsc::new(8).split();
    for number in 0..8 {
        let value = if number == 1 { ledger.panicking(number) } else { ledger.value(number) };
        producer.try_push(value).unwrap();
    }
    assert!(catch_unwind(AssertUnwindSafe(|| consumer.discard(4))).is_err());
    assert_eq!(ledger.drops(), [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    // The slots are free again, and the next value is the one after them.
    assert_eq!(producer.len(), 4);
    producer.try_push(ledger.value(8)).unwrap();
    producer.try_push(ledger.value(9)).unwrap();
    let mut values = Vec::new();
    assert_eq!(consumer.pop_many(&mut values, 10), Ok(6));
    assert!(values.iter().map(|value| value.number).eq(4..10));
    drop(values);
    ledger.assert_each_once();
}

#[test]
fn zero_sized_over_aligned_and_borrowing_values_are_no_exception() {
    #[derive(Debug)]
    #[repr(align(128))]
    struct Wide(u8);
    let (mut no_in, mut no_out) = Spsc::new(3).split();
    let (mut wide_in, mut wide_out) = Spsc::new(3).split();
    let words = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
    let (mut word_in, mut word_out) = Spsc::new(3).split();
    for number in 0..3 {
        no_in.try_push(()).unwrap();
        wide_in.try_push(Wide(number)).unwrap();
        word_in.try_push(words[usize::from(number)].as_str()).unwrap();
    }
    assert_eq!(no_in.try_push(()), Err(TryPushError::Full(())));
    assert_eq!(no_out.as_slices().0.len(), 3);
    let (wide, _) = wide_out.as_slices();
    assert_eq!(wide.as_ptr().addr() % 128, 0);
    assert!(wide.iter().map(|value| value.0).eq(0..3));
    assert_eq!(wide_out.discard(3), 3);
    for word in &words {
        assert_eq!((no_out.try_pop(), word_out.try_pop()), (Ok(()), Ok(word.as_str())));
    }
}

#[test]
fn debug_says_how_full_it_is() {
    let (mut producer, consumer) = Spsc::<Rc<u8>>::new(3).split();
    producer.try_push(Rc::new(1)).unwrap();
    assert_eq!(format!("{consumer:?}"), "Consumer { len: 1, capacity: 3, is_closed: false, .. }");
    drop(consumer);
    assert_eq!(format!("{producer:?}"), "Producer { len: 1, capacity: 3, is_closed: true, .. }");
}

#[test]
fn every_value_arrives_in_order_by_all_ways() {
    const VALUES: u32 = 200_000;
    for capacity in [1, 3, 64] {
        let (mut producer, mut consumer) = Spsc::new(capacity).split();
        let producing = thread::spawn(move || {
            let mut next = 0;
            while next < VALUES {
                let end = (next + 5).min(VALUES);
                let pushed = match next % 3 {
                    0 => usize::from(producer.try_push(next).is_ok()),
                    1 => producer.push_slice(&(next..end).collect::<Vec<_>>()),
                    _ => producer.push_many(&mut (next..end).collect()).unwrap(),
                };
                next += pushed as u32;
                if pushed == 0 {
                    thread::yield_now();
                }
            }
        });
        let mut received = Vec::new();
        for round in 0.. {
            let before = received.len();
            match round % 3 {
                0 => received.extend(consumer.try_pop()),
                1 => {
                    let (first, second) = consumer.as_slices();
                    received.extend(first.iter().chain(second));
                    consumer.discard(received.len() - before);
                }
                _ => match consumer.pop_many(&mut received, 4) {
                    Ok(_) => {}
                    Err(TryPopError::Empty) => thread::yield_now(),
                    Err(TryPopError::Closed) => break,
                },
            }
        }
        producing.join().unwrap();
        assert!(received.into_iter().eq(0..VALUES));
    }
}

#[test]
fn histories_of_both_ends_are_those_of_a_queue() {
    for round in 0..200 {
        let capacity = [1, 2, 3, 7][round as usize % 4];
        let (producer, consumer) = Spsc::new(capacity).split();
        // One thread uses each; the locks are never waited for.
        let (producer, consumer) = (std::sync::Mutex::new(producer), std::sync::Mutex::new(consumer));
        let history = record(2, 100, round, |thread, random| {
            if thread == 0 {
                let value = random.u32(..);
                match producer.try_lock().unwrap().try_push(value) {
                    Ok(()) => LineDone::Pushed(vec![value]),
                    Err(_) => LineDone::Failed,
                }
            } else {
                let mut values = Vec::new();
                match consumer.try_lock().unwrap().pop_many(&mut values, random.usize(1..4)) {
                    Ok(_) => LineDone::Popped(values),
                    Err(_) => LineDone::Failed,
                }
            }
        });
        if let Err(event) = check(Line::new(capacity), &history) {
            panic!("round {round}: no order explains {event:?} in {history:#?}");
        }
    }
}
