//! Channels that are closed, by either side.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Instant,
};

use freewheel::flow::{
    Context,
    channel::{
        self, Receiver, RecvContextError, RecvError, RecvTimeoutError, SendContextError, SendError,
        SendTimeoutError, Sender, TryRecvError, TrySendError,
    },
};

use crate::waiting::{LONG, NEVER, Task, eventually, join};

fn kinds<T>() -> [(Sender<T>, Receiver<T>); 4] {
    [channel::bounded(1), channel::bounded(16), channel::unbounded(), channel::rendezvous()]
}

fn assert_takes_nothing(sender: &Sender<u32>) {
    let rejected = sender.stats().rejected;
    let background = Context::background();
    assert!(sender.is_closed() && sender.stats().is_closed);
    assert_eq!(sender.send(1), Err(SendError(1)));
    assert_eq!(sender.try_send(2), Err(TrySendError::Closed(2)));
    assert_eq!(sender.send_timeout(3, NEVER), Err(SendTimeoutError::Closed(3)));
    assert_eq!(sender.send_deadline(4, Instant::now()), Err(SendTimeoutError::Closed(4)));
    assert_eq!(sender.send_ctx(&background, 5), Err(SendContextError::Closed(5)));
    assert_eq!(sender.reserve().unwrap_err(), SendError(()));
    assert_eq!(sender.try_reserve().unwrap_err(), TrySendError::Closed(()));
    assert!(Task::new(sender.reserve_async()).poll().map(|reserved| reserved.is_err()).is_ready());
    assert!(
        Task::new(sender.send_async(6)).poll().map(|sent| assert_eq!(sent, Err(SendError(6)))).is_ready()
    );
    assert_eq!(sender.stats().rejected, rejected);
}

fn assert_has_ended(receiver: &Receiver<u32>) {
    let mut values = vec![9];
    assert!(receiver.is_closed() && receiver.is_empty());
    assert_eq!(receiver.recv(), Err(RecvError));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(receiver.recv_timeout(NEVER), Err(RecvTimeoutError::Closed));
    assert_eq!(receiver.recv_deadline(Instant::now() + NEVER), Err(RecvTimeoutError::Closed));
    assert_eq!(receiver.recv_ctx(&Context::background()), Err(RecvContextError::Closed));
    assert_eq!(receiver.recv_many(&mut values, 8), Err(RecvError));
    assert!(Task::new(receiver.recv_async()).poll().map(|end| assert_eq!(end, Err(RecvError))).is_ready());
    let many = Task::new(receiver.recv_many_async(&mut values, 8)).poll();
    assert!(many.map(|end| assert_eq!(end, Err(RecvError))).is_ready());
    assert_eq!((receiver.iter().next(), receiver.drain().next(), values), (None, None, vec![9]));
}

#[test]
fn whichever_side_closes_nothing_is_sent_and_the_rest_is_received() {
    for by_sender in [true, false] {
        for (sender, receiver) in kinds() {
            let sent = sender.try_send(7).is_ok();
            assert!(!sender.is_closed() && !receiver.is_closed());
            let close = || if by_sender { sender.close() } else { receiver.close() };
            assert!(close() && !close());
            assert_takes_nothing(&sender);
            assert_eq!(receiver.try_recv().is_ok(), sent);
            assert_has_ended(&receiver);
            assert_takes_nothing(&sender);
        }
    }
}

#[test]
fn the_last_sender_ends_it_and_no_sooner() {
    for (sender, receiver) in kinds::<u32>() {
        let other = sender.clone();
        drop(sender);
        assert_eq!((receiver.is_closed(), receiver.stats().senders), (false, 1));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let sent = other.try_send(1).is_ok();
        drop(other);
        assert_eq!(receiver.try_recv().is_ok(), sent);
        assert_has_ended(&receiver);
    }
}

#[test]
fn the_last_receiver_ends_it_and_no_sooner() {
    for (sender, receiver) in kinds::<u32>() {
        let other = receiver.clone();
        drop(receiver);
        assert_eq!((sender.is_closed(), sender.stats().receivers), (false, 1));
        drop(other);
        assert_takes_nothing(&sender);
    }
}

