//! What a channel says of itself.

use std::{thread, time::Duration};

use freewheel::flow::{
    Context, WaitStrategy,
    channel::{self, Receiver, Sender},
};

use crate::waiting::{Task, eventually, join};

fn kinds() -> [(Sender<u32>, Receiver<u32>); 4] {
    [channel::bounded(1), channel::bounded(16), channel::unbounded(), channel::rendezvous()]
}

#[test]
fn a_new_channel_has_one_end_on_each_side_and_nothing_in_it() {
    let capacities = [Some(1), Some(16), None, Some(0)];
    for ((sender, receiver), capacity) in kinds().into_iter().zip(capacities) {
        let stats = sender.stats();
        assert_eq!((stats.sent, stats.received, stats.rejected, stats.size), (0, 0, 0, 0));
        assert_eq!((stats.senders, stats.receivers, stats.is_closed), (1, 1, false));
        assert_eq!((stats.waiting_senders, stats.waiting_receivers), (0, 0));
        assert_eq!([stats.capacity, sender.capacity(), receiver.capacity()], [capacity; 3]);
        assert_eq!((sender.len(), receiver.is_empty(), receiver.stats()), (0, true, stats));
    }
}

#[test]
fn ends_are_counted_and_know_each_other() {
    for (sender, receiver) in kinds() {
        let (senders, receivers) = (vec![sender.clone(); 3], vec![receiver.clone(); 2]);
        assert_eq!((sender.stats().senders, sender.stats().receivers), (4, 3));
        assert!(senders.iter().all(|other| other.same_channel(&sender)));
        assert!(receivers.iter().all(|other| other.same_channel(&receiver)));
        let (other, another) = channel::bounded(1);
        assert!(!sender.same_channel(&other) && !receiver.same_channel(&another));
        drop((senders, receivers));
        assert_eq!((receiver.stats().senders, receiver.stats().receivers), (1, 1));
    }
}

#[test]
fn sent_and_received_differ_by_what_is_in_it() {
    let (sender, receiver) = channel::bounded(3);
    for lap in 0..100 {
        (0..3).for_each(|value| sender.send(value).unwrap());
        assert!(sender.try_send(9).is_err() && sender.try_reserve().is_err());
        let stats = sender.stats();
        assert_eq!((stats.sent, stats.received, stats.size), (lap * 3 + 3, lap * 3, 3));
        assert_eq!(stats.rejected, lap * 2 + 2);
        assert_eq!(receiver.drain().count(), 3);
    }
}

#[test]
fn who_waits_is_counted() {
    let (sender, receiver) = channel::bounded(1);
    sender.send(0).unwrap();
    let sends = [1, 2].map(|value| Task::waiting(sender.send_async(value)));
    let reserves = Task::waiting(sender.reserve_async());
    let (context, handle) = Context::background().with_cancel();
    let thread = {
        let sender = sender.clone();
        thread::spawn(move || sender.send_ctx(&context, 3))
    };
    eventually(|| receiver.stats().waiting_senders == 4);
    handle.cancel();
    assert!(join(thread).is_err());
    assert_eq!(receiver.stats().waiting_senders, 3);
    drop((sends, reserves));
    assert_eq!((receiver.stats().waiting_senders, receiver.stats().rejected), (0, 3));

    assert_eq!(receiver.recv(), Ok(0));
    let receives = [0, 1, 2].map(|_| Task::waiting(receiver.recv_async()));
    assert_eq!(sender.stats().waiting_receivers, 3);
    drop(receives);
    assert_eq!(sender.stats().waiting_receivers, 0);
}

#[test]
fn a_channel_has_the_name_it_was_given() {
    let (sender, receiver) = channel::builder::<u8>("orders").build();
    assert_eq!((sender.name(), receiver.name(), sender.capacity()), ("orders", "orders", None));
    let (sender, _receiver) = channel::builder::<u8>(format!("line {}", 7)).capacity(0).build();
    assert_eq!((sender.name(), sender.capacity()), ("line 7", Some(0)));
    assert_eq!(channel::unbounded::<u8>().1.name(), "");
}

#[test]
fn a_channel_works_whatever_its_threads_do_before_they_park() {
    for strategy in [WaitStrategy::Park, WaitStrategy::SpinThenPark, WaitStrategy::Spin] {
        for capacity in [0, 1, 8] {
            let (sender, receiver) = channel::builder("").capacity(capacity).wait_strategy(strategy).build();
            let sends = thread::spawn(move || (0..200).for_each(|value| sender.send(value).unwrap()));
            assert!(receiver.iter().eq(0..200));
            join(sends);
            assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err());
        }
    }
}

#[test]
fn who_spins_gives_up_in_time() {
    for capacity in [0, 1] {
        let builder = channel::builder("").capacity(capacity).wait_strategy(WaitStrategy::Spin);
        let (sender, receiver) = builder.build();
        let short = Duration::from_millis(2);
        assert!(receiver.recv_timeout(short).is_err());
        if capacity == 1 {
            sender.send(1).unwrap();
        }
        assert_eq!(sender.send_timeout(2, short).unwrap_err().into_inner(), 2);
        assert_eq!(receiver.len(), capacity);
    }
}
