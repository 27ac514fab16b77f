use std::{thread, time::Duration};

use freewheel::flow::channel::{self, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};

#[test]
fn values_come_out_in_the_order_they_went_in() {
    for (sender, receiver) in [channel::bounded(3), channel::unbounded(), channel::rendezvous()] {
        let sends = thread::spawn(move || (0..10_000).for_each(|value| sender.send(value).unwrap()));
        assert!(receiver.iter().eq(0..10_000));
        sends.join().unwrap();
    }
}

#[test]
fn several_senders_and_receivers_share_a_channel() {
    for (sender, receiver) in [channel::bounded(3), channel::unbounded(), channel::rendezvous()] {
        let sends: Vec<_> = (0..4)
            .map(|thread| {
                let sender = sender.clone();
                thread::spawn(move || (0..5000).for_each(|value| sender.send(thread * 5000 + value).unwrap()))
            })
            .collect();
        drop(sender);
        let receives: Vec<_> = (0..4)
            .map(|_| {
                let receiver = receiver.clone();
                thread::spawn(move || receiver.into_iter().collect::<Vec<u32>>())
            })
            .collect();
        sends.into_iter().for_each(|sends| sends.join().unwrap());
        let mut values: Vec<u32> =
            receives.into_iter().flat_map(|receives| receives.join().unwrap()).collect();
        values.sort_unstable();
        assert!(values.into_iter().eq(0..20_000));
    }
}

#[test]
fn a_full_channel_gives_the_value_back() {
    let (sender, receiver) = channel::bounded(1);
    sender.try_send("a").unwrap();
    assert_eq!(sender.try_send("b"), Err(TrySendError::Full("b")));
    assert_eq!(sender.send_timeout("c", Duration::from_millis(1)), Err(SendTimeoutError::Timeout("c")));
    assert_eq!(sender.stats().rejected, 2);
    assert_eq!(receiver.try_recv(), Ok("a"));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
}
