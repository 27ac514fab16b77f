//! Selects of tasks, and what happens when they are dropped.

use std::{task::Poll, thread, time::Duration};

use freewheel::flow::{Select, channel, select::SelectError};
use tokio::time::timeout;

use crate::waiting::{LONG, Task, join};

#[test]
fn it_waits_in_all_lines_and_leaves_all_when_it_is_ready() {
    let [(first, from_first), (second, from_second)] = [channel::bounded(1), channel::rendezvous()];
    let (full, _kept) = channel::bounded(1);
    full.send(0).unwrap();
    let mut value = Some(1);
    let waits = Task::waiting(
        Select::new()
            .recv(&from_first, |value| value)
            .recv(&from_second, |value| value)
            .send(&full, &mut value, || 9)
            .wait_async(),
    );
    let waiting =
        || (first.stats().waiting_receivers, second.stats().waiting_receivers, full.stats().waiting_senders);
    assert_eq!(waiting(), (1, 1, 1));
    second.try_send(5).unwrap();
    assert_eq!(waits.woken(), Ok(5));
    assert_eq!((waiting(), value), ((0, 0, 0), Some(1)));
}

#[test]
fn one_that_is_dropped_leaves_the_value_to_the_next() {
    let [(first, from_first), (second, from_second)] = [channel::bounded(1), channel::bounded(1)];
    let select = || {
        let select = Select::new().recv(&from_first, |value| value).recv(&from_second, |value| value);
        Task::waiting(select.wait_async())
    };
    let (before, notified, next) = (select(), select(), select());
    drop(before);
    first.send(1).unwrap();
    assert!(notified.was_woken() && !next.was_woken());
    drop(notified);
    assert_eq!(next.woken(), Ok(1));
    // Of two that it was told of it takes one, and tells another of the second.
    let (takes, gets) = (select(), select());
    first.send(2).unwrap();
    second.send(3).unwrap();
    assert!(takes.was_woken());
    let taken = takes.woken().unwrap();
    assert_eq!(taken + gets.woken().unwrap(), 5);
    let stats = [first.stats(), second.stats()];
    assert!(stats.iter().all(|stats| stats.size == 0 && stats.waiting_receivers == 0));
}

#[test]
fn one_that_is_dropped_leaves_the_room_to_the_next() {
    let (sender, receiver) = channel::bounded(1);
    sender.send(0).unwrap();
    let (mut first, mut second) = (Some(1), Some(2));
    let notified = Task::waiting(Select::new().send(&sender, &mut first, || ()).wait_async());
    let next = Task::waiting(Select::new().send(&sender, &mut second, || ()).wait_async());
    assert_eq!(receiver.recv(), Ok(0));
    assert!(notified.was_woken() && !next.was_woken());
    drop(notified);
    next.woken().unwrap();
    assert_eq!((receiver.recv(), first, second), (Ok(2), Some(1), None));
    assert_eq!(sender.stats().waiting_senders, 0);
}

#[test]
fn one_that_was_not_polled_does_nothing() {
    let (sender, receiver) = channel::bounded(1);
    sender.send(1).unwrap();
    drop(Select::new().recv(&receiver, |value: u8| value).wait_async());
    drop(Select::new().recv(&receiver, |value: u8| value));
    assert_eq!(
        Task::new(Select::new().recv(&receiver, |value| value).wait_async()).poll(),
        Poll::Ready(Ok(1))
    );
}

#[test]
fn a_rendezvous_brings_two_selects_together() {
    let (sender, receiver) = channel::rendezvous();
    let (_never, other) = channel::bounded(1);
    for sender_is_first in [true, false] {
        let mut value = Some(1);
        let send = Select::new().send(&sender, &mut value, || 0).recv(&other, |value| value).wait_async();
        let receive = Select::new().recv(&receiver, |value| value).recv(&other, |value| value).wait_async();
        let (send, receive) = if sender_is_first {
            let send = Task::waiting(send);
            let receive = Task::waiting(receive);
            (send.woken(), receive.woken())
        } else {
            let receive = Task::waiting(receive);
            (Task::ready(send), receive.woken())
        };
        assert_eq!((send, receive, value), (Ok(0), Ok(1), None));
    }
    assert_eq!((receiver.len(), receiver.stats().received), (0, 2));
}

#[tokio::test]
async fn one_that_is_timed_out_loses_nothing() {
    let [(first, from_first), (second, from_second)] = [channel::bounded(2), channel::rendezvous()];
    let sends = thread::spawn(move || {
        for value in 0..500 {
            if value % 2 == 0 {
                first.send(value).unwrap()
            } else {
                second.send(value).unwrap()
            }
            if value % 50 == 0 {
                thread::sleep(Duration::from_millis(2));
            }
        }
    });
    let mut values = Vec::new();
    loop {
        let select = Select::new().recv(&from_first, |value| value).recv(&from_second, |value| value);
        match timeout(Duration::from_micros(100), select.wait_async()).await {
            Ok(Ok(value)) => values.push(value),
            Ok(Err(end)) => break assert_eq!(end, SelectError::Closed),
            Err(_) => {}
        }
    }
    join(sends);
    values.sort_unstable();
    assert!(values.into_iter().eq(0..500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_of_a_runtime_wait_for_several_channels() {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| channel::bounded(1)).unzip();
    let sends: Vec<_> = senders
        .into_iter()
        .enumerate()
        .map(|(number, sender)| {
            tokio::spawn(async move {
                for value in 0..500 {
                    let mut value = Some(number * 500 + value);
                    Select::new().send(&sender, &mut value, || ()).wait_async().await.unwrap();
                }
            })
        })
        .collect();
    let mut values = Vec::new();
    while let Ok((number, value)) = timeout(LONG, Select::over(&receivers).wait_async()).await.unwrap() {
        assert_eq!(value / 500, number);
        values.push(value);
    }
    for sends in sends {
        sends.await.unwrap();
    }
    values.sort_unstable();
    assert!(values.into_iter().eq(0..1500));
}
