//! Sequences of operations on a channel against a `VecDeque`, with tasks that wait and give up: whoever could go on was woken.
#![no_main]

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
};

use arbitrary::Arbitrary;
use freewheel::flow::channel::{
    self, Permit, Receiver, RecvError, RecvFuture, SendError, SendFuture, Sender, TryRecvError, TrySendError,
};
use libfuzzer_sys::fuzz_target;

mod common;

use common::{Census, Name, Source, Value};

/// Operations of a sequence; the rest is left out, to bound the time.
const LONGEST: usize = 200;
/// Tasks of a kind that wait at once.
const TASKS: usize = 6;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    TrySend,
    TryRecv,
    Drain,
    RecvMany(u8),
    Reserve,
    UsePermit(u8),
    DropPermit(u8),
    Send,
    PollSend(u8),
    CancelSend(u8),
    Recv,
    PollRecv(u8),
    CancelRecv(u8),
    Close,
}

/// 0 is for any number.
#[derive(Arbitrary, Debug)]
struct Input {
    capacity: u8,
    operations: Vec<Operation>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

/// A future, and whether it was woken since it was polled.
struct Task<F> {
    future: F,
    woken: Arc<Woken>,
    name: Option<Name>,
}

impl<F: Future + Unpin> Task<F> {
    fn new(future: F, name: Option<Name>) -> Self {
        Self { future, woken: Arc::default(), name }
    }

    fn poll(&mut self) -> Poll<F::Output> {
        loop {
            self.woken.0.store(false, Relaxed);
            let waker = Waker::from(Arc::clone(&self.woken));
            let polled = Pin::new(&mut self.future).poll(&mut Context::from_waker(&waker));
            // It may let others run first, and is woken at once then.
            if polled.is_ready() || !self.is_woken() {
                return polled;
            }
        }
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Relaxed)
    }
}

struct Model<'a> {
    sender: &'a Sender<Value>,
    receiver: &'a Receiver<Value>,
    source: Source,
    names: VecDeque<Name>,
    capacity: Option<usize>,
    closed: bool,
    permits: Vec<Permit<'a, Value>>,
    sends: Vec<Task<SendFuture<'a, Value>>>,
    receives: Vec<Task<RecvFuture<'a, Value>>>,
}

