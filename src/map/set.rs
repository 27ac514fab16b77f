//! A set: a map without values.

use std::{
    fmt,
    hash::{BuildHasher, Hash},
    ops::Deref,
};

use equivalent::Equivalent;

use super::{DefaultHashBuilder, LoadOrStore, Ref, ShardedMap};

/// A set for many threads: a [`ShardedMap`] without values.
///
/// # Examples
///
/// ```
/// use freewheel::map::ShardedSet;
///
/// let seen = ShardedSet::new();
/// assert!(seen.insert("first"));
/// assert!(!seen.insert("first"));
/// assert!(seen.contains("first"));
/// ```
pub struct ShardedSet<T, S = DefaultHashBuilder> {
    map: ShardedMap<T, (), S>,
}

/// A reference to a member of a set, as [`Ref`] is one into a map.
pub struct Member<'a, T>(Ref<'a, T, ()>);

impl<T> Deref for Member<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.key()
    }
}

impl<T: fmt::Debug> fmt::Debug for Member<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T> ShardedSet<T> {
    /// Makes an empty set. Allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty set with room for so many members.
    #[must_use]
    pub fn with_capacity(members: usize) -> Self {
        Self { map: ShardedMap::with_capacity(members) }
    }
}

impl<T, S> ShardedSet<T, S> {
    /// Makes an empty set that hashes with `hash_builder`. Allocates nothing.
    #[must_use]
    pub fn with_hasher(hash_builder: S) -> Self {
        Self { map: ShardedMap::with_hasher(hash_builder) }
    }

    /// How many members there are; see [`ShardedMap::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// As [`ShardedMap::flush`].
    ///
    /// # Panics
    /// If a destructor does; the others are dropped nevertheless.
    pub fn flush(&self) {
        self.map.flush();
    }
}

#[cfg(feature = "serde")]
impl<T, S> ShardedSet<T, S> {
    pub(super) fn map(&self) -> &ShardedMap<T, (), S> {
        &self.map
    }
}

impl<T: Eq + Hash, S: BuildHasher> ShardedSet<T, S> {
    /// Adds a member; returns whether it is new. If it is not, the one that is there stays.
    ///
    /// *Progress:* lock-free if it is there, else it takes the lock of a segment.
    pub fn insert(&self, member: T) -> bool {
        matches!(self.map.get_or_store(member, ()), LoadOrStore::Stored(_))
    }

    /// Removes a member; returns whether it was one.
    pub fn remove<Q: Hash + Equivalent<T> + ?Sized>(&self, member: &Q) -> bool {
        self.map.delete(member)
    }

    /// Whether it is a member. *Progress:* lock-free.
    #[inline]
    pub fn contains<Q: Hash + Equivalent<T> + ?Sized>(&self, member: &Q) -> bool {
        self.map.contains_key(member)
    }

    /// The member that is equal to that. *Progress:* lock-free.
    pub fn get<Q: Hash + Equivalent<T> + ?Sized>(&self, member: &Q) -> Option<Member<'_, T>> {
        self.map.get(member).map(Member)
    }

    /// Calls `visit` with each member, until it returns `false`; see [`ShardedMap::range`].
    pub fn range(&self, mut visit: impl FnMut(&T) -> bool) {
        self.map.range(|member, ()| visit(member));
    }

    /// Removes the members for which `keep` returns `false`; see [`ShardedMap::retain`].
    pub fn retain(&self, mut keep: impl FnMut(&T) -> bool) {
        self.map.retain(|member, ()| keep(member));
    }

    /// Removes all members.
    pub fn clear(&self) {
        self.map.clear();
    }
}

impl<T, S: Default> Default for ShardedSet<T, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<T: Eq + Hash + fmt::Debug, S: BuildHasher> fmt::Debug for ShardedSet<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.map.pin().keys()).finish()
    }
}

impl<T: Eq + Hash, S: BuildHasher> Extend<T> for ShardedSet<T, S> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, members: I) {
        members.into_iter().for_each(|member| {
            self.insert(member);
        });
    }
}

impl<T: Eq + Hash, S: BuildHasher + Default> FromIterator<T> for ShardedSet<T, S> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut set = Self::default();
        set.extend(members);
        set
    }
}

/// In no order.
impl<T, S> IntoIterator for ShardedSet<T, S> {
    type Item = T;
    type IntoIter = IntoMembers<T>;

    fn into_iter(self) -> IntoMembers<T> {
        IntoMembers(self.map.into_iter())
    }
}

/// The members of a [`ShardedSet`] that is no more.
#[derive(Debug)]
pub struct IntoMembers<T>(super::IntoIter<T, ()>);

impl<T> Iterator for IntoMembers<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.next().map(|(member, ())| member)
    }
}
