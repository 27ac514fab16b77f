//! What a select waits for.

use std::time::Instant;

use crate::{
    flow::channel::{Receiver, RecvError, Sender, core::Side, message::Message},
    wait::WaitList,
};

/// What a look at a branch has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is done.
    Ready,
    /// It may be, later.
    NotReady,
    /// It never will be.
    Closed,
}

/// The branches of a [`Select`](super::Select), the last one first; their result is an `R`. Sealed.
pub trait Branches<'a, R>: Sealed {
    /// How many there are.
    #[doc(hidden)]
    fn count(&self) -> usize;
    /// Where one waits.
    #[doc(hidden)]
    fn line(&self, branch: usize) -> &'a WaitList;
    /// Does it if that can be done now.
    #[doc(hidden)]
    fn look(&mut self, branch: usize) -> Look;
    /// Tells others, after it was done, what it may have been told alone; and how long it took, if that is of interest.
    #[doc(hidden)]
    fn pass_on(&self, branch: usize, since: Option<Instant>);
    /// When the wait begins, if that is of interest.
    #[doc(hidden)]
    fn clock(&self) -> Option<Instant>;
    /// The result of the one that was done.
    #[doc(hidden)]
    fn finish(self, branch: usize) -> R;
}

/// Nobody else makes branches.
pub trait Sealed {}

/// No branch.
#[derive(Debug)]
pub struct End;

impl Sealed for End {}

impl<'a, R> Branches<'a, R> for End {
    fn count(&self) -> usize {
        0
    }

    fn line(&self, _: usize) -> &'a WaitList {
        unreachable!("there is no such branch")
    }

    fn look(&mut self, _: usize) -> Look {
        Look::Closed
    }

    fn pass_on(&self, _: usize, _: Option<Instant>) {}

    fn clock(&self) -> Option<Instant> {
        None
    }

    fn finish(self, _: usize) -> R {
        unreachable!("there is no such branch")
    }
}

/// What is done with what is received.
pub trait Then<T, R> {
    /// Whether the end of the channel is a result as well.
    const TAKES_END: bool;

    /// Makes the result of it.
    fn call(self, received: Result<T, RecvError>) -> R;
}

/// Called with a value.
#[derive(Debug)]
pub struct WithValue<F>(pub(super) F);

impl<T, R, F: FnOnce(T) -> R> Then<T, R> for WithValue<F> {
    const TAKES_END: bool = false;

    fn call(self, received: Result<T, RecvError>) -> R {
        match received {
            Ok(value) => (self.0)(value),
            Err(RecvError) => unreachable!("a branch that is closed is left out"),
        }
    }
}

/// Called with a value or the end.
#[derive(Debug)]
pub struct WithEnd<F>(pub(super) F);

impl<T, R, F: FnOnce(Result<T, RecvError>) -> R> Then<T, R> for WithEnd<F> {
    const TAKES_END: bool = true;

    fn call(self, received: Result<T, RecvError>) -> R {
        (self.0)(received)
    }
}

/// A branch that receives.
#[derive(Debug)]
pub struct Recv<'a, T, F, Rest> {
    receiver: &'a Receiver<T>,
    then: F,
    received: Option<Result<Message<T>, RecvError>>,
    rest: Rest,
}

impl<'a, T, F, Rest> Recv<'a, T, F, Rest> {
    pub(super) fn new(receiver: &'a Receiver<T>, then: F, rest: Rest) -> Self {
        Self { receiver, then, received: None, rest }
    }
}

impl<T, F, Rest> Sealed for Recv<'_, T, F, Rest> {}

impl<'a, T, F, R, Rest> Branches<'a, R> for Recv<'a, T, F, Rest>
where
    F: Then<T, R>,
    Rest: Branches<'a, R>,
{
    fn count(&self) -> usize {
        1 + self.rest.count()
    }

    fn line(&self, branch: usize) -> &'a WaitList {
        if branch == 0 { &self.receiver.core.receivers } else { self.rest.line(branch - 1) }
    }

    fn look(&mut self, branch: usize) -> Look {
        if branch > 0 {
            return self.rest.look(branch - 1);
        }
        self.received = self.receiver.core.attempt_recv();
        match &self.received {
            None => Look::NotReady,
            Some(Err(RecvError)) if !F::TAKES_END => Look::Closed,
            Some(_) => Look::Ready,
        }
    }

    fn pass_on(&self, branch: usize, since: Option<Instant>) {
        if branch > 0 {
            return self.rest.pass_on(branch - 1, since);
        }
        self.receiver.core.waited(Side::Receive, since);
        self.receiver.core.pass_on_values();
    }

    fn clock(&self) -> Option<Instant> {
        self.receiver.core.clock().or_else(|| self.rest.clock())
    }

    fn finish(self, branch: usize) -> R {
        if branch > 0 {
            return self.rest.finish(branch - 1);
        }
        let received = self.received.expect("it was received");
        self.then.call(received.map(|message| self.receiver.core.label.unpack(message)))
    }
}

