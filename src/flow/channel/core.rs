//! What the ends of a channel share.

use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::{RecvError, SendError, TryRecvError, TrySendError, message::Label, rendezvous::Rendezvous};
use crate::{
    queue::{Bounded, TryPushError, Unbounded},
    sync::atomic::{
        AtomicU64, AtomicUsize,
        Ordering::{AcqRel, Relaxed},
    },
    util::drop_all,
    wait::{WaitList, WaitStrategy},
};

/// Where the values are.
#[allow(clippy::large_enum_variant, reason = "a channel has one, on the heap")]
pub(super) enum Buffer<M> {
    Bounded(Bounded<M>),
    Unbounded(Unbounded<M>),
    Rendezvous(Rendezvous<M>),
}

impl<M> Buffer<M> {
    /// Room for so many; for any number if there is none, and for nothing if it is 0.
    pub(super) fn new(capacity: Option<usize>) -> Self {
        match capacity {
            None => Self::Unbounded(Unbounded::new()),
            Some(0) => Self::Rendezvous(Rendezvous::new()),
            Some(capacity) => Self::Bounded(Bounded::reservable(capacity)),
        }
    }
}

/// One of the two sides of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) enum Side {
    Send,
    Receive,
}

/// Is told how long somebody has waited.
pub(super) type OnWaited = Box<dyn Fn(Side, Duration) + Send + Sync>;

/// What all ends of a channel share.
pub(in crate::flow) struct Core<M> {
    pub(super) buffer: Buffer<M>,
    pub(in crate::flow) label: Label,
    pub(super) strategy: WaitStrategy,
    pub(super) on_waited: Option<OnWaited>,
    /// How often there was no room, or no time to wait for it.
    pub(super) rejected: AtomicU64,
    /// Those who wait for room, or for somebody to hand a value to.
    pub(in crate::flow) senders: CachePadded<WaitList>,
    /// Those who wait for values.
    pub(in crate::flow) receivers: CachePadded<WaitList>,
    sending_ends: AtomicUsize,
    receiving_ends: AtomicUsize,
}

impl<M> Core<M> {
    /// With one end on each side.
    pub(super) fn new(
        capacity: Option<usize>,
        label: Label,
        strategy: WaitStrategy,
        on_waited: Option<OnWaited>,
    ) -> Self {
        Self {
            buffer: Buffer::new(capacity),
            label,
            strategy,
            on_waited,
            rejected: AtomicU64::new(0),
            senders: CachePadded::new(WaitList::new()),
            receivers: CachePadded::new(WaitList::new()),
            sending_ends: AtomicUsize::new(1),
            receiving_ends: AtomicUsize::new(1),
        }
    }

    #[inline]
    pub(super) fn try_send(&self, message: M) -> Result<(), TrySendError<M>> {
        // Each in a function of its own: together they are slower.
        match &self.buffer {
            Buffer::Bounded(queue) => self.push_bounded(queue, message),
            Buffer::Unbounded(queue) => self.push_unbounded(queue, message),
            Buffer::Rendezvous(offers) => offers.hand(message, &self.receivers),
        }
    }

    #[inline]
    fn push_bounded(&self, queue: &Bounded<M>, message: M) -> Result<(), TrySendError<M>> {
        queue.try_push(message).map_err(|refused| match refused {
            TryPushError::Full(message) => TrySendError::Full(message),
            TryPushError::Closed(message) => TrySendError::Closed(message),
        })?;
        self.announce_value();
        Ok(())
    }

    #[inline(never)]
    fn push_unbounded(&self, queue: &Unbounded<M>, message: M) -> Result<(), TrySendError<M>> {
        queue.push(message).map_err(|closed| TrySendError::Closed(closed.into_inner()))?;
        self.announce_value();
        Ok(())
    }

    /// Tells a receiver; if the last one is gone, the value, which came too late for that, is dropped.
    #[inline]
    pub(super) fn announce_value(&self) {
        if self.receivers.notify_one() {
            self.discard();
        }
    }

