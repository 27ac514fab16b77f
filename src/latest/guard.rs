//! What a load gives: [`Guard`], to be let go soon, and [`Shared`], to be kept.

use std::{fmt, ops::Deref, sync::Arc};

use super::{Borrowed, Versioned};

/// A loaded value; made by [`Latest::load`](super::Latest::load).
///
/// It is the same value for as long as the guard lives, and outlives its [`Latest`](super::Latest) if it must. Keep it
/// for one piece of work: a thread has places for eight cheap guards.
#[must_use = "a guard is there to be dereferenced"]
pub struct Guard<T>(pub(super) Borrowed<T>);

impl<T> Guard<T> {
    /// The version of this value. A `version` of the value itself is `(*guard).version()`.
    #[inline]
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// The same value, to be kept. A function, as the value may have a method of this name.
    ///
    /// *Cost:* as [`Latest::load_full`](super::Latest::load_full).
    ///
    /// # Examples
    ///
    /// ```
    /// use freewheel::{Latest, latest::Guard};
    ///
    /// let config = Latest::new("verbose=1");
    /// let mut mine = config.load_full();
    /// config.store("verbose=0");
    ///
    /// // Only a value that has changed costs the reference count.
    /// let current = config.load();
    /// if current.version() != mine.version() {
    ///     mine = Guard::into_shared(current);
    /// }
    /// assert_eq!(*mine, "verbose=0");
    /// ```
    #[must_use = "without the result this only drops the guard"]
    pub fn into_shared(guard: Self) -> Shared<T> {
        Shared(Borrowed::into_inner(guard.0))
    }
}

/// A value that was stored, owned together with everybody else who has it; made by
/// [`Latest::load_full`](super::Latest::load_full) and by whatever replaces a value.
///
/// An [`Arc`] that knows its version: a clone is another owner of the same value.
pub struct Shared<T>(pub(super) Arc<Versioned<T>>);

impl<T> Shared<T> {
    /// The version of this value. A `version` of the value itself is `(*shared).version()`.
    #[inline]
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// The value itself, if nobody else has it any more. A function, as the value may have a method of this name.
    ///
    /// # Errors
    ///
    /// Gives `shared` back while the value is current, or while somebody else has a [`Guard`] or a [`Shared`] of it.
    ///
    /// # Examples
    ///
    /// A writer that makes sure that no reader has to drop an old value:
    ///
    /// ```
    /// use freewheel::{Latest, latest::Shared};
    ///
    /// let table = Latest::new(vec![0; 100_000]);
    /// let mut old = Vec::new();
    /// for round in 1..=3 {
    ///     old.push(table.swap(vec![round; 100_000]));
    ///     // Those that somebody still reads wait for the next round.
    ///     old = old.into_iter().filter_map(|table| Shared::try_unwrap(table).err()).collect();
    /// }
    /// assert!(old.is_empty());
    /// ```
    pub fn try_unwrap(shared: Self) -> Result<T, Self> {
        Arc::try_unwrap(shared.0).map(|versioned| versioned.value).map_err(Self)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Guard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Guard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Guard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
