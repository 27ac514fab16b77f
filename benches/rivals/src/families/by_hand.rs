//! Families as one writes them without a library.

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use crossbeam_utils::CachePadded;
use dashmap::DashMap;
use hashbrown::{DefaultHashBuilder, Equivalent, HashMap};
use parking_lot::Mutex;

use super::{Counters, Labels, borrowed};

/// A table under a mutex. Looking up does not allocate.
pub(crate) struct LockedTable(CachePadded<Mutex<HashMap<Labels, u64>>>);

/// Labels to look up.
#[derive(Hash)]
struct Borrowed<'a>([&'a str; 3]);

impl Equivalent<Labels> for Borrowed<'_> {
    fn equivalent(&self, key: &Labels) -> bool {
        self.0 == borrowed(key)
    }
}

impl Counters for LockedTable {
    const WHO: &'static str = "parking_lot Mutex<HashMap>";

    fn new(_series: usize) -> Self {
        Self(CachePadded::new(Mutex::default()))
    }

    #[inline(always)]
    fn add(&self, labels: [&str; 3]) {
        let mut table = self.0.lock();
        match table.get_mut(&Borrowed(labels)) {
            Some(count) => *count += 1,
            None => _ = table.insert(labels.map(str::to_owned), 1),
        }
    }
}

/// A table of atomics, in parts with a lock each.
pub(crate) struct SharedTable(DashMap<Owned, AtomicU64, DefaultHashBuilder>);

struct Owned(Labels);

/// Lets the table be asked for labels that are not owned.
trait Texts {
    fn texts(&self) -> [&str; 3];
}

impl Texts for Owned {
    fn texts(&self) -> [&str; 3] {
        borrowed(&self.0)
    }
}

impl Texts for [&str; 3] {
    fn texts(&self) -> [&str; 3] {
        *self
    }
}

impl<'a> Borrow<dyn Texts + 'a> for Owned {
    fn borrow(&self) -> &(dyn Texts + 'a) {
        self
    }
}

impl Hash for dyn Texts + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.texts().hash(state);
    }
}

impl PartialEq for dyn Texts + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.texts() == other.texts()
    }
}

impl Eq for dyn Texts + '_ {}

impl Hash for Owned {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.texts().hash(state);
    }
}

impl PartialEq for Owned {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Owned {}

impl Counters for SharedTable {
    const WHO: &'static str = "dashmap of atomics";

    fn new(_series: usize) -> Self {
        Self(DashMap::with_hasher(DefaultHashBuilder::default()))
    }

    #[inline(always)]
    fn add(&self, labels: [&str; 3]) {
        let count = |count: &AtomicU64| count.fetch_add(1, Relaxed);
        match self.0.get(&labels as &dyn Texts) {
            Some(found) => _ = count(&found),
            None => _ = count(&self.0.entry(Owned(labels.map(str::to_owned))).or_default()),
        }
    }
}
