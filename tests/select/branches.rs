//! What a select does, and what it leaves alone.

use std::{thread, time::Duration};

use freewheel::flow::{
    Select,
    channel::{self, RecvError, TryRecvError},
    select::SelectError,
};
use static_assertions::assert_impl_all;

use crate::waiting::{Task, eventually, join};

assert_impl_all!(Select<'static>: Send, Unpin);
assert_impl_all!(SelectError: std::error::Error, Send, Sync, Copy);

#[test]
fn the_one_that_is_ready_is_done_and_the_others_are_left_alone() {
    let channels: [_; 3] = std::array::from_fn(|_| channel::bounded(2));
    for ready in 0..3 {
        channels[ready].0.send(ready).unwrap();
        let done = Select::new()
            .recv(&channels[0].1, |value| (0, value))
            .recv(&channels[1].1, |value| (1, value))
            .recv(&channels[2].1, |value| (2, value))
            .wait();
        assert_eq!(done, Ok((ready, ready)));
    }
    channels.iter().for_each(|(sender, _)| sender.send(7).unwrap());
    Select::new().recv(&channels[0].1, drop_it).recv(&channels[1].1, drop_it).wait().unwrap();
    let left: usize = channels.iter().map(|(_, receiver)| receiver.len()).sum();
    assert_eq!(left, 2);
}

fn drop_it(_: usize) {}

#[test]
fn whoever_is_first_ends_the_wait() {
    for ready in 0..2 {
        let [(first, from_first), (second, from_second)] = [channel::bounded(1), channel::unbounded()];
        let selects = thread::spawn(move || {
            Select::new().recv(&from_first, |value| (0, value)).recv(&from_second, |value| (1, value)).wait()
        });
        eventually(|| first.stats().waiting_receivers + second.stats().waiting_receivers == 2);
        [&first, &second][ready].send("value").unwrap();
        assert_eq!(join(selects), Ok((ready, "value")));
    }
}

#[test]
fn a_send_leaves_its_value_when_it_loses() {
    let ((sender, receiver), (other, from_other)) = (channel::bounded(1), channel::bounded(1));
    sender.send("old").unwrap();
    other.send("other").unwrap();
    let mut value = Some("new");
    let select = Select::new().send(&sender, &mut value, || "sent").recv(&from_other, |value| value);
    assert_eq!(select.wait(), Ok("other"));
    assert_eq!((value, receiver.len()), (Some("new"), 1));

    let timed_out = Select::new().send(&sender, &mut value, || ()).timeout(Duration::from_millis(1)).wait();
    assert_eq!((timed_out, value), (Err(SelectError::Timeout), Some("new")));
    assert_eq!(receiver.recv(), Ok("old"));
    assert_eq!(Select::new().send(&sender, &mut value, || "sent").wait(), Ok("sent"));
    assert_eq!((value, receiver.recv()), (None, Ok("new")));
}

#[test]
fn a_send_waits_for_room() {
    let (sender, receiver) = channel::bounded(1);
    sender.send(1).unwrap();
    let selects = {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut value = Some(2);
            (Select::new().send(&sender, &mut value, || "sent").wait(), value)
        })
    };
    eventually(|| sender.stats().waiting_senders == 1);
    assert_eq!([receiver.recv(), receiver.recv()], [Ok(1), Ok(2)]);
    assert_eq!(join(selects), (Ok("sent"), None));
}

#[test]
fn a_send_without_a_value_is_left_out() {
    let ((sender, receiver), (other, from_other)) = (channel::bounded::<u8>(1), channel::bounded(1));
    let mut nothing = None;
    assert_eq!(Select::new().send(&sender, &mut nothing, || ()).wait(), Err(SelectError::Closed));
    other.send(1).unwrap();
    let select = Select::new().send(&sender, &mut nothing, || 0).recv(&from_other, |value| value);
    assert_eq!((select.wait(), receiver.try_recv()), (Ok(1), Err(TryRecvError::Empty)));
}

