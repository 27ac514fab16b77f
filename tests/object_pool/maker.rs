//! Objects that are numbered as they are made, and what is known of a pool of them.

#![allow(dead_code, reason = "not every test that has this module uses all of it")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use freewheel::ObjectPool;

use crate::values::{Ledger, Value};

/// Makes objects, and knows which of them were dropped.
#[derive(Clone)]
pub(crate) struct Maker {
    ledger: Arc<Ledger>,
    made: Arc<AtomicUsize>,
}

impl Maker {
    /// Can make so many.
    pub(crate) fn of(objects: usize) -> Self {
        Self { ledger: Arc::new(Ledger::new(objects)), made: Arc::default() }
    }

    pub(crate) fn make(&self) -> Value {
        self.ledger.value(self.made.fetch_add(1, SeqCst))
    }

    /// Makes one that panics when it is dropped.
    pub(crate) fn make_panicking(&self) -> Value {
        self.ledger.panicking(self.made.fetch_add(1, SeqCst))
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(SeqCst)
    }

    /// How many are alive.
    ///
    /// # Panics
    /// If one was dropped twice.
    #[track_caller]
    pub(crate) fn living(&self) -> usize {
        let drops = self.ledger.drops();
        assert!(drops.iter().all(|&drops| drops <= 1), "dropped twice: {drops:?}");
        self.made() - drops.iter().sum::<usize>()
    }

    /// A pool of such objects is gone: each of them has been dropped, once.
    #[track_caller]
    pub(crate) fn assert_all_gone(&self) {
        assert_eq!(self.living(), 0, "objects were leaked");
    }
}

/// What a pool's statistics say, for comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) dropped: u64,
    pub(crate) in_use: u64,
    pub(crate) idle: u64,
}

#[track_caller]
pub(crate) fn figures<T>(pool: &ObjectPool<T>) -> Figures {
    let stats = pool.stats();
    assert_eq!(stats.live(), stats.in_use + stats.idle);
    Figures {
        hits: stats.hits,
        misses: stats.misses,
        dropped: stats.dropped,
        in_use: stats.in_use,
        idle: stats.idle,
    }
}
