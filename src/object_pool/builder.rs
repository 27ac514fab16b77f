//! How a pool is made.

use std::fmt;

use super::{Functions, ObjectPool, store::Store};
use crate::util::seat;

/// Makes an [`ObjectPool`]; see [`ObjectPool::builder`].
#[must_use]
pub struct Builder<T> {
    functions: Functions<T>,
    max: usize,
    prefill: usize,
}

impl<T> Builder<T> {
    const DEFAULT_MAX: usize = 2048;

    pub(super) fn new(init: impl Fn() -> T + Send + Sync + 'static) -> Self {
        let functions = Functions { init: Box::new(init), reset: None, keep: None };
        Self { functions, max: Self::DEFAULT_MAX, prefill: 0 }
    }

    /// What makes an object that comes back ready for its next use, such as `Vec::clear`. By default nothing is done.
    ///
    /// It is called by whoever drops the guard. If it panics, the object is dropped, and the panic goes on.
    pub fn reset(mut self, reset: impl Fn(&mut T) + Send + Sync + 'static) -> Self {
        self.functions.reset = Some(Box::new(reset));
        self
    }

    /// Which objects that come back are worth keeping, before they are [`reset`](Self::reset); the others are dropped.
    /// By default all are kept.
    ///
    /// A buffer that has become huge once should not stay so; a connection that failed is of no use.
    pub fn keep(mut self, keep: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.functions.keep = Some(Box::new(keep));
        self
    }

    /// How many idle objects the pool keeps at most; 2048 by default. What comes back beyond that is dropped.
    ///
    /// How many are in use is not limited. Each thread has idle objects of its own, which the others do not find while
    /// it is alive, or another one has taken its [seat](super#how-it-works): up to a thirty-second of `max`, at least 8
    /// and at most 64. So give at least as much as all threads together put back in one go, and 64 for each thread
    /// besides; with less there are more misses. A pool that keeps fewer than five shares all of them, which is slower.
    /// With 0 it keeps none.
    pub fn max(mut self, objects: usize) -> Self {
        self.max = objects;
        self
    }

    /// How many objects are made at once, when the pool is built, but no more than [`max`](Self::max); none by default.
    /// Whichever threads come first find them.
    pub fn prefill(mut self, objects: usize) -> Self {
        self.prefill = objects;
        self
    }

    /// Makes the pool.
    ///
    /// # Panics
    /// If `init` does, for [`prefill`](Self::prefill).
    #[must_use]
    pub fn build(self) -> ObjectPool<T> {
        let pool = ObjectPool { store: Store::new(self.max), functions: self.functions };
        let prefill = self.prefill.min(self.max);
        if prefill > 0 {
            let prefilled = (0..prefill).map(|_| Box::new((pool.functions.init)()));
            seat::with(|seat| pool.store.stock(seat, prefilled));
        }
        pool
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("max", &self.max)
            .field("prefill", &self.prefill)
            .finish_non_exhaustive()
    }
}
