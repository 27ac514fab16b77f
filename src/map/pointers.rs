//! Buckets of pointers to entries, for keys and values of any kind.

use std::{
    fmt,
    marker::PhantomData,
    ptr::{self, NonNull},
};

use super::{
    entry::Entry,
    segment::{Bucket, Segment, Slot},
    tags::{SLOTS, Tags},
};
use crate::{
    reclaim::Guard,
    sync::atomic::{
        AtomicPtr, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// A word of tags, and a pointer for each slot.
#[repr(align(64))]
pub(super) struct Pointers<K, V> {
    tags: AtomicU64,
    entries: [AtomicPtr<Entry<K, V>>; SLOTS],
    /// What it leads to is in other threads' hands, so that says which threads may have it.
    owned: PhantomData<*mut Entry<K, V>>,
}

// SAFETY: entries go with it.
unsafe impl<K: Send, V: Send> Send for Pointers<K, V> {}
// SAFETY: it gives out references to entries; and what one thread puts in another one may take out and drop.
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for Pointers<K, V> {}

impl<K, V> Pointers<K, V> {
    #[inline]
    fn tags(&self) -> Tags {
        // Acquire: edges PUT and TAKEN.
        Tags(self.tags.load(Acquire))
    }

    fn set_tags(&self, tags: Tags) {
        // Release: edges PUT and TAKEN.
        self.tags.store(tags.0, Release);
    }

    #[inline]
    fn entry(&self, slot: usize) -> Option<NonNull<Entry<K, V>>> {
        // Acquire: edge PUT.
        NonNull::new(self.entries[slot].load(Acquire))
    }

    /// Replaces the entry in a slot by another one of the same key, and returns the old one. The caller has the lock.
    pub(super) fn replace(&self, slot: usize, entry: NonNull<Entry<K, V>>) -> *mut Entry<K, V> {
        let old = self.entries[slot].load(Relaxed);
        // Release: edge PUT.
        self.entries[slot].store(entry.as_ptr(), Release);
        old
    }
}

impl<K, V> Bucket for Pointers<K, V> {
    type Item = NonNull<Entry<K, V>>;

    const SLOTS: usize = SLOTS;

    fn new() -> Self {
        let nothing = |_| AtomicPtr::new(ptr::null_mut());
        Self { tags: AtomicU64::new(0), entries: std::array::from_fn(nothing), owned: PhantomData }
    }

    fn vacant(&self) -> Option<usize> {
        self.tags().vacant().next()
    }

    fn put(&self, slot: usize, hash: u32, entry: NonNull<Entry<K, V>>) {
        // Release: edge PUT.
        self.entries[slot].store(entry.as_ptr(), Release);
        self.set_tags(self.tags().filled_with(slot, Tags::tag_of(hash)));
    }

    fn take(&self, slot: usize) -> NonNull<Entry<K, V>> {
        let entry = self.entry(slot).expect("there is an entry in that slot");
        self.set_tags(self.tags().vacated(slot));
        // Release: edge TAKEN.
        self.entries[slot].store(ptr::null_mut(), Release);
        entry
    }

    fn change_passing(&self, is_one_more: bool) {
        let tags = self.tags();
        self.set_tags(if is_one_more { tags.one_more_passing() } else { tags.one_less_passing() });
    }

    fn items(&self) -> impl Iterator<Item = (usize, NonNull<Entry<K, V>>)> {
        self.tags().filled().filter_map(|slot| Some((slot, self.entry(slot)?)))
    }
}

/// What keeps the entries that somebody finds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep<'a> {
    Guard(&'a Guard),
    /// The lock of their segment.
    Lock,
}

impl Keep<'_> {
    #[inline]
    fn load<T>(self, load: impl Fn() -> Option<NonNull<T>>) -> Option<NonNull<T>> {
        match self {
            Self::Guard(guard) => guard.protect(load),
            Self::Lock => load(),
        }
    }
}

/// What a [glance](Pointers::glance) sees.
pub(super) enum Glance<'a, K, V> {
    Here(&'a Entry<K, V>),
    /// Not in this segment.
    Nowhere,
    /// Something is in the way: it takes a closer look.
    Unclear,
}

impl<K, V> Pointers<K, V> {
    /// Looks whether the entry with that hash that `is_it` recognizes can be found at once, as nearly all can; calls nothing
    /// else.
    ///
    /// # Safety
    /// `guard` is there as long as `'a`.
    #[inline]
    pub(super) unsafe fn glance<'a>(
        &self,
        hash: u32,
        guard: &Guard,
        is_it: impl Fn(&K) -> bool,
    ) -> Glance<'a, K, V> {
        let tags = self.tags();
        let Some(slot) = tags.with_tag(Tags::tag_of(hash)).next() else {
            return if tags.is_passed() { Glance::Unclear } else { Glance::Nowhere };
        };
        let Some(entry) = self.entry(slot).filter(|_| guard.is_extended()) else { return Glance::Unclear };
        // SAFETY: what stands here is an entry (WHOLE), which the guard keeps, and the caller vouches for the time.
        let entry = unsafe { entry.as_ref() };
        // Seldom another key has that tag: one in forty.
        if is_it(&entry.key) { Glance::Here(entry) } else { Glance::Unclear }
    }
}

impl<'a, K: 'a, V: 'a> Segment<'a, Pointers<K, V>> {
    /// Finds the entry with that hash that `is_it` recognizes.
    ///
    /// # Safety
    /// What keeps entries does so as long as `'b`.
    #[inline]
    pub(super) unsafe fn find<'b>(
        self,
        hash: u32,
        keep: Keep<'_>,
        mut is_it: impl FnMut(&K) -> bool,
    ) -> Option<(Slot, &'b Entry<K, V>)>
    where
        K: 'b,
        V: 'b,
    {
        let tag = Tags::tag_of(hash);
        for (number, bucket) in self.buckets_from(hash) {
            let tags = bucket.tags();
            for slot in tags.with_tag(tag) {
                let Some(entry) = keep.load(|| bucket.entry(slot)) else { continue };
                // SAFETY: what stands here is an entry (WHOLE), which is kept, and the caller vouches for the time.
                let entry = unsafe { entry.as_ref() };
                if is_it(&entry.key) {
                    return Some((Slot { bucket: number, slot }, entry));
                }
            }
            if !tags.is_passed() {
                return None;
            }
        }
        None
    }

    /// All entries, while the segment may change.
    ///
    /// # Safety
    /// `guard` is there as long as `'b`.
    pub(super) unsafe fn entries<'b>(self, guard: &Guard) -> impl Iterator<Item = &'b Entry<K, V>>
    where
        K: 'b,
        V: 'b,
    {
        self.all_buckets().flat_map(move |(_, bucket)| {
            let kept = move |slot| guard.protect(|| bucket.entry(slot));
            // SAFETY: what stands here is an entry (WHOLE), which the guard keeps, and the caller vouches for the time.
            bucket.tags().filled().filter_map(kept).map(|entry| unsafe { entry.as_ref() })
        })
    }
}

impl<K, V> fmt::Debug for Pointers<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pointers").field("tags", &self.tags()).finish_non_exhaustive()
    }
}
