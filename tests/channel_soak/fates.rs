//! What became of each value.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

/// How a send has ended, as its sender sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nobody has tried.
    Unused,
    Sent,
    GivenBack,
    /// The future was dropped, so it was not sent.
    Cancelled,
    /// The future was dropped; somebody may have taken the value out of its hand before.
    CancelledOffer,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Unused, Self::Sent, Self::GivenBack, Self::Cancelled, Self::CancelledOffer];
}

#[derive(Default)]
struct Fate {
    outcome: AtomicUsize,
    received: AtomicUsize,
    dropped: AtomicUsize,
}

pub(crate) struct Fates(Vec<Fate>);

/// A value; knows its number, and tells when it is dropped.
pub(crate) struct Value {
    number: usize,
    fates: Arc<Fates>,
}

impl Fates {
    pub(crate) fn new(values: usize) -> Arc<Self> {
        Arc::new(Self((0..values).map(|_| Fate::default()).collect()))
    }

    pub(crate) fn value(self: &Arc<Self>, number: usize) -> Value {
        Value { number, fates: Arc::clone(self) }
    }

    pub(crate) fn settle(&self, number: usize, outcome: Outcome) {
        let before = self.0[number].outcome.swap(outcome as usize, SeqCst);
        assert_eq!(before, Outcome::Unused as usize, "value {number} was sent twice");
    }

    /// Checks them all, and counts those that were received. If it was abandoned, receivers have left values behind.
    pub(crate) fn check(&self, is_abandoned: bool) -> usize {
        let mut all = 0;
        for (number, fate) in self.0.iter().enumerate() {
            let outcome = Outcome::ALL[fate.outcome.load(SeqCst)];
            let (received, dropped) = (fate.received.load(SeqCst), fate.dropped.load(SeqCst));
            let is_right = match outcome {
                Outcome::Unused => false,
                Outcome::Sent => received == 1 || (is_abandoned && received == 0),
                Outcome::GivenBack | Outcome::Cancelled => received == 0,
                Outcome::CancelledOffer => received <= 1,
            };
            assert!(
                is_right && dropped == 1,
                "value {number} is {outcome:?}, received {received} times, dropped {dropped} times"
            );
            all += received;
        }
        all
    }
}

impl Value {
    /// Says that it was received.
    pub(crate) fn receive(self) {
        self.fates.0[self.number].received.fetch_add(1, SeqCst);
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.fates.0[self.number].dropped.fetch_add(1, SeqCst);
    }
}
