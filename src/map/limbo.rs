//! Entries that were taken out, and that somebody may still look at.
//!
//! Each thread keeps those that it took out itself, at its seat, and asks once for so many of them whether everybody who
//! could see them has gone: a *ticket* is retired that says so when it is dropped. So destructors of the user's run in
//! a later write of that thread, and never within somebody's `get`. While somebody looks for long, it asks no more often: each
//! ticket takes its time and two kilobytes, and all of them in the process wait in one line.
//!
//! # Invariants
//! * **ALONE**: what stands at a seat is used by whoever has the seat, alone (`util::seat`).

use std::{collections::VecDeque, mem};

use super::entry::Entry;
use crate::{
    reclaim,
    sync::{
        Arc,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
        cell::UnsafeCell,
    },
    util::{Zeroed, drop_all},
};

/// Entries for one ticket, at least.
const BATCH: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 1 } else { 32 };
/// Tickets that a thread waits for at a time. If nobody looks for long, three are enough.
const MOST_TICKETS: usize = 4;

/// An entry that the map has no more; it is freed with this.
#[derive(Debug)]
pub(super) struct Unlinked<K, V>(*mut Entry<K, V>);

impl<K, V> Unlinked<K, V> {
    /// # Safety
    /// `entry` came from `Box::into_raw`, was taken out of the map, and is freed by this alone. Nobody who looks it up from
    /// now on finds it.
    pub(super) unsafe fn new(entry: *mut Entry<K, V>) -> Self {
        Self(entry)
    }

    pub(super) fn entry(&self) -> &Entry<K, V> {
        // SAFETY: it is freed with this.
        unsafe { &*self.0 }
    }

    /// # Safety
    /// Nobody looks at the entry any more.
    unsafe fn free(self) -> Box<Entry<K, V>> {
        // SAFETY: by `new` it is a box, and ours; the caller vouches for the rest.
        unsafe { Box::from_raw(self.0) }
    }
}

/// Says that everybody has gone.
struct Ticket(Arc<AtomicBool>);

impl Drop for Ticket {
    fn drop(&mut self) {
        // Release: edge GONE.
        self.0.store(true, Release);
    }
}

/// Entries that wait for a ticket.
#[derive(Debug)]
struct Batch<K, V> {
    has_everybody_gone: Arc<AtomicBool>,
    entries: Vec<Unlinked<K, V>>,
}

#[derive(Debug)]
struct Waiting<K, V> {
    fresh: Vec<Unlinked<K, V>>,
    batches: VecDeque<Batch<K, V>>,
}

impl<K, V> Default for Waiting<K, V> {
    fn default() -> Self {
        Self { fresh: Vec::with_capacity(BATCH), batches: VecDeque::new() }
    }
}

/// The entries that one thread took out.
#[derive(Debug)]
pub(super) struct Limbo<K, V>(UnsafeCell<Option<Box<Waiting<K, V>>>>);

impl<K, V> Default for Limbo<K, V> {
    fn default() -> Self {
        Self(UnsafeCell::new(None))
    }
}

// SAFETY: no box, which is a null pointer, by default.
unsafe impl<K, V> Zeroed for Limbo<K, V> {}
// SAFETY: entries are kept here, and dropped by any thread; by ALONE one at a time.
unsafe impl<K: Send, V: Send> Send for Limbo<K, V> {}
// SAFETY: as above.
unsafe impl<K: Send, V: Send> Sync for Limbo<K, V> {}

impl<K, V> Limbo<K, V> {
    /// Uses what waits here. The caller has the seat, and `access` comes to no code of the user's.
    fn with<R>(&self, access: impl FnOnce(&mut Waiting<K, V>) -> R) -> R {
        self.0.with_mut(|waiting| {
            // SAFETY: by ALONE nobody else uses it; and we do not while we do, for that would take foreign code.
            let waiting = unsafe { &mut *waiting };
            access(waiting.get_or_insert_default())
        })
    }

    /// Keeps an entry until everybody has gone who may look at it, and drops some for which that is so.
    ///
    /// # Panics
    /// If a destructor of another entry does.
    #[inline]
    pub(super) fn add(&self, entry: Unlinked<K, V>) {
        let is_due = self.with(|waiting| {
            waiting.fresh.push(entry);
            waiting.fresh.len().is_multiple_of(BATCH)
        });
        if is_due {
            self.ask();
        }
    }

    /// Asks for a ticket if not too many are out, and drops what nobody looks at any more.
    ///
    /// # Panics
    /// If a destructor does; the others are dropped nevertheless.
    #[cold]
    fn ask(&self) {
        if self.with(|waiting| waiting.batches.len() < MOST_TICKETS) {
            self.seal();
        }
        reclaim::pin().flush();
        self.drop_some();
    }

    /// Asks for a ticket for what came since the last one.
    fn seal(&self) {
        let entries = self.with(|waiting| mem::replace(&mut waiting.fresh, Vec::with_capacity(BATCH)));
        if entries.is_empty() {
            return;
        }
        let has_everybody_gone = Arc::new(AtomicBool::new(false));
        let ticket = Box::into_raw(Box::new(Ticket(Arc::clone(&has_everybody_gone))));
        self.with(|waiting| waiting.batches.push_back(Batch { has_everybody_gone, entries }));
        let guard = reclaim::pin();
        // SAFETY: it is the box of a moment ago, and nobody has seen it.
        unsafe { guard.retire(ticket) };
    }

    /// Drops the entries that nobody looks at any more.
    ///
    /// # Panics
    /// If a destructor does; the others are dropped nevertheless.
    fn drop_some(&self) {
        let mut entries = Vec::new();
        while let Some(batch) = self.with(|waiting| {
            // Acquire: edge GONE.
            waiting.batches.pop_front_if(|batch| batch.has_everybody_gone.load(Acquire))
        }) {
            entries.extend(batch.entries);
        }
        // SAFETY: everybody has gone.
        let mut entries = entries.into_iter().map(|entry| unsafe { entry.free() });
        drop_all(|| entries.next());
    }

    /// Drops what nobody looks at any more.
    ///
    /// # Panics
    /// If a destructor does; the others are dropped nevertheless.
    pub(super) fn flush(&self) {
        // It takes some rounds until it is known that everybody has gone; more if others wait for that too.
        const ROUNDS: usize = 16;
        self.seal();
        for _ in 0..ROUNDS {
            if self.with(|waiting| waiting.batches.is_empty()) {
                break;
            }
            reclaim::pin().flush();
            self.drop_some();
        }
    }

    /// Everything, to be dropped.
    ///
    /// # Safety
    /// Nobody uses the map any more.
    pub(super) unsafe fn take(&self) -> Vec<Box<Entry<K, V>>> {
        let waiting = self.with(mem::take);
        let batches = waiting.batches.into_iter().flat_map(|batch| batch.entries);
        // SAFETY: the caller vouches for it.
        batches.chain(waiting.fresh).map(|entry| unsafe { entry.free() }).collect()
    }
}
