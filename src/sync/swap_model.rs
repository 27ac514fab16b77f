//! A model of `Swap`: the contract of `arc_swap::ArcSwap`, without its lock-free inside, which no checker can follow.

use super::{Arc, Mutex};

/// A shared pointer that is replaced now and then.
#[derive(Debug)]
pub struct Swap<T>(Mutex<Arc<T>>);

impl<T> Swap<T> {
    /// Points to `value`.
    #[must_use]
    pub fn new(value: Arc<T>) -> Self {
        Self(Mutex::new(value))
    }

    /// Calls `access` with what it points to. Models have no allocator that comes here.
    pub fn with<R>(&self, access: impl FnOnce(&T) -> R) -> Option<R> {
        // The lock ends before the access: readers must not seem to exclude writers.
        let pointed_to = self.0.lock().clone();
        Some(access(&pointed_to))
    }

    /// Points to `value` from here on.
    pub fn replace(&self, value: Arc<T>) {
        let old = std::mem::replace(&mut *self.0.lock(), value);
        drop(old);
    }
}
