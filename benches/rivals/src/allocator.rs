//! The allocator of this program: the system's, with a count of the bytes in use once it is asked for.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed},
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicIsize = AtomicIsize::new(0);

/// Costs those who allocate a load as long as nothing is counted.
struct Counting;

/// Begins to count. What was allocated before is not counted; if it is freed, that is.
pub(crate) fn begin() {
    IS_COUNTING.store(true, Relaxed);
}

/// Counts no more.
pub(crate) fn end() {
    IS_COUNTING.store(false, Relaxed);
}

/// The bytes allocated since [`begin`], less those freed. Blocks count as large as they were asked for.
pub(crate) fn bytes_in_use() -> isize {
    BYTES.load(Relaxed)
}

#[inline]
fn count(bytes: isize) {
    if IS_COUNTING.load(Relaxed) {
        BYTES.fetch_add(bytes, Relaxed);
    }
}

// SAFETY: everything is left to the system's allocator; counting touches two atomics and does not unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: by the contract of this function, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: by the contract of this function, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size.cast_signed() - layout.size().cast_signed());
        // SAFETY: by the contract of this function, which is the same.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: by the contract of this function, which is the same.
        unsafe { System.dealloc(block, layout) }
    }
}
