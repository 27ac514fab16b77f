//! Room for some objects, filled from the bottom.
//!
//! # Invariants
//! * **FILLED**: the first `len` places hold objects.

use std::{
    fmt,
    mem::{self, MaybeUninit},
};

use crate::util::{Zeroed, drop_all};

/// Up to so many objects; the one that came last goes first. The default has no room.
pub(super) struct Magazine<T> {
    places: Option<Box<[MaybeUninit<T>]>>,
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
        Self { places: Some(Box::new_uninit_slice(objects)), len: 0 }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.len < self.size()
    }

    /// How many objects it has room for, those in it included.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.places.as_ref().map_or(0, |places| places.len())
    }

    /// # Panics
    /// If there is no room.
    #[inline]
    pub(super) fn push(&mut self, object: T) {
        self.places.as_deref_mut().unwrap_or_default()[self.len].write(object);
        self.len += 1;
    }

    /// Takes the object that came last.
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    pub(super) fn pop(&mut self) -> T {
        let last = self.len - 1;
        let place = &self.places.as_deref().unwrap_or_default()[last];
        self.len = last;
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
        Self { places: None, len: 0 }
    }
}

impl<T> Drop for Magazine<T> {
    fn drop(&mut self) {
        drop_all(|| self.next());
    }
}

impl<T> fmt::Debug for Magazine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Magazine").field("len", &self.len).field("size", &self.size()).finish()
    }
}
