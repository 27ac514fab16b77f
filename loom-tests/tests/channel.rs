//! Models of `src/flow/channel`, but for unbounded ones: nobody sleeps while there is something for him, and no value is lost.
//!
//! A lost wake-up is a deadlock, which fails the model. Values are boxed, so that one that is lost or dropped twice is noticed.
#![cfg(freewheel_loom)]

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use freewheel::{
    flow::WaitStrategy,
    flow::channel::{
        self, Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TrySendError,
    },
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        cell::UnsafeCell,
        thread::{self, JoinHandle},
    },
};
use loom_tests::{
    abandoned, check, explore,
    task::{block_on, poll_once},
};

type Value = Box<u32>;

fn recv(receiver: &Receiver<Value>) -> Option<u32> {
    receiver.recv().ok().map(|value| *value)
}

/// Receives once, in another thread.
fn receives(receiver: &Receiver<Value>) -> JoinHandle<Option<u32>> {
    let receiver = receiver.clone();
    thread::spawn(move || recv(&receiver))
}

/// Sends once, in another thread.
fn sends(sender: &Sender<Value>, value: u32) -> JoinHandle<Result<(), u32>> {
    let sender = sender.clone();
    thread::spawn(move || sender.send(Box::new(value)).map_err(|SendError(value)| *value))
}

/// As if its time were up at once.
const NO_TIME: Duration = Duration::ZERO;

#[test]
fn a_receiver_that_waits_gets_what_is_sent() {
    for capacity in [1, 0] {
        check(3, move || {
            let (sender, receiver) = channel::bounded(capacity);
            let received = receives(&receiver);
            sender.send(Box::new(7)).unwrap();
            assert_eq!(received.join().unwrap(), Some(7));
        });
    }
}

#[test]
fn a_sender_that_waits_gets_room() {
    check(3, || {
        let (sender, receiver) = channel::bounded(1);
        sender.send(Box::new(1)).unwrap();
        let sent = sends(&sender, 2);
        assert_eq!((recv(&receiver), recv(&receiver)), (Some(1), Some(2)));
        sent.join().unwrap().unwrap();
    });
}

#[test]
fn tasks_wait_as_threads_do() {
    check(2, || {
        let (sender, receiver) = channel::bounded::<Value>(1);
        let received = thread::spawn(move || {
            block_on(async { [*receiver.recv_async().await.unwrap(), *receiver.recv_async().await.unwrap()] })
        });
        block_on(async {
            sender.send_async(Box::new(1)).await.unwrap();
            sender.send_async(Box::new(2)).await.unwrap();
        });
        assert_eq!(received.join().unwrap(), [1, 2]);
    });
}

/// One value can be hidden behind the other one, which is being sent still: who is told of it looks in vain.
#[test]
fn two_receivers_get_the_values_of_two_senders() {
    check(2, || {
        let (sender, receiver) = channel::bounded(2);
        let received = receives(&receiver);
        let other = sender.clone();
        let sent = thread::spawn(move || assert!(other.try_send(Box::new(1)).is_ok()));
        assert!(sender.try_send(Box::new(2)).is_ok());
        let sum = recv(&receiver).unwrap() + received.join().unwrap().unwrap();
        assert_eq!(sum, 3);
        sent.join().unwrap();
    });
}

/// The same for room.
#[test]
fn two_senders_get_the_room_that_two_receivers_make() {
    check(2, || {
        let (sender, receiver) = channel::bounded(2);
        (1..3).for_each(|value| sender.send(Box::new(value)).unwrap());
        let sent = sends(&sender, 3);
        let other = receiver.clone();
        let received = thread::spawn(move || *other.try_recv().unwrap());
        let first = *receiver.try_recv().unwrap();
        sender.send(Box::new(4)).unwrap();
        assert_eq!(first + received.join().unwrap(), 3);
        sent.join().unwrap().unwrap();
        assert_eq!(receiver.len(), 2);
    });
}

#[test]
fn close_racing_send_loses_nothing() {
    explore(3, [(true, Some(7)), (false, None)], || {
        let (sender, receiver) = channel::bounded(1);
        let sent = sends(&sender, 7);
        receiver.close();
        let sent = match sent.join().unwrap() {
            Ok(()) => true,
            Err(value) => {
                assert_eq!(value, 7);
                false
            }
        };
        (sent, recv(&receiver))
    });
}

