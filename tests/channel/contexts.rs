use std::{thread, time::Duration};

use freewheel::flow::{
    Context,
    channel::{self, RecvContextError, SendContextError},
    context::ContextError,
};

use crate::waiting::{eventually, join};

#[test]
fn a_context_ends_a_wait() {
    let (sender, receiver) = channel::bounded::<u32>(1);
    let (context, handle) = Context::background().with_cancel();
    let (waits, other) = (receiver.clone(), context.clone());
    let receives = thread::spawn(move || waits.recv_ctx(&other));
    thread::sleep(Duration::from_millis(10));
    handle.cancel();
    assert_eq!(receives.join().unwrap(), Err(RecvContextError::Ended(ContextError::Cancelled)));

    sender.send(1).unwrap();
    let short = Context::background().with_timeout(Duration::from_millis(5));
    let ended = SendContextError::Ended(2, ContextError::DeadlineExceeded);
    assert_eq!(sender.send_ctx(&short, 2), Err(ended));
    assert_eq!(sender.send_ctx(&context, 3), Err(SendContextError::Ended(3, ContextError::Cancelled)));
    let background = Context::background();
    assert_eq!(receiver.recv_ctx(&background), Ok(1));
    drop(sender);
    assert_eq!(receiver.recv_ctx(&background), Err(RecvContextError::Closed));
}

#[test]
fn a_context_ends_the_wait_for_a_permit() {
    let (sender, receiver) = channel::bounded::<u32>(1);
    let (context, handle) = Context::background().with_cancel();
    let permit = sender.reserve_ctx(&context).unwrap();
    let reserves = {
        let (sender, context) = (sender.clone(), context.clone());
        thread::spawn(move || sender.reserve_ctx(&context).map(drop))
    };
    eventually(|| sender.stats().waiting_senders == 1);
    handle.cancel();
    let cancelled = SendContextError::Ended((), ContextError::Cancelled);
    assert_eq!(join(reserves), Err(cancelled));
    assert_eq!(sender.stats().waiting_senders, 0);
    // It does not begin, though there is room.
    drop(permit);
    assert_eq!(sender.reserve_ctx(&context).unwrap_err(), cancelled);
    assert_eq!(sender.stats().rejected, 2);

    receiver.close();
    assert_eq!(sender.reserve_ctx(&Context::background()).unwrap_err(), SendContextError::Closed(()));
}
