//! A message on its way into a channel.

use std::{mem, ops::Deref};

use super::{
    TrySendError,
    blocking::Refused,
    core::{Buffer, Core},
    rendezvous::{Handover, Key, Rendezvous},
};
use crate::{sync::Arc, wait::WaitList};

/// Where a sender waits.
#[derive(Clone)]
pub(super) enum Line<'a> {
    /// With all others, for room.
    Room(&'a WaitList),
    /// Alone, for its offer to be taken.
    Offer(Arc<Handover>),
}

impl Deref for Line<'_> {
    type Target = WaitList;

    fn deref(&self) -> &WaitList {
        match self {
            Self::Room(list) => list,
            Self::Offer(handover) => handover.sender(),
        }
    }
}

enum Stage<'a, M> {
    /// It waits for room.
    Held(M),
    /// It waits to be taken.
    Offered { offers: &'a Rendezvous<M>, key: Key, handover: Arc<Handover> },
    /// It has been sent, or given back.
    Gone,
}

/// A message on its way into a channel. It comes back if this is dropped before it got there.
pub(super) struct Outgoing<'a, M> {
    core: &'a Core<M>,
    stage: Stage<'a, M>,
}

impl<'a, M> Outgoing<'a, M> {
    pub(super) fn new(core: &'a Core<M>, message: M) -> Self {
        let Buffer::Rendezvous(offers) = &core.buffer else {
            return Self { core, stage: Stage::Held(message) };
        };
        let stage = match offers.offer(message) {
            Ok((key, handover)) => {
                core.announce_value();
                Stage::Offered { offers, key, handover }
            }
            // As the first attempt will find out.
            Err(closed) => Stage::Held(closed.into_inner()),
        };
        Self { core, stage }
    }

    /// Where to wait between attempts.
    pub(super) fn line(&self) -> Line<'a> {
        match &self.stage {
            Stage::Offered { handover, .. } => Line::Offer(Arc::clone(handover)),
            Stage::Held(_) | Stage::Gone => Line::Room(&self.core.senders),
        }
    }

    /// Sends it if there is room, or if it was taken; gives it back if the channel is closed.
    pub(super) fn attempt(&mut self) -> Option<Result<(), M>> {
        match mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Held(message) => match self.core.try_send(message) {
                Ok(()) => Some(Ok(())),
                Err(TrySendError::Closed(message)) => Some(Err(message)),
                Err(TrySendError::Full(message)) => {
                    self.stage = Stage::Held(message);
                    None
                }
            },
            Stage::Offered { offers, key, handover } if handover.is_over() => {
                Some(offers.take_back(key).map_or(Ok(()), Err))
            }
            stage => {
                self.stage = stage;
                None
            }
        }
    }

    /// The message, unless it was sent.
    pub(super) fn take_back(&mut self) -> Option<M> {
        match mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Held(message) => Some(message),
            Stage::Offered { offers, key, .. } => offers.take_back(key),
            Stage::Gone => None,
        }
    }

    /// What has become of it, after a wait; `None` if that was given up.
    pub(super) fn end(&mut self, sent: Option<Result<(), M>>) -> Result<(), Refused<M>> {
        match sent {
            Some(sent) => {
                self.core.pass_on_room();
                sent.map_err(Refused::Closed)
            }
            None => match self.take_back() {
                Some(message) => Err(Refused::GivenUp(message)),
                None => Ok(()),
            },
        }
    }
}

impl<M> Drop for Outgoing<'_, M> {
    fn drop(&mut self) {
        drop(self.take_back());
    }
}