#[test]
fn close_ends_who_waits() {
    for capacity in [1, 0] {
        check(2, move || {
            let (sender, receiver) = channel::bounded(capacity);
            let received = [receives(&receiver), receives(&receiver)];
            sender.close();
            assert_eq!(received.map(|received| received.join().unwrap()), [None, None]);
        });
    }
    for capacity in [1, 0] {
        check(2, move || {
            let (sender, receiver) = channel::bounded(capacity);
            let _ = sender.try_send(Box::new(0));
            let sent = [sends(&sender, 1), sends(&sender, 2)];
            receiver.close();
            assert_eq!(sent.map(|sent| sent.join().unwrap()), [Err(1), Err(2)]);
        });
    }
}

#[test]
fn the_last_sender_closes_the_channel() {
    for capacity in [1, 0] {
        check(2, move || {
            let (sender, receiver) = channel::bounded(capacity);
            let other = sender.clone();
            let dropped = thread::spawn(move || drop(other));
            let received = receives(&receiver);
            drop(sender);
            assert_eq!(received.join().unwrap(), None);
            dropped.join().unwrap();
        });
    }
}

/// A cell that the model writes once, and then reads.
struct Written(UnsafeCell<u32>);

// SAFETY: it is read when all who write it are done, says the model; loom checks that.
unsafe impl Sync for Written {}
// SAFETY: as above.
unsafe impl Send for Written {}

#[test]
fn the_end_comes_after_all_that_senders_did() {
    for capacity in [1, 0] {
        check(3, move || {
            let (sender, receiver) = channel::bounded::<Value>(capacity);
            let written = Arc::new(Written(UnsafeCell::new(0)));
            let (other, cell) = (sender.clone(), Arc::clone(&written));
            let writes = thread::spawn(move || {
                // SAFETY: the only one that writes.
                cell.0.with_mut(|cell| unsafe { *cell = 7 });
                drop(other);
            });
            let drops = thread::spawn(move || drop(sender));
            assert_eq!(recv(&receiver), None);
            // SAFETY: whoever wrote is done.
            assert_eq!(written.0.with(|cell| unsafe { *cell }), 7);
            writes.join().unwrap();
            drops.join().unwrap();
        });
    }
}

/// Nobody but who receives the last value can tell the others that it was the last.
#[test]
fn all_receivers_learn_of_the_end_behind_a_value_that_is_being_sent() {
    explore(2, [true, false], || {
        let (sender, receiver) = channel::bounded(1);
        let received = receives(&receiver);
        // This one stays until the end: closing the channel once more would tell all.
        let other = sender.clone();
        let sent = thread::spawn(move || other.try_send(Box::new(7)).is_ok());
        receiver.close();
        let values = [recv(&receiver), received.join().unwrap()];
        let sent = sent.join().unwrap();
        assert_eq!(values.into_iter().flatten().count(), usize::from(sent));
        drop(sender);
        sent
    });
}

/// Also if it is being sent when the last receiver is dropped, and though there are senders still.
#[test]
fn what_the_last_receiver_leaves_is_dropped() {
    check(2, || abandoned::is_dropped(channel::bounded(2)));
}

#[test]
fn one_that_never_parks_meets_at_a_rendezvous() {
    check(2, || {
        let (sender, receiver) = channel::builder("").capacity(0).wait_strategy(WaitStrategy::Spin).build();
        let received = receives(&receiver);
        sender.reserve().unwrap().send(Box::new(7)).unwrap();
        assert_eq!(received.join().unwrap(), Some(7));
    });
}

#[test]
fn a_receiver_that_is_dropped_passes_its_token_on() {
    check(2, || {
        let (sender, receiver) = channel::bounded::<Value>(2);
        let other = receiver.clone();
        let gives_up = thread::spawn(move || {
            let mut receiving = pin!(other.recv_async());
            poll_once(receiving.as_mut()).map(|received| *received.unwrap())
        });
        let received = receives(&receiver);
        sender.send(Box::new(7)).unwrap();
        // The other one has it, if it was in time.
        if gives_up.join().unwrap().is_some() {
            sender.send(Box::new(8)).unwrap();
        }
        assert!(received.join().unwrap().is_some());
    });
}

