//! Room that is reserved.

use std::{
    thread,
    time::{Duration, Instant},
};

use freewheel::flow::channel::{self, SendError, SendTimeoutError, TryRecvError, TrySendError};

use crate::waiting::{Task, eventually, join};

#[test]
fn a_permit_keeps_its_room() {
    let (sender, receiver) = channel::bounded(2);
    let (first, second) = (sender.try_reserve().unwrap(), sender.reserve().unwrap());
    assert_eq!(sender.try_reserve().unwrap_err(), TrySendError::Full(()));
    assert_eq!(sender.try_send("no"), Err(TrySendError::Full("no")));
    assert_eq!((sender.len(), receiver.try_recv()), (0, Err(TryRecvError::Empty)));
    first.send("a").unwrap();
    assert_eq!(sender.try_send("no"), Err(TrySendError::Full("no")));
    drop(second);
    assert_eq!(sender.try_send("b"), Ok(()));
    assert_eq!(receiver.drain().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((sender.stats().rejected, sender.stats().sent), (3, 2));
}

#[test]
fn a_permit_holds_up_nothing_that_others_send() {
    for (sender, receiver) in [channel::bounded(2), channel::unbounded()] {
        let permit = sender.try_reserve().unwrap();
        for value in 0..100 {
            sender.try_send(value).unwrap();
            assert_eq!(receiver.try_recv(), Ok(value));
        }
        permit.send(100).unwrap();
        assert_eq!(receiver.try_recv(), Ok(100));
    }
}

#[test]
fn a_permit_that_is_dropped_lets_one_that_waits_go_on() {
    let (sender, receiver) = channel::bounded(1);
    let permit = sender.try_reserve().unwrap();
    let sends = {
        let sender = sender.clone();
        thread::spawn(move || sender.send(1).unwrap())
    };
    eventually(|| sender.stats().waiting_senders == 1);
    drop(permit);
    join(sends);
    assert_eq!(receiver.try_recv(), Ok(1));

    let permit = sender.try_reserve().unwrap();
    let reserves = Task::waiting(sender.reserve_async());
    let mut sends = Task::waiting(sender.send_async(2));
    drop(permit);
    let permit = reserves.woken().unwrap();
    assert!(sends.poll().is_pending());
    drop(permit);
    sends.woken().unwrap();
    assert_eq!(receiver.try_recv(), Ok(2));
}

#[test]
fn reserve_waits_for_room() {
    let (sender, receiver) = channel::bounded(1);
    sender.send(1).unwrap();
    let sends = {
        let sender = sender.clone();
        thread::spawn(move || sender.reserve().unwrap().send(2))
    };
    eventually(|| sender.stats().waiting_senders == 1);
    assert!(!sends.is_finished());
    assert_eq!([receiver.recv(), receiver.recv()], [Ok(1), Ok(2)]);
    join(sends).unwrap();
}

#[test]
fn who_reserves_gives_up_in_time() {
    let (sender, receiver) = channel::bounded(1);
    let permit = sender.reserve_timeout(Duration::ZERO).unwrap();
    let short = Duration::from_millis(2);
    assert_eq!(sender.reserve_timeout(short).unwrap_err(), SendTimeoutError::Timeout(()));
    let deadline = Instant::now() + short;
    assert_eq!(sender.reserve_deadline(deadline).unwrap_err(), SendTimeoutError::Timeout(()));
    assert!(Instant::now() >= deadline);
    assert_eq!((sender.stats().rejected, sender.stats().waiting_senders), (2, 0));

    let reserves = {
        let sender = sender.clone();
        thread::spawn(move || sender.reserve_timeout(Duration::from_secs(600)).map(|permit| permit.send(2)))
    };
    eventually(|| sender.stats().waiting_senders == 1);
    drop(permit);
    assert_eq!(join(reserves), Ok(Ok(())));
    assert_eq!(receiver.recv(), Ok(2));
    receiver.close();
    assert_eq!(sender.reserve_timeout(short).unwrap_err(), SendTimeoutError::Closed(()));
}

#[test]
fn a_permit_gives_the_value_back_after_the_end() {
    for by_drop in [true, false] {
        for (sender, receiver) in [channel::bounded(1), channel::unbounded(), channel::rendezvous()] {
            let waits = Task::new(receiver.recv_async());
            let permit = if sender.capacity() == Some(0) {
                let mut waits = waits;
                assert!(waits.poll().is_pending());
                sender.try_reserve().unwrap()
            } else {
                drop(waits);
                sender.try_reserve().unwrap()
            };
            if by_drop {
                drop(receiver)
            } else {
                assert!(receiver.close())
            }
            assert_eq!(permit.send("late"), Err(SendError("late")));
            assert_eq!((sender.stats().sent, sender.len()), (0, 0));
        }
    }
}

#[test]
fn receivers_see_the_end_although_permits_are_held() {
    for (sender, receiver) in [channel::bounded(3), channel::unbounded()] {
        sender.send(1).unwrap();
        let (used, unused) = (sender.try_reserve().unwrap(), sender.reserve());
        let unused = unused.unwrap_or_else(|_| panic!("it is open"));
        receiver.close();
        assert_eq!([receiver.try_recv(), receiver.try_recv()], [Ok(1), Err(TryRecvError::Closed)]);
        assert_eq!(used.send(2), Err(SendError(2)));
        drop(unused);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    }
}

#[test]
fn many_permits_are_held_at_once() {
    for capacity in [1, 3, 1000, 4095] {
        let (sender, receiver) = channel::bounded(capacity);
        for lap in 0..3 {
            let permits: Vec<_> = (0..capacity).map(|_| sender.try_reserve().unwrap()).collect();
            assert!(sender.try_reserve().is_err() && sender.try_send(0).is_err());
            for (value, permit) in permits.into_iter().enumerate() {
                permit.send(lap + value).unwrap();
            }
            assert!(sender.try_reserve().is_err() && sender.try_send(0).is_err());
            assert!(receiver.drain().eq(lap..lap + capacity));
        }
    }
}

#[test]
fn of_very_many_places_four_thousand_can_be_reserved_and_the_rest_sent_to() {
    let (sender, receiver) = channel::bounded(10_000);
    let permits: Vec<_> = std::iter::from_fn(|| sender.try_reserve().ok()).collect();
    let held = permits.len();
    assert!((4095..=10_000).contains(&held), "{held}");
    let sent = (0..).take_while(|&value| sender.try_send(value).is_ok()).count();
    assert_eq!(sent + held, 10_000);
    assert_eq!(receiver.drain().count(), sent);
    drop(permits);
    assert_eq!((0..).take_while(|&value| sender.try_send(value).is_ok()).count(), 10_000);
}

#[test]
fn room_without_end_has_permits_without_end() {
    let (sender, receiver) = channel::unbounded();
    let permits: Vec<_> = (0..10_000).map(|_| sender.try_reserve().unwrap()).collect();
    permits.into_iter().enumerate().for_each(|(value, permit)| permit.send(value).unwrap());
    assert!(receiver.drain().eq(0..10_000));
}
