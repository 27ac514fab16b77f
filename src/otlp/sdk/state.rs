//! What the SDK has collected last.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::super::Foreign;

/// The newest collection takes the place of the one before: all are totals.
#[derive(Debug, Default)]
pub(super) struct State {
    kept: Mutex<Kept>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Kept {
    pieces: Vec<Foreign>,
    /// How many collections there were so far.
    collections: u64,
    /// The SDK was shut down; there are no more to come.
    is_final: bool,
}

impl State {
    pub(super) fn replace(&self, pieces: Vec<Foreign>) {
        let mut kept = self.kept();
        kept.collections += 1;
        kept.pieces = pieces;
    }

    /// Notes that the SDK had nothing to tell, if no collection has come since there were `collections` of them.
    pub(super) fn clear_since(&self, collections: u64) {
        let mut kept = self.kept();
        if kept.collections == collections && !kept.is_final {
            kept.pieces.clear();
        }
    }

    /// Notes that this collection was the last.
    pub(super) fn end(&self) {
        self.kept().is_final = true;
        self.ended.notify_all();
    }

    /// Waits for the last collection, at most so long; tells whether it came.
    pub(super) fn wait_for_end(&self, timeout: Duration) -> bool {
        let kept = self.ended.wait_timeout_while(self.kept(), timeout, |kept| !kept.is_final);
        kept.unwrap_or_else(PoisonError::into_inner).0.is_final
    }

    pub(super) fn is_final(&self) -> bool {
        self.kept().is_final
    }

    pub(super) fn collections(&self) -> u64 {
        self.kept().collections
    }

    pub(super) fn pieces(&self) -> Vec<Foreign> {
        self.kept().pieces.clone()
    }

    /// No code that can panic runs under this lock, so a poisoned one is as good as any.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