#[test]
fn a_sender_that_is_dropped_passes_its_token_on() {
    explore(2, [None, Some(2)], || {
        let (sender, receiver) = channel::bounded(1);
        sender.send(Box::new(1)).unwrap();
        let other = sender.clone();
        let gives_up = thread::spawn(move || {
            let mut sending = other.send_async(Box::new(2));
            let is_sent = poll_once(Pin::new(&mut sending)).is_some();
            assert_eq!(sending.into_inner().is_none(), is_sent);
            is_sent
        });
        let sent = sends(&sender, 3);
        assert_eq!(recv(&receiver), Some(1));
        let second = if gives_up.join().unwrap() { recv(&receiver) } else { None };
        // In either order.
        let third = recv(&receiver);
        sent.join().unwrap().unwrap();
        let mut rest = [second, third];
        rest.sort_unstable();
        assert_eq!(rest[1], Some(3));
        rest[0]
    });
}

#[test]
fn who_is_late_loses_nothing() {
    explore(2, [(true, 0), (false, 1)], || {
        let (sender, receiver) = channel::bounded::<Value>(1);
        let late = thread::spawn({
            let receiver = receiver.clone();
            move || receiver.recv_timeout(NO_TIME)
        });
        sender.send(Box::new(7)).unwrap();
        let received = late.join().unwrap();
        assert!(matches!(received, Ok(_) | Err(RecvTimeoutError::Timeout)));
        (received.is_ok(), receiver.len())
    });
    explore(2, [(true, 1), (false, 0)], || {
        let (sender, receiver) = channel::bounded::<Value>(1);
        sender.send(Box::new(1)).unwrap();
        let late = thread::spawn({
            let sender = sender.clone();
            move || sender.send_timeout(Box::new(2), NO_TIME)
        });
        assert_eq!(recv(&receiver), Some(1));
        let sent = late.join().unwrap();
        assert!(matches!(&sent, Ok(()) | Err(SendTimeoutError::Timeout(_))));
        (sent.is_ok(), receiver.len())
    });
}

#[test]
fn reserved_room_is_nobody_elses() {
    explore(3, [(true, false), (false, true)], || {
        let (sender, receiver) = channel::bounded::<Value>(1);
        let other = sender.clone();
        let sent = thread::spawn(move || other.try_send(Box::new(1)).is_ok());
        let reserved = match sender.try_reserve() {
            Ok(permit) => {
                permit.send(Box::new(2)).unwrap();
                true
            }
            Err(TrySendError::Full(())) => false,
            Err(TrySendError::Closed(())) => panic!("nobody closes it"),
        };
        let sent = sent.join().unwrap();
        assert_eq!(receiver.drain().count(), 1);
        (reserved, sent)
    });
}

/// Permits are all alike: one may send where the other one has seen that there is room.
#[test]
fn a_permit_is_good_for_room_that_another_has_seen() {
    check(2, || {
        let (sender, receiver) = channel::bounded::<Value>(2);
        (1..3).for_each(|value| sender.send(Box::new(value)).unwrap());
        let permit = {
            assert_eq!(recv(&receiver), Some(1));
            sender.try_reserve().unwrap()
        };
        let received = receives(&receiver);
        let other = sender.clone();
        let reserves = thread::spawn(move || {
            if let Ok(permit) = other.try_reserve() {
                permit.send(Box::new(3)).unwrap();
            }
        });
        permit.send(Box::new(4)).unwrap();
        assert_eq!(received.join().unwrap(), Some(2));
        reserves.join().unwrap();
        let rest: Vec<u32> = receiver.drain().map(|value| *value).collect();
        assert!(matches!(rest[..], [4] | [3, 4] | [4, 3]), "{rest:?}");
    });
}

/// A send may take the place that was reserved, and leave another one that it has seen.
#[test]
fn a_permit_is_good_for_room_that_a_send_has_seen() {
    check(2, || {
        let (sender, receiver) = channel::bounded::<Value>(2);
        (1..3).for_each(|value| sender.send(Box::new(value)).unwrap());
        assert_eq!(recv(&receiver), Some(1));
        let permit = sender.try_reserve().unwrap();
        let received = receives(&receiver);
        let other = sender.clone();
        let sends = thread::spawn(move || other.try_send(Box::new(3)).is_ok());
        permit.send(Box::new(4)).unwrap();
        assert_eq!(received.join().unwrap(), Some(2));
        let has_sent = sends.join().unwrap();
        assert_eq!(receiver.drain().count(), 1 + usize::from(has_sent));
    });
}

