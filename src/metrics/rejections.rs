//! [`Rejections`]: samples that were not recorded, of what is no instrument of the registry.

use super::instrument::SeriesKey;
use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many samples were not recorded.
#[derive(Debug)]
pub(crate) struct Rejections {
    pub(super) key: SeriesKey,
    count: AtomicU64,
}

#[cfg(feature = "metrics-facade")]
impl Rejections {
    pub(super) fn new(attributes: super::Attributes) -> Self {
        Self { key: SeriesKey::new(attributes, 1), count: AtomicU64::new(0) }
    }

    /// Counts samples.
    pub(crate) fn add(&self, samples: u64) {
        self.count.fetch_add(samples, Relaxed);
    }
}

impl Rejections {
    pub(super) fn get(&self) -> u64 {
        self.count.load(Relaxed)
    }
}