/// Ends a channel while threads and tasks wait for room.
fn end_while_senders_wait(capacity: usize, end: impl FnOnce(Receiver<u32>)) {
    let (sender, receiver) = channel::bounded(capacity);
    (0..capacity).for_each(|_| sender.send(0).unwrap());
    let context = Context::background().with_timeout(NEVER);
    let of = |send: fn(&Sender<u32>, &Context) -> u32| {
        let (sender, context) = (sender.clone(), context.clone());
        thread::spawn(move || send(&sender, &context))
    };
    let threads = [
        of(|sender, _| sender.send(1).unwrap_err().into_inner()),
        of(|sender, _| sender.send_timeout(2, NEVER).unwrap_err().into_inner()),
        of(|sender, context| sender.send_ctx(context, 3).unwrap_err().into_inner()),
    ];
    let reserves = of(|sender, _| u32::from(sender.reserve().is_err()));
    let task = Task::waiting(sender.send_async(4));
    let reserving = Task::waiting(sender.reserve_async());
    eventually(|| {
        let stats = sender.stats();
        let offered = if capacity == 0 { stats.size } else { 0 };
        stats.waiting_senders + offered == 6
    });
    end(receiver);
    assert_eq!(task.woken(), Err(SendError(4)));
    assert_eq!(reserving.woken().unwrap_err(), SendError(()));
    assert_eq!(threads.map(join), [1, 2, 3]);
    assert_eq!(join(reserves), 1);
    let stats = sender.stats();
    assert_eq!((stats.waiting_senders, stats.sent), (0, capacity as u64));
}

#[test]
fn senders_that_wait_get_their_values_back() {
    for capacity in [0, 1, 3] {
        end_while_senders_wait(capacity, |receiver| {
            receiver.close();
        });
        end_while_senders_wait(capacity, drop);
    }
}

#[test]
fn receivers_that_wait_learn_of_the_end() {
    for by_hand in [true, false] {
        for (sender, receiver) in kinds::<u32>() {
            let of = |receive: fn(&Receiver<u32>) -> bool| {
                let receiver = receiver.clone();
                thread::spawn(move || receive(&receiver))
            };
            let threads = [
                of(|receiver| receiver.recv() == Err(RecvError)),
                of(|receiver| receiver.recv_timeout(NEVER) == Err(RecvTimeoutError::Closed)),
                of(|receiver| receiver.recv_many(&mut Vec::new(), 4) == Err(RecvError)),
                of(|receiver| receiver.iter().next().is_none()),
            ];
            let tasks = [0, 1].map(|_| Task::waiting(receiver.recv_async()));
            let mut values = Vec::new();
            let many = Task::waiting(receiver.recv_many_async(&mut values, 4));
            eventually(|| receiver.stats().waiting_receivers == 7);
            if by_hand {
                receiver.close();
            }
            drop(sender);
            assert_eq!(threads.map(join), [true; 4]);
            assert_eq!(tasks.map(Task::woken), [Err(RecvError); 2]);
            assert_eq!(many.woken(), Err(RecvError));
            assert_eq!(receiver.stats().waiting_receivers, 0);
        }
    }
}

#[test]
fn closing_amid_traffic_loses_nothing_that_was_sent() {
    for round in 0..50 {
        for (sender, receiver) in kinds::<u64>() {
            let begin = Arc::new(Barrier::new(5));
            let sends = [0, 1].map(|_| {
                let (sender, begin) = (sender.clone(), Arc::clone(&begin));
                thread::spawn(move || {
                    begin.wait();
                    (1..).take_while(|&value| sender.send(value).is_ok()).sum::<u64>()
                })
            });
            let receives = [0, 1].map(|_| {
                let (receiver, begin) = (receiver.clone(), Arc::clone(&begin));
                thread::spawn(move || {
                    begin.wait();
                    receiver.iter().sum::<u64>()
                })
            });
            begin.wait();
            eventually(|| receiver.stats().received > round);
            assert!(receiver.close());
            let sent: u64 = sends.map(join).into_iter().sum();
            assert_eq!(receives.map(join).into_iter().sum::<u64>(), sent);
            let stats = sender.stats();
            assert_eq!((stats.sent, stats.size), (stats.received, 0));
        }
    }
}

#[test]
fn a_deadline_is_no_end() {
    let (sender, receiver) = channel::bounded::<u32>(1);
    assert_eq!(receiver.recv_deadline(Instant::now()), Err(RecvTimeoutError::Timeout));
    sender.send_timeout(1, LONG).unwrap();
    assert_eq!(sender.send_deadline(2, Instant::now()), Err(SendTimeoutError::Timeout(2)));
    assert_eq!(receiver.recv_timeout(LONG), Ok(1));
}
