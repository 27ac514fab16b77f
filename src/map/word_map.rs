//! A map of words to words.

use std::{fmt, hash::BuildHasher, marker::PhantomData, sync::Mutex, vec};

use super::{
    Action, DefaultHashBuilder, LoadOrStore, Word,
    local::{Local, NoLimbo, Writer, Writing},
    segment::{Segment, Slot},
    table::{Table, first_behind, index, placing},
    words::{Glance, Words},
};
use crate::{
    sync::atomic::Ordering::Relaxed,
    util::{PerSeat, Seat, seat},
};

/// A map for many threads whose keys and values are words: numbers, indices, bits.
///
/// As [`ShardedMap`](super::ShardedMap), and faster: a key and its value stand in the table itself. So a look comes to one
/// cache line of it, nothing is allocated for a key, and nothing is ever left to be freed.
///
/// # Examples
///
/// ```
/// use freewheel::map::WordMap;
///
/// let index_of_id = WordMap::new();
/// index_of_id.store(4_711_u64, 0_u32);
/// assert_eq!(index_of_id.load(4_711), Some(0));
/// assert_eq!(index_of_id.update(4_711, |index| index + 1), Some(0));
/// assert_eq!(index_of_id.load_and_delete(4_711), Some(1));
/// assert!(index_of_id.is_empty());
/// ```
pub struct WordMap<K, V, S = DefaultHashBuilder> {
    hash_builder: S,
    table: Table<Words>,
    locals: PerSeat<Local<NoLimbo>>,
    /// Goes from thread to thread by value.
    words: PhantomData<Mutex<(K, V)>>,
}

impl<K, V> WordMap<K, V> {
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
}

impl<K, V, S> WordMap<K, V, S> {
    /// Makes an empty map that hashes with `hash_builder`. Allocates nothing.
    #[must_use]
    pub fn with_hasher(hash_builder: S) -> Self {
        Self::from_parts(hash_builder, Table::new())
    }

