//! [`Reader`]: one that takes snapshots again and again.

use std::collections::HashMap;

use super::{Registry, Snapshot};

/// One of several that read a registry side by side, each at its own pace; made by [`Registry::reader`].
///
/// Reading resets nothing, so readers do not disturb each other. What a reader adds to [`Registry::snapshot`] is that
/// [idle series](super::InstrumentBuilder::remove_idle_after) wait for it: a series goes only when every reader has
/// seen its last value as often as asked for. While there are readers, other snapshots do not count.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::Registry;
///
/// let registry = Registry::new();
/// let hits = registry.counter("hits").build()?;
/// let (mut totals, mut windows) = (registry.reader(), registry.reader());
///
/// hits.add(2);
/// assert_eq!(windows.window().counter("hits", &[]), Some(2));
/// hits.add(3);
/// assert_eq!(windows.window().counter("hits", &[]), Some(3));
/// assert_eq!(totals.snapshot().counter("hits", &[]), Some(5));
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[derive(Debug)]
#[must_use = "a reader reads nothing by itself, and idle series wait for it"]
pub struct Reader {
    registry: Registry,
    id: u64,
    /// What the last window ended with.
    before: Snapshot,
    /// The round in which the last snapshot was begun.
    round: u64,
}

impl Reader {
    pub(super) fn new(registry: Registry, id: u64) -> Self {
        Self { registry, id, before: Snapshot::default(), round: 0 }
    }

    /// The state of every series, as [`Registry::snapshot`].
    #[must_use]
    pub fn snapshot(&mut self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.peek_into(&mut snapshot);
        self.acknowledge();
        snapshot
    }

    /// What happened since the last window, or in the first one since each series began; see [`Snapshot::since`].
    #[must_use]
    pub fn window(&mut self) -> Snapshot {
        let now = self.snapshot();
        let window = now.since(&self.before);
        self.before = now;
        window
    }

    /// Takes a snapshot in the memory of an earlier one; idle series do not count it before it is
    /// [acknowledged](Self::acknowledge).
    pub(crate) fn peek_into(&mut self, snapshot: &mut Snapshot) {
        self.round = self.registry.round();
        self.registry.collect(snapshot);
    }

    /// Says that the last snapshot has arrived.
    pub(crate) fn acknowledge(&mut self) {
        self.registry.end_collection(Some(Reading { reader: self.id, round: self.round }));
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.registry.end_reader(self.id);
    }
}

/// A snapshot that a reader has taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    reader: u64,
    /// The round in which it was begun.
    round: u64,
}

/// Who reads a registry, and who of them has in this round.
///
/// A round is over when every reader has a snapshot that was begun in it; then idle series go, and with that the next
/// one begins. So what has not changed from the end of one round to that of the next, every reader has seen.
#[derive(Debug, Default)]
pub(super) struct Readers {
    has_read: HashMap<u64, bool>,
    next: u64,
    round: u64,
}

impl Readers {
    pub(super) fn begin(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        self.has_read.insert(id, false);
        id
    }

    pub(super) fn end(&mut self, id: u64) {
        self.has_read.remove(&id);
    }

    /// The number of the present round.
    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// Notes a reading, or one by somebody who is no reader; if the round is over with it, runs `sweep` and begins the
    /// next one.
    pub(super) fn note(&mut self, reading: Option<Reading>, sweep: impl FnOnce()) {
        if let Some(Reading { reader, round }) = reading
            && let Some(has_read) = self.has_read.get_mut(&reader)
        {
            // What was begun before may lack what was recorded before the last round was over.
            *has_read |= round == self.round;
        } else if !self.has_read.is_empty() {
            return;
        }
        if self.has_read.values().all(|&has_read| has_read) {
            sweep();
            self.round += 1;
            self.has_read.values_mut().for_each(|has_read| *has_read = false);
        }
    }
}
