use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{self, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use freewheel::flow::{Context, context::ContextError};

use crate::block_on;

#[test]
fn threads_and_tasks_are_woken_by_cancel() {
    let (context, handle) = Context::background().with_cancel();
    let child = context.with_cancel().0;
    thread::scope(|scope| {
        let waits = [&context, &child]
            .map(|context| [scope.spawn(|| context.wait()), scope.spawn(|| block_on(context.done()))]);
        thread::sleep(Duration::from_millis(20));
        handle.cancel();
        for thread in waits.into_iter().flatten() {
            assert_eq!(thread.join().unwrap(), ContextError::Cancelled);
        }
    });
}

#[test]
fn threads_and_tasks_are_woken_by_a_deadline() {
    let begin = Instant::now();
    let context = Context::background().with_timeout(Duration::from_millis(30)).with_cancel().0;
    thread::scope(|scope| {
        let waits = [scope.spawn(|| context.wait()), scope.spawn(|| block_on(context.done()))];
        for thread in waits {
            assert_eq!(thread.join().unwrap(), ContextError::DeadlineExceeded);
        }
    });
    assert!(begin.elapsed() >= Duration::from_millis(30));
}

#[test]
fn who_waits_with_a_timeout_waits_no_longer() {
    let (context, handle) = Context::background().with_cancel();
    assert_eq!(context.wait_timeout(Duration::from_millis(5)), None);
    assert_eq!(Context::background().wait_timeout(Duration::from_millis(5)), None);
    handle.cancel();
    assert_eq!(context.wait_timeout(Duration::ZERO), Some(ContextError::Cancelled));
    let ends_first = Context::background().with_timeout(Duration::from_millis(5));
    assert_eq!(ends_first.wait_timeout(Duration::MAX), Some(ContextError::DeadlineExceeded));
}

/// Says whether it was woken.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn a_task_that_was_dropped_is_not_woken_and_is_in_nobodys_way() {
    let (context, handle) = Context::background().with_cancel();
    let (dropped, waits) = (Arc::new(Flag::default()), Arc::new(Flag::default()));
    let wakers = [&dropped, &waits].map(|flag| Waker::from(Arc::clone(flag)));
    let mut second = pin!(context.done());
    {
        let mut first = pin!(context.done());
        assert!(first.as_mut().poll(&mut task::Context::from_waker(&wakers[0])).is_pending());
        assert!(second.as_mut().poll(&mut task::Context::from_waker(&wakers[1])).is_pending());
    }
    handle.cancel();
    assert_eq!((dropped.0.load(SeqCst), waits.0.load(SeqCst)), (false, true));
    assert!(second.as_mut().poll(&mut task::Context::from_waker(&wakers[1])).is_ready());
}

#[test]
fn the_background_is_never_done() {
    let waker = Waker::noop();
    let mut done = pin!(Context::background().done());
    assert!(done.as_mut().poll(&mut task::Context::from_waker(waker)).is_pending());
}

/// Panics when it is woken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("on purpose");
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    let (context, handle) = Context::background().with_cancel();
    let child = context.with_cancel().0;
    let flags: Vec<_> = (0..100).map(|_| Arc::new(Flag::default())).collect();
    let wakers = flags.iter().map(|flag| Waker::from(Arc::clone(flag)));
    let mut tasks = Vec::new();
    for (number, waker) in [Waker::from(Arc::new(Panics))].into_iter().chain(wakers).enumerate() {
        let mut done = Box::pin(if number % 2 == 0 { context.done() } else { child.done() });
        assert!(done.as_mut().poll(&mut task::Context::from_waker(&waker)).is_pending());
        tasks.push(done);
    }
    let called = Arc::new(Flag::default());
    let after = {
        let called = Arc::clone(&called);
        child.after(move |_| called.wake())
    };
    assert!(catch_unwind(AssertUnwindSafe(|| handle.cancel())).is_err());
    assert!(flags.iter().all(|flag| flag.0.load(SeqCst)));
    assert!(called.0.load(SeqCst) && !after.stop());
}
