//! Which segment a hash leads to.
//!
//! Extendible hashing (R. Fagin, J. Nievergelt, N. Pippenger, H. R. Strong, *Extendible Hashing*, ACM TODS 4(3), 1979): the
//! first bits of a hash are an index into the directory, where several places in a row may have the same segment. A
//! segment that is full divides in two, and the directory doubles when that takes one more bit. Beyond that, nothing
//! moves: growth costs each time what one segment costs, and eight bytes for each segment when the directory doubles.

use std::fmt;

use super::{
    block::{AtomicBlock, Block},
    lock::Held,
    segment::{AtomicSegment, Bucket, Segment},
};
use crate::sync::{
    Mutex,
    atomic::Ordering::{Acquire, Relaxed, Release},
};

type Directory<'a, B> = Block<'a, (), AtomicSegment<B>>;

/// The segments of a map.
pub(super) struct Table<B: Bucket> {
    /// With the number of bits of a hash that do not make an index. None until something is put in.
    directory: AtomicBlock<(), AtomicSegment<B>>,
    growth: Mutex<Growth<B>>,
}

/// What is needed to grow.
struct Growth<B> {
    segments: usize,
    /// What was replaced, and who came too late may still look at. All of it together is smaller than what there is.
    old_directories: Vec<Directory<'static, B>>,
    old_segments: Vec<Segment<'static, B>>,
}

// SAFETY: it owns buckets.
unsafe impl<B: Bucket + Send> Send for Table<B> {}
// SAFETY: it gives out references to buckets, and makes some on any thread that another one may drop.
unsafe impl<B: Bucket + Send + Sync> Sync for Table<B> {}

/// The place of a hash in a directory of that many bits.
#[inline]
pub(super) fn index(hash: u32, bits: u32) -> usize {
    (u64::from(hash) >> (u32::BITS - bits)) as usize
}

/// The first hash behind all that begin with the same bits as that one; none if that is the end.
pub(super) fn first_behind(hash: u32, bits: u32) -> Option<u32> {
    u32::try_from((index(hash, bits) as u64 + 1) << (u32::BITS - bits)).ok()
}

/// What a map keeps of a hash: the first bits lead to a segment, the last ones to a bucket, and those next to them are the tag.
#[inline]
pub(super) fn placing(hash: u64) -> u32 {
    // Both halves count, for hashes may be bad in either.
    (hash >> 32) as u32 ^ hash as u32
}

impl<B: Bucket> Table<B> {
    /// Bits of the largest directory.
    const MOST_BITS: u32 = 26;

    pub(super) fn new() -> Self {
        let growth = Growth { segments: 0, old_directories: Vec::new(), old_segments: Vec::new() };
        Self { directory: AtomicBlock::new(None), growth: Mutex::new(growth) }
    }

    /// With room for so many entries.
    pub(super) fn with_capacity(entries: usize) -> Self {
        let (bits, log) = Self::size_for(entries);
        if entries == 0 { Self::new() } else { Self::with_segments(bits, log) }
    }

    /// How many bits of the directory, and which size of segments, so many entries need.
    fn size_for(entries: usize) -> (u32, u32) {
        let log = (0..=Segment::<B>::FULL_GROWN_LOG).find(|&log| entries <= Segment::<B>::capacity_of(log));
        if let Some(log) = log {
            return (0, log);
        }
        // Hashes are not spread evenly; an eighth of the room is for that.
        let usual = Segment::<B>::capacity_of(Segment::<B>::FULL_GROWN_LOG) * 7 / 8;
        let bits = entries.div_ceil(usual.max(1)).next_power_of_two().ilog2();
        (bits.min(Self::MOST_BITS), Segment::<B>::FULL_GROWN_LOG)
    }

    /// Makes room for so many entries, those that are there included.
    pub(super) fn reserve(&self, entries: usize, hash_of: &impl Fn(B::Item) -> u32) {
        let (bits, log) = Self::size_for(entries);
        // The directory doubles when most of its segments have divided, so all of them do that first.
        for depth in 0..=bits {
            for prefix in 0..1_u32 << depth {
                let hash = if depth == 0 { 0 } else { prefix << (u32::BITS - depth) };
                self.grow_until(hash, depth, if depth < bits { 0 } else { log }, hash_of);
            }
        }
    }

