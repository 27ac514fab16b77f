//! A part of the map: the entries whose hashes begin with the same bits.
//!
//! Buckets of one cache line. An entry whose bucket is full is in the next one, and is counted as passing in each bucket that
//! it passes, so that nobody looks further than there is something to find (N. Bronson and X. Shi, *Open-sourcing F14 for
//! faster, more memory-efficient hash tables*, Facebook 2019).
//!
//! Entries move only when their segment divides, or a larger one replaces it: to another segment, or to a bucket nearer to
//! their own that has room now. They are there before they are taken out here, and who looks without the lock, and does not
//! find one, can tell whether that was why: by the directory, or by `moves`.

use std::fmt;

use super::{
    block::{AtomicBlock, Block},
    lock::Lock,
};
use crate::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

/// A cache line with some slots. Who changes it has the lock of its segment.
pub(super) trait Bucket {
    /// What stands in a slot.
    type Item: Copy;

    const SLOTS: usize;

    fn new() -> Self;

    /// A slot without an item.
    fn vacant(&self) -> Option<usize>;

    /// Fills a vacant slot.
    fn put(&self, slot: usize, hash: u32, item: Self::Item);

    /// Vacates a slot.
    fn take(&self, slot: usize) -> Self::Item;

    /// One more, or one less, of the entries that belong here is further on.
    fn change_passing(&self, is_one_more: bool);

    /// What stands in the slots; they may change meanwhile if the caller has no lock.
    fn items(&self) -> impl Iterator<Item = (usize, Self::Item)>;
}

/// What only writers look at, and those who list the entries or look for one patiently.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) lock: Lock,
    /// With how many bits the hashes of all entries begin alike.
    pub(super) depth: AtomicU32,
    /// How many entries there are.
    pub(super) len: AtomicU32,
    /// How often an entry was taken out.
    taken: AtomicU32,
    /// How often some moved to nearer buckets.
    moves: AtomicU32,
}

/// Where a segment stands.
pub(super) type AtomicSegment<B> = AtomicBlock<Header, B>;

/// A segment with `1 << log` buckets.
pub(super) struct Segment<'a, B> {
    block: Block<'a, Header, B>,
    log: u32,
}

impl<B> Clone for Segment<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Segment<'_, B> {}

impl<B> PartialEq for Segment<'_, B> {
    fn eq(&self, other: &Self) -> bool {
        self.block == other.block
    }
}

/// Where an entry is in its segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) bucket: usize,
    pub(super) slot: usize,
}

