//! Channels without room.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use freewheel::flow::{
    Context,
    channel::{self, SendContextError, SendTimeoutError, TryRecvError, TrySendError},
    context::ContextError,
};

use crate::waiting::{NEVER, Task, eventually, join};

#[test]
fn send_returns_only_after_it_was_received() {
    let (sender, receiver) = channel::rendezvous();
    let asked = Arc::new(AtomicUsize::new(0));
    let sends = {
        let asked = Arc::clone(&asked);
        thread::spawn(move || {
            for value in 1..=2000 {
                sender.send(value).unwrap();
                assert!(asked.load(SeqCst) >= value);
            }
        })
    };
    eventually(|| receiver.len() == 1);
    assert!(!sends.is_finished());
    for value in 1..=2000 {
        asked.store(value, SeqCst);
        assert_eq!(receiver.recv(), Ok(value));
    }
    join(sends);
}

#[test]
fn what_is_offered_counts_as_size_and_not_as_sent_if_it_is_taken_back() {
    let (sender, receiver) = channel::rendezvous();
    assert_eq!((sender.capacity(), receiver.capacity()), (Some(0), Some(0)));
    let offers = Task::waiting(sender.send_async(1));
    let other = Task::waiting(sender.send_async(2));
    assert_eq!((receiver.len(), sender.is_empty()), (2, false));
    assert_eq!(offers.into_inner().into_inner(), Some(1));
    let stats = sender.stats();
    assert_eq!((stats.size, stats.received), (1, 0));
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    other.woken().unwrap();
    let stats = sender.stats();
    assert_eq!((stats.sent, stats.received, stats.size), (1, 1, 0));
}

#[test]
fn try_send_needs_a_receiver_that_waits() {
    let (sender, receiver) = channel::rendezvous();
    assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let receives = {
        let receiver = receiver.clone();
        thread::spawn(move || receiver.recv())
    };
    let task = Task::waiting(receiver.recv_async());
    eventually(|| sender.stats().waiting_receivers == 2);
    assert_eq!(sender.try_send(2), Ok(()));
    assert_eq!(sender.try_send(3), Ok(()));
    assert_eq!(sender.try_send(4), Err(TrySendError::Full(4)));
    let mut values = [join(receives).unwrap(), task.woken().unwrap()];
    values.sort_unstable();
    assert_eq!((values, sender.stats().rejected), ([2, 3], 2));
}

#[test]
fn a_value_for_a_receiver_that_gives_up_goes_to_the_next_one() {
    let (sender, receiver) = channel::rendezvous();
    let gives_up = Task::waiting(receiver.recv_async());
    let next = Task::waiting(receiver.recv_async());
    sender.try_send(1).unwrap();
    assert!(gives_up.was_woken() && !next.was_woken());
    drop(gives_up);
    assert_eq!(next.woken(), Ok(1));

    let gives_up = Task::waiting(receiver.recv_async());
    sender.try_send(3).unwrap();
    drop(gives_up);
    assert_eq!((receiver.len(), receiver.try_recv()), (1, Ok(3)));
}

#[test]
fn a_send_whose_time_is_up_gives_the_value_back() {
    let (sender, receiver) = channel::rendezvous();
    let short = Duration::from_millis(2);
    assert_eq!(sender.send_timeout(1, short), Err(SendTimeoutError::Timeout(1)));
    assert_eq!(sender.send_deadline(2, Instant::now()), Err(SendTimeoutError::Timeout(2)));
    let context = Context::background().with_timeout(short);
    let ended = SendContextError::Ended(3, ContextError::DeadlineExceeded);
    assert_eq!(sender.send_ctx(&context, 3), Err(ended));
    assert_eq!((receiver.len(), receiver.try_recv()), (0, Err(TryRecvError::Empty)));
    let stats = sender.stats();
    assert_eq!((stats.rejected, stats.sent, stats.waiting_senders), (3, 0, 0));
}

#[test]
fn a_context_that_is_cancelled_takes_the_offer_back() {
    let (sender, receiver) = channel::rendezvous();
    let (context, handle) = Context::background().with_cancel();
    let sends = thread::spawn(move || sender.send_ctx(&context, 1));
    eventually(|| receiver.len() == 1);
    handle.cancel();
    assert_eq!(join(sends), Err(SendContextError::Ended(1, ContextError::Cancelled)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn room_is_a_receiver_that_waits() {
    let (sender, receiver) = channel::rendezvous();
    assert_eq!(sender.try_reserve().unwrap_err(), TrySendError::Full(()));
    let receives = Task::waiting(receiver.recv_async());
    let permit = sender.try_reserve().unwrap();
    // The one receiver is promised.
    assert_eq!(sender.try_reserve().unwrap_err(), TrySendError::Full(()));
    assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
    drop(permit);
    sender.try_reserve().unwrap().send(2).unwrap();
    assert_eq!(receives.woken(), Ok(2));
    assert_eq!(sender.stats().rejected, 3);
}

#[test]
fn a_permit_whose_receiver_gave_up_is_for_the_next_one() {
    let (sender, receiver) = channel::rendezvous();
    let gives_up = Task::waiting(receiver.recv_async());
    let permit = sender.try_reserve().unwrap();
    drop(gives_up);
    let next = Task::waiting(receiver.recv_async());
    assert_eq!(sender.try_reserve().unwrap_err(), TrySendError::Full(()));
    permit.send(1).unwrap();
    assert_eq!(next.woken(), Ok(1));
}

#[test]
fn reserve_waits_for_a_receiver() {
    let (sender, receiver) = channel::rendezvous();
    let sends = {
        let sender = sender.clone();
        thread::spawn(move || sender.reserve().unwrap().send(1))
    };
    let mut task = Task::waiting(sender.reserve_async());
    eventually(|| sender.stats().waiting_senders == 2);
    // The task stands first in line.
    let receives = {
        let receiver = receiver.clone();
        thread::spawn(move || [receiver.recv(), receiver.recv_timeout(NEVER).map_err(|_| channel::RecvError)])
    };
    let mut is_sent = false;
    eventually(|| {
        if !is_sent && let std::task::Poll::Ready(permit) = task.poll() {
            permit.unwrap().send(2).unwrap();
            is_sent = true;
        }
        is_sent && receives.is_finished()
    });
    join(sends).unwrap();
    let mut values = join(receives);
    values.sort_unstable_by_key(|value| value.unwrap());
    assert_eq!(values, [Ok(1), Ok(2)]);
    assert_eq!(sender.stats().waiting_senders, 0);
}

#[test]
fn offers_are_taken_in_the_order_they_came() {
    let (sender, receiver) = channel::rendezvous();
    let tasks = [1, 2, 3, 4].map(|value| Task::waiting(sender.send_async(value)));
    let [first, second, third, fourth] = tasks;
    drop(second);
    assert_eq!([receiver.recv(), receiver.recv()], [Ok(1), Ok(3)]);
    assert!(!fourth.was_woken());
    assert_eq!([first, third].map(Task::woken), [Ok(()); 2]);
    assert_eq!(receiver.drain().collect::<Vec<_>>(), [4]);
    fourth.woken().unwrap();
}
