//! A channel without room: what is sent is offered, until somebody takes it.

use std::{collections::BTreeMap, mem};

use super::{RecvError, SendError, TryRecvError, TrySendError};
use crate::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    util::drop_all,
    wait::{WaitList, Wake},
};

/// How a sender learns that its value was taken.
pub(super) struct Handover {
    is_over: AtomicBool,
    /// The sender, and nobody else.
    sender: WaitList,
}

impl Handover {
    fn new() -> Self {
        Self { is_over: AtomicBool::new(false), sender: WaitList::new() }
    }

    pub(super) fn sender(&self) -> &WaitList {
        &self.sender
    }

    /// Whether the value was taken, or the channel closed.
    pub(super) fn is_over(&self) -> bool {
        // Relaxed: who sees it takes the lock of the offers next, as the one has done who has set it.
        self.is_over.load(Relaxed)
    }

    fn end(&self) {
        self.is_over.store(true, Relaxed);
        self.sender.notify_one();
    }
}

/// A value that waits to be taken.
struct Offer<T> {
    value: T,
    /// None if its sender does not wait: it has handed the value to a receiver that was about to come.
    handover: Option<Arc<Handover>>,
}

/// Names an offer whose sender waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(u64);

struct Offers<T> {
    /// By number: the oldest first.
    line: BTreeMap<u64, Offer<T>>,
    next: u64,
    taken: u64,
    /// How many of the receivers that wait are promised to those who hold permits.
    promised: usize,
    is_closed: bool,
}

impl<T> Offers<T> {
    fn add(&mut self, value: T, handover: Option<Arc<Handover>>) -> Key {
        let key = self.next;
        self.next += 1;
        self.line.insert(key, Offer { value, handover });
        Key(key)
    }
}

/// What is offered.
pub(super) struct Rendezvous<T>(Mutex<Offers<T>>);

impl<T> Rendezvous<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Offers { line: BTreeMap::new(), next: 0, taken: 0, promised: 0, is_closed: false }))
    }

    /// Offers `value`, until it is taken or [taken back](Self::take_back).
    pub(super) fn offer(&self, value: T) -> Result<(Key, Arc<Handover>), SendError<T>> {
        let handover = Arc::new(Handover::new());
        let mut offers = self.0.lock();
        if offers.is_closed {
            return Err(SendError(value));
        }
        let key = offers.add(value, Some(Arc::clone(&handover)));
        Ok((key, handover))
    }

    /// Takes an offer back; none if it was taken.
    pub(super) fn take_back(&self, key: Key) -> Option<T> {
        let offer = self.0.lock().line.remove(&key.0);
        offer.map(|offer| offer.value)
    }

    /// Hands `value` to a receiver that waits, and to nobody to whom another value is promised.
    #[inline(never)]
    pub(super) fn hand(&self, value: T, receivers: &WaitList) -> Result<(), TrySendError<T>> {
        let mut offers = self.0.lock();
        if offers.is_closed {
            return Err(TrySendError::Closed(value));
        }
        if offers.promised > 0 && receivers.waiting() <= offers.promised {
            return Err(TrySendError::Full(value));
        }
        let Some(receiver) = receivers.notify_without_waking() else { return Err(TrySendError::Full(value)) };
        offers.add(value, None);
        drop(offers);
        receiver.wake();
        Ok(())
    }

    /// Whether a receiver waits that is not promised to anybody.
    pub(super) fn has_receiver(&self, receivers: &WaitList) -> bool {
        receivers.waiting() > self.0.lock().promised
    }

    /// Promises a receiver that waits to the caller; false if there is none.
    pub(super) fn promise(&self, receivers: &WaitList) -> Result<bool, SendError<()>> {
        let mut offers = self.0.lock();
        if offers.is_closed {
            return Err(SendError(()));
        }
        let has_receiver = receivers.waiting() > offers.promised;
        if has_receiver {
            offers.promised += 1;
        }
        Ok(has_receiver)
    }

    /// Gives up what was promised.
    pub(super) fn give_up(&self) {
        self.0.lock().promised -= 1;
    }

    /// Hands `value` to the receiver that was promised.
    pub(super) fn hand_promised(&self, value: T, receivers: &WaitList) -> Result<(), SendError<T>> {
        let mut offers = self.0.lock();
        offers.promised -= 1;
        if offers.is_closed {
            return Err(SendError(value));
        }
        offers.add(value, None);
        let receiver = receivers.notify_without_waking();
        drop(offers);
        receiver.into_iter().for_each(Wake::wake);
        Ok(())
    }

    /// Takes the oldest offer.
    #[inline(never)]
    pub(super) fn try_take(&self) -> Result<T, TryRecvError> {
        let mut offers = self.0.lock();
        let Some((_, Offer { value, handover })) = offers.line.pop_first() else {
            return Err(if offers.is_closed { TryRecvError::Closed } else { TryRecvError::Empty });
        };
        offers.taken += 1;
        drop(offers);
        handover.into_iter().for_each(|handover| handover.end());
        Ok(value)
    }

    /// Closes it, and tells those who wait; what they have offered is theirs. False if it was closed before.
    pub(super) fn close(&self) -> bool {
        let mut offers = self.0.lock();
        let was_closed = mem::replace(&mut offers.is_closed, true);
        let handovers: Vec<_> = offers.line.values().filter_map(|offer| offer.handover.clone()).collect();
        drop(offers);
        let mut handovers = handovers.into_iter();
        drop_all(|| handovers.next().map(|handover| handover.end()));
        !was_closed
    }

    /// Takes what was handed to receivers that are gone.
    pub(super) fn take_abandoned(&self) -> Result<T, RecvError> {
        let mut offers = self.0.lock();
        let abandoned = offers.line.iter().find(|(_, offer)| offer.handover.is_none()).map(|(&key, _)| key);
        let offer = abandoned.and_then(|key| offers.line.remove(&key));
        offers.taken += u64::from(offer.is_some());
        offer.map(|offer| offer.value).ok_or(RecvError)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.lock().is_closed
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().line.len()
    }

    /// How many were taken from the first: what is only offered was not sent yet.
    pub(super) fn taken(&self) -> u64 {
        self.0.lock().taken
    }
}