impl<'a, B: Bucket> Segment<'a, B> {
    /// Buckets of a segment that is divided when it is full; smaller ones become larger instead.
    pub(super) const FULL_GROWN_LOG: u32 = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 0 } else { 6 };

    pub(super) fn new(log: u32, depth: u32) -> Self {
        let header = Header {
            lock: Lock::default(),
            depth: AtomicU32::new(depth),
            len: AtomicU32::new(0),
            taken: AtomicU32::new(0),
            moves: AtomicU32::new(0),
        };
        let buckets = (0..1_usize << log).map(|_| B::new());
        Self { block: Block::new(header, buckets), log }
    }

    /// # Safety
    /// The segment that stands there is there as long as `'a`.
    #[inline]
    pub(super) unsafe fn load(from: &AtomicSegment<B>) -> Self {
        // Acquire: edge PLACED.
        // SAFETY: the caller vouches for it.
        let (block, log) = unsafe { from.load(Acquire) }.expect("a directory has no empty places");
        Self { block, log }
    }

    pub(super) fn store(self, to: &AtomicSegment<B>) {
        // Release: edge PLACED.
        to.store(self.block, self.log, Release);
    }

    /// # Safety
    /// The segment is there as long as `'b`.
    pub(super) unsafe fn until<'b>(self) -> Segment<'b, B> {
        // SAFETY: the caller vouches for it.
        Segment { block: unsafe { self.block.until() }, log: self.log }
    }

    /// # Safety
    /// Nobody uses the segment any more, and it is freed once.
    pub(super) unsafe fn free(self) {
        // SAFETY: the caller vouches for it.
        unsafe { self.block.free() };
    }

    #[inline]
    pub(super) fn header(self) -> &'a Header {
        self.block.header()
    }

    pub(super) fn log(self) -> u32 {
        self.log
    }

    /// Whether it is divided when it is full.
    pub(super) fn is_full_grown(self) -> bool {
        // Not a comparison, for in a model this is always so.
        self.log.checked_sub(Self::FULL_GROWN_LOG).is_some()
    }

    /// How many entries `1 << log` buckets take before something is done.
    pub(super) fn capacity_of(log: u32) -> usize {
        let slots = B::SLOTS << log;
        slots - slots / 6
    }

    pub(super) fn is_full(self) -> bool {
        self.header().len.load(Relaxed) as usize >= Self::capacity_of(self.log)
    }

    #[inline]
    pub(super) fn bucket(self, bucket: usize) -> &'a B
    where
        B: 'a,
    {
        // SAFETY: there are `1 << log` buckets.
        unsafe { self.block.at(bucket & ((1 << self.log) - 1)) }
    }

    /// All buckets, from that of `hash` on, each with its number.
    #[inline]
    pub(super) fn buckets_from(self, hash: u32) -> impl Iterator<Item = (usize, &'a B)>
    where
        B: 'a,
    {
        (0..1_usize << self.log).map(move |distance| {
            let number = (hash as usize).wrapping_add(distance);
            (number, self.bucket(number))
        })
    }

    /// All buckets, each with its number.
    pub(super) fn all_buckets(self) -> impl Iterator<Item = (usize, &'a B)>
    where
        B: 'a,
    {
        (0..1_usize << self.log).map(move |number| (number, self.bucket(number)))
    }

    /// Puts an item in. The caller has the lock, and knows that there is room, and no such key.
    pub(super) fn put(self, hash: u32, item: B::Item)
    where
        B: 'a,
    {
        let mut number = hash as usize;
        let (bucket, slot) = loop {
            let bucket = self.bucket(number);
            if let Some(slot) = bucket.vacant() {
                break (bucket, slot);
            }
            // Before the item is there: who does not find it may know that it has to look further.
            bucket.change_passing(true);
            number = number.wrapping_add(1);
        };
        bucket.put(slot, hash, item);
        let len = &self.header().len;
        len.store(len.load(Relaxed) + 1, Relaxed);
    }

    /// Takes the item out of a slot. The caller has the lock.
    pub(super) fn take(self, hash: u32, at: Slot) -> B::Item
    where
        B: 'a,
    {
        let item = self.bucket(at.bucket).take(at.slot);
        let header = self.header();
        // After that: who has seen the item here, and sees one of the same key further on, sees this change in between.
        // Release: edge TAKEN, for who lists the segment meanwhile.
        header.taken.store(header.taken.load(Relaxed).wrapping_add(1), Release);
        self.before(hash, at).for_each(|passed| passed.change_passing(false));
        header.len.store(header.len.load(Relaxed) - 1, Relaxed);
        item
    }

    /// The buckets that the item in a slot has passed.
    fn before(self, hash: u32, at: Slot) -> impl Iterator<Item = &'a B>
    where
        B: 'a,
    {
        let mask = (1 << self.log) - 1;
        let passed = move |(number, _): &(usize, &B)| (number ^ at.bucket) & mask != 0;
        self.buckets_from(hash).take_while(passed).map(|(_, bucket)| bucket)
    }

    /// Moves those of the items that have passed a bucket which has room now. The caller has the lock.
    pub(super) fn move_nearer(self, items: impl Iterator<Item = (Slot, B::Item, u32)>)
    where
        B: 'a,
    {
        let mut nearer = Vec::new();
        for (at, item, hash) in items {
            // If one of those has room, that is where it goes.
            if self.before(hash, at).any(|passed| passed.vacant().is_some()) {
                self.put(hash, item);
                nearer.push((at, hash));
            }
        }
        if nearer.is_empty() {
            return;
        }
        // Between the two: who does not find one here nor there sees this.
        // Release: edge MOVED.
        let moves = &self.header().moves;
        moves.store(moves.load(Relaxed).wrapping_add(1), Release);
        for (at, hash) in nearer {
            self.take(hash, at);
        }
    }

    /// Changes when items move to other buckets.
    pub(super) fn moves(self) -> u32 {
        // Acquire: edge MOVED.
        self.header().moves.load(Acquire)
    }

    /// Whether items may be in two slots, or were a moment ago.
    pub(super) fn has_changed(self, taken: u32) -> bool {
        // In that order: who has seen an item twice sees the lock, or that it was taken out.
        self.header().lock.is_taken() || self.taken() != taken
    }

    /// All slots with an item. Only with the lock nothing changes meanwhile.
    pub(super) fn items(self) -> impl Iterator<Item = (Slot, B::Item)>
    where
        B: 'a,
    {
        self.all_buckets().flat_map(|(number, bucket)| {
            bucket.items().map(move |(slot, item)| (Slot { bucket: number, slot }, item))
        })
    }

    /// Changes when an entry is taken out.
    pub(super) fn taken(self) -> u32 {
        // Acquire: edge TAKEN.
        self.header().taken.load(Acquire)
    }
}

impl<B: Bucket> fmt::Debug for Segment<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("log", &self.log).field("header", self.header()).finish()
    }
}