#[test]
fn a_channel_that_is_closed_is_left_out() {
    let ((sender, receiver), (open, from_open)) = (channel::bounded(2), channel::bounded(2));
    sender.send("last").unwrap();
    drop(sender);
    // What is in it comes first.
    assert_eq!(Select::new().recv(&receiver, |value| value).wait(), Ok("last"));
    open.send("open").unwrap();
    for _ in 0..2 {
        let select = Select::new().recv(&receiver, |value| value).recv(&from_open, |value| value);
        let done = select.timeout(Duration::from_millis(1)).wait();
        assert!(done == Ok("open") || done == Err(SelectError::Timeout));
    }
    assert!(from_open.is_empty());
    drop(from_open);
    let mut value = Some("unsent");
    let select = Select::new().recv(&receiver, drop).send(&open, &mut value, || ());
    assert_eq!((select.wait(), value), (Err(SelectError::Closed), Some("unsent")));
}

#[test]
fn the_end_of_all_channels_ends_the_wait() {
    let [(first, from_first), (second, from_second)] = [channel::bounded::<u8>(1), channel::rendezvous()];
    let selects =
        thread::spawn(move || Select::new().recv(&from_first, drop).recv(&from_second, drop).wait());
    eventually(|| second.stats().waiting_receivers == 1 && first.stats().waiting_receivers == 1);
    drop(first);
    // It waits for the other one now.
    eventually(|| second.stats().waiting_receivers == 1);
    assert!(!selects.is_finished());
    drop(second);
    assert_eq!(join(selects), Err(SelectError::Closed));
}

#[test]
fn the_end_of_a_channel_can_be_a_result() {
    let ((sender, receiver), (_other, from_other)) = (channel::bounded(1), channel::bounded::<u8>(1));
    let select = || {
        Select::new()
            .recv_or_end(&receiver, |end| end)
            .recv(&from_other, Ok)
            .timeout(Duration::from_millis(1))
    };
    assert_eq!(select().wait(), Err(SelectError::Timeout));
    sender.send(1).unwrap();
    assert_eq!(select().wait(), Ok(Ok(1)));
    let waits = Task::waiting(Select::new().recv_or_end(&receiver, |end| end).wait_async());
    drop(sender);
    assert_eq!(waits.woken(), Ok(Err(RecvError)));
    assert_eq!([select().wait(), select().try_wait()], [Ok(Err(RecvError)); 2]);
}

#[test]
fn try_wait_never_waits() {
    let ((sender, receiver), (other, from_other)) = (channel::bounded(1), channel::bounded(1));
    let mut value = Some(1);
    sender.send(0).unwrap();
    let select = |value: &mut Option<u32>| {
        Select::new().recv(&from_other, |_: u32| "received").send(&sender, value, || "sent").try_wait()
    };
    assert_eq!(select(&mut value), Err(SelectError::Timeout));
    other.send(2).unwrap();
    assert_eq!(select(&mut value), Ok("received"));
    assert_eq!((value, receiver.recv()), (Some(1), Ok(0)));
    assert_eq!(select(&mut value), Ok("sent"));
    assert_eq!(value, None);
    drop((other, receiver));
    assert_eq!(select(&mut Some(3)), Err(SelectError::Closed));
}

#[test]
fn a_select_without_branches_is_closed() {
    assert_eq!(Select::new().wait::<()>(), Err(SelectError::Closed));
    assert_eq!(Select::default().try_wait::<()>(), Err(SelectError::Closed));
    assert_eq!(
        Task::new(Select::new().wait_async::<()>()).poll(),
        std::task::Poll::Ready(Err(SelectError::Closed))
    );
    assert_eq!(Select::over(&[] as &[channel::Receiver<u8>]).wait(), Err(SelectError::Closed));
}

#[test]
fn what_it_prints() {
    let (_sender, receiver) = channel::bounded::<u8>(1);
    let select = Select::new().recv(&receiver, drop).biased();
    let printed = format!("{select:?}");
    assert!(printed.starts_with("Select { is_biased: true, deadline: None"), "{printed}");
    assert_eq!(format!("{:?}", select.wait_async::<()>()), "SelectFuture { .. }");
    let receivers = [receiver];
    assert_eq!(format!("{:?}", Select::over(&receivers).all_async()), "AllFuture { .. }");
    assert_eq!(SelectError::Closed.to_string(), "all channels are closed");
    assert_eq!(SelectError::Timeout.to_string(), "nothing was ready in time");
    let ended = SelectError::Ended(freewheel::flow::context::ContextError::Cancelled);
    assert_eq!(ended.to_string(), "the context was cancelled");
}
