use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use freewheel::flow::{Context, context::ContextError};

fn counter() -> (Arc<AtomicU32>, impl FnOnce(ContextError) + Send + 'static) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let count = move |_| {
        counted.fetch_add(1, SeqCst);
    };
    (calls, count)
}

#[test]
fn a_callback_is_called_once_when_the_context_ends() {
    let (context, handle) = Context::background().with_cancel();
    let (calls, count) = counter();
    let after = context.after(count);
    assert_eq!(calls.load(SeqCst), 0);
    handle.cancel();
    handle.cancel();
    assert_eq!(calls.load(SeqCst), 1);
    assert!(!after.stop());
    assert_eq!(calls.load(SeqCst), 1);
}

#[test]
fn a_callback_is_called_now_if_the_context_has_ended() {
    let (context, handle) = Context::background().with_cancel();
    handle.cancel();
    let (calls, count) = counter();
    let after = context.after(count);
    assert_eq!(calls.load(SeqCst), 1);
    assert!(!after.stop());
}

#[test]
fn a_callback_that_was_called_off_is_not_called() {
    let (context, handle) = Context::background().with_cancel();
    let [(stopped, first), (dropped, second)] = [counter(), counter()];
    assert!(context.after(first).stop());
    drop(context.after(second));
    handle.cancel();
    assert_eq!((stopped.load(SeqCst), dropped.load(SeqCst)), (0, 0));
    // Nor is it kept.
    assert_eq!((Arc::strong_count(&stopped), Arc::strong_count(&dropped)), (1, 1));
}

#[test]
fn the_background_calls_nothing() {
    let (calls, count) = counter();
    assert!(Context::background().after(count).stop());
    assert_eq!(calls.load(SeqCst), 0);
}

#[test]
fn a_detached_callback_is_called_though_nobody_has_the_context() {
    let (parent, handle) = Context::background().with_cancel();
    let (calls, count) = counter();
    parent.with_cancel().0.after(count).detach();
    assert_eq!(calls.load(SeqCst), 0);
    handle.cancel();
    assert_eq!(calls.load(SeqCst), 1);
}

#[test]
fn a_callback_is_called_at_the_deadline_though_nobody_looks() {
    let (says, said) = mpsc::channel();
    let tell = move |error| says.send(error).unwrap();
    Context::background().with_timeout(Duration::from_millis(20)).with_cancel().0.after(tell).detach();
    assert_eq!(said.recv(), Ok(ContextError::DeadlineExceeded));
}

#[test]
fn a_callback_sees_that_the_context_has_ended_and_may_use_it() {
    let (context, handle) = Context::background().with_cancel();
    let (says, said) = mpsc::channel();
    let seen = context.clone();
    let after = context.after(move |_| says.send((seen.is_done(), seen.with_cancel().0.is_done())).unwrap());
    handle.cancel();
    assert_eq!(said.recv(), Ok((true, true)));
    drop(after);
}

#[test]
fn a_callback_that_panics_does_not_keep_the_others_from_being_called() {
    let (context, handle) = Context::background().with_cancel();
    let [(before, first), (behind, second)] = [counter(), counter()];
    let _before = context.after(first);
    let _panics = context.after(|_| panic!("on purpose"));
    let _behind = context.after(second);
    assert!(catch_unwind(AssertUnwindSafe(|| handle.cancel())).is_err());
    assert_eq!((before.load(SeqCst), behind.load(SeqCst)), (1, 1));
    assert!(context.is_done());
}

#[test]
fn a_callback_that_panics_at_a_deadline_does_not_stop_later_timers() {
    let soon = || Context::background().with_timeout(Duration::from_millis(5));
    let (says, said) = mpsc::channel();
    let panics = move |_| {
        says.send(()).unwrap();
        panic!("on purpose");
    };
    soon().after(panics).detach();
    said.recv().unwrap();
    let (says, said) = mpsc::channel();
    soon().after(move |_| says.send(()).unwrap()).detach();
    assert_eq!(said.recv(), Ok(()));
}
