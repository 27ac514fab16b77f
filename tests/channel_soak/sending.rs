//! Threads that send.

use std::{
    ops::Range,
    sync::Arc,
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use freewheel::flow::{
    Context, Select,
    channel::{SendContextError, SendError, SendTimeoutError, Sender, TrySendError},
    select::SelectError,
};

use crate::{
    fates::{Fates, Outcome, Value},
    waiting::Task,
};

/// Sends its share of the values.
pub(crate) struct Producer {
    pub(crate) senders: [Sender<Value>; 2],
    pub(crate) fates: Arc<Fates>,
    pub(crate) random: Rng,
    /// Is cancelled at some time.
    pub(crate) context: Context,
    /// Whether some of its sends are branches of selects.
    pub(crate) selects: bool,
}

/// A value that one select is to send, and perhaps another one to another channel.
pub(crate) struct Pair {
    numbers: [Option<usize>; 2],
    pub(crate) values: [Option<Value>; 2],
}

impl Pair {
    pub(crate) fn new(fates: &Arc<Fates>, numbers: [Option<usize>; 2]) -> Self {
        Self { numbers, values: numbers.map(|number| Some(fates.value(number?))) }
    }

    /// `sent` says which of them the select has sent, if any.
    pub(crate) fn settle(self, fates: &Fates, sent: Option<usize>) {
        for (branch, (number, value)) in self.numbers.into_iter().zip(self.values).enumerate() {
            let Some(number) = number else { continue };
            assert_eq!(
                value.is_none(),
                sent == Some(branch),
                "value {number} of branch {branch} of a select"
            );
            fates.settle(number, if value.is_none() { Outcome::Sent } else { Outcome::GivenBack });
        }
    }
}

impl Producer {
    pub(crate) fn run(mut self, mut numbers: Range<usize>) {
        while let Some(number) = numbers.next() {
            if self.selects && self.random.u8(..8) == 0 {
                let second = if self.random.bool() { numbers.next() } else { None };
                self.select(number, second);
            } else if self.random.u8(..6) == 0 {
                self.poll(number);
            } else {
                let sent = self.send(number);
                self.settle(number, sent);
            }
        }
    }

    pub(crate) fn settle(&self, number: usize, sent: Result<(), Value>) {
        let outcome = if sent.is_ok() { Outcome::Sent } else { Outcome::GivenBack };
        self.fates.settle(number, outcome);
    }

    pub(crate) fn soon(&mut self) -> Duration {
        Duration::from_micros(self.random.u64(..300))
    }

    pub(crate) fn sender(&mut self) -> Sender<Value> {
        self.senders[self.random.usize(..2)].clone()
    }

    fn send(&mut self, number: usize) -> Result<(), Value> {
        let (value, soon, sender) = (self.fates.value(number), self.soon(), self.sender());
        match self.random.u8(..8) {
            0 | 1 => sender.send(value).map_err(SendError::into_inner),
            2 => sender.try_send(value).map_err(TrySendError::into_inner),
            3 => sender.send_timeout(value, soon).map_err(SendTimeoutError::into_inner),
            4 => sender.send_deadline(value, Instant::now() + soon).map_err(SendTimeoutError::into_inner),
            5 => {
                let context = self.context.with_timeout(soon);
                let context = if self.random.bool() { &context } else { &self.context };
                sender.send_ctx(context, value).map_err(SendContextError::into_inner)
            }
            6 => match sender.reserve() {
                Ok(permit) => permit.send(value).map_err(SendError::into_inner),
                Err(SendError(())) => Err(value),
            },
            _ => {
                let mut permits: Vec<_> =
                    (0..self.random.u8(1..4)).map_while(|_| sender.try_reserve().ok()).collect();
                match permits.pop() {
                    Some(permit) => permit.send(value).map_err(SendError::into_inner),
                    None => Err(value),
                }
            }
        }
    }

    fn select(&mut self, first: usize, second: Option<usize>) {
        let mut pair = Pair::new(&self.fates, [Some(first), second]);
        let deadline = Instant::now() + self.soon();
        let [one, two] = &mut pair.values;
        let [left, right] = &self.senders;
        let select = Select::new().send(left, one, || 0).send(right, two, || 1);
        let done: Result<usize, SelectError> = match self.random.u8(..5) {
            0 => select.wait(),
            1 => select.deadline(deadline).wait(),
            2 => select.biased().context(&self.context).wait(),
            3 => select.context(&self.context.with_deadline(deadline)).wait(),
            _ => select.try_wait(),
        };
        pair.settle(&self.fates, done.ok());
    }

    /// Polls a future some times, and then gives it up.
    fn poll(&mut self, number: usize) {
        let sender = self.sender();
        let mut task = Task::new(sender.send_async(self.fates.value(number)));
        for _ in 0..self.random.u8(..5) {
            if let Poll::Ready(sent) = task.poll() {
                return self.settle(number, sent.map_err(SendError::into_inner));
            }
            thread::yield_now();
        }
        if self.random.bool() {
            let value = task.into_inner().into_inner();
            return self.settle(number, value.map_or(Ok(()), Err));
        }
        drop(task);
        self.fates.settle(number, cancelled(&sender));
    }
}

/// How a send has ended whose future was dropped.
pub(crate) fn cancelled(sender: &Sender<Value>) -> Outcome {
    if sender.capacity() == Some(0) { Outcome::CancelledOffer } else { Outcome::Cancelled }
}
