//! A task that never has to wait lets others run.

use std::{
    cell::Cell,
    future::poll_fn,
    mem,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
    thread,
    time::Instant,
};

use freewheel::flow::channel;
use tokio::{runtime::Builder, task};

use crate::waiting::{LONG, join};

/// To the end of the queue, without a look at timers and the like before it is its turn again.
async fn let_others_run() {
    let mut is_second = false;
    poll_fn(|context| {
        if mem::replace(&mut is_second, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Does `step` again and again, until another task of the same thread has run some times meanwhile.
fn assert_lets_others_run(mut step: impl AsyncFnMut(u32) + 'static) {
    const ENOUGH: u32 = 20;
    let runtime = Builder::new_current_thread().build().unwrap();
    task::LocalSet::new().block_on(&runtime, async {
        let (runs, is_done) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
        let other = {
            let (runs, is_done) = (Rc::clone(&runs), Rc::clone(&is_done));
            task::spawn_local(async move {
                while !is_done.get() {
                    runs.set(runs.get() + 1);
                    let_others_run().await;
                }
            })
        };
        let work = task::spawn_local(async move {
            let before = runs.get();
            let mut steps = 0..1_000_000;
            while runs.get() - before < ENOUGH {
                step(steps.next().expect("the other one runs meanwhile")).await;
            }
            is_done.set(true);
        });
        work.await.unwrap();
        other.await.unwrap();
    });
}

#[test]
fn receiving_what_is_there_lets_others_run() {
    let (sender, receiver) = channel::unbounded();
    assert_lets_others_run(async move |value| {
        sender.send(value).unwrap();
        assert_eq!(receiver.recv_async().await, Ok(value));
    });
}

#[test]
fn sending_into_room_lets_others_run() {
    let (sender, receiver) = channel::bounded(2);
    assert_lets_others_run(async move |value| {
        sender.send_async(value).await.unwrap();
        sender.reserve_async().await.unwrap().send(value).unwrap();
        assert!(receiver.drain().eq([value, value]));
    });
}

#[test]
fn receiving_many_lets_others_run() {
    let (sender, receiver) = channel::unbounded();
    assert_lets_others_run(async move |value| {
        sender.send(value).unwrap();
        let mut values = Vec::new();
        assert_eq!(receiver.recv_many_async(&mut values, 2).await, Ok(1));
        assert_eq!(values, [value]);
    });
}

#[test]
fn gathering_what_is_there_lets_others_run() {
    let (sender, receiver) = channel::unbounded();
    let receivers = [receiver];
    assert_lets_others_run(async move |value| {
        sender.send(value).unwrap();
        assert_eq!(freewheel::flow::Select::over(&receivers).all_async().await, [Ok(value)]);
    });
}

#[test]
fn a_task_that_a_thread_feeds_for_ever_lets_others_run() {
    let (sender, receiver) = channel::bounded(10_000);
    let stop = Arc::new(AtomicBool::new(false));
    let feeds = {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            let begin = Instant::now();
            while !stop.load(Relaxed) {
                assert!(begin.elapsed() < LONG, "the other task never runs");
                sender.send(()).unwrap();
            }
        })
    };
    let received = Arc::new(AtomicUsize::new(0));
    Builder::new_current_thread().build().unwrap().block_on(async {
        let count = Arc::clone(&received);
        let receives = tokio::spawn(async move {
            while receiver.recv_async().await.is_ok() {
                count.fetch_add(1, Relaxed);
            }
        });
        while received.load(Relaxed) < 20_000 {
            task::yield_now().await;
        }
        stop.store(true, Relaxed);
        receives.await.unwrap();
    });
    join(feeds);
}
