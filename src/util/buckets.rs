//! An array that grows without moving.
//!
//! Bucket `k` holds `FIRST << k` elements and is made when the first of them is asked for. Elements never move, so a
//! reference to one stays good as long as the array; and an index leads to its element by one look at a table that
//! hardly ever changes.
//!
//! # Memory ordering
//! | edge   | Release side         | Acquire side           | what becomes visible |
//! |--------|----------------------|------------------------|----------------------|
//! | `MADE` | `make`: CAS          | `bucket`: load, `make`: CAS that lost | the elements of the bucket |

use std::{fmt, marker::PhantomData, ptr, slice};

use crate::sync::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};

/// A type that `Default` fills with zeros, and nothing but zeros.
///
/// # Safety
/// A value of which every byte is zero is valid, and is what `Default` makes.
pub unsafe trait Zeroed: Default {}

/// An array of up to `FIRST << BUCKETS` elements, less `FIRST`; `FIRST` is a power of two.
///
/// Elements are zero at first: memory that nobody has come to yet costs no time, however large the bucket is.
pub struct Buckets<T, const FIRST: usize, const BUCKETS: usize> {
    table: [AtomicPtr<T>; BUCKETS],
    owned: PhantomData<T>,
}

// SAFETY: an array of `T`, owned by whoever has it.
unsafe impl<T: Send, const FIRST: usize, const BUCKETS: usize> Send for Buckets<T, FIRST, BUCKETS> {}
// SAFETY: it gives out `&T`, and makes elements on any thread, which another one may drop.
unsafe impl<T: Send + Sync, const FIRST: usize, const BUCKETS: usize> Sync for Buckets<T, FIRST, BUCKETS> {}

impl<T, const FIRST: usize, const BUCKETS: usize> Default for Buckets<T, FIRST, BUCKETS> {
    fn default() -> Self {
        const { assert!(FIRST.is_power_of_two()) };
        Self { table: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())), owned: PhantomData }
    }
}

impl<T: Zeroed, const FIRST: usize, const BUCKETS: usize> Buckets<T, FIRST, BUCKETS> {
    /// The element at `index`; makes its bucket if there is none yet.
    ///
    /// *Progress:* lock-free, but for the allocator.
    ///
    /// # Panics
    /// If the array cannot be that long.
    #[inline]
    #[must_use]
    pub fn at(&self, index: usize) -> &T {
        let place = Place::<FIRST>::of(index);
        // Acquire: edge MADE.
        let bucket = self.table[place.bucket].load(Acquire);
        let bucket = if bucket.is_null() { self.make(place.bucket) } else { bucket };
        // SAFETY: a bucket has `FIRST << bucket` elements, and `Place` keeps within them.
        let element = unsafe { bucket.add(place.offset) };
        // SAFETY: elements are there as long as their bucket, which is freed with the array.
        unsafe { &*element }
    }

    /// Every element of the buckets that there are, and its index.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let with_index = |bucket| ((FIRST << bucket) - FIRST..).zip(self.bucket(bucket).unwrap_or_default());
        (0..BUCKETS).flat_map(with_index)
    }

    /// How many bytes the elements take that there is memory for.
    pub fn bytes(&self) -> usize {
        (0..BUCKETS).filter_map(|bucket| self.bucket(bucket)).map(size_of_val).sum()
    }

    fn bucket(&self, bucket: usize) -> Option<&[T]> {
        // Acquire: edge MADE.
        let elements = self.table[bucket].load(Acquire);
        // SAFETY: a bucket that is there has that many elements, and is freed with the array.
        (!elements.is_null()).then(|| unsafe { slice::from_raw_parts(elements, FIRST << bucket) })
    }

    #[cold]
    fn make(&self, bucket: usize) -> *mut T {
        let made = Box::into_raw(zeroed::<T>(FIRST << bucket)).cast::<T>();
        // Release: edge MADE. The elements are there before anybody sees the bucket.
        // Acquire on failure: edge MADE, for the bucket that somebody else has made.
        match self.table[bucket].compare_exchange(ptr::null_mut(), made, Release, Acquire) {
            Ok(_) => made,
            Err(theirs) => {
                // SAFETY: it is the box of a moment ago, which nobody else has seen.
                unsafe { free(made, FIRST << bucket) };
                theirs
            }
        }
    }
}

/// Where an index leads.
struct Place<const FIRST: usize> {
    bucket: usize,
    offset: usize,
}

impl<const FIRST: usize> Place<FIRST> {
    #[inline]
    fn of(index: usize) -> Self {
        // What is asked for most, and without the instruction below, which is slow on many a processor.
        if index < FIRST {
            return Self { bucket: 0, offset: index };
        }
        // Bucket `k` begins at `(FIRST << k) - FIRST`, so with `FIRST` added the highest bit says which bucket it is.
        let position = index + FIRST;
        let bucket = (position.ilog2() - FIRST.ilog2()) as usize;
        Self { bucket, offset: position - (FIRST << bucket) }
    }
}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
fn zeroed<T: Zeroed>(len: usize) -> Box<[T]> {
    let elements = Box::new_zeroed_slice(len);
    // SAFETY: `Zeroed` vouches for a value of zeros.
    unsafe { elements.assume_init() }
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
fn zeroed<T: Zeroed>(len: usize) -> Box<[T]> {
    std::iter::repeat_with(T::default).take(len).collect()
}

/// # Safety
/// `elements` was made by [`zeroed`] with that length, and nobody uses or frees it any more.
unsafe fn free<T>(elements: *mut T, len: usize) {
    // SAFETY: the caller vouches for it.
    drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(elements, len)) });
}

impl<T, const FIRST: usize, const BUCKETS: usize> Drop for Buckets<T, FIRST, BUCKETS> {
    fn drop(&mut self) {
        for (bucket, elements) in self.table.iter().enumerate() {
            // The owner is alone, so Relaxed.
            let elements = elements.load(Relaxed);
            if !elements.is_null() {
                // SAFETY: a bucket that is there has that many elements, and the array is at its end.
                unsafe { free(elements, FIRST << bucket) };
            }
        }
    }
}

impl<T, const FIRST: usize, const BUCKETS: usize> fmt::Debug for Buckets<T, FIRST, BUCKETS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").finish_non_exhaustive()
    }
}
