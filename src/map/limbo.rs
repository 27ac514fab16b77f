//! Entries that were taken out, and that somebody may still look at.
//!
//! Each thread keeps those that it took out itself, at its seat. So destructors of the user's run in a later write of that
//! thread, or in `flush`, and never within somebody's `get`.
//!
//! # Invariants
//! * **ALONE**: what stands at a seat is used by whoever has the seat, alone (`util::seat`).

use super::entry::Entry;
use crate::{
    reclaim::{Bin, Birth, Born},
    sync::cell::UnsafeCell,
    util::{Zeroed, drop_all},
};

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

impl<K, V> Born for Unlinked<K, V> {
    fn birth(&self) -> Birth {
        self.entry().birth
    }
}

type Waiting<K, V> = Bin<Unlinked<K, V>>;

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
        if self.with(|waiting| waiting.add(entry)) {
            self.drop_some(Bin::free);
        }
    }

    /// Drops what nobody looks at any more.
    ///
    /// # Panics
    /// If a destructor does; the others are dropped nevertheless.
    pub(super) fn flush(&self) {
        self.drop_some(Bin::flush);
    }

    #[cold]
    fn drop_some(&self, free: impl FnOnce(&mut Waiting<K, V>) -> Vec<Unlinked<K, V>>) {
        // SAFETY: everybody has gone.
        let mut entries = self.with(free).into_iter().map(|entry| unsafe { entry.free() });
        drop_all(|| entries.next());
    }

    /// Everything, to be dropped.
    ///
    /// # Safety
    /// Nobody uses the map any more.
    pub(super) unsafe fn take(&self) -> Vec<Box<Entry<K, V>>> {
        // SAFETY: the caller vouches for it.
        self.with(Bin::take).map(|entry| unsafe { entry.free() }).collect()
    }
}
