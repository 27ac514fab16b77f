//! Sending and receiving as a thread that waits.

use super::{
    RecvError, TryRecvError, TrySendError,
    core::{Core, Side},
    outgoing::Outgoing,
};
use crate::{
    flow::until::Until,
    wait::{self, WaitList, Waiter},
};

/// Why a message was not sent.
pub(super) enum Refused<M> {
    Closed(M),
    /// There was no more time to wait.
    GivenUp(M),
}

/// What returns an `Option` returns `None` if it was given up.
impl<M> Core<M> {
    /// Sends, and waits for room.
    pub(super) fn send(&self, message: M, until: Until<'_>) -> Result<(), Refused<M>> {
        let message = match self.send_at_once(message) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(message)) => return Err(Refused::Closed(message)),
            Err(TrySendError::Full(message)) => message,
        };
        let mut outgoing = Outgoing::new(self, message);
        let line = outgoing.line();
        let sent = self.wait(Side::Send, &line, until, || outgoing.attempt());
        outgoing.end(sent)
    }

    /// Waits for room to reserve.
    pub(super) fn wait_for_room<R>(&self, until: Until<'_>, attempt: impl FnMut() -> Option<R>) -> Option<R> {
        let reserved = self.wait(Side::Send, &self.senders, until, attempt)?;
        self.pass_on_room();
        Some(reserved)
    }

    /// Receives, and waits for something.
    pub(super) fn recv(&self, until: Until<'_>) -> Option<Result<M, RecvError>> {
        match self.try_recv() {
            Ok(message) => return Some(Ok(message)),
            Err(TryRecvError::Closed) => return Some(Err(RecvError)),
            Err(TryRecvError::Empty) => {}
        }
        self.wait_for_values(until, || self.attempt_recv())
    }

    /// Waits for something to receive.
    pub(super) fn wait_for_values<R>(
        &self,
        until: Until<'_>,
        attempt: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        let received = self.wait(Side::Receive, &self.receivers, until, attempt)?;
        self.pass_on_values();
        Some(received)
    }

    /// Waits in `list` until `attempt` returns something.
    fn wait<R>(
        &self,
        side: Side,
        list: &WaitList,
        until: Until<'_>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        let clock = self.clock();
        let deadline = until.latest();
        let result = match until.line() {
            None => list.wait_until(self.strategy, deadline, attempt),
            Some(ends) => {
                let mut waiters = [Waiter::new(list), Waiter::new(ends)];
                let attempt = |_: &mut [_]| {
                    let result = attempt().map(|result| (0, Some(result)));
                    result.or_else(|| until.end().map(|_| (1, None)))
                };
                wait::wait_until(&mut waiters, self.strategy, deadline, attempt).flatten()
            }
        };
        self.waited(side, clock);
        result
    }
}
