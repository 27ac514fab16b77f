//! The world every user runs in: the types of `std`, at no cost.

use std::{
    cell::Cell,
    sync::{self, PoisonError, TryLockError},
};

pub use std::{
    hint,
    sync::{Arc, MutexGuard},
    thread,
};

pub mod atomic {
    //! The atomics of `core`; 64-bit ones through `portable-atomic` where the target has none.

    #[cfg(target_has_atomic = "64")]
    pub use core::sync::atomic::AtomicU64;
    pub use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering, fence};
    #[cfg(not(target_has_atomic = "64"))]
    pub use portable_atomic::AtomicU64;
}

pub mod cell {
    //! `core::cell::UnsafeCell` behind closures, so that a checker sees where an access begins and ends.

    /// Shared memory without a lock or an atomic.
    #[derive(Debug, Default)]
    #[repr(transparent)]
    pub struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// Wraps `value`.
        #[inline(always)]
        pub const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        /// Calls `access` with a pointer to read through.
        #[inline(always)]
        pub fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
            access(self.0.get())
        }

        /// Calls `access` with a pointer to write through.
        #[inline(always)]
        pub fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
            access(self.0.get())
        }

        /// Returns the value.
        #[inline(always)]
        pub fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }
}

/// A lock for cold paths; [`lock`](Self::lock) returns the guard itself.
#[derive(Debug, Default)]
pub struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Wraps `value`.
    #[inline(always)]
    pub const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    /// Waits for the lock.
    #[inline(always)]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        // Poison says that a critical section panicked. Ours do not panic halfway through a change, so the value
        // is whole; a thread that panics elsewhere must not take the lock down with it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock if nobody has it.
    #[inline(always)]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poison)) => Some(poison.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// A shared pointer that is replaced now and then, and read without a lock.
#[derive(Debug)]
pub struct Swap<T>(arc_swap::ArcSwap<T>);

impl<T> Swap<T> {
    /// Points to `value`.
    pub fn new(value: Arc<T>) -> Self {
        Self(arc_swap::ArcSwap::new(value))
    }

    /// Calls `access` with what it points to. `None` in an allocator that this thread came into from here.
    #[inline(always)]
    pub fn with<R>(&self, access: impl FnOnce(&T) -> R) -> Option<R> {
        if INSIDE.replace(true) {
            return None;
        }
        let pointed_to = self.0.load();
        INSIDE.set(false);
        Some(access(&pointed_to))
    }

    /// Points to `value` from here on. What it pointed to lives on until the last [`with`](Self::with) on it ends.
    pub fn replace(&self, value: Arc<T>) {
        let was_inside = INSIDE.replace(true);
        let pointed_to = self.0.swap(value);
        INSIDE.set(was_inside);
        drop(pointed_to);
    }
}

thread_local! {
    /// The thread is in `arc_swap`, which allocates when a thread first comes there. An allocator that went there too
    /// would find itself first as well, for ever.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}
