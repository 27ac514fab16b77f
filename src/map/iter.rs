//! All entries, a segment at a time.

use std::{fmt, iter::FusedIterator, vec};

use super::{entry::Entry, pointers::Pointers, segment::Segment, table::Table};
use crate::{
    map::table::{first_behind, index},
    reclaim::Guard,
    sync::atomic::Ordering::Relaxed,
};

/// The entries of a map, in no order. See [`ShardedMap::iter`](super::ShardedMap) for what it may miss.
pub(super) struct Entries<'a, K, V> {
    table: &'a Table<Pointers<K, V>>,
    guard: &'a Guard,
    /// The first hash that was not listed yet.
    next: Option<u32>,
    listed: vec::IntoIter<&'a Entry<K, V>>,
}

impl<'a, K: Eq, V> Entries<'a, K, V> {
    pub(super) fn new(table: &'a Table<Pointers<K, V>>, guard: &'a Guard) -> Self {
        Self { table, guard, next: Some(0), listed: Vec::new().into_iter() }
    }

    /// Lists the entries of the segment for `hash`, and returns the first hash after that segment.
    fn list(&mut self, hash: u32) -> Option<u32> {
        loop {
            let segment = self.table.find(hash)?;
            let depth = segment.header().depth.load(Relaxed);
            let (taken, moves) = (segment.taken(), segment.moves());
            let mut entries = self.entries(segment, hash, depth);
            // If it was divided meanwhile, some may have left before they were seen. Who misses one has seen its slot
            // vacated, by edge TAKEN, and so sees that here.
            let is_whole = segment.header().depth.load(Relaxed) == depth && segment.moves() == moves;
            if !is_whole || self.table.find(hash) != Some(segment) {
                continue;
            }
            if segment.has_changed(taken) {
                drop_repeated(&mut entries);
            }
            self.listed = entries.into_iter();
            return first_behind(hash, depth);
        }
    }

    /// The entries in a segment whose hashes begin like that one.
    fn entries(&self, segment: Segment<'a, Pointers<K, V>>, hash: u32, depth: u32) -> Vec<&'a Entry<K, V>> {
        // SAFETY: the guard is there as long as `'a`.
        let entries = unsafe { segment.entries(self.guard) };
        entries.filter(|entry| index(entry.hash(), depth) == index(hash, depth)).collect()
    }
}

/// Keeps one of the entries for each key: one may have been taken out, and another one put in further on; or it has moved.
#[cold]
fn drop_repeated<K: Eq, V>(entries: &mut Vec<&Entry<K, V>>) {
    entries.sort_unstable_by_key(|entry| entry.hash());
    let mut kept: Vec<&Entry<K, V>> = Vec::with_capacity(entries.len());
    for entry in entries.drain(..) {
        let with_its_hash = kept.iter().rev().take_while(|other| other.hash() == entry.hash());
        if !with_its_hash.into_iter().any(|other| other.key == entry.key) {
            kept.push(entry);
        }
    }
    *entries = kept;
}

impl<'a, K: Eq, V> Iterator for Entries<'a, K, V> {
    type Item = &'a Entry<K, V>;

    fn next(&mut self) -> Option<&'a Entry<K, V>> {
        loop {
            if let Some(entry) = self.listed.next() {
                return Some(entry);
            }
            self.next = self.list(self.next?);
        }
    }
}

impl<K: Eq, V> FusedIterator for Entries<'_, K, V> {}

impl<K, V> fmt::Debug for Entries<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries").finish_non_exhaustive()
    }
}
