//! Buckets of words: keys and values that are no more than that.
//!
//! Nothing is allocated and nothing is freed, so nobody has to keep anything: a reader takes a key and its value, and then
//! makes sure that the slot was not used for another key meanwhile.

use super::segment::{Bucket, Segment, Slot};
use crate::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

/// Slots of a bucket: with the state they fill a cache line, but for a word.
const SLOTS: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 1 } else { 3 };

/// Which slots of a bucket are filled (bits 0 to 2); how many items belong here and are further on (bits 8 to 15; at 255 it
/// does not change any more, and means many); and how often a slot was vacated (from bit 16 on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State(u64);

impl State {
    const FILLED: u64 = (1 << SLOTS) - 1;
    const PASSING: u64 = 1 << 8;
    const ALL_PASSING: u64 = 0xff << 8;
    const VACATED: u64 = 1 << 16;

    #[inline]
    fn is_passed(self) -> bool {
        self.0 & Self::ALL_PASSING != 0
    }

    /// Whether no slot was vacated between the two.
    #[inline]
    fn is_as(self, other: Self) -> bool {
        (self.0 ^ other.0) < Self::VACATED
    }

    fn filled(self, slot: usize) -> Self {
        Self(self.0 | 1 << slot)
    }

    fn vacated(self, slot: usize) -> Self {
        Self((self.0 & !(1 << slot)).wrapping_add(Self::VACATED))
    }

    fn with_passing(self, is_one_more: bool) -> Self {
        match (self.0 & Self::ALL_PASSING, is_one_more) {
            (Self::ALL_PASSING, _) => self,
            // It was counted by another hash: the hasher is not to be relied on.
            (0, false) => self,
            (_, true) => Self(self.0 + Self::PASSING),
            (_, false) => Self(self.0 - Self::PASSING),
        }
    }
}

/// What a [glance](Words::glance) sees.
pub(super) enum Glance {
    /// The value.
    Here(u64),
    /// Not in this segment.
    Nowhere,
    /// Perhaps in the next bucket.
    Further,
    /// A slot was vacated meanwhile, so begin again.
    Changed,
}

/// A key and its value.
#[derive(Debug)]
struct Pair {
    key: AtomicU64,
    value: AtomicU64,
}

/// The state, and some pairs.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Words {
    state: AtomicU64,
    pairs: [Pair; SLOTS],
}

impl Words {
    #[inline]
    fn state(&self) -> State {
        // Acquire: edges PUT and TAKEN.
        State(self.state.load(Acquire))
    }

    #[inline]
    fn set_state(&self, state: State) {
        // Release: edges PUT and TAKEN.
        self.state.store(state.0, Release);
    }

    /// Whether no slot was vacated since the state was `state`, and until all that was read since then.
    #[inline]
    fn is_as(&self, state: State) -> bool {
        // Acquire: edges PUT and REUSED. If we read what came into a slot after it was vacated, we see that it was.
        fence(Acquire);
        State(self.state.load(Relaxed)).is_as(state)
    }

    /// The filled slots with that key; at most one, if nothing changes meanwhile.
    #[inline]
    fn slots_with(&self, key: u64, state: State) -> u64 {
        // All of them, without a branch for each.
        let with_key = |slot: usize| u64::from(self.pairs[slot].key.load(Relaxed) == key) << slot;
        (0..SLOTS).map(with_key).sum::<u64>() & state.0 & State::FILLED
    }

    /// Looks whether the value of a key can be found at once, as that of most can.
    #[inline]
    pub(super) fn glance(&self, key: u64) -> Glance {
        let state = self.state();
        let slots = self.slots_with(key, state);
        if slots != 0 {
            // Relaxed: the fence of `is_as` is for edge PUT too.
            let value = self.pairs[slots.trailing_zeros() as usize].value.load(Relaxed);
            return if self.is_as(state) { Glance::Here(value) } else { Glance::Changed };
        }
        // Acquire: edge REUSED. If a key that we read came in place of ours, which had moved, the caller sees that.
        fence(Acquire);
        if state.is_passed() { Glance::Further } else { Glance::Nowhere }
    }

    /// Sets the value of a slot. The caller has the lock.
    #[inline]
    pub(super) fn set_value(&self, slot: usize, value: u64) {
        // Release: edges PUT and REUSED.
        self.pairs[slot].value.store(value, Release);
    }

    /// The value of a slot. The caller has the lock.
    #[inline]
    pub(super) fn value(&self, slot: usize) -> u64 {
        self.pairs[slot].value.load(Relaxed)
    }

    /// What stands in the slots at one moment.
    pub(super) fn snapshot(&self) -> impl Iterator<Item = (u64, u64)> {
        let (state, pairs) = loop {
            let state = self.state();
            // Relaxed: the fence of `is_as` is for edge PUT too.
            let pairs = self.pairs.each_ref().map(|pair| (pair.key.load(Relaxed), pair.value.load(Relaxed)));
            if self.is_as(state) {
                break (state, pairs);
            }
        };
        (0..SLOTS).filter(move |slot| state.0 & (1 << slot) != 0).map(move |slot| pairs[slot])
    }
}

impl Bucket for Words {
    type Item = (u64, u64);

    const SLOTS: usize = SLOTS;

    fn new() -> Self {
        let pairs = std::array::from_fn(|_| Pair { key: AtomicU64::new(0), value: AtomicU64::new(0) });
        Self { state: AtomicU64::new(0), pairs }
    }

    #[inline]
    fn vacant(&self) -> Option<usize> {
        let vacant = !self.state().0 & State::FILLED;
        (vacant != 0).then(|| vacant.trailing_zeros() as usize)
    }

    #[inline]
    fn put(&self, slot: usize, _hash: u32, (key, value): (u64, u64)) {
        // Release: edge REUSED.
        self.pairs[slot].key.store(key, Release);
        self.set_value(slot, value);
        self.set_state(self.state().filled(slot));
    }

    #[inline]
    fn take(&self, slot: usize) -> (u64, u64) {
        let pair = &self.pairs[slot];
        self.set_state(self.state().vacated(slot));
        (pair.key.load(Relaxed), pair.value.load(Relaxed))
    }

    #[inline]
    fn change_passing(&self, is_one_more: bool) {
        self.set_state(self.state().with_passing(is_one_more));
    }

    fn items(&self) -> impl Iterator<Item = (usize, (u64, u64))> {
        let state = self.state();
        let item = |slot: usize| (self.pairs[slot].key.load(Relaxed), self.value(slot));
        (0..SLOTS).filter(move |slot| state.0 & (1 << slot) != 0).map(move |slot| (slot, item(slot)))
    }
}

impl Segment<'_, Words> {
    /// The value of a key, without the lock.
    pub(super) fn look(self, hash: u32, key: u64) -> Option<u64> {
        'again: loop {
            for (_, bucket) in self.buckets_from(hash) {
                match bucket.glance(key) {
                    Glance::Here(value) => return Some(value),
                    Glance::Nowhere => return None,
                    Glance::Further => {}
                    Glance::Changed => continue 'again,
                }
            }
            return None;
        }
    }

    /// Finds the slot of a key. The caller has the lock.
    #[inline]
    pub(super) fn find_word(self, hash: u32, key: u64) -> Option<Slot> {
        for (number, bucket) in self.buckets_from(hash) {
            let state = bucket.state();
            let slots = bucket.slots_with(key, state);
            if slots != 0 {
                return Some(Slot { bucket: number, slot: slots.trailing_zeros() as usize });
            }
            if !state.is_passed() {
                return None;
            }
        }
        None
    }
}
