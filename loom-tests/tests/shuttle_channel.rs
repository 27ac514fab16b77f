//! `freewheel::flow::channel` and `select` with more threads and longer runs than loom affords.

#![cfg(freewheel_shuttle)]

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use freewheel::{
    flow::{
        Select,
        channel::{self, Receiver, Sender},
    },
    sync::thread,
};
use loom_tests::{
    sample,
    task::{block_on, poll_once},
};

const ITERATIONS: usize = 5_000;
const THREADS: usize = 3;
const ROUNDS: usize = 6;
/// As if its time were up at once.
const NO_TIME: Duration = Duration::ZERO;

/// Boxed, so that one that is lost or dropped twice is noticed.
type Value = Box<usize>;

/// Sends each value, in one way or another, until the channel is closed; says what came back then.
fn send_all(sender: &Sender<Value>, values: std::ops::Range<usize>) -> Vec<usize> {
    values.into_iter().filter_map(|value| send(sender, value).err()).collect()
}

fn send(sender: &Sender<Value>, value: usize) -> Result<(), usize> {
    let boxed = Box::new(value);
    let unsent = match value % 5 {
        0 => Err(boxed),
        1 => sender.send_timeout(boxed, NO_TIME).map_err(|error| error.into_inner()),
        2 => sender.try_send(boxed).map_err(|error| error.into_inner()),
        3 => {
            // It gives up, and has the value back if it was not sent.
            let mut sending = sender.send_async(boxed);
            match poll_once(Pin::new(&mut sending)) {
                Some(sent) => sent.map_err(|error| error.into_inner()),
                None => sending.into_inner().map_or(Ok(()), Err),
            }
        }
        _ => match sender.try_reserve() {
            Ok(permit) => permit.send(boxed).map_err(|error| error.into_inner()),
            Err(_) => Err(boxed),
        },
    };
    let Err(unsent) = unsent else { return Ok(()) };
    assert_eq!(*unsent, value);
    let sent = match value % 3 {
        0 => sender.send(unsent),
        1 => block_on(sender.send_async(unsent)),
        _ => match sender.reserve() {
            Ok(permit) => permit.send(unsent),
            Err(_) => return Err(value),
        },
    };
    sent.map_err(|error| *error.into_inner())
}

/// Receives, in one way or another, until the channel is closed and empty.
fn receive_all(receiver: &Receiver<Value>, first_way: usize) -> Vec<usize> {
    let mut values = Vec::new();
    let (_never, silent) = channel::bounded::<Value>(1);
    for way in first_way.. {
        let received = match way % 5 {
            0 => receiver.recv().ok(),
            1 => match receiver.recv_timeout(NO_TIME) {
                Ok(value) => Some(value),
                Err(channel::RecvTimeoutError::Timeout) => continue,
                Err(channel::RecvTimeoutError::Closed) => None,
            },
            2 => {
                let mut receiving = pin!(receiver.recv_async());
                let Some(received) = poll_once(receiving.as_mut()) else { continue };
                received.ok()
            }
            3 => block_on(receiver.recv_async()).ok(),
            _ => Select::new().recv_or_end(receiver, Result::ok).recv(&silent, Some).wait().unwrap(),
        };
        let Some(value) = received else { break };
        values.push(*value);
    }
    values
}

fn accounts_for_all(new: fn() -> (Sender<Value>, Receiver<Value>), closes: bool) {
    sample(ITERATIONS, move || {
        let (sender, receiver) = new();
        let senders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let sender = sender.clone();
                thread::spawn(move || send_all(&sender, thread * ROUNDS..(thread + 1) * ROUNDS))
            })
            .collect();
        let receivers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let receiver = receiver.clone();
                thread::spawn(move || receive_all(&receiver, thread))
            })
            .collect();
        if closes {
            receiver.close();
        }
        drop((sender, receiver));
        let mut values: Vec<usize> =
            senders.into_iter().chain(receivers).flat_map(|thread| thread.join().unwrap()).collect();
        values.sort_unstable();
        assert!(values.into_iter().eq(0..THREADS * ROUNDS));
    });
}

#[test]
fn a_channel_with_room_for_one_loses_nothing() {
    accounts_for_all(|| channel::bounded(1), false);
}

#[test]
fn a_channel_with_room_for_two_loses_nothing() {
    accounts_for_all(|| channel::bounded(2), false);
}

#[test]
fn a_channel_without_a_limit_loses_nothing() {
    accounts_for_all(channel::unbounded, false);
}

#[test]
fn a_rendezvous_loses_nothing() {
    accounts_for_all(channel::rendezvous, false);
}

#[test]
fn channels_that_are_closed_give_back_what_they_do_not_take() {
    accounts_for_all(|| channel::bounded(2), true);
    accounts_for_all(channel::unbounded, true);
    accounts_for_all(channel::rendezvous, true);
}