    /// As [`with_capacity`](WordMap::with_capacity), hashing with `hash_builder`.
    #[must_use]
    pub fn with_capacity_and_hasher(keys: usize, hash_builder: S) -> Self {
        Self::from_parts(hash_builder, Table::with_capacity(keys))
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

    fn from_parts(hash_builder: S, table: Table<Words>) -> Self {
        Self { hash_builder, table, locals: PerSeat::default(), words: PhantomData }
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
}

impl<K: Word, V: Word, S: BuildHasher> WordMap<K, V, S> {
    #[inline]
    fn hash(&self, key: u64) -> u32 {
        placing(self.hash_builder.hash_one(key))
    }

    fn hash_of(&self) -> impl Fn((u64, u64)) -> u32 {
        |(key, _)| self.hash(key)
    }

    #[inline]
    fn look(&self, key: u64, hash: u32) -> Option<u64> {
        let segment = self.table.find(hash)?;
        match segment.bucket(hash as usize).glance(key) {
            Glance::Here(value) => Some(value),
            // It may have left for another segment before we came to its slot: edge TAKEN.
            Glance::Nowhere if self.table.find(hash)? == segment => None,
            _ => self.look_patiently(key, hash),
        }
    }

    /// As [`look`](Self::look), whatever is in the way.
    #[inline(never)]
    fn look_patiently(&self, key: u64, hash: u32) -> Option<u64> {
        let mut segment = self.table.find(hash)?;
        loop {
            let moves = segment.moves();
            if let Some(value) = segment.look(hash, key) {
                return Some(value);
            }
            // As above; or it may have moved to another bucket, which we see by the same edge.
            let now = self.table.find(hash)?;
            if now == segment && segment.moves() == moves {
                return None;
            }
            segment = now;
        }
    }

    /// The value of `key`.
    ///
    /// Everything that was done before the store of that value happens before this.
    ///
    /// *Progress:* lock-free; it looks again if a slot of the bucket was vacated, or the segment divided, meanwhile.
    /// *Cost:* O(1), one cache miss if the map is large; writes nothing.
    #[inline]
    pub fn load(&self, key: K) -> Option<V> {
        let key = key.into_word();
        self.look(key, self.hash(key)).map(V::from_word)
    }

    /// Whether there is a value for `key`.
    #[inline]
    pub fn contains_key(&self, key: K) -> bool {
        self.load(key).is_some()
    }

    /// Lets `change` see the place of `key`, locked; if it may put something in, there is room.
    #[inline]
    fn locked<R>(&self, key: u64, may_put: bool, change: impl FnOnce(Place<'_>) -> R) -> R {
        let hash = self.hash(key);
        seat::with(|seat| {
            loop {
                let mut place = Place::new(&self.table, self.writer(seat), hash, key);
                place.slot = place.segment.find_word(hash, key);
                if place.slot.is_some() || !may_put || !place.segment.is_full() {
                    return change(place);
                }
                self.table.grow(place.segment, hash, &self.hash_of());
            }
        })
    }

    #[inline]
    fn writer(&self, seat: &Seat) -> &Writer {
        self.locals.at(seat).writer()
    }

    /// Sets the value of `key`.
    ///
    /// Everything the caller did before happens before every load of `value`.
    ///
    /// *Progress:* takes the lock of a segment, for some nanoseconds, or microseconds if that has to be divided.
    /// *Cost:* O(1), no allocation but for a segment that is divided.
    #[inline]
    pub fn store(&self, key: K, value: V) {
        self.locked(key.into_word(), true, |place| place.put(value.into_word()));
    }

    /// Sets the value of `key`, and returns the one that it had.
    ///
    /// *Progress*, *Cost:* as [`store`](Self::store).
    pub fn swap(&self, key: K, value: V) -> Option<V> {
        self.locked(key.into_word(), true, |place| {
            let old = place.value();
            place.put(value.into_word());
            old.map(V::from_word)
        })
    }

    /// Deletes `key`; returns whether it was there. *Progress*, *Cost:* as [`store`](Self::store).
    pub fn delete(&self, key: K) -> bool {
        self.load_and_delete(key).is_some()
    }

    /// Deletes `key`, and returns the value that it had. *Progress*, *Cost:* as [`store`](Self::store).
    pub fn load_and_delete(&self, key: K) -> Option<V> {
        self.locked(key.into_word(), false, |place| place.take()).map(V::from_word)
    }

    /// The value of `key`; if it is not there, stores `value`.
    ///
    /// *Progress:* lock-free if it is there, else as [`store`](Self::store).
    pub fn load_or_store(&self, key: K, value: V) -> LoadOrStore<V> {
        self.load_or_store_with(key, || value)
    }

    /// The value of `key`; if it is not there, stores what `make` returns.
    ///
    /// `make` is called at most once, without a lock, so that it may use the map. If somebody else stores a value meanwhile,
    /// that one counts.
    ///
    /// *Progress:* lock-free if it is there, else as [`store`](Self::store).
    ///
    /// # Panics
    /// If `make` does; nothing is stored then.
    pub fn load_or_store_with(&self, key: K, make: impl FnOnce() -> V) -> LoadOrStore<V> {
        if let Some(value) = self.load(key) {
            return LoadOrStore::Loaded(value);
        }
        let value = make();
        self.locked(key.into_word(), true, |place| match place.value() {
            Some(found) => LoadOrStore::Loaded(V::from_word(found)),
            None => {
                place.put(value.into_word());
                LoadOrStore::Stored(value)
            }
        })
    }

    /// Sets the value of `key` if it is `current`. *Progress*, *Cost:* as [`store`](Self::store).
    ///
    /// # Errors
    /// The value that it has, if it has another one or none.
    pub fn compare_and_swap(&self, key: K, current: V, new: V) -> Result<(), Option<V>> {
        self.locked(key.into_word(), false, |place| match place.value() {
            Some(value) if value == current.into_word() => {
                place.put(new.into_word());
                Ok(())
            }
            other => Err(other.map(V::from_word)),
        })
    }

    /// Deletes `key` if its value is `current`; returns whether it was. *Progress*, *Cost:* as [`store`](Self::store).
    pub fn compare_and_delete(&self, key: K, current: V) -> bool {
        self.locked(key.into_word(), false, |place| {
            let is_it = place.value() == Some(current.into_word());
            is_it && place.take().is_some()
        })
    }

    /// Lets `change` make a new value of that of `key`, and returns the old one; `None` if there is none.
    ///
    /// `change` is called at most once, and nobody else changes the value meanwhile: the segment is locked. Readers go on.
    ///
    /// # Panics
    /// If `change` does, and then nothing has changed; or if it changes this map: it may only read it.
    pub fn update(&self, key: K, change: impl FnOnce(V) -> V) -> Option<V> {
        self.locked(key.into_word(), false, |place| {
            let old = V::from_word(place.value()?);
            place.put(change(old).into_word());
            Some(old)
        })
    }

    /// Lets `decide` see the value of `key`, and does what it says; returns the value that is there then.
    ///
    /// `decide` is called exactly once, and nobody else changes the value meanwhile: the segment is locked. Readers go on.
    ///
    /// # Panics
    /// If `decide` does, and then nothing has changed; or if it changes this map: it may only read it.
    pub fn compute(&self, key: K, decide: impl FnOnce(Option<V>) -> Action<V>) -> Option<V> {
        self.locked(key.into_word(), true, |place| {
            let old = place.value().map(V::from_word);
            match decide(old) {
                Action::Keep => old,
                Action::Store(value) => {
                    place.put(value.into_word());
                    Some(value)
                }
                Action::Delete => {
                    place.take();
                    None
                }
            }
        })
    }

    /// All keys and values, in no order.
    ///
    /// It is no snapshot: a key that is there all the time comes once, no key comes twice, and of what is stored or deleted
    /// meanwhile some is seen and some is not. It holds no lock, and nothing back.
    pub fn iter(&self) -> impl Iterator<Item = (K, V)> {
        let pairs = Pairs {
            table: &self.table,
            hash_of: self.hash_of(),
            next: Some(0),
            listed: Vec::new().into_iter(),
        };
        pairs.map(|(key, value)| (K::from_word(key), V::from_word(value)))
    }

    /// Calls `visit` with each key and its value, until it returns `false`; what [`iter`](Self::iter) says of it is true of
    /// this.
    pub fn range(&self, mut visit: impl FnMut(K, V) -> bool) {
        let _ = self.iter().all(|(key, value)| visit(key, value));
    }

    /// Deletes the keys for which `keep` returns `false`. A value that was replaced since `keep` saw it stays.
    ///
    /// # Panics
    /// If it is called by a function that the map calls while it changes.
    pub fn retain(&self, mut keep: impl FnMut(K, V) -> bool) {
        self.check_not_writing();
        for (key, value) in self.iter() {
            if !keep(key, value) {
                self.compare_and_delete(key, value);
            }
        }
    }

    /// Deletes all keys that there are; what is stored meanwhile may stay.
    ///
    /// # Panics
    /// If it is called by a function that the map calls while it changes.
    pub fn clear(&self) {
        self.check_not_writing();
        self.iter().for_each(|(key, _)| {
            self.delete(key);
        });
    }

    /// Makes room for so many more keys, so that storing them divides no segment.
    ///
    /// # Panics
    /// If it is called by a function that the map calls while it changes; or if the hasher changes this map.
    pub fn reserve(&self, additional: usize) {
        seat::with(|seat| {
            let _writing = Writing::new(self.writer(seat));
            self.table.reserve(self.len().saturating_add(additional), &self.hash_of());
        });
    }

    fn check_not_writing(&self) {
        seat::with(|seat| self.writer(seat).check_not_writing());
    }
}

/// The place of a key in a segment that is locked until this is dropped.
struct Place<'a> {
    segment: Segment<'a, Words>,
    writing: Writing<'a>,
    hash: u32,
    key: u64,
    slot: Option<Slot>,
}

impl<'a> Place<'a> {
    /// # Panics
    /// If the thread has a lock of the map already, which it would wait for for ever.
    #[inline]
    fn new(table: &'a Table<Words>, writer: &'a Writer, hash: u32, key: u64) -> Self {
        let writing = Writing::new(writer);
        Self { segment: table.lock(hash), writing, hash, key, slot: None }
    }

    #[inline]
    fn value(&self) -> Option<u64> {
        self.slot.map(|slot| self.segment.bucket(slot.bucket).value(slot.slot))
    }

    #[inline]
    fn put(self, value: u64) {
        match self.slot {
            Some(slot) => self.segment.bucket(slot.bucket).set_value(slot.slot, value),
            None => {
                self.segment.put(self.hash, (self.key, value));
                self.writing.count(1);
            }
        }
    }

    #[inline]
    fn take(self) -> Option<u64> {
        let slot = self.slot?;
        self.writing.count(-1);
        Some(self.segment.take(self.hash, slot).1)
    }
}

impl Drop for Place<'_> {
    #[inline]
    fn drop(&mut self) {
        self.segment.header().lock.unlock();
    }
}

/// All pairs, a segment at a time.
struct Pairs<'a, F> {
    table: &'a Table<Words>,
    hash_of: F,
    /// The first hash that was not listed yet.
    next: Option<u32>,
    listed: vec::IntoIter<(u64, u64)>,
}

