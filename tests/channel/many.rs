//! Receiving many values, and one after another.

use std::thread;

use freewheel::flow::channel::{self, Receiver, RecvError, Sender};

use crate::waiting::{eventually, join};

fn with_room() -> [(Sender<u32>, Receiver<u32>); 2] {
    [channel::bounded(64), channel::unbounded()]
}

#[test]
fn many_takes_what_is_there_and_no_more_than_asked_for() {
    for (sender, receiver) in with_room() {
        (0..10).for_each(|value| sender.send(value).unwrap());
        let mut values = vec![99];
        assert_eq!(receiver.recv_many(&mut values, 4), Ok(4));
        assert_eq!(receiver.recv_many(&mut values, 0), Ok(0));
        assert_eq!(values, [99, 0, 1, 2, 3]);
        values.clear();
        assert_eq!(receiver.recv_many(&mut values, usize::MAX), Ok(6));
        assert_eq!(values, [4, 5, 6, 7, 8, 9]);
        drop(sender);
        assert_eq!(receiver.recv_many(&mut values, 1), Err(RecvError));
    }
}

#[test]
fn many_waits_for_one() {
    for (sender, receiver) in [channel::bounded(2), channel::unbounded(), channel::rendezvous()] {
        let receives = thread::spawn(move || {
            let mut values = Vec::new();
            receiver.recv_many(&mut values, 8).map(|received| (received, values))
        });
        eventually(|| sender.stats().waiting_receivers == 1);
        sender.send(1).unwrap();
        assert_eq!(join(receives), Ok((1, vec![1])));
    }
}

#[test]
fn many_makes_room_for_all_that_wait() {
    let (sender, receiver) = channel::bounded(4);
    let sends = [0, 1, 2, 3].map(|thread| {
        let sender = sender.clone();
        thread::spawn(move || [0, 1, 2, 3].map(|value| sender.send(thread * 4 + value).unwrap()))
    });
    let mut values = Vec::new();
    while values.len() < 16 {
        assert!(receiver.recv_many(&mut values, 3).unwrap() <= 3);
    }
    sends.into_iter().for_each(|sends| assert_eq!(join(sends).len(), 4));
    values.sort_unstable();
    assert!(values.into_iter().eq(0..16));
}

#[test]
fn many_takes_offers_from_hand_to_hand() {
    let (sender, receiver) = channel::rendezvous();
    let sends = [1, 2, 3].map(|value| {
        let sender = sender.clone();
        thread::spawn(move || sender.send(value))
    });
    eventually(|| receiver.len() == 3);
    let mut values = Vec::new();
    assert_eq!(receiver.recv_many(&mut values, 8), Ok(3));
    sends.into_iter().for_each(|sends| join(sends).unwrap());
    values.sort_unstable();
    assert_eq!(values, [1, 2, 3]);
}

#[test]
fn drain_takes_what_is_there_and_does_not_wait() {
    for (sender, receiver) in with_room() {
        assert_eq!(receiver.drain().count(), 0);
        (0..5).for_each(|value| sender.send(value).unwrap());
        let mut drain = receiver.drain();
        assert_eq!(drain.size_hint(), (0, Some(5)));
        assert_eq!(drain.next(), Some(0));
        // What is sent meanwhile makes it no longer.
        (5..9).for_each(|value| sender.send(value).unwrap());
        assert_eq!(drain.collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(receiver.len(), 4);
        let mut drain = receiver.drain();
        receiver.drain().take(3).for_each(drop);
        assert_eq!([drain.next(), drain.next(), drain.next()], [Some(8), None, None]);
        sender.send(9).unwrap();
        // It ends for good.
        assert_eq!((drain.next(), drain.size_hint()), (None, (0, Some(0))));
        drop(drain);
        drop(sender);
        assert_eq!(receiver.drain().collect::<Vec<_>>(), [9]);
    }
}

#[test]
fn an_iterator_waits_until_the_end() {
    for (sender, receiver) in [channel::bounded(1), channel::unbounded(), channel::rendezvous()] {
        let sends = {
            let sender = sender.clone();
            thread::spawn(move || (0..100).for_each(|value| sender.send(value).unwrap()))
        };
        assert!(receiver.iter().take(40).eq(0..40));
        let mut borrowed = Vec::new();
        for value in &receiver {
            borrowed.push(value);
            if value == 69 {
                break;
            }
        }
        assert!(borrowed.into_iter().eq(40..70));
        drop(sender);
        let mut owned = receiver.into_iter();
        assert!(owned.by_ref().eq(70..100));
        assert_eq!(owned.next(), None);
        join(sends);
    }
}

#[test]
fn an_iterator_that_keeps_the_receiver_ends_the_channel_with_itself() {
    let (sender, receiver) = channel::bounded(4);
    let mut owned = receiver.into_iter();
    sender.send(1).unwrap();
    assert_eq!(owned.next(), Some(1));
    assert!(!sender.is_closed());
    drop(owned);
    assert!(sender.send(2).is_err());
}
