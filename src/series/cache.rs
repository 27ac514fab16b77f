//! What one thread looked up lately.

use std::fmt;

use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many entries with the same place there may be.
const WAYS: usize = 4;
const SETS_AT_FIRST: usize = 16;
/// 8192 entries at most.
const MAX_SETS: usize = 2048;

/// Handles by key, found by hash, in sets of four. One that finds its set occupied makes the cache grow, if a quarter of
/// it is used and it is not at its largest; else it takes the place of another.
pub struct Cache<K, H> {
    sets: Vec<Set<K, H>>,
    used: usize,
    /// The generation that the entries are of.
    generation: u64,
    /// Which of a set goes next.
    turn: usize,
}

struct Set<K, H> {
    hashes: [u64; WAYS],
    entries: [Option<(K, H)>; WAYS],
}

impl<K, H> Cache<K, H> {
    /// A cache without entries, and without memory.
    pub const fn new() -> Self {
        Self { sets: Vec::new(), used: 0, generation: 0, turn: 0 }
    }

    /// The handle under a key with that hash for which `is` holds, unless the generation has changed.
    #[inline(always)]
    pub fn find(&self, hash: u64, generation: u64, is: impl Fn(&K) -> bool) -> Option<&H> {
        let set = self.sets.get(hash as usize & self.sets.len().wrapping_sub(1))?;
        if generation != self.generation {
            return None;
        }
        // Two keys with the same hash in one set are as rare as they are harmless: the second is looked up.
        let (key, handle) = set.entries[set.way(hash)].as_ref()?;
        is(key).then_some(handle)
    }

    /// Remembers a handle, looked up while the generation was this.
    pub fn insert(&mut self, hash: u64, generation: u64, key: K, handle: H) {
        if generation != self.generation {
            *self = Self { generation, ..Self::new() };
        }
        if self.sets.is_empty() {
            self.grow();
        }
        self.place(hash, (key, handle));
    }

    fn place(&mut self, hash: u64, entry: (K, H)) {
        let may_grow = self.sets.len() < MAX_SETS && self.used >= self.sets.len() * WAYS / 4;
        let at = hash as usize & (self.sets.len() - 1);
        let Set { hashes, entries } = &mut self.sets[at];
        let same_hash = hashes.iter().position(|&other| other == hash);
        let free = || entries.iter().position(Option::is_none);
        let way = match same_hash.or_else(free) {
            Some(way) => way,
            None if may_grow => {
                self.grow();
                return self.place(hash, entry);
            }
            None => {
                self.turn = (self.turn + 1) % WAYS;
                self.turn
            }
        };
        hashes[way] = hash;
        self.used += usize::from(entries[way].replace(entry).is_none());
    }

    fn grow(&mut self) {
        let sets = (self.sets.len() * 2).max(SETS_AT_FIRST);
        let smaller = std::mem::replace(&mut self.sets, (0..sets).map(|_| Set::new()).collect());
        self.used = 0;
        for Set { hashes, entries } in smaller {
            for (hash, entry) in hashes.into_iter().zip(entries) {
                if let Some(entry) = entry {
                    self.place(hash, entry);
                }
            }
        }
    }
}

impl<K, H> Set<K, H> {
    const fn new() -> Self {
        Self { hashes: [0; WAYS], entries: [const { None }; WAYS] }
    }

    /// Where that hash is, or anywhere. Without a branch: which of the four it is cannot be predicted.
    #[inline(always)]
    fn way(&self, hash: u64) -> usize {
        let [_, second, third, fourth] = self.hashes.map(|other| usize::from(other == hash));
        (second | (2 * third) | (3 * fourth)) % WAYS
    }
}

impl<K, H> Default for Cache<K, H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, H> fmt::Debug for Cache<K, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("used", &self.used).finish_non_exhaustive()
    }
}

/// Raised to make every thread forget what it looked up. Models make their own.
#[derive(Debug, Default)]
pub struct Generation(AtomicU64);

impl Generation {
    /// The first generation.
    #[cfg(not(freewheel_loom))]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The first generation.
    #[cfg(freewheel_loom)]
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The present generation.
    #[inline(always)]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Makes caches empty themselves at the next lookup of their thread.
    pub fn advance(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}
