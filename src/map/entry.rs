//! A key and its value.

use std::ptr::NonNull;

/// What a slot points to. It does not change, apart from interior mutability, and does not move.
#[derive(Debug)]
pub(super) struct Entry<K, V> {
    pub(super) hash: u64,
    pub(super) key: K,
    pub(super) value: V,
}

impl<K, V> Entry<K, V> {
    /// The hash of an entry in a segment that the caller has locked.
    pub(super) fn hash_of(entry: NonNull<Self>) -> u64 {
        // SAFETY: nobody takes it out meanwhile.
        unsafe { entry.as_ref() }.hash
    }
}
