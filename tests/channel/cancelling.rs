//! Futures that are dropped: somebody else gets the value or the room.

use std::{task::Poll, thread};

use freewheel::flow::channel::{self, Receiver, Sender};

use crate::{
    values::Ledger,
    waiting::{Task, eventually, join},
};

fn kinds() -> [(Sender<u32>, Receiver<u32>); 3] {
    [channel::bounded(1), channel::unbounded(), channel::rendezvous()]
}

fn full() -> (Sender<u32>, Receiver<u32>) {
    let (sender, receiver) = channel::bounded(1);
    sender.send(0).unwrap();
    (sender, receiver)
}

#[test]
fn a_receiver_that_gives_up_leaves_the_value_to_the_next_one() {
    for (sender, receiver) in kinds() {
        let [before, notified, next] = [0, 1, 2].map(|_| Task::waiting(receiver.recv_async()));
        drop(before);
        sender.try_send(1).unwrap();
        assert!(notified.was_woken() && !next.was_woken());
        drop(notified);
        assert_eq!(next.woken(), Ok(1));
        assert_eq!(receiver.stats().waiting_receivers, 0);
    }
}

#[test]
fn one_of_many_values_that_gives_up_leaves_them_to_the_next_one() {
    for (sender, receiver) in kinds() {
        let (mut unused, mut values) = (Vec::new(), Vec::new());
        let notified = Task::waiting(receiver.recv_many_async(&mut unused, 4));
        let next = Task::waiting(receiver.recv_many_async(&mut values, 4));
        sender.try_send(1).unwrap();
        assert!(notified.was_woken() && !next.was_woken());
        drop(notified);
        assert_eq!(next.woken(), Ok(1));
        assert_eq!((unused, values), (vec![], vec![1]));
    }
}

#[test]
fn a_thread_gets_the_value_of_a_task_that_gives_up() {
    for (sender, receiver) in kinds() {
        let notified = Task::waiting(receiver.recv_async());
        let thread = {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.recv())
        };
        eventually(|| receiver.stats().waiting_receivers == 2);
        sender.try_send(1).unwrap();
        drop(notified);
        assert_eq!(join(thread), Ok(1));
    }
}

#[test]
fn a_sender_that_gives_up_leaves_the_room_to_the_next_one() {
    let (sender, receiver) = full();
    let [before, notified, next] = [1, 2, 3].map(|value| Task::waiting(sender.send_async(value)));
    drop(before);
    assert_eq!(receiver.recv(), Ok(0));
    assert!(notified.was_woken() && !next.was_woken());
    drop(notified);
    next.woken().unwrap();
    assert_eq!((receiver.recv(), receiver.try_recv().is_err()), (Ok(3), true));
    let stats = sender.stats();
    assert_eq!((stats.waiting_senders, stats.rejected, stats.sent), (0, 2, 2));
}

#[test]
fn who_reserves_and_gives_up_leaves_the_room_to_the_next_one() {
    let (sender, receiver) = full();
    let [before, notified] = [0, 1].map(|_| Task::waiting(sender.reserve_async()));
    let sends = Task::waiting(sender.send_async(1));
    let last = Task::waiting(sender.reserve_async());
    drop(before);
    assert_eq!(receiver.recv(), Ok(0));
    drop(notified);
    sends.woken().unwrap();
    assert_eq!(receiver.recv(), Ok(1));
    // The permit that comes out is given up as well.
    drop(last.woken());
    assert_eq!(sender.try_send(2), Ok(()));
}

#[test]
fn a_thread_gets_the_room_of_a_task_that_gives_up() {
    for reserves in [true, false] {
        let (sender, receiver) = full();
        let (send, reserve) = (Task::new(sender.send_async(1)), Task::new(sender.reserve_async()));
        let (mut send, mut reserve) = (send, reserve);
        if reserves {
            assert!(reserve.poll().is_pending())
        } else {
            assert!(send.poll().is_pending())
        }
        let thread = {
            let sender = sender.clone();
            thread::spawn(move || sender.send(2))
        };
        eventually(|| sender.stats().waiting_senders == 2);
        assert_eq!(receiver.recv(), Ok(0));
        assert!(send.was_woken() || reserve.was_woken());
        drop((send, reserve));
        join(thread).unwrap();
        assert_eq!(receiver.recv(), Ok(2));
    }
}

