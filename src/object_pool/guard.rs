//! An object in use.

use std::{
    fmt,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    ptr,
    sync::Arc,
};

use super::ObjectPool;

/// An object of a pool that the caller borrows; it goes back when this is dropped.
pub type Pooled<'a, T> = Guard<T, &'a ObjectPool<T>>;

/// As [`Pooled`], but keeps the pool alive: for what outlives the place that has the pool, such as a task.
pub type OwnedPooled<T> = Guard<T, Arc<ObjectPool<T>>>;

/// An object in use: a [`Pooled`] or an [`OwnedPooled`].
///
/// It can be sent to another thread, if its object can, and goes back to the pool from there: by the end of a thread as
/// well, or from the destructor of a thread-local. If it is leaked its object is, and counts as in use for ever.
///
/// Dropping it while the thread panics drops the object, in whatever state it is; a `reset` or `keep` that panics
/// drops it too, and the panic goes on from there.
pub struct Guard<T, P: Deref<Target = ObjectPool<T>>> {
    object: ManuallyDrop<Box<T>>,
    pool: P,
}

impl<T, P: Deref<Target = ObjectPool<T>>> Guard<T, P> {
    #[inline]
    pub(super) fn new(object: Box<T>, pool: P) -> Self {
        Self { object: ManuallyDrop::new(object), pool }
    }

    /// Takes the object away from the pool, for good. [`ObjectPool::put`] can bring it back.
    /// *Cost:* a move, and freeing the object's place on the heap.
    ///
    /// An associated function, to be called as `Guard::detach(guard)`: the object may have a method of that name.
    #[must_use = "a guard that is dropped gives the object back"]
    pub fn detach(guard: Self) -> T {
        guard.pool.count_detached();
        let mut guard = ManuallyDrop::new(guard);
        // SAFETY: the guard is not dropped, so its object is taken once.
        let object = unsafe { ManuallyDrop::take(&mut guard.object) };
        // It may be the last that keeps the pool alive, whose end may panic; so we have the object by then.
        // SAFETY: as above, for the pool.
        drop(unsafe { ptr::read(&guard.pool) });
        *object
    }

    /// The pool that the object belongs to.
    #[must_use]
    pub fn pool(guard: &Self) -> &ObjectPool<T> {
        &guard.pool
    }
}

impl<T, P: Deref<Target = ObjectPool<T>>> Drop for Guard<T, P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nobody uses the object after the destructor.
        let object = unsafe { ManuallyDrop::take(&mut self.object) };
        self.pool.take_back(object);
    }
}

impl<T, P: Deref<Target = ObjectPool<T>>> Deref for Guard<T, P> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T, P: Deref<Target = ObjectPool<T>>> DerefMut for Guard<T, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.object
    }
}

impl<T, P: Deref<Target = ObjectPool<T>>> AsRef<T> for Guard<T, P> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T, P: Deref<Target = ObjectPool<T>>> AsMut<T> for Guard<T, P> {
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: fmt::Debug, P: Deref<Target = ObjectPool<T>>> fmt::Debug for Guard<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: fmt::Display, P: Deref<Target = ObjectPool<T>>> fmt::Display for Guard<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}
