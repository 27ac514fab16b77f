//! Figures of a channel.

use std::fmt;

use super::core::{Core, Side};
use crate::sync::atomic::Ordering::Relaxed;

/// What has gone through a channel, and what is in it.
///
/// Figures that are read while others use the channel need not agree with each other to the last value. On targets of 32 bits
/// `sent` and `received` begin anew after some millions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStats {
    /// Values that were sent, or are being sent.
    pub sent: u64,
    /// Values that were received, or are being received; or dropped, because all receivers were gone.
    pub received: u64,
    /// How often a value was not sent, or no permit given, because there was no room, or not in time.
    pub rejected: u64,
    /// How many values are in it.
    pub size: usize,
    /// For how many there is room; none if for any number.
    pub capacity: Option<usize>,
    /// How many senders there are.
    pub senders: usize,
    /// How many receivers there are.
    pub receivers: usize,
    /// How many wait for room. (Through a rendezvous channel, those that wait for their value to be received are `size`.)
    pub waiting_senders: usize,
    /// How many wait for values.
    pub waiting_receivers: usize,
    /// Whether it is closed.
    pub is_closed: bool,
}

impl ChannelStats {
    pub(super) fn of<M>(core: &Core<M>) -> Self {
        let (sent, received) = core.totals();
        Self {
            sent,
            received,
            rejected: core.rejected.load(Relaxed),
            size: core.len(),
            capacity: core.capacity(),
            senders: core.count_ends(Side::Send),
            receivers: core.count_ends(Side::Receive),
            waiting_senders: core.senders.waiting(),
            waiting_receivers: core.receivers.waiting(),
            is_closed: core.is_closed(),
        }
    }
}

impl<M> Core<M> {
    pub(super) fn debug(&self, f: &mut fmt::Formatter<'_>, end: &str) -> fmt::Result {
        let mut debug = f.debug_struct(end);
        if !self.label.name.is_empty() {
            debug.field("name", &self.label.name);
        }
        debug
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