/// And a send may take the place that somebody else has reserved, and has seen to be free.
#[test]
fn a_send_is_good_for_room_that_a_permit_has_seen() {
    check(2, || {
        let (sender, receiver) = channel::bounded::<Value>(2);
        (1..3).for_each(|value| sender.send(Box::new(value)).unwrap());
        // Each place is freed by a thread of its own, and a third one sees that the first one is free.
        let frees = [receiver.clone(), receiver.clone()]
            .map(|receiver| thread::spawn(move || drop(receiver.try_recv())));
        let has_tried = Arc::new(AtomicUsize::new(0));
        let (other, reserved) = (sender.clone(), Arc::clone(&has_tried));
        let reserves = thread::spawn(move || {
            let _ = other.try_reserve().map(std::mem::forget);
            reserved.store(1, Relaxed);
        });
        while has_tried.load(Relaxed) == 0 {
            thread::yield_now();
        }
        let _ = sender.try_send(Box::new(3));
        frees.into_iter().for_each(|frees| frees.join().unwrap());
        reserves.join().unwrap();
    });
}

#[test]
fn a_permit_that_is_dropped_makes_room() {
    check(3, || {
        let (sender, receiver) = channel::bounded(1);
        let permit = sender.try_reserve().unwrap();
        let sent = sends(&sender, 7);
        drop(permit);
        sent.join().unwrap().unwrap();
        assert_eq!(recv(&receiver), Some(7));
    });
}

#[test]
fn who_waits_for_a_permit_gets_one() {
    check(3, || {
        let (sender, receiver) = channel::bounded(1);
        sender.send(Box::new(1)).unwrap();
        let reserves = thread::spawn(move || sender.reserve().unwrap().send(Box::new(2)).unwrap());
        assert_eq!((recv(&receiver), recv(&receiver)), (Some(1), Some(2)));
        reserves.join().unwrap();
    });
}

#[test]
fn a_permit_racing_close_gives_the_value_back() {
    explore(3, [(true, Some(7)), (false, None)], || {
        let (sender, receiver) = channel::bounded::<Value>(1);
        let permit = sender.try_reserve().unwrap();
        let other = receiver.clone();
        let closes = thread::spawn(move || other.close());
        let sent = permit.send(Box::new(7));
        closes.join().unwrap();
        let is_sent = sent.map_err(|SendError(value)| assert_eq!(*value, 7)).is_ok();
        (is_sent, receiver.try_recv().ok().map(|value| *value))
    });
}

#[test]
fn a_rendezvous_that_is_given_up_gives_the_value_back_or_has_taken_place() {
    explore(2, [(true, Some(7)), (false, None)], || {
        let (sender, receiver) = channel::rendezvous::<Value>();
        let received = thread::spawn(move || receiver.try_recv().ok().map(|value| *value));
        let sent = sender.send_timeout(Box::new(7), NO_TIME);
        let is_sent = sent.map_err(|error| assert_eq!(*error.into_inner(), 7)).is_ok();
        (is_sent, received.join().unwrap())
    });
}

#[test]
fn a_rendezvous_is_handed_to_who_waits() {
    check(2, || {
        let (sender, receiver) = channel::rendezvous::<Value>();
        let received = receives(&receiver);
        let mut value = Box::new(7);
        while let Err(TrySendError::Full(unsent)) = sender.try_send(value) {
            value = unsent;
            thread::yield_now();
        }
        assert_eq!(received.join().unwrap(), Some(7));
    });
    check(2, || {
        let (sender, receiver) = channel::rendezvous::<Value>();
        let received = receives(&receiver);
        sender.reserve().unwrap().send(Box::new(7)).unwrap();
        assert_eq!(received.join().unwrap(), Some(7));
    });
}

#[test]
fn who_was_received_sees_what_the_receiver_did_before() {
    check(2, || {
        let (sender, receiver) = channel::rendezvous::<Value>();
        let seen = Arc::new(AtomicUsize::new(0));
        let other = Arc::clone(&seen);
        let received = thread::spawn(move || {
            other.store(1, Relaxed);
            assert_eq!(receiver.recv().map(|value| *value), Ok(7));
            assert_eq!(receiver.recv().map(|value| *value), Err(RecvError));
        });
        sender.send(Box::new(7)).unwrap();
        assert_eq!(seen.load(Relaxed), 1);
        drop(sender);
        received.join().unwrap();
    });
}
