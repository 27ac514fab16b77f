//! A select that is given up: a timeout, a deadline, a context.

use std::{
    thread,
    time::{Duration, Instant},
};

use freewheel::flow::{
    Context, Select, WaitStrategy,
    channel::{self, Receiver},
    context::ContextError,
    select::SelectError,
};

use crate::waiting::{NEVER, Task, eventually, join};

const SHORT: Duration = Duration::from_millis(5);

fn select<'a>(receiver: &'a Receiver<u8>, context: &'a Context) -> Result<u8, SelectError> {
    Select::new().recv(receiver, |value| value).context(context).wait()
}

#[test]
fn a_timeout_ends_it_and_not_too_soon() {
    let (sender, receiver) = channel::bounded::<u8>(1);
    for strategy in [WaitStrategy::Park, WaitStrategy::SpinThenPark, WaitStrategy::Spin] {
        let begin = Instant::now();
        let select = Select::new().recv(&receiver, drop).timeout(SHORT).wait_strategy(strategy);
        assert_eq!(select.wait(), Err(SelectError::Timeout));
        assert!(begin.elapsed() >= SHORT);
    }
    sender.send(1).unwrap();
    // What is ready is done although the time is up.
    assert_eq!(Select::new().recv(&receiver, |value| value).timeout(Duration::ZERO).wait(), Ok(1));
    assert_eq!(receiver.stats().waiting_receivers, 0);
}

#[test]
fn the_earlier_of_two_deadlines_counts() {
    let (_sender, receiver) = channel::bounded::<u8>(1);
    let now = Instant::now();
    let select = || Select::new().recv(&receiver, drop);
    assert_eq!(select().deadline(now).timeout(NEVER).wait(), Err(SelectError::Timeout));
    assert_eq!(select().timeout(NEVER).deadline(now).wait(), Err(SelectError::Timeout));
    assert_eq!(select().timeout(Duration::MAX).timeout(SHORT).wait(), Err(SelectError::Timeout));
}

#[test]
fn a_context_that_is_cancelled_ends_it() {
    let (sender, receiver) = channel::bounded(1);
    let (context, handle) = Context::background().with_cancel();
    let child = context.with_timeout(NEVER);
    let selects = {
        let receiver = receiver.clone();
        thread::spawn(move || select(&receiver, &child))
    };
    let task = Task::waiting(Select::new().recv(&receiver, drop).context(&context).wait_async());
    eventually(|| receiver.stats().waiting_receivers == 2);
    handle.cancel();
    let ended = SelectError::Ended(ContextError::Cancelled);
    assert_eq!((join(selects), task.woken()), (Err(ended), Err(ended)));
    // It ends sooner than what is ready.
    sender.send(1).unwrap();
    assert_eq!(select(&receiver, &context), Err(ended));
    assert_eq!(Select::new().recv(&receiver, drop).context(&context).try_wait(), Err(ended));
    assert_eq!((receiver.len(), receiver.stats().waiting_receivers), (1, 0));
}

#[test]
fn the_deadline_of_a_context_ends_it() {
    let (_sender, receiver) = channel::bounded::<u8>(1);
    let ended = SelectError::Ended(ContextError::DeadlineExceeded);
    let context = Context::background().with_timeout(SHORT).with_cancel().0;
    assert_eq!(select(&receiver, &context), Err(ended));
    assert_eq!(select(&receiver, &context), Err(ended));
    // Whichever is first.
    let context = Context::background().with_timeout(SHORT);
    let first = Select::new().recv(&receiver, drop).context(&context).timeout(NEVER);
    assert_eq!(first.wait(), Err(ended));
    let context = Context::background().with_timeout(NEVER);
    let first = Select::new().recv(&receiver, drop).context(&context).timeout(SHORT);
    assert_eq!(first.wait(), Err(SelectError::Timeout));
}

#[test]
fn a_task_is_woken_by_a_deadline_and_by_that_of_a_context() {
    let (_sender, receiver) = channel::bounded::<u8>(1);
    let timeout = Task::new(Select::new().recv(&receiver, drop).timeout(SHORT).wait_async());
    assert_eq!(timeout.finish(), Err(SelectError::Timeout));
    let context = Context::background().with_timeout(SHORT);
    let ends = Task::new(Select::new().recv(&receiver, drop).context(&context).wait_async());
    assert_eq!(ends.finish(), Err(SelectError::Ended(ContextError::DeadlineExceeded)));
    assert_eq!(receiver.stats().waiting_receivers, 0);
}

#[test]
fn a_background_that_never_ends_changes_nothing() {
    let (sender, receiver) = channel::bounded(1);
    sender.send(1).unwrap();
    assert_eq!(select(&receiver, &Context::background()), Ok(1));
    let background = Context::background();
    let select = Select::new().recv(&receiver, drop).context(&background).timeout(SHORT);
    assert_eq!(select.wait(), Err(SelectError::Timeout));
}

#[test]
fn what_was_to_be_sent_stays_where_it_was() {
    let (sender, receiver) = channel::bounded(1);
    sender.send(0).unwrap();
    let (context, handle) = Context::background().with_cancel();
    let mut value = Some(1);
    let waits = Task::waiting(Select::new().send(&sender, &mut value, || ()).context(&context).wait_async());
    handle.cancel();
    assert_eq!(waits.woken(), Err(SelectError::Ended(ContextError::Cancelled)));
    assert_eq!(value, Some(1));
    let waits = Task::waiting(Select::new().send(&sender, &mut value, || ()).wait_async());
    drop(receiver);
    assert_eq!((waits.woken(), value), (Err(SelectError::Closed), Some(1)));
    assert_eq!(sender.stats().waiting_senders, 0);
}
