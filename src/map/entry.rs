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

/// What is kept of a hash, half of its bits, twice: the first ones lead to a segment, the last ones to a bucket, and those
/// next to them are the tag.
#[inline]
pub(super) fn placing(hash: u64) -> u64 {
    // Both halves count, for hashes may be bad in either.
    let half = (hash >> 32) ^ (hash & u64::from(u32::MAX));
    half << 32 | half
}

impl<K, V> Entry<K, V> {
    /// An entry that nobody can reach yet. `hash` [places](placing) it.
    #[inline]
    pub(super) fn new(hash: u64, key: K, value: V) -> Self {
        Self { hash: hash as u32, birth: Birth::now(), key, value }
    }

    /// What [places](placing) it.
    #[inline]
    pub(super) fn hash(&self) -> u64 {
        let half = u64::from(self.hash);
        half << 32 | half
    }

    /// The hash of an entry in a segment that the caller has locked.
    pub(super) fn hash_of(entry: NonNull<Self>) -> u64 {
        // SAFETY: nobody takes it out meanwhile.
        unsafe { entry.as_ref() }.hash()
    }
}
