//! Tasks that are polled by hand.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
};

use freewheel::flow::channel::{self, RecvError};

use crate::waiting::{Task, eventually, join};

#[test]
fn what_needs_no_wait_is_ready_at_once() {
    for (sender, receiver) in [channel::bounded(4), channel::unbounded()] {
        assert_eq!(Task::new(sender.send_async(1)).poll(), Poll::Ready(Ok(())));
        let Poll::Ready(permit) = Task::new(sender.reserve_async()).poll() else { panic!("there is room") };
        permit.unwrap().send(2).unwrap();
        sender.send(3).unwrap();
        assert_eq!(Task::new(receiver.recv_async()).poll(), Poll::Ready(Ok(1)));
        let mut values = Vec::new();
        assert_eq!(Task::new(receiver.recv_many_async(&mut values, 8)).poll(), Poll::Ready(Ok(2)));
        assert_eq!(values, [2, 3]);
    }
}

#[test]
fn a_future_does_nothing_before_it_is_polled() {
    for (sender, receiver) in [channel::bounded(4), channel::unbounded(), channel::rendezvous()] {
        let (send, reserve, receive) = (sender.send_async(1), sender.reserve_async(), receiver.recv_async());
        let stats = sender.stats();
        assert_eq!((stats.size, stats.waiting_senders, stats.waiting_receivers), (0, 0, 0));
        drop((send, reserve, receive));
        assert_eq!(sender.stats(), stats);
    }
}

#[test]
fn who_waits_is_woken_by_threads_in_the_order_they_came() {
    let (sender, receiver) = channel::bounded(1);
    let [first, second] = [0, 1].map(|_| Task::waiting(receiver.recv_async()));
    let sends = {
        let sender = sender.clone();
        thread::spawn(move || [1, 2].map(|value| sender.send(value).unwrap()))
    };
    eventually(|| first.was_woken());
    assert_eq!(first.woken(), Ok(1));
    eventually(|| second.was_woken());
    assert_eq!(second.woken(), Ok(2));
    join(sends);

    sender.send(3).unwrap();
    let [first, second] = [4, 5].map(|value| Task::waiting(sender.send_async(value)));
    let receives = thread::spawn(move || {
        let received = receiver.recv();
        (received, receiver)
    });
    eventually(|| first.was_woken());
    assert_eq!((first.woken(), second.was_woken()), (Ok(()), false));
    let (received, receiver) = join(receives);
    assert_eq!((received, receiver.recv()), (Ok(3), Ok(4)));
    assert_eq!((second.woken(), receiver.recv()), (Ok(()), Ok(5)));
}

#[test]
fn a_task_that_is_polled_for_nothing_keeps_its_place() {
    let (sender, receiver) = channel::bounded(1);
    let mut first = Task::waiting(receiver.recv_async());
    let second = Task::waiting(receiver.recv_async());
    for _ in 0..3 {
        assert!(first.poll().is_pending());
    }
    assert_eq!(receiver.stats().waiting_receivers, 2);
    sender.send(1).unwrap();
    assert_eq!((first.woken(), second.was_woken()), (Ok(1), false));
}

#[test]
fn of_two_wakers_the_later_one_is_woken() {
    struct Flag(std::sync::atomic::AtomicBool);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let flags = [0, 1].map(|_| Arc::new(Flag(false.into())));
    let wakers = [&flags[0], &flags[1]].map(|flag| Waker::from(Arc::clone(flag)));
    let (sender, receiver) = channel::bounded(1);
    let mut receives = pin!(receiver.recv_async());
    for waker in &wakers {
        assert!(receives.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
    assert_eq!(receiver.stats().waiting_receivers, 1);
    sender.send(1).unwrap();
    let woken = [&flags[0], &flags[1]].map(|flag| flag.0.load(std::sync::atomic::Ordering::SeqCst));
    assert_eq!(woken, [false, true]);
    assert_eq!(receives.poll(&mut Context::from_waker(&wakers[0])), Poll::Ready(Ok(1)));
}

#[test]
fn a_task_that_was_woken_for_what_somebody_else_took_waits_on() {
    let (sender, receiver) = channel::bounded(1);
    let mut receives = Task::waiting(receiver.recv_async());
    sender.send(1).unwrap();
    assert!(receives.was_woken());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(receives.poll().is_pending());
    sender.send(2).unwrap();
    assert_eq!(receives.woken(), Ok(2));

    sender.send(3).unwrap();
    let mut sends = Task::waiting(sender.send_async(5));
    assert_eq!(receiver.recv(), Ok(3));
    assert_eq!(sender.try_send(4), Ok(()));
    assert!(sends.was_woken() && sends.poll().is_pending());
    assert_eq!(receiver.recv(), Ok(4));
    sends.woken().unwrap();
    assert_eq!(receiver.recv(), Ok(5));
}

#[test]
fn many_are_received_when_the_first_one_comes() {
    let (sender, receiver) = channel::bounded(8);
    let mut values = vec![0];
    {
        let waits = Task::waiting(receiver.recv_many_async(&mut values, 3));
        (1..=4).for_each(|value| sender.send(value).unwrap());
        assert_eq!(waits.woken(), Ok(3));
    }
    assert_eq!(values, [0, 1, 2, 3]);
    drop(sender);
    assert_eq!(Task::new(receiver.recv_many_async(&mut values, 3)).poll(), Poll::Ready(Ok(1)));
    assert_eq!(Task::new(receiver.recv_many_async(&mut values, 3)).poll(), Poll::Ready(Err(RecvError)));
    assert_eq!(values, [0, 1, 2, 3, 4]);
}

#[test]
fn a_thread_that_waits_and_a_task_stand_in_one_line() {
    let (sender, receiver) = channel::bounded::<u32>(1);
    let task = Task::waiting(receiver.recv_async());
    let thread = {
        let receiver = receiver.clone();
        thread::spawn(move || receiver.recv())
    };
    eventually(|| receiver.stats().waiting_receivers == 2);
    sender.send(1).unwrap();
    assert_eq!((task.woken(), thread.is_finished()), (Ok(1), false));
    sender.send(2).unwrap();
    assert_eq!(join(thread), Ok(2));
}
