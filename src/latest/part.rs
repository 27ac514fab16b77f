//! Views of a part of the value.

use std::{fmt, marker::PhantomData, ops::Deref};

use super::{Guard, Latest};

/// A part of the value of a [`Latest`]; made by [`Latest::map`] and [`Latest::map_owned`].
///
/// `L` is how it holds the `Latest`, by reference or [`Arc`](std::sync::Arc); `F` finds the part `R` in the value `T`.
#[must_use = "a part does nothing unless it is loaded"]
pub struct Part<L, T, R: ?Sized, F = fn(&T) -> &R> {
    latest: L,
    project: F,
    shape: PhantomData<fn(&T) -> &R>,
}

impl<L, T, R, F> Part<L, T, R, F>
where
    L: Deref<Target = Latest<T>>,
    R: ?Sized,
    F: Fn(&T) -> &R,
{
    pub(super) fn new(latest: L, project: F) -> Self {
        Self { latest, project, shape: PhantomData }
    }

    /// The part of the current value, to be used and let go soon.
    ///
    /// *Progress and cost:* as [`Latest::load`]; the guard holds the whole value.
    #[inline]
    pub fn load(&self) -> PartGuard<'_, T, R, F> {
        PartGuard { whole: self.latest.load(), project: &self.project, shape: PhantomData }
    }
}

/// The part of a loaded value; made by [`Part::load`].
#[must_use = "a guard is there to be dereferenced"]
pub struct PartGuard<'a, T, R: ?Sized, F = fn(&T) -> &R> {
    whole: Guard<T>,
    project: &'a F,
    shape: PhantomData<fn(&T) -> &R>,
}

impl<T, R: ?Sized, F> PartGuard<'_, T, R, F> {
    /// The version of the whole value. A `version` of the part itself is `(*guard).version()`.
    #[inline]
    #[must_use]
    pub fn version(&self) -> u64 {
        self.whole.version()
    }
}

impl<T, R: ?Sized, F: Fn(&T) -> &R> Deref for PartGuard<'_, T, R, F> {
    type Target = R;

    #[inline]
    fn deref(&self) -> &R {
        (self.project)(&self.whole)
    }
}

impl<L, T, R, F> fmt::Debug for Part<L, T, R, F>
where
    L: Deref<Target = Latest<T>>,
    R: fmt::Debug + ?Sized,
    F: Fn(&T) -> &R,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.load();
        f.debug_struct("Part").field("version", &current.version()).field("value", &&*current).finish()
    }
}

impl<T, R: fmt::Debug + ?Sized, F: Fn(&T) -> &R> fmt::Debug for PartGuard<'_, T, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T, R: fmt::Display + ?Sized, F: Fn(&T) -> &R> fmt::Display for PartGuard<'_, T, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