/// A branch that sends.
#[derive(Debug)]
pub struct Send<'a, T, F, Rest> {
    sender: &'a Sender<T>,
    value: &'a mut Option<T>,
    then: F,
    rest: Rest,
}

impl<'a, T, F, Rest> Send<'a, T, F, Rest> {
    pub(super) fn new(sender: &'a Sender<T>, value: &'a mut Option<T>, then: F, rest: Rest) -> Self {
        Self { sender, value, then, rest }
    }
}

impl<T, F, Rest> Sealed for Send<'_, T, F, Rest> {}

impl<'a, T, F, R, Rest> Branches<'a, R> for Send<'a, T, F, Rest>
where
    F: FnOnce() -> R,
    Rest: Branches<'a, R>,
{
    fn count(&self) -> usize {
        1 + self.rest.count()
    }

    fn line(&self, branch: usize) -> &'a WaitList {
        if branch == 0 { &self.sender.core.senders } else { self.rest.line(branch - 1) }
    }

    fn look(&mut self, branch: usize) -> Look {
        if branch > 0 {
            return self.rest.look(branch - 1);
        }
        if self.value.is_none() {
            return Look::Closed;
        }
        let Some(permit) = self.sender.attempt_reserve() else { return Look::NotReady };
        let Ok(permit) = permit else { return Look::Closed };
        let Some(value) = self.value.take() else { return Look::Closed };
        match permit.send(value) {
            Ok(()) => Look::Ready,
            Err(unsent) => {
                *self.value = Some(unsent.into_inner());
                Look::Closed
            }
        }
    }

    fn pass_on(&self, branch: usize, since: Option<Instant>) {
        if branch > 0 {
            return self.rest.pass_on(branch - 1, since);
        }
        self.sender.core.waited(Side::Send, since);
        self.sender.core.pass_on_room();
    }

    fn clock(&self) -> Option<Instant> {
        self.sender.core.clock().or_else(|| self.rest.clock())
    }

    fn finish(self, branch: usize) -> R {
        if branch == 0 { (self.then)() } else { self.rest.finish(branch - 1) }
    }
}

/// A branch for each of some receivers of one type, in place of all others.
#[derive(Debug)]
pub struct Over<'a, T> {
    receivers: &'a [Receiver<T>],
    received: Option<Message<T>>,
}

impl<'a, T> Over<'a, T> {
    pub(super) fn new(receivers: &'a [Receiver<T>]) -> Self {
        Self { receivers, received: None }
    }

    pub(super) fn receivers(&self) -> &'a [Receiver<T>] {
        self.receivers
    }

    /// The last one first, as with all branches.
    fn number(&self, branch: usize) -> usize {
        self.receivers.len() - 1 - branch
    }
}

impl<T> Sealed for Over<'_, T> {}

impl<'a, T> Branches<'a, (usize, T)> for Over<'a, T> {
    fn count(&self) -> usize {
        self.receivers.len()
    }

    fn line(&self, branch: usize) -> &'a WaitList {
        &self.receivers[self.number(branch)].core.receivers
    }

    fn look(&mut self, branch: usize) -> Look {
        match self.receivers[self.number(branch)].core.attempt_recv() {
            None => Look::NotReady,
            Some(Err(RecvError)) => Look::Closed,
            Some(Ok(message)) => {
                self.received = Some(message);
                Look::Ready
            }
        }
    }

    fn pass_on(&self, branch: usize, since: Option<Instant>) {
        let core = &self.receivers[self.number(branch)].core;
        core.waited(Side::Receive, since);
        core.pass_on_values();
    }

    fn clock(&self) -> Option<Instant> {
        self.receivers.iter().find_map(|receiver| receiver.core.clock())
    }

    fn finish(self, branch: usize) -> (usize, T) {
        let number = self.number(branch);
        let message = self.received.expect("it was received");
        (number, self.receivers[number].core.label.unpack(message))
    }
}
