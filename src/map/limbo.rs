//! Entries that were taken out, and that somebody may still look at.
//!
//! Each thread keeps those that it took out itself, at its seat. So destructors of the user's run in a later write of that
//! thread, or in `flush`, and never within somebody's `get`. The memory of some is kept for the next entries that the thread
//! puts in, so that who replaces values does not allocate.
//!
//! # Invariants
//! * **ALONE**: what stands at a seat is used by whoever has the seat, alone (`util::seat`).

use std::mem::{self, MaybeUninit};

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

    /// Drops the key and the value, and returns the room that they had.
    ///
    /// # Safety
    /// Nobody looks at the entry any more.
    unsafe fn vacate(self) -> Room<K, V> {
        // SAFETY: as in `free`. If a destructor panics, it frees the memory.
        let mut room = unsafe { Box::from_raw(self.0.cast::<MaybeUninit<Entry<K, V>>>()) };
        // SAFETY: there is an entry.
        unsafe { room.assume_init_drop() };
        room
    }
}

impl<K, V> Born for Unlinked<K, V> {
    fn birth(&self) -> Birth {
        self.entry().birth
    }
}

/// Room for an entry.
pub(super) type Room<K, V> = Box<MaybeUninit<Entry<K, V>>>;

/// What one thread took out.
#[derive(Debug)]
struct Waiting<K, V> {
    bin: Bin<Unlinked<K, V>>,
    /// Of entries that are gone.
    rooms: Vec<Room<K, V>>,
}

impl<K, V> Waiting<K, V> {
    /// How many are kept: none where a checker has to see that memory is freed, else as many as come at a time, if they are
    /// small.
    const ROOMS: usize = if cfg!(any(freewheel_loom, freewheel_shuttle, freewheel_chaos)) {
        0
    } else {
        let bytes = 8192;
        let most = bytes / size_of::<Entry<K, V>>();
        if most < 64 { most } else { 64 }
    };

    fn keep(&mut self, room: Room<K, V>) {
        if self.rooms.len() != Self::ROOMS {
            self.rooms.push(room);
        }
    }
}

impl<K, V> Default for Waiting<K, V> {
    #[cold]
    #[inline(never)]
    fn default() -> Self {
        Self { bin: Bin::default(), rooms: Vec::with_capacity(Self::ROOMS) }
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
    /// Uses what is here: none until something is taken out. The caller has the seat, and `access` comes to no code of the
    /// user's.
    #[inline]
    fn with_some<R>(&self, access: impl FnOnce(&mut Option<Box<Waiting<K, V>>>) -> R) -> R {
        // SAFETY: by ALONE nobody else uses it; and we do not while we do, for that would take foreign code.
        self.0.with_mut(|waiting| access(unsafe { &mut *waiting }))
    }

    /// Uses what is here.
    #[inline]
    fn with<R>(&self, access: impl FnOnce(&mut Waiting<K, V>) -> R) -> R {
        self.with_some(|waiting| access(waiting.get_or_insert_default()))
    }

    /// Keeps an entry until everybody has gone who may look at it, and drops some for which that is so.
    ///
    /// # Panics
    /// If a destructor of another entry does.
    #[inline]
    pub(super) fn add(&self, entry: Unlinked<K, V>) {
        if self.with(|waiting| waiting.bin.add(entry)) {
            self.drop_some(Bin::free);
        }
    }

    /// Room for an entry.
    #[inline]
    pub(super) fn room(&self) -> Room<K, V> {
        self.with_some(|waiting| waiting.as_mut()?.rooms.pop()).unwrap_or_else(Box::new_uninit)
    }

    /// Drops what nobody looks at any more, and keeps no room.
    ///
    /// # Panics
    /// If a destructor does; the others are dropped nevertheless.
    pub(super) fn flush(&self) {
        self.drop_some(Bin::flush);
        drop(self.with(|waiting| mem::take(&mut waiting.rooms)));
    }

    #[cold]
    fn drop_some(&self, free: impl FnOnce(&mut Bin<Unlinked<K, V>>) -> Vec<Unlinked<K, V>>) {
        let mut entries = self.with(|waiting| free(&mut waiting.bin)).into_iter();
        drop_all(|| {
            // SAFETY: everybody has gone.
            let room = unsafe { entries.next()?.vacate() };
            self.with(|waiting| waiting.keep(room));
            Some(())
        });
    }

    /// Everything, to be dropped.
    ///
    /// # Safety
    /// Nobody uses the map any more.
    pub(super) unsafe fn take(&self) -> Vec<Box<Entry<K, V>>> {
        // SAFETY: the caller vouches for it.
        self.with(|waiting| waiting.bin.take()).map(|entry| unsafe { entry.free() }).collect()
    }
}