impl Model<'_> {
    fn has_room(&self) -> bool {
        self.capacity.is_none_or(|capacity| self.names.len() + self.permits.len() < capacity)
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::TrySend => self.try_send(),
            Operation::TryRecv => self.try_recv(),
            Operation::Drain => {
                let drained: Vec<_> = self.receiver.drain().map(|value| value.name()).collect();
                assert_eq!(drained, self.names.drain(..).collect::<Vec<_>>());
            }
            Operation::RecvMany(max) => self.recv_many(usize::from(max % 8)),
            Operation::Reserve => self.reserve(),
            Operation::UsePermit(which) => self.use_permit(usize::from(which)),
            Operation::DropPermit(which) => drop(take(&mut self.permits, which)),
            Operation::Send if self.sends.len() < TASKS => {
                let value = self.source.make();
                let name = value.name();
                self.sends.push(Task::new(self.sender.send_async(value), Some(name)));
                self.poll_send(self.sends.len() - 1);
            }
            Operation::PollSend(which) if !self.sends.is_empty() => {
                self.poll_send(usize::from(which) % self.sends.len());
            }
            Operation::CancelSend(which) => {
                if let Some(task) = take(&mut self.sends, which) {
                    assert_eq!(task.future.into_inner().map(|value| value.name()), task.name);
                }
            }
            Operation::Recv if self.receives.len() < TASKS => {
                self.receives.push(Task::new(self.receiver.recv_async(), None));
                self.poll_recv(self.receives.len() - 1);
            }
            Operation::PollRecv(which) if !self.receives.is_empty() => {
                self.poll_recv(usize::from(which) % self.receives.len());
            }
            Operation::CancelRecv(which) => drop(take(&mut self.receives, which)),
            Operation::Close => {
                assert_eq!(self.sender.close(), !self.closed);
                self.closed = true;
            }
            Operation::Send | Operation::PollSend(_) | Operation::Recv | Operation::PollRecv(_) => {}
        }
    }

    fn try_send(&mut self) {
        let value = self.source.make();
        let name = value.name();
        match self.sender.try_send(value) {
            Ok(()) => {
                assert!(!self.closed && self.has_room());
                self.names.push_back(name);
            }
            Err(error) => {
                assert_eq!(error.is_closed(), self.closed);
                assert!(error.is_closed() || !self.has_room());
                assert_eq!(error.into_inner().name(), name);
            }
        }
    }

    fn try_recv(&mut self) {
        let nothing = if self.closed { TryRecvError::Closed } else { TryRecvError::Empty };
        let received = self.receiver.try_recv().map(|value| value.name());
        assert_eq!(received, self.names.pop_front().ok_or(nothing));
    }

    fn recv_many(&mut self, max: usize) {
        if self.names.is_empty() && !self.closed {
            // It would wait.
            return;
        }
        let mut values = Vec::new();
        let received = self.receiver.recv_many(&mut values, max);
        let expected: Vec<_> = self.names.drain(..max.min(self.names.len())).collect();
        if max > 0 && expected.is_empty() {
            assert_eq!(received, Err(RecvError));
        } else {
            assert_eq!(received, Ok(expected.len()));
        }
        assert_eq!(common::names(&values), expected);
    }

    fn reserve(&mut self) {
        match self.sender.try_reserve() {
            Ok(permit) => {
                assert!(!self.closed && self.has_room());
                self.permits.push(permit);
            }
            Err(TrySendError::Closed(())) => assert!(self.closed),
            Err(TrySendError::Full(())) => assert!(!self.closed && !self.has_room()),
        }
    }

    fn use_permit(&mut self, which: usize) {
        let Some(permit) = take(&mut self.permits, which as u8) else { return };
        let value = self.source.make();
        let name = value.name();
        match permit.send(value) {
            Ok(()) => {
                assert!(!self.closed);
                self.names.push_back(name);
            }
            Err(SendError(value)) => {
                assert!(self.closed);
                assert_eq!(value.name(), name);
            }
        }
    }

    fn poll_send(&mut self, which: usize) {
        let task = &mut self.sends[which];
        let (polled, name) = (task.poll(), task.name.expect("it has a value"));
        match polled {
            Poll::Pending => assert!(!self.closed && !self.has_room()),
            Poll::Ready(Ok(())) => {
                assert!(!self.closed && self.has_room());
                self.names.push_back(name);
                self.sends.remove(which);
            }
            Poll::Ready(Err(SendError(value))) => {
                assert!(self.closed);
                assert_eq!(value.name(), name);
                self.sends.remove(which);
            }
        }
    }

    fn poll_recv(&mut self, which: usize) {
        match self.receives[which].poll() {
            Poll::Pending => assert!(!self.closed && self.names.is_empty()),
            Poll::Ready(received) => {
                assert_eq!(received.map(|value| value.name()), self.names.pop_front().ok_or(RecvError));
                self.receives.remove(which);
            }
        }
    }

    /// Whoever waits, and need not, was woken; of several at least one, who tells the next one.
    fn check(&self) {
        assert_eq!(self.receiver.len(), self.names.len());
        if !self.receives.is_empty() && !self.names.is_empty() {
            assert!(self.receives.iter().any(Task::is_woken), "nobody was told of a value");
        }
        if !self.sends.is_empty() && self.has_room() {
            assert!(self.sends.iter().any(Task::is_woken), "nobody was told of room");
        }
        if self.closed {
            assert!(self.receives.iter().all(Task::is_woken), "somebody was not told of the end");
            assert!(self.sends.iter().all(Task::is_woken), "somebody was not told of the end");
        }
    }
}

fn take<T>(values: &mut Vec<T>, which: u8) -> Option<T> {
    if values.is_empty() { None } else { Some(values.remove(usize::from(which) % values.len())) }
}

fuzz_target!(|input: Input| {
    let census = Census::default();
    let capacity = Some(usize::from(input.capacity % 10)).filter(|&capacity| capacity > 0);
    let (sender, receiver) = capacity.map_or_else(channel::unbounded, channel::bounded);
    let mut model = Model {
        sender: &sender,
        receiver: &receiver,
        source: census.source(0),
        names: VecDeque::new(),
        capacity,
        closed: false,
        permits: Vec::new(),
        sends: Vec::new(),
        receives: Vec::new(),
    };
    for operation in input.operations.into_iter().take(LONGEST) {
        model.apply(operation);
        model.check();
    }
    drop(model);
    drop((sender, receiver));
    assert_eq!(census.living(), 0);
});
