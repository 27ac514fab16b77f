//! Changing a map.

use std::{
    hash::{BuildHasher, Hash},
    ptr,
};

use equivalent::Equivalent;

use super::{Action, LoadOrStore, Ref, ShardedMap, entry::Entry, locked::Locked};
use crate::{
    reclaim,
    util::{Seat, seat},
};

impl<K: Eq + Hash, V, S: BuildHasher> ShardedMap<K, V, S> {
    /// Locks the place of the key that `is_it` recognizes; if the caller `may_put` something in, there is room.
    #[inline]
    fn locate(&self, seat: &Seat, hash: u32, is_it: impl Fn(&K) -> bool, may_put: bool) -> Locked<'_, K, V> {
        loop {
            let mut locked = Locked::new(&self.table, self.local(seat), hash);
            if locked.find(&is_it) || !may_put || !locked.is_full() {
                return locked;
            }
            locked.make_room(&self.table);
        }
    }

    /// Sets the value of `key`.
    ///
    /// Everything the caller did before happens before every load of `value`.
    ///
    /// *Progress:* takes the lock of a segment, for some nanoseconds, or microseconds if that has to be divided.
    /// *Cost:* O(1), and an allocation, unless this thread has replaced or deleted some keys.
    #[inline]
    pub fn store(&self, key: K, value: V) {
        self.put(key, value, |_| ());
    }

    /// Sets the value of `key`, and returns the one that it had.
    ///
    /// *Progress*, *Cost:* as [`store`](Self::store).
    pub fn swap(&self, key: K, value: V) -> Option<V>
    where
        V: Clone,
    {
        self.put(key, value, V::clone)
    }

    #[inline]
    fn put<R>(&self, key: K, value: V, read_old: impl FnOnce(&V) -> R) -> Option<R> {
        let hash = self.hash(&key);
        seat::with(|seat| {
            // Before the lock, for it may take its time.
            let room = self.local(seat).limbo().room();
            let locked = self.locate(seat, hash, |found| *found == key, true);
            let old = locked.put(Box::write(room, Entry::new(hash, key, value)));
            old.map(|old| read_old(old.value()))
        })
    }

    /// Puts an entry into a table that has none of its key.
    pub(super) fn put_back(&self, entry: Box<Entry<K, V>>) {
        seat::with(|seat| {
            self.locate(seat, entry.hash(), |_| false, true).put_back(entry);
        });
    }

    /// Deletes `key`; returns whether it was there.
    ///
    /// The value is dropped when nobody looks at it any more, by a later write of this thread or by [`flush`](Self::flush).
    ///
    /// *Progress:* takes the lock of a segment. *Cost:* O(1).
    pub fn delete<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.take(key, |_| true, |_| ()).is_some()
    }

    /// Deletes `key`, and returns the value that it had.
    ///
    /// *Progress*, *Cost:* as [`delete`](Self::delete).
    pub fn load_and_delete<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V>
    where
        V: Clone,
    {
        self.take(key, |_| true, V::clone)
    }

    /// Deletes `key` if its value is `current`; returns whether it was.
    ///
    /// `V`'s `eq` is called under the lock: it must not change this map.
    ///
    /// *Progress*, *Cost:* as [`delete`](Self::delete).
    pub fn compare_and_delete<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q, current: &V) -> bool
    where
        V: PartialEq,
    {
        self.take(key, |value| value == current, |_| ()).is_some()
    }

    /// Deletes `key` if `is_it` recognizes its value, under the lock, and lets `read_old` see that when nobody finds it any more.
    #[inline]
    pub(crate) fn take<Q, R>(
        &self,
        key: &Q,
        is_it: impl FnOnce(&V) -> bool,
        read_old: impl FnOnce(&V) -> R,
    ) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let hash = self.hash(key);
        seat::with(|seat| {
            let locked = self.locate(seat, hash, |found| key.equivalent(found), false);
            if locked.entry().is_some_and(|entry| is_it(&entry.value)) {
                let old = locked.take();
                old.map(|old| read_old(old.value()))
            } else {
                None
            }
        })
    }

    /// Sets the value of `key` if it is `current`.
    ///
    /// `V`'s `eq` and `K`'s `clone` are called under the lock: they must not change this map.
    ///
    /// *Progress*, *Cost:* as [`store`](Self::store).
    ///
    /// # Errors
    /// `new`, if the key is not there or its value is another one.
    pub fn compare_and_swap<Q>(&self, key: &Q, current: &V, new: V) -> Result<(), V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        K: Clone,
        V: PartialEq,
    {
        let hash = self.hash(key);
        seat::with(|seat| {
            let room = self.local(seat).limbo().room();
            let locked = self.locate(seat, hash, |found| key.equivalent(found), false);
            match locked.entry() {
                Some(entry) if entry.value == *current => {
                    let key = entry.key.clone();
                    drop(locked.put(Box::write(room, Entry::new(hash, key, new))));
                    Ok(())
                }
                _ => Err(new),
            }
        })
    }

    /// The value of `key`; if it is not there, stores `value`.
    ///
    /// *Progress:* lock-free if it is there, else as [`store`](Self::store).
    pub fn load_or_store(&self, key: K, value: V) -> LoadOrStore<V>
    where
        V: Clone,
    {
        self.get_or_store(key, value).map(|stored| stored.value().clone())
    }

    /// As [`load_or_store`](Self::load_or_store), by reference.
    pub fn get_or_store(&self, key: K, value: V) -> LoadOrStore<Ref<'_, K, V>> {
        let hash = self.hash(&key);
        let guard = reclaim::pin();
        // SAFETY: the guard goes with the entry.
        if let Some(entry) = unsafe { self.find(&key, hash, &guard) } {
            return LoadOrStore::Loaded(Ref::new(entry, guard));
        }
        self.store_if_absent(hash, key, value, guard)
    }

    /// The value of `key`; if it is not there, stores what `make` returns.
    ///
    /// `make` is called at most once, without a lock, so that it may use the map. If somebody else stores a value meanwhile,
    /// that one counts, and the one from `make` is dropped. See [`compute`](Self::compute) for when that must not be.
    ///
    /// *Progress:* lock-free if it is there, else as [`store`](Self::store).
    ///
    /// # Panics
    /// If `make` does; nothing is stored then.
    pub fn load_or_store_with<Q>(&self, key: &Q, make: impl FnOnce() -> V) -> LoadOrStore<V>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
        V: Clone,
    {
        self.get_or_store_with(key, make).map(|stored| stored.value().clone())
    }

    /// As [`load_or_store_with`](Self::load_or_store_with), by reference.
    ///
    /// # Panics
    /// If `make` does; nothing is stored then.
    pub fn get_or_store_with<Q>(&self, key: &Q, make: impl FnOnce() -> V) -> LoadOrStore<Ref<'_, K, V>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hash(key);
        let guard = reclaim::pin();
        // SAFETY: the guard goes with the entry.
        if let Some(entry) = unsafe { self.find(key, hash, &guard) } {
            return LoadOrStore::Loaded(Ref::new(entry, guard));
        }
        self.store_if_absent(hash, key.to_owned(), make(), guard)
    }

    fn store_if_absent(
        &self,
        hash: u32,
        key: K,
        value: V,
        guard: reclaim::Guard,
    ) -> LoadOrStore<Ref<'_, K, V>> {
        seat::with(|seat| {
            let room = self.local(seat).limbo().room();
            let locked = self.locate(seat, hash, |found| *found == key, true);
            match locked.found_under(&guard) {
                // SAFETY: the guard goes with the entry.
                Some(entry) => LoadOrStore::Loaded(Ref::new(unsafe { entry.as_ref() }, guard)),
                None => {
                    let entry = locked.put_under(&guard, Box::write(room, Entry::new(hash, key, value)));
                    // SAFETY: as above.
                    LoadOrStore::Stored(Ref::new(unsafe { entry.as_ref() }, guard))
                }
            }
        })
    }

    /// Lets `decide` see the value of `key`, and does what it says; returns the value that is there then.
    ///
    /// `decide` is called exactly once, and nobody else changes the value meanwhile: the segment is locked. Readers go on.
    /// Be quick, for other writers of the segment wait.
    ///
    /// # Panics
    /// If `decide` does, and then nothing has changed; or if it changes this map: it may only read it.
    ///
    /// # Examples
    ///
    /// ```
    /// use freewheel::{ShardedMap, map::Action};
    ///
    /// let stock = ShardedMap::from([("apples", 2)]);
    /// let take = |fruit| {
    ///     let mut taken = false;
    ///     stock.compute(fruit, |left| match left {
    ///         None | Some(0) => Action::Keep,
    ///         Some(left) => {
    ///             taken = true;
    ///             Action::Store(left - 1)
    ///         }
    ///     });
    ///     taken
    /// };
    /// assert_eq!([take("apples"), take("apples"), take("apples"), take("pears")], [true, true, false, false]);
    /// ```
    pub fn compute(&self, key: K, decide: impl FnOnce(Option<&V>) -> Action<V>) -> Option<Ref<'_, K, V>> {
        let hash = self.hash(&key);
        let guard = reclaim::pin();
        seat::with(|seat| {
            let room = self.local(seat).limbo().room();
            let locked = self.locate(seat, hash, |found| *found == key, true);
            let entry = match decide(locked.entry().map(|entry| &entry.value)) {
                Action::Keep => locked.found_under(&guard)?,
                Action::Store(value) => {
                    locked.put_under(&guard, Box::write(room, Entry::new(hash, key, value)))
                }
                Action::Delete => {
                    drop(locked.take());
                    return None;
                }
            };
            // SAFETY: the guard goes with the entry.
            Some(Ref::new(unsafe { entry.as_ref() }, guard))
        })
    }

    /// Deletes the keys for which `keep` returns `false`.
    ///
    /// As for [`range`](Self::range), it is no snapshot, and `keep` may use the map. A value that was replaced since `keep`
    /// saw it stays.
    ///
    /// # Panics
    /// If it is called by a function that the map calls while it changes; if `keep` or a destructor panics.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.check_not_writing();
        let pinned = self.pin();
        let mut has_deleted = false;
        for entry in pinned.entries() {
            if !keep(&entry.key, &entry.value) {
                has_deleted |=
                    self.take(&entry.key, |value| ptr::eq(value, &raw const entry.value), |_| ()).is_some();
            }
        }
        // We have kept it all from being freed, and there may be no later write.
        drop(pinned);
        if has_deleted {
            seat::with(|seat| self.local(seat).limbo().flush());
        }
    }

    /// Deletes all keys that there are; what is stored meanwhile may stay.
    ///
    /// # Panics
    /// As [`retain`](Self::retain).
    pub fn clear(&self) {
        self.retain(|_, _| false);
    }

    /// Makes room for so many more keys, so that storing them divides no segment.
    ///
    /// # Panics
    /// If it is called by a function that the map calls while it changes.
    pub fn reserve(&self, additional: usize) {
        self.check_not_writing();
        self.table.reserve(self.len().saturating_add(additional), &Entry::hash_of);
    }

    fn check_not_writing(&self) {
        seat::with(|seat| self.local(seat).writer().check_not_writing());
    }
}