    #[inline]
    pub(super) fn try_recv(&self) -> Result<M, TryRecvError> {
        match &self.buffer {
            Buffer::Bounded(queue) => {
                let message = queue.try_pop().map_err(TryRecvError::from)?;
                self.senders.notify_one();
                Ok(message)
            }
            Buffer::Unbounded(queue) => Self::pop_unbounded(queue),
            Buffer::Rendezvous(offers) => offers.try_take(),
        }
    }

    /// Nobody waits for room.
    #[inline(never)]
    fn pop_unbounded(queue: &Unbounded<M>) -> Result<M, TryRecvError> {
        queue.try_pop().map_err(TryRecvError::from)
    }

    /// Receives up to `max` messages that are there already, and says how many.
    fn try_recv_many(&self, max: usize, mut sink: impl FnMut(M)) -> Result<usize, TryRecvError> {
        // No more than there are now: others may send for ever.
        let max = max.min(self.len().max(1));
        let mut received = 0;
        while received < max {
            match self.try_recv() {
                Ok(message) => sink(message),
                Err(error) if received == 0 => return Err(error),
                Err(_) => break,
            }
            received += 1;
        }
        Ok(received)
    }

    /// Reserves room; false if there is none.
    pub(super) fn try_reserve(&self) -> Result<bool, SendError<()>> {
        match &self.buffer {
            Buffer::Bounded(queue) => queue.reserve().map_err(|_| SendError(())),
            Buffer::Unbounded(queue) if queue.is_closed() => Err(SendError(())),
            Buffer::Unbounded(_) => Ok(true),
            Buffer::Rendezvous(offers) => offers.promise(&self.receivers),
        }
    }

    /// Gives up room that was reserved.
    pub(super) fn unreserve(&self) {
        match &self.buffer {
            Buffer::Bounded(queue) => queue.unreserve(),
            Buffer::Unbounded(_) => return,
            Buffer::Rendezvous(offers) => offers.give_up(),
        }
        self.senders.notify_one();
    }

    /// Sends where room is reserved, which is used then.
    pub(super) fn send_reserved(&self, message: M) -> Result<(), SendError<M>> {
        match &self.buffer {
            Buffer::Bounded(queue) => {
                if queue.push_reserved(message).map_err(|closed| SendError(closed.into_inner()))? {
                    self.senders.notify_one();
                }
            }
            Buffer::Unbounded(queue) => {
                queue.push(message).map_err(|closed| SendError(closed.into_inner()))?;
            }
            Buffer::Rendezvous(offers) => return offers.hand_promised(message, &self.receivers),
        }
        self.announce_value();
        Ok(())
    }

    /// Looks once, on behalf of one who waits.
    #[inline]
    pub(in crate::flow) fn attempt_recv(&self) -> Option<Result<M, RecvError>> {
        self.looked(self.try_recv())
    }

    /// As that, for several.
    pub(super) fn attempt_recv_many(
        &self,
        max: usize,
        sink: impl FnMut(M),
    ) -> Option<Result<usize, RecvError>> {
        self.looked(self.try_recv_many(max, sink))
    }

    #[inline]
    fn looked<R>(&self, looked: Result<R, TryRecvError>) -> Option<Result<R, RecvError>> {
        match looked {
            Ok(received) => Some(Ok(received)),
            Err(TryRecvError::Closed) => Some(Err(RecvError)),
            Err(TryRecvError::Empty) => {
                if let Buffer::Rendezvous(offers) = &self.buffer
                    && offers.has_receiver(&self.receivers)
                {
                    // It waits: for those who hand values to such.
                    self.senders.notify_one();
                }
                None
            }
        }
    }

    /// Called by who has waited for room and got it: what was freed in between may have been announced to it alone. (That others
    /// wait is looked at first: the fence there comes after the announcement, and before the look.)
    pub(in crate::flow) fn pass_on_room(&self) {
        if let Buffer::Bounded(queue) = &self.buffer
            && self.senders.waiting() > 0
            && queue.has_room()
        {
            self.senders.notify_one();
        }
    }

