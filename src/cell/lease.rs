//! A series' right to an id. As long as anybody holds the lease the id serves that series alone.

use std::mem;

use super::{cells::Cells, quietly, store::Store};
use crate::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// The right to one word in every slab.
#[derive(Debug)]
pub struct WordLease {
    store: Arc<Store>,
    id: u32,
    /// What the words already held when the lease began.
    offset: u64,
    /// Where threads without a slab add.
    shared: AtomicU64,
    /// How often somebody was told of a total that can become zero again.
    told: AtomicU64,
}

impl WordLease {
    pub(super) fn new(store: Arc<Store>, id: u32, offset: u64) -> Self {
        Self { store, id, offset, shared: AtomicU64::new(0), told: AtomicU64::new(0) }
    }

    /// The index of the word.
    #[inline(always)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Adds on behalf of a thread that has no slab.
    pub fn add_shared(&self, n: u64) {
        self.shared.fetch_add(n, Relaxed);
    }

    /// The sum over all threads since the lease began; wraps.
    pub fn total(&self) -> u64 {
        self.store.slabs().sum(self.id).wrapping_add(self.shared_total())
    }

    /// Notes that somebody is told of a total that can become zero again.
    pub fn tell(&self) {
        self.told.fetch_add(1, Relaxed);
    }

    /// How often somebody was told of such a total.
    pub fn told(&self) -> u64 {
        self.told.load(Relaxed)
    }

    /// The part of the total that is not in slabs.
    pub(super) fn shared_total(&self) -> u64 {
        self.shared.load(Relaxed).wrapping_sub(self.offset)
    }
}

impl Drop for WordLease {
    fn drop(&mut self) {
        self.store.release_word(self.id);
    }
}

/// The right to one block per thread.
#[derive(Debug)]
pub struct BlockLease {
    store: Arc<Store>,
    id: u32,
    len: usize,
    /// The blocks of all slabs.
    blocks: Mutex<Vec<Arc<Cells>>>,
    /// Where threads without a slab record, one at a time.
    shared: Mutex<Option<Arc<Cells>>>,
    rejected: AtomicU64,
}

impl BlockLease {
    pub(super) fn new(store: Arc<Store>, id: u32, len: usize, blocks: Vec<Arc<Cells>>) -> Self {
        let (blocks, shared) = (Mutex::new(blocks), Mutex::new(None));
        Self { store, id, len, blocks, shared, rejected: AtomicU64::new(0) }
    }

    /// The index of the block.
    #[inline(always)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Every block of the series, and the shared one.
    pub fn blocks(&self) -> Vec<Arc<Cells>> {
        let mut blocks = Vec::new();
        self.blocks_into(&mut blocks);
        blocks
    }

    /// As [`blocks`](Self::blocks), in the memory of a list that is empty.
    pub(super) fn blocks_into(&self, blocks: &mut Vec<Arc<Cells>>) {
        quietly(|| {
            blocks.extend(self.blocks.lock().iter().cloned());
            blocks.extend(self.shared.lock().clone());
        });
    }

    /// Makes one more block, for a thread of its own.
    pub(super) fn new_block(&self) -> Arc<Cells> {
        let block = Arc::new(Cells::new(self.len));
        quietly(|| self.blocks.lock().push(block.clone()));
        block
    }

    /// Runs `record` on the shared block, as its only writer.
    pub fn with_shared<R>(&self, record: impl FnOnce(&[AtomicU64]) -> R) -> R {
        quietly(|| {
            let mut shared = self.shared.lock();
            record(shared.get_or_insert_with(|| Arc::new(Cells::new(self.len))).as_slice())
        })
    }

    /// Counts samples that were not recorded.
    pub fn count_rejected(&self, samples: u64) {
        self.rejected.fetch_add(samples, Relaxed);
    }

    /// How many samples were not recorded.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }
}

impl Drop for BlockLease {
    fn drop(&mut self) {
        let blocks = mem::take(&mut *self.blocks.lock());
        self.store.release_block(self.id, self.len, blocks);
    }
}
