//! Models of unbounded channels: what `channel.rs` says of others. The queue in them has models of its own, and takes long.
#![cfg(freewheel_loom)]

use freewheel::{
    flow::channel,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        thread,
    },
};
use loom_tests::{check, explore};

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

/// Says that it was dropped.
struct Told(Arc<AtomicUsize>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn what_the_last_receiver_leaves_is_dropped() {
    check(1, || {
        let (sender, receiver) = channel::unbounded();
        let dropped = Arc::new(AtomicUsize::new(0));
        let (other, told) = (sender.clone(), Told(Arc::clone(&dropped)));
        let sent = thread::spawn(move || {
            let _ = other.try_send(told);
            other
        });
        let _ = sender.try_send(Told(Arc::clone(&dropped)));
        drop(receiver);
        let other = sent.join().unwrap();
        assert_eq!(dropped.load(Relaxed), 2);
        drop((sender, other));
    });
}
