//! Threads that receive.

use std::{
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use freewheel::flow::{
    Context, Select,
    channel::{Receiver, RecvContextError, RecvError, RecvTimeoutError, TryRecvError},
    select::SelectError,
};

use crate::{fates::Value, waiting::Task};

/// Receives from one channel, or from both.
pub(crate) struct Consumer {
    pub(crate) receivers: Vec<Receiver<Value>>,
    pub(crate) random: Rng,
    /// Is cancelled at some time.
    pub(crate) context: Context,
    /// It leaves after so many turns.
    pub(crate) turns: usize,
}

/// That all it receives from has ended.
pub(crate) struct End;

/// Receives what there is, if there is something.
pub(crate) fn take<E: PartialEq>(received: Result<Value, E>, end: E) -> Result<(), End> {
    match received {
        Ok(value) => value.receive(),
        Err(error) if error == end => return Err(End),
        Err(_) => thread::yield_now(),
    }
    Ok(())
}

impl Consumer {
    pub(crate) fn run(mut self) {
        for _ in 0..self.turns {
            let receiver = self.receivers[0].clone();
            let is_open = match self.receivers.len() {
                1 => self.receive(&receiver),
                _ => self.select(),
            };
            if is_open.is_err() {
                return;
            }
        }
    }

    pub(crate) fn soon(&mut self) -> Duration {
        Duration::from_micros(self.random.u64(..300))
    }

    fn receive(&mut self, receiver: &Receiver<Value>) -> Result<(), End> {
        let (soon, max) = (self.soon(), self.random.usize(1..8));
        match self.random.u8(..11) {
            0 | 1 => take(receiver.recv(), RecvError),
            2 => take(receiver.try_recv(), TryRecvError::Closed),
            3 => take(receiver.recv_timeout(soon), RecvTimeoutError::Closed),
            4 => take(receiver.recv_deadline(Instant::now() + soon), RecvTimeoutError::Closed),
            5 => {
                let context = self.context.with_timeout(soon);
                let context = if self.random.bool() { &context } else { &self.context };
                take(receiver.recv_ctx(context), RecvContextError::Closed)
            }
            6 => {
                let mut values = Vec::new();
                let received = receiver.recv_many(&mut values, max).map_err(|RecvError| End)?;
                assert!((1..=max).contains(&received) && values.len() == received);
                values.into_iter().for_each(Value::receive);
                Ok(())
            }
            7 => {
                receiver.drain().for_each(Value::receive);
                Ok(())
            }
            8 => {
                receiver.iter().take(max).for_each(Value::receive);
                Ok(())
            }
            9 => self.poll(receiver),
            _ => self.poll_many(receiver, max),
        }
    }

    /// Polls a future some times, and then gives it up.
    fn poll(&mut self, receiver: &Receiver<Value>) -> Result<(), End> {
        let mut task = Task::new(receiver.recv_async());
        for _ in 0..self.random.u8(..5) {
            if let Poll::Ready(received) = task.poll() {
                return take(received, RecvError);
            }
            thread::yield_now();
        }
        Ok(())
    }

    fn poll_many(&mut self, receiver: &Receiver<Value>, max: usize) -> Result<(), End> {
        let mut values = Vec::new();
        let mut task = Task::new(receiver.recv_many_async(&mut values, max));
        let mut end = Ok(());
        for _ in 0..self.random.u8(..5) {
            if let Poll::Ready(received) = task.poll() {
                end = received.map(drop).map_err(|RecvError| End);
                break;
            }
            thread::yield_now();
        }
        drop(task);
        values.into_iter().for_each(Value::receive);
        end
    }

    fn select(&mut self) -> Result<(), End> {
        let (deadline, context) =
            (Instant::now() + self.soon(), self.context.with_timeout(Duration::from_millis(1)));
        let over = Select::over(&self.receivers);
        let one = |value: Value| (0, value);
        let each = Select::new().recv(&self.receivers[0], one).recv(&self.receivers[1], one);
        let done = match self.random.u8(..9) {
            0 => over.wait(),
            1 => over.deadline(deadline).wait(),
            2 => each.wait(),
            3 => each.biased().deadline(deadline).wait(),
            4 => each.context(&self.context).wait(),
            5 => over.context(&context).deadline(deadline).wait(),
            6 => each.try_wait(),
            7 => return gathered(over.deadline(deadline).all()),
            _ => {
                let mut task = Task::new(each.wait_async());
                for _ in 0..self.random.u8(..5) {
                    if let Poll::Ready(done) = task.poll() {
                        return take(done.map(|(_, value)| value), SelectError::Closed);
                    }
                    thread::yield_now();
                }
                return Ok(());
            }
        };
        take(done.map(|(_, value)| value), SelectError::Closed)
    }
}

/// Receives what has come from all.
pub(crate) fn gathered(values: Vec<Result<Value, SelectError>>) -> Result<(), End> {
    let closed = values.iter().filter(|value| matches!(value, Err(SelectError::Closed))).count();
    let is_over = closed == values.len();
    values.into_iter().flatten().for_each(Value::receive);
    if is_over { Err(End) } else { Ok(()) }
}
