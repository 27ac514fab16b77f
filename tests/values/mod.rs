//! Values that tell how often they were dropped.

#![allow(dead_code, reason = "not every test that has this module uses all of it")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

/// How often each value of a number of them was dropped.
pub(crate) struct Ledger(Arc<[AtomicUsize]>);

/// A value that knows its number; it may panic when it is dropped.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) number: usize,
    panics: bool,
    drops: Arc<[AtomicUsize]>,
}

impl Ledger {
    pub(crate) fn new(values: usize) -> Self {
        Self((0..values).map(|_| AtomicUsize::new(0)).collect())
    }

    pub(crate) fn value(&self, number: usize) -> Value {
        Value { number, panics: false, drops: Arc::clone(&self.0) }
    }

    /// Panics when it is dropped, after it has counted that.
    pub(crate) fn panicking(&self, number: usize) -> Value {
        let mut value = self.value(number);
        value.panics = true;
        value
    }

    /// How often each was dropped.
    pub(crate) fn drops(&self) -> Vec<usize> {
        self.0.iter().map(|drops| drops.load(SeqCst)).collect()
    }

    /// Whether each was dropped once.
    #[track_caller]
    pub(crate) fn assert_each_once(&self) {
        assert!(self.drops().iter().all(|&drops| drops == 1), "{:?}", self.drops());
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.drops[self.number].fetch_add(1, SeqCst);
        assert!(!self.panics || thread::panicking(), "value {} panics", self.number);
    }
}
