//! Models of `src/flow/select`: what one select does not use is there for others.
//!
//! A lost wake-up is a deadlock, which fails the model.
#![cfg(freewheel_loom)]

use freewheel::{
    flow::{
        Select,
        channel::{self, Receiver},
        select::SelectError,
    },
    sync::thread::{self, JoinHandle},
};
use loom_tests::{check, explore};

/// Selects from two channels, in another thread.
fn selects(first: &Receiver<u32>, second: &Receiver<u32>) -> JoinHandle<Result<u32, SelectError>> {
    let (first, second) = (first.clone(), second.clone());
    thread::spawn(move || Select::new().recv(&first, |value| value).recv(&second, |value| value).wait())
}

#[test]
fn a_select_gets_the_one_value_of_two_channels() {
    check(3, || {
        let (_first, empty) = channel::bounded(1);
        let (sender, receiver) = channel::bounded(1);
        let selected = selects(&empty, &receiver);
        sender.try_send(7).unwrap();
        assert_eq!(selected.join().unwrap(), Ok(7));
    });
}

/// It may be told of both, and takes one.
#[test]
fn what_a_select_was_told_and_does_not_take_is_told_to_others() {
    check(2, || {
        let (first_sender, first) = channel::bounded(1);
        let (second_sender, second) = channel::bounded(1);
        let selected = selects(&first, &second);
        let received = {
            let second = second.clone();
            thread::spawn(move || second.recv())
        };
        first_sender.try_send(1).unwrap();
        second_sender.try_send(2).unwrap();
        let selected = selected.join().unwrap().unwrap();
        if selected == 2 {
            // The other one waits still.
            second_sender.try_send(3).unwrap();
            assert_eq!(first.try_recv(), Ok(1));
        }
        let expected = if selected == 2 { 3 } else { 2 };
        assert_eq!(received.join().unwrap(), Ok(expected));
    });
}

#[test]
fn a_select_leaves_out_what_is_closed_and_tells_others() {
    check(2, || {
        let (closed_sender, closed) = channel::bounded::<u32>(1);
        let (sender, receiver) = channel::bounded(1);
        let selected = selects(&closed, &receiver);
        let ended = thread::spawn(move || closed.recv().is_err());
        drop(closed_sender);
        assert!(ended.join().unwrap());
        sender.try_send(7).unwrap();
        assert_eq!(selected.join().unwrap(), Ok(7));
    });
}

/// It may be the one that is told of the last value, and come too late: then it alone can tell others of the end.
#[test]
fn a_select_that_finds_the_end_tells_others() {
    check(2, || {
        let (last_sender, last) = channel::bounded::<u32>(1);
        let (sender, receiver) = channel::bounded(1);
        let other = last_sender.clone();
        let sends = thread::spawn(move || other.try_send(1).is_ok());
        let selected = selects(&last, &receiver);
        last.close();
        let taken = last.try_recv();
        let ended = last.recv();
        assert!(taken.is_err() || ended.is_err());
        sender.try_send(7).unwrap();
        assert!(matches!(selected.join().unwrap(), Ok(1 | 7)));
        sends.join().unwrap();
        drop(last_sender);
    });
}

#[test]
fn a_select_ends_when_all_is_closed() {
    check(2, || {
        let (first_sender, first) = channel::bounded::<u32>(1);
        let (second_sender, second) = channel::bounded::<u32>(1);
        first_sender.close();
        let selected = selects(&first, &second);
        drop(second_sender);
        assert_eq!(selected.join().unwrap(), Err(SelectError::Closed));
    });
}

#[test]
fn a_value_that_loses_stays_where_it_was() {
    explore(2, [(Some("sent"), None), (Some("received"), Some(2))], || {
        let (full_sender, full) = channel::bounded(1);
        full_sender.try_send(1).unwrap();
        let (sender, receiver) = channel::bounded(1);
        let other = thread::spawn(move || {
            sender.try_send(7).unwrap();
            let _ = full.try_recv();
            // Alive until here.
            (sender, full)
        });
        let mut value = Some(2);
        let done = Select::new()
            .send(&full_sender, &mut value, || "sent")
            .recv(&receiver, |seven| {
                assert_eq!(seven, 7);
                "received"
            })
            .wait()
            .ok();
        other.join().unwrap();
        (done, value)
    });
}

#[test]
fn two_selects_meet_at_a_rendezvous() {
    check(2, || {
        let (sender, receiver) = channel::rendezvous();
        let other = thread::spawn(move || {
            let mut value = Some(7);
            Select::new().send(&sender, &mut value, || ()).wait().unwrap();
            assert_eq!(value, None);
        });
        assert_eq!(Select::new().recv(&receiver, |value| value).wait(), Ok(7));
        other.join().unwrap();
    });
}
