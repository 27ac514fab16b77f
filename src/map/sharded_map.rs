//! The map, and how it is read.

use std::{
    fmt,
    hash::{BuildHasher, Hash},
};

use equivalent::Equivalent;

use super::{
    DefaultHashBuilder, Pinned, Ref,
    entry::Entry,
    limbo::Limbo,
    local::{Local, Writer},
    pointers::{Glance, Keep, Pointers},
    segment::Segment,
    table::{Table, placing},
};
use crate::{
    reclaim::{self, Guard},
    util::{PerSeat, Seat, drop_all, seat},
};

/// A map for many threads. Reads never wait: not for writers, and not while it grows.
///
/// The module documentation tells how it [makes progress](super#progress), what [memory](super#memory) it takes, and why
/// it [cannot deadlock](super#no-deadlocks).
///
/// # Examples
///
/// ```
/// use freewheel::ShardedMap;
///
/// let sessions = ShardedMap::new();
/// sessions.store("alice".to_owned(), 1);
/// // By value, or by a reference that is no lock: everything else goes on.
/// assert_eq!(sessions.load("alice"), Some(1));
/// if let Some(session) = sessions.get("alice") {
///     sessions.store("alice".to_owned(), 2);
///     assert_eq!(*session, 1);
/// }
/// // The key is cloned, and the value made, only if it is not there.
/// assert_eq!(sessions.load_or_store_with("bob", || 7).into_inner(), 7);
/// assert_eq!(sessions.load_and_delete("alice"), Some(2));
/// assert_eq!(sessions.len(), 1);
/// ```
pub struct ShardedMap<K, V, S = DefaultHashBuilder> {
    hash_builder: S,
    pub(super) table: Table<Pointers<K, V>>,
    locals: PerSeat<Local<Limbo<K, V>>>,
}

impl<K, V> ShardedMap<K, V> {
    /// Makes an empty map. Allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty map with room for so many keys.
    #[must_use]
    pub fn with_capacity(keys: usize) -> Self {
        Self::with_capacity_and_hasher(keys, DefaultHashBuilder::default())
    }

    /// Makes an empty map with at least so many segments, each of which one thread at a time can write to.
    ///
    /// A map begins with one, and has more only when it has hundreds of keys; so a small map that many threads write to does
    /// better if it has some from the beginning: some four for each core, at about 200 bytes each.
    ///
    /// # Panics
    /// If there are to be more than a million.
    #[must_use]
    pub fn with_shards(segments: usize) -> Self {
        Self::with_shards_and_hasher(segments, DefaultHashBuilder::default())
    }
}

impl<K, V, S> ShardedMap<K, V, S> {
    /// Makes an empty map that hashes with `hash_builder`. Allocates nothing.
    #[must_use]
    pub fn with_hasher(hash_builder: S) -> Self {
        Self::from_parts(hash_builder, Table::new())
    }

    /// As [`with_capacity`](ShardedMap::with_capacity), hashing with `hash_builder`.
    #[must_use]
    pub fn with_capacity_and_hasher(keys: usize, hash_builder: S) -> Self {
        Self::from_parts(hash_builder, Table::with_capacity(keys))
    }

    /// As [`with_shards`](ShardedMap::with_shards), hashing with `hash_builder`.
    ///
    /// # Panics
    /// If there are to be more than a million.
    #[must_use]
    pub fn with_shards_and_hasher(segments: usize, hash_builder: S) -> Self {
        const MOST: usize = 1 << 20;
        assert!(segments <= MOST, "at most a million segments, not {segments}");
        Self::from_parts(hash_builder, Table::with_segments(segments.max(1).next_power_of_two().ilog2(), 0))
    }

    fn from_parts(hash_builder: S, table: Table<Pointers<K, V>>) -> Self {
        Self { hash_builder, table, locals: PerSeat::default() }
    }

    /// A map with one segment of `1 << log` buckets, for models.
    #[cfg(any(freewheel_loom, freewheel_shuttle))]
    #[must_use]
    pub fn with_buckets(log: u32) -> Self
    where
        S: Default,
    {
        Self::from_parts(S::default(), Table::with_segments(0, log))
    }

    /// What makes the hashers.
    #[must_use]
    pub fn hasher(&self) -> &S {
        &self.hash_builder
    }

    /// How many keys there are; while others write, about so many.
    ///
    /// *Progress:* wait-free. *Cost:* a load for each thread that there ever was at a time.
    #[must_use]
    pub fn len(&self) -> usize {
        Writer::sum(self.locals.iter().map(|(_, local)| local.writer()))
    }

