//! The place of a key, locked.

use std::ptr::NonNull;

use super::{
    entry::Entry,
    limbo::{Limbo, Unlinked},
    local::{Local, Writing},
    pointers::{Keep, Pointers},
    segment::{Segment, Slot},
    table::Table,
};
use crate::reclaim::Guard;

/// The place of a key in a segment that is locked until this is dropped.
pub(super) struct Locked<'a, K, V> {
    segment: Segment<'a, Pointers<K, V>>,
    local: &'a Local<Limbo<K, V>>,
    writing: Writing<'a>,
    hash: u32,
    found: Option<(Slot, NonNull<Entry<K, V>>)>,
}

impl<'a, K, V> Locked<'a, K, V> {
    /// Locks the segment for that hash; `local` is that of this thread.
    ///
    /// # Panics
    /// If the thread has a lock of the map already, which it would wait for for ever.
    #[inline]
    pub(super) fn new(table: &'a Table<Pointers<K, V>>, local: &'a Local<Limbo<K, V>>, hash: u32) -> Self {
        let writing = Writing::new(local.writer());
        Self { segment: table.lock(hash), local, writing, hash, found: None }
    }

    /// Looks for the key that `is_it` recognizes; returns whether it is there.
    #[inline]
    pub(super) fn find(&mut self, is_it: impl FnMut(&K) -> bool) -> bool {
        // SAFETY: nobody takes it out while we have the lock.
        let found = unsafe { self.segment.find(self.hash, Keep::Lock, is_it) };
        self.found = found.map(|(slot, entry)| (slot, NonNull::from(entry)));
        self.found.is_some()
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.segment.is_full()
    }

    /// Makes room in the segment, after which the key may belong into another one.
    #[cold]
    pub(super) fn make_room(self, table: &Table<Pointers<K, V>>) {
        table.grow(self.segment, self.hash, &Entry::hash_of);
    }

    /// The entry that was found.
    #[inline]
    pub(super) fn entry(&self) -> Option<&Entry<K, V>> {
        // SAFETY: nobody takes it out while we have the lock.
        self.found.map(|(_, entry)| unsafe { entry.as_ref() })
    }

    /// The entry that was found, which `guard` keeps beyond the lock.
    pub(super) fn found_under(&self, guard: &Guard) -> Option<NonNull<Entry<K, V>>> {
        let (_, entry) = self.found?;
        guard.cover();
        Some(entry)
    }

    /// Puts an entry of that key in, which `guard` keeps beyond the lock.
    pub(super) fn put_under(self, guard: &Guard, entry: Box<Entry<K, V>>) -> NonNull<Entry<K, V>> {
        // It is covered before anybody can reach it.
        guard.cover();
        let entry = NonNull::from(Box::leak(entry));
        drop(self.put_leaked(entry));
        entry
    }

    /// Puts an entry of that key in.
    #[inline]
    pub(super) fn put(self, entry: Box<Entry<K, V>>) -> Option<Removed<'a, K, V>> {
        self.put_leaked(NonNull::from(Box::leak(entry)))
    }

    #[inline]
    fn put_leaked(self, entry: NonNull<Entry<K, V>>) -> Option<Removed<'a, K, V>> {
        if let Some((slot, _)) = self.found {
            return Some(self.removed(self.segment.bucket(slot.bucket).replace(slot.slot, entry)));
        }
        self.segment.put(self.hash, entry);
        self.writing.count(1);
        None
    }

    /// Puts an entry in that is counted already.
    pub(super) fn put_back(self, entry: Box<Entry<K, V>>) {
        self.segment.put(self.hash, NonNull::from(Box::leak(entry)));
    }

    /// Takes the entry out, if there is one.
    #[inline]
    pub(super) fn take(self) -> Option<Removed<'a, K, V>> {
        let (slot, _) = self.found?;
        self.writing.count(-1);
        Some(self.removed(self.segment.take(self.hash, slot).as_ptr()))
    }

    #[inline]
    fn removed(&self, entry: *mut Entry<K, V>) -> Removed<'a, K, V> {
        // SAFETY: entries are boxes, and this one was taken out by us alone.
        Removed { entry: Some(unsafe { Unlinked::new(entry) }), local: self.local }
    }
}

impl<K, V> Drop for Locked<'_, K, V> {
    #[inline]
    fn drop(&mut self) {
        self.segment.header().lock.unlock();
    }
}

/// An entry that was taken out. It is dropped when nobody looks at it any more.
pub(super) struct Removed<'a, K, V> {
    entry: Option<Unlinked<K, V>>,
    local: &'a Local<Limbo<K, V>>,
}

impl<K, V> Removed<'_, K, V> {
    #[inline]
    pub(super) fn value(&self) -> &V {
        &self.entry.as_ref().expect("it is there until this is dropped").entry().value
    }
}

impl<K, V> Drop for Removed<'_, K, V> {
    #[inline]
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.local.limbo().add(entry);
        }
    }
}
