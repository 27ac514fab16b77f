//! What a thread remembers: handles by key, and descriptions that it has given.

use std::{cell::RefCell, hash::BuildHasher, ptr, sync::Mutex};

use ::metrics::{Key, KeyName, Label, SharedString, Unit};
use foldhash::fast::FixedState;

use crate::series::{Cache, LocalCache};

/// The key of a handle, for one recorder.
#[derive(Debug)]
pub(super) struct KeptKey {
    pub(super) recorder: u32,
    pub(super) key: Key,
}

/// A description that was given to one recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptDescription {
    pub(super) recorder: u32,
    pub(super) kind: &'static str,
    pub(super) name: KeyName,
    pub(super) unit: Option<Unit>,
    pub(super) description: SharedString,
}

/// Handles of one kind that a thread remembers.
pub(super) type Handles<H> = LocalCache<KeptKey, H>;

/// Those that are remembered for all threads whose thread-locals are gone. Somebody must keep a handle: whoever drops
/// the last one frees memory, and an allocator that records this looks up the handle again, and so on.
pub(super) type LateHandles<H> = Mutex<Cache<KeptKey, H>>;

pub(super) static LATE_COUNTERS: LateHandles<::metrics::Counter> = Mutex::new(Cache::new());
pub(super) static LATE_GAUGES: LateHandles<::metrics::Gauge> = Mutex::new(Cache::new());
pub(super) static LATE_HISTOGRAMS: LateHandles<::metrics::Histogram> = Mutex::new(Cache::new());

thread_local! {
    pub(super) static COUNTERS: RefCell<Cache<KeptKey, ::metrics::Counter>> =
        const { RefCell::new(Cache::new()) };
    pub(super) static GAUGES: RefCell<Cache<KeptKey, ::metrics::Gauge>> = const { RefCell::new(Cache::new()) };
    pub(super) static HISTOGRAMS: RefCell<Cache<KeptKey, ::metrics::Histogram>> =
        const { RefCell::new(Cache::new()) };
    pub(super) static DESCRIPTIONS: RefCell<Cache<KeptDescription, ()>> =
        const { RefCell::new(Cache::new()) };
}

impl KeptKey {
    /// Where the cache looks. The key has a hash already, which is the same in every recorder and has not been mixed.
    #[inline(always)]
    pub(super) fn hash(recorder: u32, key: &Key) -> u64 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(key.get_hash() ^ u64::from(recorder).wrapping_mul(ODD)) * u128::from(ODD);
        product as u64 ^ (product >> 64) as u64
    }

    /// Whether this is the key. Of literals the addresses are enough.
    #[inline(always)]
    pub(super) fn is(&self, recorder: u32, key: &Key) -> bool {
        self.recorder == recorder
            && is_same_text(self.key.name(), key.name())
            && is_same_list(self.key.labels().as_slice(), key.labels().as_slice(), || self.key == *key)
    }
}

/// Whether the labels are the same in the same order, or else `in_any_order`, which takes longer.
#[inline(always)]
fn is_same_list(kept: &[Label], labels: &[Label], in_any_order: impl FnOnce() -> bool) -> bool {
    let is_same_label = |(kept, label): (&Label, &Label)| {
        is_same_text(kept.key(), label.key()) && is_same_text(kept.value(), label.value())
    };
    kept.len() == labels.len()
        && (ptr::eq(kept, labels) || kept.iter().zip(labels).all(is_same_label) || in_any_order())
}

#[inline(always)]
fn is_same_text(kept: &str, text: &str) -> bool {
    ptr::eq(kept, text) || kept == text
}

impl KeptDescription {
    /// Where the cache looks.
    pub(super) fn hash(&self) -> u64 {
        FixedState::with_seed(self.recorder.into()).hash_one(self.name.as_str())
    }
}