    /// Grows the segment of that hash, until it has that depth and size.
    fn grow_until(&self, hash: u32, depth: u32, log: u32, hash_of: &impl Fn(B::Item) -> u32) {
        loop {
            let segment = self.lock(hash);
            // `hash_of` may panic.
            let _held = Held(&segment.header().lock);
            let is_deep = segment.header().depth.load(Relaxed) >= depth;
            let mut growth = self.growth.lock();
            if segment.log() < log || (!is_deep && !segment.is_full_grown()) {
                self.enlarge(segment, hash, &mut growth, hash_of);
            } else if !is_deep && self.can_divide(segment, &growth) {
                self.divide(segment, hash, &mut growth, hash_of);
            } else {
                return;
            }
        }
    }

    /// With `1 << bits` segments of `1 << log` buckets.
    pub(super) fn with_segments(bits: u32, log: u32) -> Self {
        let table = Self::new();
        table.make_first(bits, log);
        table
    }

    fn make_first(&self, bits: u32, log: u32) {
        let mut growth = self.growth.lock();
        if self.directory().is_none() {
            growth.segments = 1 << bits;
            let places = (0..growth.segments).map(|_| {
                let place = AtomicBlock::new(None);
                Segment::new(log, bits).store(&place);
                place
            });
            // Release: edge DOUBLED.
            self.directory.store(Block::new((), places), u32::BITS - bits, Release);
        }
    }

    /// The directory, and how many bits make an index.
    #[inline]
    fn directory(&self) -> Option<(Directory<'_, B>, u32)> {
        // Acquire: edge DOUBLED.
        // SAFETY: directories are freed with the table.
        let (directory, rest) = unsafe { self.directory.load(Acquire) }?;
        Some((directory, u32::BITS - rest))
    }

