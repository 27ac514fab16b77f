//! Values that nobody receives: dropped once, also if that panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use freewheel::flow::channel::{self, Receiver, Sender, TrySendError};

use crate::{
    values::{Ledger, Value},
    waiting::Task,
};

fn with_room() -> [(Sender<Value>, Receiver<Value>); 2] {
    [channel::bounded(64), channel::unbounded()]
}

#[test]
fn what_the_last_receiver_leaves_is_dropped_at_once_and_once() {
    for (sender, receiver) in with_room() {
        let ledger = Ledger::new(50);
        (0..50).for_each(|number| sender.send(ledger.value(number)).unwrap());
        assert_eq!(receiver.recv().unwrap().number, 0);
        drop(receiver.clone());
        assert_eq!(ledger.drops().iter().sum::<usize>(), 1);
        drop(receiver);
        ledger.assert_each_once();
        let stats = sender.stats();
        assert_eq!((stats.sent, stats.received, stats.size), (50, 50, 0));
    }
}

#[test]
fn what_the_senders_leave_waits_for_the_receivers() {
    for (sender, receiver) in with_room() {
        let ledger = Ledger::new(10);
        (0..10).for_each(|number| sender.send(ledger.value(number)).unwrap());
        drop(sender);
        assert_eq!(ledger.drops(), [0; 10]);
        assert_eq!(receiver.iter().take(4).map(|value| value.number).collect::<Vec<_>>(), [0, 1, 2, 3]);
        drop(receiver);
        ledger.assert_each_once();
    }
}

#[test]
fn what_was_handed_to_a_receiver_that_is_gone_is_dropped_with_the_last_one() {
    let (sender, receiver) = channel::rendezvous();
    let ledger = Ledger::new(2);
    let gives_up = Task::waiting(receiver.recv_async());
    sender.try_send(ledger.value(0)).unwrap();
    drop(gives_up);
    let offers = Task::waiting(sender.send_async(ledger.value(1)));
    assert_eq!(ledger.drops(), [0, 0]);
    drop(receiver);
    // What is offered still belongs to its sender.
    assert_eq!(ledger.drops(), [1, 0]);
    assert_eq!(offers.woken().unwrap_err().into_inner().number, 1);
    ledger.assert_each_once();
}

#[test]
fn a_destructor_that_panics_keeps_no_other_from_being_called() {
    for (sender, receiver) in with_room() {
        let ledger = Ledger::new(9);
        for number in 0..9 {
            let value = if number == 3 { ledger.panicking(number) } else { ledger.value(number) };
            sender.send(value).unwrap();
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
        ledger.assert_each_once();
        assert!(sender.is_closed());
    }
}

#[test]
fn a_destructor_that_panics_in_a_rendezvous_keeps_no_other_from_being_called() {
    let (sender, receiver) = channel::rendezvous();
    let ledger = Ledger::new(3);
    let gives_up = [0, 1, 2].map(|_| Task::waiting(receiver.recv_async()));
    for number in 0..3 {
        let value = if number == 0 { ledger.panicking(number) } else { ledger.value(number) };
        sender.try_send(value).unwrap();
    }
    drop(gives_up);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
    ledger.assert_each_once();
}

#[test]
fn a_send_that_is_given_up_and_panics_leaves_the_channel_as_it_was() {
    for capacity in [0, 1] {
        let (sender, receiver) = channel::bounded(capacity);
        let ledger = Ledger::new(3);
        let fills = (capacity == 1).then(|| sender.send(ledger.value(0)).unwrap());
        let sends = Task::waiting(sender.send_async(ledger.panicking(1)));
        let other = Task::waiting(sender.send_async(ledger.value(2)));
        assert!(catch_unwind(AssertUnwindSafe(|| drop(sends))).is_err());
        assert_eq!(ledger.drops(), [0, 1, 0]);
        if fills.is_some() {
            assert_eq!(receiver.recv().unwrap().number, 0);
            other.woken().unwrap();
            assert_eq!(receiver.recv().unwrap().number, 2);
        } else {
            assert_eq!(receiver.recv().unwrap().number, 2);
            other.woken().unwrap();
        }
        let stats = sender.stats();
        assert_eq!((stats.waiting_senders, stats.size), (0, 0));
    }
}

#[test]
fn a_value_that_comes_back_is_not_dropped_on_the_way() {
    let (sender, receiver) = channel::bounded(1);
    let ledger = Ledger::new(3);
    sender.send(ledger.value(0)).unwrap();
    let Err(TrySendError::Full(value)) = sender.try_send(ledger.value(1)) else { panic!("it is full") };
    assert_eq!((value.number, ledger.drops()), (1, vec![0; 3]));
    drop(receiver);
    assert_eq!(ledger.drops(), [1, 0, 0]);
    assert_eq!(sender.send(value).unwrap_err().into_inner().number, 1);
    drop(sender.send_async(ledger.value(2)));
    ledger.assert_each_once();
}
