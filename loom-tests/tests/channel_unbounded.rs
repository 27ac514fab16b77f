//! Models of unbounded channels: what `channel.rs` says of others. The queue in them has models of its own, and takes long.
#![cfg(freewheel_loom)]

use freewheel::{flow::channel, sync::thread};
use loom_tests::{abandoned, check, explore};

#[test]
fn a_receiver_that_waits_gets_what_is_sent() {
    check(2, || {
        let (sender, receiver) = channel::unbounded();
        let received = thread::spawn(move || receiver.recv());
        sender.send(Box::new(7)).unwrap();
        assert_eq!(received.join().unwrap(), Ok(Box::new(7)));
    });
}

#[test]
fn close_racing_send_loses_nothing() {
    explore(2, [(true, true), (false, false)], || {
        let (sender, receiver) = channel::unbounded();
        let sent = thread::spawn(move || sender.send(Box::new(7)).is_ok());
        receiver.close();
        (sent.join().unwrap(), receiver.try_recv().is_ok())
    });
}

#[test]
fn close_ends_who_waits() {
    check(1, || {
        let (sender, receiver) = channel::unbounded::<Box<u32>>();
        let received = thread::spawn(move || receiver.recv().is_err());
        sender.close();
        assert!(received.join().unwrap());
    });
}

#[test]
fn what_the_last_receiver_leaves_is_dropped() {
    check(1, || abandoned::is_dropped(channel::unbounded()));
}
