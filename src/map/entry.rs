//! A key and its value.

use std::ptr::NonNull;

use crate::reclaim::Birth;

/// What a slot points to. It does not change, apart from interior mutability, and does not move.
#[derive(Debug)]
pub(super) struct Entry<K, V> {
    hash: u32,
    pub(super) birth: Birth,
    pub(super) key: K,
    pub(super) value: V,
}

impl<K, V> Entry<K, V> {
    /// An entry that nobody can reach yet.
    #[inline]
    pub(super) fn new(hash: u32, key: K, value: V) -> Self {
        Self { hash, birth: Birth::now(), key, value }
    }

    #[inline]
    pub(super) fn hash(&self) -> u32 {
        self.hash
    }

    /// The hash of an entry in a segment that the caller has locked.
    pub(super) fn hash_of(entry: NonNull<Self>) -> u32 {
        // SAFETY: nobody takes it out meanwhile.
        unsafe { entry.as_ref() }.hash()
    }
}