impl<F: Fn((u64, u64)) -> u32> Pairs<'_, F> {
    /// Lists the pairs of the segment for `hash`, and returns the first hash after that segment.
    fn list(&mut self, hash: u32) -> Option<u32> {
        loop {
            let segment = self.table.find(hash)?;
            let depth = segment.header().depth.load(Relaxed);
            let (taken, moves) = (segment.taken(), segment.moves());
            let buckets = segment.buckets_from(0).flat_map(|(_, bucket)| bucket.snapshot());
            let begins_like = |pair: &(u64, u64)| index((self.hash_of)(*pair), depth) == index(hash, depth);
            let mut pairs: Vec<_> = buckets.filter(begins_like).collect();
            // If it was divided meanwhile, some may have left before they were seen. Who misses one has seen its slot
            // vacated, by edge TAKEN, and so sees that here.
            let is_whole = segment.header().depth.load(Relaxed) == depth && segment.moves() == moves;
            if !is_whole || self.table.find(hash) != Some(segment) {
                continue;
            }
            if segment.has_changed(taken) {
                // One may have been taken out, and put in again further on; or it has moved.
                pairs.sort_unstable();
                pairs.dedup_by_key(|(key, _)| *key);
            }
            self.listed = pairs.into_iter();
            return first_behind(hash, depth);
        }
    }
}

impl<F: Fn((u64, u64)) -> u32> Iterator for Pairs<'_, F> {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        loop {
            if let Some(pair) = self.listed.next() {
                return Some(pair);
            }
            self.next = self.list(self.next?);
        }
    }
}

impl<K, V, S: Default> Default for WordMap<K, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K: Word + fmt::Debug, V: Word + fmt::Debug, S: BuildHasher> fmt::Debug for WordMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Of values for the same key the last counts.
impl<K: Word, V: Word, S: BuildHasher> Extend<(K, V)> for WordMap<K, V, S> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        pairs.into_iter().for_each(|(key, value)| self.store(key, value));
    }
}

/// Of values for the same key the last counts.
impl<K: Word, V: Word, S: BuildHasher + Default> FromIterator<(K, V)> for WordMap<K, V, S> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::default();
        map.extend(pairs);
        map
    }
}

impl<K: Word, V: Word, const N: usize> From<[(K, V); N]> for WordMap<K, V> {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}
