//! Tasks of a runtime, beside threads.

use std::{thread, time::Duration};

use freewheel::flow::channel::{self, Receiver, Sender};
use tokio::time::timeout;

use crate::waiting::{LONG, join};

const EACH: usize = 2000;

fn kinds() -> [(Sender<usize>, Receiver<usize>); 4] {
    [channel::bounded(1), channel::bounded(16), channel::unbounded(), channel::rendezvous()]
}

fn sorted(values: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut values: Vec<usize> = values.into_iter().collect();
    values.sort_unstable();
    values
}

async fn receive_all(receiver: Receiver<usize>) -> Vec<usize> {
    let mut values = Vec::new();
    while let Ok(value) = receiver.recv_async().await {
        values.push(value);
    }
    values
}

async fn receive_many(receiver: Receiver<usize>) -> Vec<usize> {
    let mut values = Vec::new();
    while receiver.recv_many_async(&mut values, 7).await.is_ok() {}
    values
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_and_threads_share_a_channel() {
    for (sender, receiver) in kinds() {
        let of_thread = sender.clone();
        let thread = thread::spawn(move || {
            (0..EACH).for_each(|value| of_thread.send(value).unwrap());
        });
        let tasks: Vec<_> = (1..4)
            .map(|task| {
                let sender = sender.clone();
                tokio::spawn(async move {
                    for value in task * EACH..(task + 1) * EACH {
                        sender.send_async(value).await.unwrap();
                    }
                })
            })
            .collect();
        drop(sender);
        let receives =
            [tokio::spawn(receive_all(receiver.clone())), tokio::spawn(receive_many(receiver.clone()))];
        let of_thread = thread::spawn(move || receiver.into_iter().collect::<Vec<_>>());
        let mut values = Vec::new();
        for receives in receives {
            values.extend(timeout(LONG, receives).await.unwrap().unwrap());
        }
        for task in tasks {
            task.await.unwrap();
        }
        join(thread);
        values.extend(join(of_thread));
        assert!(sorted(values).into_iter().eq(0..4 * EACH));
    }
}

#[tokio::test]
async fn tasks_of_one_thread_hand_values_to_each_other() {
    for (sender, receiver) in kinds() {
        let sends = tokio::spawn(async move {
            for value in 0..EACH {
                sender.send_async(value).await.unwrap();
            }
        });
        let values = timeout(LONG, receive_all(receiver)).await.unwrap();
        assert!(values.into_iter().eq(0..EACH));
        sends.await.unwrap();
    }
}

#[tokio::test]
async fn a_question_and_its_answer_go_through_two_rendezvous() {
    let ((ask, asked), (answer, answered)) = (channel::rendezvous(), channel::rendezvous());
    let answers = tokio::spawn(async move {
        while let Ok(question) = asked.recv_async().await {
            answer.reserve_async().await.unwrap().send(question + 1).unwrap();
        }
    });
    for question in 0..EACH {
        ask.send_async(question).await.unwrap();
        assert_eq!(timeout(LONG, answered.recv_async()).await.unwrap(), Ok(question + 1));
    }
    drop(ask);
    answers.await.unwrap();
}

#[tokio::test]
async fn receiving_that_is_timed_out_loses_nothing() {
    for (sender, receiver) in kinds() {
        let sends = thread::spawn(move || {
            for value in 0..300 {
                sender.send(value).unwrap();
                if value % 30 == 0 {
                    thread::sleep(Duration::from_millis(2));
                }
            }
        });
        let (mut values, mut many) = (Vec::new(), Vec::new());
        loop {
            match timeout(Duration::from_micros(200), receiver.recv_async()).await {
                Ok(Ok(value)) => values.push(value),
                Ok(Err(_)) => break,
                Err(_) => {}
            }
            if timeout(Duration::ZERO, receiver.recv_many_async(&mut many, 3)).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
        join(sends);
        assert!(sorted(values.into_iter().chain(many)).into_iter().eq(0..300));
    }
}

#[tokio::test]
async fn reserving_that_is_timed_out_loses_nothing() {
    for (sender, receiver) in kinds() {
        let receives = thread::spawn(move || {
            let mut values = Vec::new();
            while let Ok(value) = receiver.recv() {
                values.push(value);
                if value % 30 == 0 {
                    thread::sleep(Duration::from_millis(2));
                }
            }
            values
        });
        let mut next = 0;
        while next < 300 {
            if let Ok(permit) = timeout(Duration::from_micros(200), sender.reserve_async()).await {
                permit.unwrap().send(next).unwrap();
                next += 1;
            }
        }
        drop(sender);
        assert!(join(receives).into_iter().eq(0..300));
    }
}