    /// The segment for that hash; none if the map is as new.
    #[inline]
    pub(super) fn find(&self, hash: u32) -> Option<Segment<'_, B>> {
        let (directory, bits) = self.directory()?;
        // SAFETY: a directory has `1 << bits` places.
        let place = unsafe { directory.at(index(hash, bits)) };
        // SAFETY: segments are freed with the table.
        Some(unsafe { Segment::load(place) })
    }

    /// The segment for that hash, locked.
    #[inline]
    pub(super) fn lock(&self, hash: u32) -> Segment<'_, B> {
        loop {
            let Some(segment) = self.find(hash) else {
                self.make_first(0, 0);
                continue;
            };
            segment.header().lock.lock();
            // It may have been divided or replaced meanwhile; not any more now.
            if self.find(hash) == Some(segment) {
                return segment;
            }
            segment.header().lock.unlock();
        }
    }

    /// Makes room in a full segment, which the caller has locked: `hash` may lead to another one after that.
    #[cold]
    pub(super) fn grow(&self, segment: Segment<'_, B>, hash: u32, hash_of: &impl Fn(B::Item) -> u32) {
        let mut growth = self.growth.lock();
        if !segment.is_full_grown() || !self.can_divide(segment, &growth) {
            self.enlarge(segment, hash, &mut growth, hash_of);
        } else {
            self.divide(segment, hash, &mut growth, hash_of);
        }
    }

    /// Whether it does any good. If hashes are bad, many begin alike, and the directory would double without end.
    fn can_divide(&self, segment: Segment<'_, B>, growth: &Growth<B>) -> bool {
        let (directory, bits) = self.directory().expect("there is a segment");
        let is_directory_used = growth.segments * 2 > directory.len() && bits < Self::MOST_BITS;
        segment.header().depth.load(Relaxed) < bits || is_directory_used
    }

    /// Replaces the segment by one of twice the size.
    ///
    /// Entries stand in both until all places lead to the larger one, so nobody may take one out before.
    fn enlarge(
        &self,
        segment: Segment<'_, B>,
        hash: u32,
        growth: &mut Growth<B>,
        hash_of: &impl Fn(B::Item) -> u32,
    ) {
        let depth = segment.header().depth.load(Relaxed);
        // Before anything is made or changed: `hash_of` may panic.
        let mut items = Vec::with_capacity(segment.header().len.load(Relaxed) as usize);
        items.extend(segment.items().map(|(slot, item)| (slot, item, hash_of(item))));
        let larger = Segment::new(segment.log() + 1, depth);
        larger.header().lock.lock();
        items.iter().for_each(|(_, item, hash)| larger.put(*hash, *item));
        self.places(hash, depth).for_each(|place| larger.store(place));
        // Before one is taken out of the larger one and freed: whoever still looks here must not find it (`reclaim`, REACH).
        for (slot, _, hash) in items {
            segment.take(hash, slot);
        }
        larger.header().lock.unlock();
        // SAFETY: it is freed with the table.
        growth.old_segments.push(unsafe { segment.until() });
    }

    /// Moves the entries of the upper half to a new segment, and those of the lower half nearer to their buckets.
    ///
    /// They stand in both for a while, and nobody may take one out meanwhile.
    fn divide(
        &self,
        segment: Segment<'_, B>,
        hash: u32,
        growth: &mut Growth<B>,
        hash_of: &impl Fn(B::Item) -> u32,
    ) {
        let depth = segment.header().depth.load(Relaxed);
        let half = 1 << (u32::BITS - 1 - depth);
        // Before anything is made or changed: `hash_of` may panic.
        let mut items = Vec::with_capacity(segment.header().len.load(Relaxed) as usize);
        items.extend(segment.items().map(|(slot, item)| (slot, item, hash_of(item))));
        let (movers, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|(_, _, hash)| hash & half != 0);
        let upper = Segment::new(segment.log(), depth + 1);
        upper.header().lock.lock();
        movers.iter().for_each(|(_, item, hash)| upper.put(*hash, *item));
        if self.directory().is_some_and(|(_, bits)| bits == depth) {
            self.double(growth);
        }
        self.places(hash | half, depth + 1).for_each(|place| upper.store(place));
        // Before anything is taken out: whoever lists the segment then sees it by edge TAKEN.
        segment.header().depth.store(depth + 1, Relaxed);
        growth.segments += 1;
        // Whoever finds an entry gone sees that the directory leads elsewhere: edge TAKEN.
        for (slot, _, hash) in movers {
            segment.take(hash, slot);
        }
        segment.move_nearer(others.into_iter());
        upper.header().lock.unlock();
    }

    /// Replaces the directory by one of twice the size.
    fn double(&self, growth: &mut Growth<B>) {
        let (directory, bits) = self.directory().expect("there is a segment");
        let places = (0..directory.len() * 2).map(|index| {
            let place = AtomicBlock::new(None);
            // SAFETY: that is within the old one.
            let old = unsafe { directory.at(index / 2) };
            // SAFETY: segments are freed with the table.
            unsafe { Segment::load(old) }.store(&place);
            place
        });
        // Release: edge DOUBLED.
        self.directory.store(Block::new((), places), u32::BITS - bits - 1, Release);
        // SAFETY: it is freed with the table.
        growth.old_directories.push(unsafe { directory.until() });
    }

    /// The places of all hashes that begin with the first `depth` bits of that one.
    fn places(&self, hash: u32, depth: u32) -> impl Iterator<Item = &AtomicSegment<B>> {
        let (directory, bits) = self.directory().expect("there is a segment");
        let first = index(hash, depth) << (bits - depth);
        // SAFETY: that is within the directory.
        (first..first + (1 << (bits - depth))).map(move |index| unsafe { directory.at(index) })
    }

    /// All segments, of which some may divide meanwhile.
    pub(super) fn segments(&self) -> Vec<Segment<'_, B>> {
        let Some((directory, _)) = self.directory() else { return Vec::new() };
        // SAFETY: segments are freed with the table.
        let mut segments: Vec<_> = directory.iter().map(|place| unsafe { Segment::load(place) }).collect();
        segments.dedup();
        segments
    }
}

impl<B: Bucket> Drop for Table<B> {
    fn drop(&mut self) {
        let mut growth = self.growth.lock();
        for segment in self.segments() {
            // SAFETY: the table is not used any more.
            unsafe { segment.free() };
        }
        for segment in growth.old_segments.drain(..) {
            // SAFETY: as above.
            unsafe { segment.free() };
        }
        if let Some((directory, _)) = self.directory() {
            // SAFETY: as above.
            unsafe { directory.free() };
        }
        for directory in growth.old_directories.drain(..) {
            // SAFETY: as above.
            unsafe { directory.free() };
        }
    }
}

impl<B: Bucket> fmt::Debug for Table<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}
