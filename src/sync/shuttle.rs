//! The world of `shuttle`: many threads, schedules drawn at random, sequentially consistent.
//!
//! It ignores memory orders (loom's part) and affords threads and operations that loom does not.

use std::sync::PoisonError;

pub use shuttle::{
    hint,
    sync::{Arc, MutexGuard, atomic},
    thread,
};

/// The checker's own types, for the models of [`reclaim`](crate::reclaim) and [`seat`](crate::util::seat).
pub mod raw {
    pub use shuttle::{lazy_static, thread_local};
}

pub mod cell {
    //! Cells that notice two accesses at once.

    use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    /// The state of a cell that is being written; else the state is the number of its readers.
    const WRITTEN: usize = usize::MAX;

    /// Shared memory without a lock or an atomic.
    ///
    /// An access begins and ends with a switch point, so others get to run within it: shuttle switches at its own
    /// types only, and would take every access for a single step.
    #[derive(Debug, Default)]
    pub struct UnsafeCell<T> {
        value: std::cell::UnsafeCell<T>,
        users: AtomicUsize,
    }

    impl<T> UnsafeCell<T> {
        /// Wraps `value`.
        pub const fn new(value: T) -> Self {
            Self { value: std::cell::UnsafeCell::new(value), users: AtomicUsize::new(0) }
        }

        /// Calls `access` with a pointer to read through.
        ///
        /// # Panics
        /// If the cell is being written.
        pub fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
            let enter = |users: usize| users.checked_add(1).filter(|&users| users != WRITTEN);
            assert!(self.users.fetch_update(SeqCst, SeqCst, enter).is_ok(), "data race: read during a write");
            let result = access(self.value.get());
            self.users.fetch_sub(1, SeqCst);
            result
        }

        /// Calls `access` with a pointer to write through.
        ///
        /// # Panics
        /// If the cell is being read or written.
        pub fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
            let entered = self.users.compare_exchange(0, WRITTEN, SeqCst, SeqCst);
            assert!(entered.is_ok(), "data race: write during another access");
            let result = access(self.value.get());
            self.users.store(0, SeqCst);
            result
        }

        /// Returns the value.
        pub fn into_inner(self) -> T {
            self.value.into_inner()
        }
    }
}

/// shuttle's lock; [`lock`](Self::lock) returns the guard itself.
#[derive(Debug, Default)]
pub struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        // As in the real world: our critical sections do not panic halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock if nobody has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}