#[test]
fn who_reserves_in_a_rendezvous_and_gives_up_leaves_the_receiver_to_the_next_one() {
    let (sender, receiver) = channel::rendezvous();
    let notified = Task::waiting(sender.reserve_async());
    let next = Task::waiting(sender.reserve_async());
    let receives = Task::waiting(receiver.recv_async());
    assert!(notified.was_woken());
    drop(notified);
    next.woken().unwrap().send(1).unwrap();
    assert_eq!(receives.woken(), Ok(1));
}

#[test]
fn the_value_of_a_send_comes_out_unless_it_was_sent() {
    let (sender, receiver) = full();
    assert_eq!(sender.send_async(1).into_inner(), Some(1));
    let [waits, notified, next] = [2, 3, 4].map(|value| Task::waiting(sender.send_async(value)));
    assert_eq!(waits.into_inner().into_inner(), Some(2));
    assert_eq!(receiver.recv(), Ok(0));
    assert!(notified.was_woken());
    assert_eq!(notified.into_inner().into_inner(), Some(3));
    next.woken().unwrap();
    assert_eq!(receiver.recv(), Ok(4));
    let mut sent = Task::new(sender.send_async(5));
    assert_eq!(sent.poll(), Poll::Ready(Ok(())));
    assert_eq!((sent.into_inner().into_inner(), receiver.recv()), (None, Ok(5)));
    drop(receiver);
    let mut closed = Task::new(sender.send_async(6));
    assert!(closed.poll().is_ready());
    assert_eq!(closed.into_inner().into_inner(), None);
}

#[test]
fn the_value_of_an_offer_comes_out_unless_it_was_received() {
    let (sender, receiver) = channel::rendezvous();
    assert_eq!(sender.send_async(1).into_inner(), Some(1));
    let [waits, taken, other] = [2, 3, 4].map(|value| Task::waiting(sender.send_async(value)));
    assert_eq!(waits.into_inner().into_inner(), Some(2));
    assert_eq!(receiver.recv(), Ok(3));
    assert!(taken.was_woken());
    assert_eq!(taken.into_inner().into_inner(), None);
    receiver.close();
    assert_eq!(other.into_inner().into_inner(), Some(4));
}

#[test]
fn the_value_of_a_send_that_is_dropped_is_dropped_with_it_and_once() {
    for capacity in [0, 1] {
        let (sender, receiver) = channel::bounded(capacity);
        let ledger = Ledger::new(4);
        drop(sender.send_async(ledger.value(0)));
        let fills = Task::new(sender.send_async(ledger.value(1)));
        let (mut fills, waits) = (fills, Task::new(sender.send_async(ledger.value(2))));
        assert_eq!(fills.poll().is_ready(), capacity == 1);
        let mut waits = waits;
        assert!(waits.poll().is_pending());
        drop(waits);
        assert_eq!(ledger.drops(), [1, 0, 1, 0]);
        assert_eq!(receiver.recv().unwrap().number, 1);
        drop(fills);
        drop((sender, receiver, ledger.value(3)));
        ledger.assert_each_once();
    }
}

#[test]
fn who_gives_up_after_the_end_keeps_nobody_from_learning_of_it() {
    for (sender, receiver) in kinds() {
        let [first, second] = [0, 1].map(|_| Task::waiting(receiver.recv_async()));
        drop(sender);
        drop(first);
        assert!(second.woken().is_err());
    }
}

#[test]
fn an_offer_that_was_received_counts_as_sent_also_if_its_future_is_dropped() {
    let (sender, receiver) = channel::rendezvous();
    let taken = Task::waiting(sender.send_async(1));
    assert_eq!(receiver.recv(), Ok(1));
    drop(taken);
    assert_eq!((sender.stats().sent, sender.stats().rejected), (1, 0));
}

#[test]
fn a_send_whose_value_is_taken_out_while_it_waits_counts_as_one_that_is_dropped() {
    let (sender, _receiver) = full();
    drop(Task::waiting(sender.send_async(1)));
    assert_eq!(sender.stats().rejected, 1);
    assert_eq!(Task::waiting(sender.send_async(2)).into_inner().into_inner(), Some(2));
    assert_eq!(sender.stats().rejected, 2);
}
