//! A task that never has to wait lets others run.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
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

/// How often another task runs while this one does.
fn runs_beside(work: impl Future<Output = ()> + 'static) -> u32 {
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
        let begun = Rc::clone(&runs);
        let work = task::spawn_local(async move {
            let before = begun.get();
            work.await;
            is_done.set(true);
            begun.get() - before
        });
        let runs = work.await.unwrap();
        other.await.unwrap();
        runs
    })
}

#[test]
fn receiving_what_is_there_lets_others_run() {
    let (sender, receiver) = channel::unbounded();
    (0..20_000).for_each(|value| sender.send(value).unwrap());
    let runs = runs_beside(async move {
        for value in 0..20_000 {
            assert_eq!(receiver.recv_async().await, Ok(value));
        }
    });
    assert!(runs >= 20, "{runs}");
}

#[test]
fn sending_into_room_lets_others_run() {
    let (sender, receiver) = channel::unbounded();
    let runs = runs_beside(async move {
        for value in 0..10_000 {
            sender.send_async(value).await.unwrap();
            sender.reserve_async().await.unwrap().send(value).unwrap();
        }
    });
    assert_eq!(receiver.len(), 20_000);
    assert!(runs >= 20, "{runs}");
}

#[test]
fn receiving_many_lets_others_run() {
    let (sender, receiver) = channel::unbounded();
    (0..20_000).for_each(|value| sender.send(value).unwrap());
    let runs = runs_beside(async move {
        let mut values = Vec::new();
        while values.len() < 20_000 {
            receiver.recv_many_async(&mut values, 1).await.unwrap();
        }
        assert!(values.into_iter().eq(0..20_000));
    });
    assert!(runs >= 20, "{runs}");
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

#[test]
fn gathering_what_is_there_lets_others_run() {
    let (sender, receiver) = channel::unbounded();
    (0..20_000).for_each(|value| sender.send(value).unwrap());
    let runs = runs_beside(async move {
        let receivers = [receiver];
        for value in 0..20_000 {
            assert_eq!(freewheel::flow::Select::over(&receivers).all_async().await, [Ok(value)]);
        }
    });
    assert!(runs >= 20, "{runs}");
}
