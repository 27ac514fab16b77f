//! Permits beside plain sends, by threads and tasks.

use std::thread;

use freewheel::flow::channel::{self, Receiver, Sender};

use crate::waiting::join;

const EACH: usize = 3000;

/// Sends the values from `first` on, each in a way of its own.
fn send_all(sender: &Sender<usize>, first: usize) {
    for value in first..first + EACH {
        match value % 5 {
            0 => sender.send(value).unwrap(),
            1 => sender.reserve().unwrap().send(value).unwrap(),
            2 => {
                drop(sender.reserve());
                sender.send(value).unwrap();
            }
            3 => match sender.try_reserve() {
                Ok(permit) => permit.send(value).unwrap(),
                Err(_) => sender.send(value).unwrap(),
            },
            _ => {
                if let Err(full) = sender.try_send(value) {
                    sender.reserve().unwrap().send(full.into_inner()).unwrap();
                }
            }
        }
    }
}

async fn send_all_async(sender: Sender<usize>, first: usize) {
    for value in first..first + EACH {
        match value % 3 {
            0 => sender.send_async(value).await.unwrap(),
            1 => sender.reserve_async().await.unwrap().send(value).unwrap(),
            _ => {
                drop(sender.reserve_async().await);
                sender.send_async(value).await.unwrap();
            }
        }
    }
}

fn receive_all(receiver: &Receiver<usize>, capacity: usize) -> Vec<usize> {
    let mut values = Vec::new();
    while let Ok(value) = receiver.recv() {
        let len = receiver.len();
        assert!(len <= capacity, "{len} in a channel of {capacity}");
        values.push(value);
    }
    values
}

#[test]
fn permits_and_plain_sends_never_fill_more_than_there_is_room() {
    for capacity in [1, 2, 5] {
        let (sender, receiver) = channel::bounded(capacity);
        let threads = [0, 1, 2].map(|thread| {
            let sender = sender.clone();
            thread::spawn(move || send_all(&sender, thread * EACH))
        });
        let tasks = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let other = tokio::spawn(send_all_async(sender.clone(), 4 * EACH));
                send_all_async(sender, 3 * EACH).await;
                other.await.unwrap();
            });
        });
        let receives = [0, 1].map(|_| {
            let receiver = receiver.clone();
            thread::spawn(move || receive_all(&receiver, capacity))
        });
        threads.into_iter().for_each(join);
        join(tasks);
        let mut values: Vec<usize> = receives.map(join).into_iter().flatten().collect();
        values.sort_unstable();
        assert!(values.into_iter().eq(0..5 * EACH));
    }
}

#[test]
fn permits_of_a_rendezvous_reach_receivers_that_come_and_go() {
    let (sender, receiver) = channel::rendezvous();
    let threads = [0, 1].map(|thread| {
        let sender = sender.clone();
        thread::spawn(move || send_all(&sender, thread * EACH))
    });
    drop(sender);
    let receives = [0, 1].map(|thread| {
        let receiver = receiver.clone();
        thread::spawn(move || {
            let mut values = Vec::new();
            loop {
                use channel::RecvTimeoutError::{Closed, Timeout};
                let nanos = if thread == 0 { 1000 } else { 3_600_000_000_000 };
                match receiver.recv_timeout(std::time::Duration::from_nanos(nanos)) {
                    Ok(value) => values.push(value),
                    Err(Timeout) => {}
                    Err(Closed) => return values,
                }
            }
        })
    });
    threads.into_iter().for_each(join);
    let mut values: Vec<usize> = receives.map(join).into_iter().flatten().collect();
    values.sort_unstable();
    assert!(values.into_iter().eq(0..2 * EACH));
}
