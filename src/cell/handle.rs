//! What an instrument holds: the right to record into a word or a block of whatever thread records.

use std::{fmt, marker::PhantomData, slice};

use super::{
    BlockLease, Store, WordLease, local,
    request::{Ended, LastRequest, Request},
};
use crate::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// The id that no slab has: records through it end in the slow path, which ignores them.
pub(super) const UNREGISTERED: u32 = u32::MAX;

/// A word per thread, to add to.
#[derive(Clone)]
pub struct Word {
    id: u32,
    lease: Option<Arc<WordLease>>,
}

impl Word {
    /// A word that ignores what is added.
    pub const fn unregistered() -> Self {
        Self { id: UNREGISTERED, lease: None }
    }

    /// A word of its own, zero in every thread.
    pub fn new() -> Self {
        let lease = Store::lease_word(local::store());
        Self { id: lease.id(), lease: Some(lease) }
    }

    /// The lease, if the word is registered.
    pub fn lease(&self) -> Option<&WordLease> {
        self.lease.as_deref()
    }

    /// Whether this is the only handle on the word. If so, all that was added through others is visible (LEASE).
    pub fn is_only_handle(&mut self) -> bool {
        self.lease.as_mut().is_none_or(|lease| Arc::get_mut(lease).is_some())
    }

    /// Adds to the calling thread's word.
    #[inline(always)]
    pub fn add(&self, n: u64) {
        match local::word(self.id) {
            // SAFETY: the word is alive, since `bump` does not come into the slow path.
            Some(word) => bump(unsafe { word.as_ref() }, n),
            None => self.add_slow(n),
        }
    }

    #[cold]
    #[inline(never)]
    fn add_slow(&self, n: u64) {
        let Some(lease) = &self.lease else { return };
        local::reserve_words(self.id);
        match local::word(self.id) {
            // SAFETY: as in `add`.
            Some(word) => bump(unsafe { word.as_ref() }, n),
            None => lease.add_shared(n),
        }
    }
}

/// Adds to a cell that only the caller's thread writes (OWNER).
#[inline(always)]
fn bump(cell: &AtomicU64, n: u64) {
    cell.store(cell.load(Relaxed).wrapping_add(n), Relaxed);
}

/// What the words of a block mean, and how many there are.
pub trait Layout {
    /// The length of a block.
    const WORDS: usize;
}

impl Layout for Request {
    const WORDS: usize = Self::WORDS;
}

impl Layout for LastRequest {
    const WORDS: usize = Self::WORDS;
}

/// A block per thread, to write to.
pub struct Block<L> {
    id: u32,
    lease: Option<Arc<BlockLease>>,
    layout: PhantomData<fn() -> L>,
}

impl<L: Layout> Block<L> {
    /// A block that ignores what is recorded.
    pub const fn unregistered() -> Self {
        Self { id: UNREGISTERED, lease: None, layout: PhantomData }
    }

    /// A block of its own, zero in every thread.
    pub fn new() -> Self {
        let lease = Store::lease_block(local::store(), L::WORDS);
        Self { id: lease.id(), lease: Some(lease), layout: PhantomData }
    }

    /// The lease, if the block is registered.
    pub fn lease(&self) -> Option<&BlockLease> {
        self.lease.as_deref()
    }

    /// Whether this is the only handle on the block. If so, all that was recorded through others is visible (LEASE).
    pub fn is_only_handle(&mut self) -> bool {
        self.lease.as_mut().is_none_or(|lease| Arc::get_mut(lease).is_some())
    }

    /// How many samples were not recorded; none if unregistered.
    pub fn rejected(&self) -> u64 {
        self.lease().map_or(0, BlockLease::rejected)
    }

    /// Calls `record` with the calling thread's block, as its only writer. `record` must not record elsewhere.
    #[inline(always)]
    fn with(&self, record: impl FnOnce(&[AtomicU64])) {
        // SAFETY: `record` does not record elsewhere, and the slice ends with it. Leases of `Block<L>` are taken with
        // that length.
        match unsafe { own_words(self.id, L::WORDS) } {
            Some(words) => record(words),
            None => self.with_slow(record),
        }
    }

    #[cold]
    #[inline(never)]
    fn with_slow(&self, record: impl FnOnce(&[AtomicU64])) {
        if let Some(lease) = &self.lease
            && with_words_slow(lease, L::WORDS, record).is_none()
        {
            lease.count_rejected(1);
        }
    }
}

/// The calling thread's block with that id, if it has one.
///
/// # Safety
///
/// The slice must be gone before this thread records anything else: that may come into the slow path. `len` must be
/// what a lease of that id was taken with.
#[inline(always)]
pub(super) unsafe fn own_words<'a>(id: u32, len: usize) -> Option<&'a [AtomicU64]> {
    let first = local::block(id)?;
    // SAFETY: the block is alive until the thread comes into the slow path, and nobody has the slice then, by the
    // caller's promise. By LENGTH every lease of the id has the length of the caller's, and so has the block.
    Some(unsafe { slice::from_raw_parts(first.as_ptr(), len) })
}

/// Calls `record` with the calling thread's block, which it gets now, or with the shared one. `None` if the thread is in
/// the slow path already. `record` must not record elsewhere.
#[cold]
#[inline(never)]
pub(super) fn with_words_slow<R>(
    lease: &BlockLease,
    len: usize,
    record: impl FnOnce(&[AtomicU64]) -> R,
) -> Option<R> {
    if local::is_busy() {
        // Only an allocator that records can come here, and waiting for ourselves would be for ever.
        return None;
    }
    local::reserve_block(lease);
    // SAFETY: `record` does not record elsewhere, and the slice ends with it. The caller has the length of its lease.
    match unsafe { own_words(lease.id(), len) } {
        Some(words) => Some(record(words)),
        None => Some(lease.with_shared(record)),
    }
}

impl Block<Request> {
    /// Records a request.
    #[inline(always)]
    pub fn record(&self, ended: Ended) {
        self.with(move |words| Request::record(words, ended));
    }
}

impl Block<LastRequest> {
    /// Stores a request.
    #[inline(always)]
    pub fn record(&self, ended: Ended) {
        self.with(move |words| LastRequest::record(words, ended));
    }
}

impl<L> Clone for Block<L> {
    fn clone(&self) -> Self {
        Self { id: self.id, lease: self.lease.clone(), layout: PhantomData }
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Word").field("registered", &self.lease.is_some()).finish()
    }
}

impl<L> fmt::Debug for Block<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("registered", &self.lease.is_some()).finish()
    }
}

impl<L: Layout> Default for Block<L> {
    fn default() -> Self {
        Self::unregistered()
    }
}

impl Default for Word {
    fn default() -> Self {
        Self::unregistered()
    }
}
