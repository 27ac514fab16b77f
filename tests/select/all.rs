//! A value from each of some receivers.

use std::{thread, time::Duration};

use freewheel::flow::{
    Context, Select,
    channel::{self, Receiver, Sender},
    context::ContextError,
    select::SelectError,
};
use tokio::time::timeout;

use crate::waiting::{LONG, Task, eventually, join};

fn channels(count: usize) -> (Vec<Sender<usize>>, Vec<Receiver<usize>>) {
    (0..count).map(|_| channel::bounded(2)).unzip()
}

#[test]
fn select_over_twenty_receivers_takes_each_value_once() {
    let (senders, receivers) = channels(20);
    let sends = thread::spawn(move || {
        for lap in 0..100 {
            for number in (0..20).rev() {
                senders[number].send(lap).unwrap();
            }
        }
    });
    let mut next = [0; 20];
    while let Ok((number, value)) = Select::over(&receivers).wait() {
        assert_eq!(value, next[number]);
        next[number] += 1;
    }
    assert_eq!(next, [100; 20]);
    join(sends);
}

#[test]
fn all_waits_for_one_of_each() {
    let (senders, receivers) = channels(20);
    let waits = thread::spawn(move || (Select::over(&receivers).all(), receivers));
    for number in (0..20).rev() {
        senders[number].send(number).unwrap();
        senders[number].send(99).unwrap();
    }
    let (values, receivers) = join(waits);
    assert!(values.into_iter().eq((0..20).map(Ok)));
    // And takes no more.
    assert!(receivers.iter().all(|receiver| receiver.len() == 1 && receiver.stats().waiting_receivers == 0));
}

#[test]
fn all_says_why_there_is_none() {
    let (mut senders, receivers) = channels(3);
    senders[1].send(1).unwrap();
    drop(senders.remove(0));
    let short = Duration::from_millis(2);
    let closed = Err(SelectError::Closed);
    assert_eq!(Select::over(&receivers).timeout(short).all(), [closed, Ok(1), Err(SelectError::Timeout)]);
    let (context, handle) = Context::background().with_cancel();
    handle.cancel();
    senders[0].send(2).unwrap();
    let ended = Err(SelectError::Ended(ContextError::Cancelled));
    assert_eq!(Select::over(&receivers).context(&context).all(), [closed, Ok(2), ended]);
    drop(senders);
    assert_eq!(Select::over(&receivers).all(), [closed; 3]);
    assert_eq!(Select::over(&[] as &[Receiver<u8>]).all(), []);
}

#[test]
fn all_goes_on_when_one_ends() {
    let (mut senders, receivers) = channels(2);
    let waits = thread::spawn(move || Select::over(&receivers).all());
    eventually(|| senders.iter().all(|sender| sender.stats().waiting_receivers == 1));
    drop(senders.pop());
    assert!(!waits.is_finished());
    senders[0].send(3).unwrap();
    assert_eq!(join(waits), [Ok(3), Err(SelectError::Closed)]);
}

#[test]
fn what_came_so_far_comes_out_of_a_task_that_is_given_up() {
    let (senders, receivers) = channels(3);
    senders[1].send(1).unwrap();
    let mut waits = Task::waiting(Select::over(&receivers).all_async());
    assert_eq!(receivers[1].stats().waiting_receivers, 0);
    senders[0].send(0).unwrap();
    assert!(waits.was_woken() && waits.poll().is_pending());
    // It has its value of this one, so this is for somebody else.
    senders[0].send(9).unwrap();
    assert!(!waits.was_woken());
    assert_eq!(waits.into_inner().into_inner(), [Some(0), Some(1), None]);
    assert_eq!(receivers[0].try_recv(), Ok(9));
    assert!(receivers.iter().all(|receiver| receiver.stats().waiting_receivers == 0));
}

#[test]
fn a_value_that_one_does_not_need_any_more_goes_to_the_next() {
    let (senders, receivers) = channels(2);
    let gives_up = Task::waiting(Select::over(&receivers).all_async());
    let next = Task::waiting(receivers[0].recv_async());
    senders[0].send(1).unwrap();
    assert!(gives_up.was_woken() && !next.was_woken());
    drop(gives_up);
    assert_eq!(next.woken(), Ok(1));
}

#[test]
fn all_as_a_task_ends_as_it_does_for_a_thread() {
    let (senders, receivers) = channels(2);
    senders[0].send(1).unwrap();
    let waits = Task::new(Select::over(&receivers).timeout(Duration::from_millis(5)).all_async());
    assert_eq!(waits.finish(), [Ok(1), Err(SelectError::Timeout)]);
    let (context, handle) = Context::background().with_cancel();
    let waits = Task::waiting(Select::over(&receivers).context(&context).all_async());
    handle.cancel();
    assert_eq!(waits.woken(), [Err(SelectError::Ended(ContextError::Cancelled)); 2]);
    let waits = Task::waiting(Select::over(&receivers).all_async());
    drop(senders);
    assert_eq!(waits.woken(), [Err(SelectError::Closed); 2]);
}

#[tokio::test]
async fn all_gathers_what_tasks_send() {
    let (senders, receivers) = channels(10);
    for (number, sender) in senders.into_iter().enumerate() {
        tokio::spawn(async move { sender.send_async(number).await.unwrap() });
    }
    let values = timeout(LONG, Select::over(&receivers).all_async()).await.unwrap();
    assert!(values.into_iter().eq((0..10).map(Ok)));
}