    /// Whether there are none; while others write, that is so or was a moment ago.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(super) fn local(&self, seat: &Seat) -> &Local<Limbo<K, V>> {
        self.locals.at(seat)
    }

    /// Drops what this thread, and threads that have ended, have deleted or replaced, as far as nobody looks at it.
    ///
    /// A thread that goes on to write does so by and by.
    ///
    /// # Panics
    /// If a destructor does; the others are dropped nevertheless.
    pub fn flush(&self) {
        seat::with(|seat| self.local(seat).limbo().flush());
        for (number, local) in self.locals.iter() {
            seat::with_vacant(number, |_| local.limbo().flush());
        }
    }

    /// All entries, to be dropped.
    ///
    /// # Safety
    /// Nobody else has the map, and its table is not used any more, but dropped.
    unsafe fn take_entries(&self) -> Vec<Box<Entry<K, V>>> {
        let entries = self.table.segments().into_iter().flat_map(Segment::items);
        // SAFETY: they are boxes, and the caller vouches for the rest.
        entries.map(|(_, entry)| unsafe { Box::from_raw(entry.as_ptr()) }).collect()
    }

    /// All entries; the map is not used any more.
    pub(super) fn into_entries(mut self) -> Vec<Box<Entry<K, V>>> {
        // SAFETY: whoever has the map has it alone; and the table is replaced.
        let entries = unsafe { self.take_entries() };
        self.table = Table::new();
        entries
    }

    /// Gives memory back that the keys of now do not need.
    pub fn shrink_to_fit(&mut self)
    where
        K: Eq + Hash,
        S: BuildHasher,
    {
        // SAFETY: nobody else has the map, and the table is dropped.
        let entries = unsafe { self.take_entries() };
        self.table = Table::with_capacity(entries.len());
        entries.into_iter().for_each(|entry| self.put_back(entry));
        self.flush();
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> ShardedMap<K, V, S> {
    /// What [places](placing) a key.
    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u32 {
        placing(self.hash_builder.hash_one(key))
    }

    /// # Safety
    /// The guard is there as long as `'a`.
    #[inline(always)]
    pub(super) unsafe fn find<'a, Q>(&self, key: &Q, hash: u32, guard: &Guard) -> Option<&'a Entry<K, V>>
    where
        Q: Equivalent<K> + ?Sized,
        K: 'a,
        V: 'a,
    {
        let segment = self.table.find(hash)?;
        let bucket = segment.bucket(hash as usize);
        // SAFETY: the caller vouches for it.
        match unsafe { bucket.glance(hash, guard, |found| key.equivalent(found)) } {
            Glance::Here(entry) => Some(entry),
            // It may have left for another segment before we came to its slot: edge TAKEN.
            Glance::Nowhere if self.table.find(hash)? == segment => None,
            // SAFETY: the caller vouches for it.
            _ => unsafe { self.find_patiently(key, hash, guard) },
        }
    }

    /// As [`find`](Self::find), whatever is in the way.
    ///
    /// # Safety
    /// The guard is there as long as `'a`.
    #[cold]
    #[inline(never)]
    unsafe fn find_patiently<'a, Q>(&self, key: &Q, hash: u32, guard: &Guard) -> Option<&'a Entry<K, V>>
    where
        Q: Equivalent<K> + ?Sized,
        K: 'a,
        V: 'a,
    {
        let mut segment = self.table.find(hash)?;
        loop {
            let moves = segment.moves();
            // SAFETY: the caller vouches for it.
            let found = unsafe { segment.find(hash, Keep::Guard(guard), |found| key.equivalent(found)) };
            if let Some((_, entry)) = found {
                return Some(entry);
            }
            // As above; or it may have moved to another bucket, which we see by the same edge.
            let now = self.table.find(hash)?;
            if now == segment && segment.moves() == moves {
                return None;
            }
            segment = now;
        }
    }

    /// A view for more than one look: each costs half of a [`get`](Self::get).
    ///
    /// What was in any map between the first look by it and the last is not freed as long as it is there; so keep none for
    /// long.
    #[must_use]
    #[inline]
    pub fn pin(&self) -> Pinned<'_, K, V, S> {
        Pinned::new(self)
    }

    /// The value of `key`, cloned.
    ///
    /// Everything that was done before the store of that value happens before this.
    ///
    /// *Progress:* lock-free; it looks again if the segment was divided meanwhile. *Cost:* O(1), two cache misses if the map
    /// is large; writes nothing that other threads read, but for the mark that keeps what is deleted.
    #[inline]
    pub fn load<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V>
    where
        V: Clone,
    {
        self.pin().get(key).cloned()
    }

    /// The value of `key`, by a reference that is no lock.
    ///
    /// *Progress*, *Cost:* as [`load`](Self::load).
    #[inline]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Ref<'_, K, V>> {
        let guard = reclaim::pin();
        // SAFETY: the guard goes with the entry.
        let entry = unsafe { self.find(key, self.hash(key), &guard) }?;
        Some(Ref::new(entry, guard))
    }

    /// Whether there is a value for `key`.
    #[inline]
    pub fn contains_key<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.pin().contains_key(key)
    }

    /// Calls `visit` with each key and its value, in no order, until it returns `false`.
    ///
    /// It is no snapshot: a key that is there all the time is visited once, no key is visited twice, and of what is stored
    /// or deleted meanwhile some is seen and some is not. `visit` may use the map in every way.
    ///
    /// *Progress:* lock-free, and nobody waits for it.
    pub fn range(&self, mut visit: impl FnMut(&K, &V) -> bool) {
        let pinned = self.pin();
        let _ = pinned.iter().all(|(key, value)| visit(key, value));
    }
}

impl<K, V, S> Drop for ShardedMap<K, V, S> {
    fn drop(&mut self) {
        // SAFETY: whoever drops the map has it alone.
        let mut entries = unsafe { self.take_entries() };
        for (_, local) in self.locals.iter() {
            // SAFETY: as above.
            entries.extend(unsafe { local.limbo().take() });
        }
        let mut entries = entries.into_iter();
        drop_all(|| entries.next());
    }
}

impl<K, V, S: Default> Default for ShardedMap<K, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K: Eq + Hash + fmt::Debug, V: fmt::Debug, S: BuildHasher> fmt::Debug for ShardedMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.pin().iter()).finish()
    }
}