    /// Called by who has waited for a value and got it, or the end: more may have been announced to it alone, because it was
    /// hidden until then; and nobody else announces the end.
    pub(in crate::flow) fn pass_on_values(&self) {
        if self.receivers.waiting() > 0 && (!self.is_empty() || self.is_closed()) {
            self.receivers.notify_one();
        }
    }

    /// When a wait begins, if that is of interest.
    pub(in crate::flow) fn clock(&self) -> Option<Instant> {
        self.on_waited.as_ref().map(|_| Instant::now())
    }

    /// Says how long somebody has waited.
    pub(in crate::flow) fn waited(&self, side: Side, since: Option<Instant>) {
        if let (Some(on_waited), Some(since)) = (&self.on_waited, since) {
            on_waited(side, since.elapsed());
        }
    }

    /// Sends if there is room; a rendezvous takes more than one look.
    #[inline]
    pub(super) fn send_at_once(&self, message: M) -> Result<(), TrySendError<M>> {
        if let Buffer::Rendezvous(_) = self.buffer {
            Err(TrySendError::Full(message))
        } else {
            self.try_send(message)
        }
    }

    pub(super) fn reject(&self) {
        self.rejected.fetch_add(1, Relaxed);
    }

    /// Closes the channel. False if it was closed before.
    pub(super) fn close(&self) -> bool {
        let is_first = match &self.buffer {
            Buffer::Bounded(queue) => queue.close(),
            Buffer::Unbounded(queue) => queue.close(),
            Buffer::Rendezvous(offers) => offers.close(),
        };
        // All of it, whatever wakers do.
        let mut steps = 0..3;
        drop_all(|| {
            match steps.next()? {
                0 => self.receivers.notify_all(),
                1 => self.senders.notify_all(),
                _ => self.discard(),
            }
            Some(())
        });
        is_first
    }

    /// Drops what is in the channel, if there is no receiver any more.
    #[cold]
    fn discard(&self) {
        if self.count_ends(Side::Receive) > 0 {
            return;
        }
        let drop_values = || {
            drop_all(|| match &self.buffer {
                Buffer::Rendezvous(offers) => offers.take_abandoned().ok(),
                _ => self.try_recv().ok(),
            });
        };
        drop_values();
        if !matches!(self.buffer, Buffer::Rendezvous(_)) && !self.is_empty() {
            // Somebody is in the middle of sending. It finds this when it announces its value, or we see that now.
            self.receivers.leave_to_notifier();
            drop_values();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match &self.buffer {
            Buffer::Bounded(queue) => queue.is_closed(),
            Buffer::Unbounded(queue) => queue.is_closed(),
            Buffer::Rendezvous(offers) => offers.is_closed(),
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.buffer {
            Buffer::Bounded(queue) => queue.len(),
            Buffer::Unbounded(queue) => queue.len(),
            Buffer::Rendezvous(offers) => offers.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn capacity(&self) -> Option<usize> {
        match &self.buffer {
            Buffer::Bounded(queue) => Some(queue.capacity()),
            Buffer::Unbounded(_) => None,
            Buffer::Rendezvous(_) => Some(0),
        }
    }

    /// How many were sent from the first, and how many were received.
    pub(super) fn totals(&self) -> (u64, u64) {
        let (sent, received) = match &self.buffer {
            Buffer::Bounded(queue) => queue.totals(),
            Buffer::Unbounded(queue) => queue.totals(),
            Buffer::Rendezvous(offers) => {
                let taken = offers.taken();
                return (taken, taken);
            }
        };
        (sent as u64, received as u64)
    }

    fn ends(&self, side: Side) -> &AtomicUsize {
        match side {
            Side::Send => &self.sending_ends,
            Side::Receive => &self.receiving_ends,
        }
    }

    pub(super) fn count_ends(&self, side: Side) -> usize {
        self.ends(side).load(Relaxed)
    }

    pub(super) fn add_end(&self, side: Side) {
        self.ends(side).fetch_add(1, Relaxed);
    }

    /// The last one closes the channel.
    pub(super) fn remove_end(&self, side: Side) {
        // AcqRel: edge LAST.
        if self.ends(side).fetch_sub(1, AcqRel) == 1 {
            self.close();
        }
    }
}
