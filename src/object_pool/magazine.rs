//! Room for some objects, filled from the bottom.
//!
//! # Invariants
//! * **FILLED**: the first `len` places hold objects.
//! * **SIZE**: there are `size` places; without a box it is 0.

use std::{
    fmt,
    mem::{self, MaybeUninit},
};

use crate::util::{Zeroed, drop_all};

/// Up to so many objects; the one that came last goes first. The default has no room.
pub(super) struct Magazine<T> {
    places: Option<Box<[MaybeUninit<T>]>>,
    size: usize,
    len: usize,
}

// What `Zeroed` relies on: a box is no null pointer, so that one stands for `None`.
const _: () = {
    // SAFETY: were it wrong, this would not compile.
    let zeros = unsafe { mem::zeroed::<Option<Box<[u8]>>>() };
    assert!(zeros.is_none());
    mem::forget(zeros);
};

// SAFETY: no box and no object, by default.
unsafe impl<T> Zeroed for Magazine<T> {}

impl<T> Magazine<T> {
    pub(super) fn with_room(objects: usize) -> Self {
        Self { places: Some(Box::new_uninit_slice(objects)), size: objects, len: 0 }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.len < self.size
    }

    /// # Panics
    /// If there is no room.
    #[inline]
    pub(super) fn push(&mut self, object: T) {
        assert!(self.has_room());
        // SAFETY: what has room has places (SIZE).
        let places = unsafe { self.places.as_deref_mut().unwrap_unchecked() };
        // SAFETY: `len` is less than their number (SIZE).
        unsafe { places.get_unchecked_mut(self.len) }.write(object);
        self.len += 1;
    }

    /// Takes the object that came last.
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    pub(super) fn pop(&mut self) -> T {
        assert!(!self.is_empty());
        self.len -= 1;
        // SAFETY: what has objects has places (FILLED).
        let places = unsafe { self.places.as_deref().unwrap_unchecked() };
        // SAFETY: by FILLED this is one of them.
        let place = unsafe { places.get_unchecked(self.len) };
        // SAFETY: by FILLED there is an object, and it is not counted any more.
        unsafe { place.assume_init_read() }
    }
}

/// Takes all objects out.
impl<T> Iterator for Magazine<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        (!self.is_empty()).then(|| self.pop())
    }
}

impl<T> Default for Magazine<T> {
    fn default() -> Self {
        Self { places: None, size: 0, len: 0 }
    }
}

impl<T> Drop for Magazine<T> {
    fn drop(&mut self) {
        drop_all(|| self.next());
    }
}

impl<T> fmt::Debug for Magazine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Magazine").field("len", &self.len).field("size", &self.size).finish()
    }
}
