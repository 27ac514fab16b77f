//! Tasks whose executor is the thread.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{self, Context, Poll, Waker},
};

use freewheel::sync::thread::{self, Thread};

/// Wakes a thread that polls.
struct Unpark(Thread);

impl task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls until it is ready.
pub fn block_on<R>(future: impl Future<Output = R>) -> R {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        thread::park();
    }
}

/// Polls once, as a task that is woken in vain.
pub fn poll_once<R>(future: Pin<&mut impl Future<Output = R>>) -> Option<R> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}
