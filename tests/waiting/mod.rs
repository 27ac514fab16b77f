//! Tasks that are polled by hand, and waits that end for certain.

#![allow(dead_code, reason = "not every test that has this module uses all of it")]

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// No test takes so long, unless something hangs.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Longer than the tests of a program take.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// Counts how often it was woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A task that is polled by hand.
pub(crate) struct Task<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
}

impl<F: Future> Task<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: Box::pin(future), wakes: Arc::default() }
    }

    /// One that was polled once, and waits.
    #[track_caller]
    pub(crate) fn waiting(future: F) -> Self {
        let mut task = Self::new(future);
        assert!(task.poll().is_pending(), "it is ready");
        task
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        self.wakes.0.store(0, SeqCst);
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Whether it was woken since it was polled.
    pub(crate) fn was_woken(&self) -> bool {
        self.wakes.0.load(SeqCst) > 0
    }

    /// What comes out when it is polled after it was woken.
    #[track_caller]
    pub(crate) fn woken(mut self) -> F::Output {
        assert!(self.was_woken(), "nobody has woken it");
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it was woken for nothing"),
        }
    }

    /// What comes out in the end; it is polled only when it was woken.
    #[track_caller]
    pub(crate) fn finish(mut self) -> F::Output {
        loop {
            if let Poll::Ready(output) = self.poll() {
                return output;
            }
            eventually(|| self.was_woken());
        }
    }

    /// What comes out at once.
    #[track_caller]
    pub(crate) fn ready(future: F) -> F::Output {
        match Self::new(future).poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }

    pub(crate) fn into_inner(self) -> F
    where
        F: Unpin,
    {
        *Pin::into_inner(self.future)
    }
}

/// Waits until that is so.
#[track_caller]
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < LONG, "it never is");
        thread::sleep(Duration::from_micros(100));
    }
}

/// Waits for the end of a thread.
#[track_caller]
pub(crate) fn join<R>(thread: JoinHandle<R>) -> R {
    eventually(|| thread.is_finished());
    thread.join().unwrap()
}
