//! However many attributes come and go, what is remembered of them stays within bounds.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    num::NonZeroUsize,
    sync::atomic::{AtomicIsize, Ordering::Relaxed},
    time::Duration,
};

use freewheel::metrics::{KeyValue, Registry, Snapshot};

/// Counts the bytes that are allocated at the moment.
struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: everything is left to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many attributes are new at each collection.
const NEW: u64 = 100;
/// After so many collections many more series have ended than are remembered.
const HALF: u64 = 200;
/// Room for a table that doubles once more. The attributes of the second half would take ten times as much.
const ROOM: isize = 512 << 10;

#[test]
fn attributes_that_come_and_go_leave_no_more_than_the_limit_allows() {
    let registry = Registry::builder().observe_timeout(Duration::from_secs(30)).build();
    let limit = NonZeroUsize::new(NEW as usize / 2).unwrap();
    let mut taken = 0;
    registry
        .counter("taken")
        .cardinality_limit(limit)
        .observe(move |observer| {
            for _ in 0..NEW {
                taken += 1;
                observer.observe(taken, &[KeyValue::new("job", taken as i64)]);
            }
        })
        .unwrap();
    let mut length = 0;
    registry
        .up_down_counter("length")
        .observe(move |observer| {
            for _ in 0..NEW {
                length += 1;
                observer.observe(length, &[KeyValue::new("job", length)]);
            }
        })
        .unwrap();
    let mut snapshot: Snapshot = registry.snapshot();
    let mut half_way = 0;
    for collection in 0..2 * HALF {
        if collection == HALF {
            half_way = LIVE.load(Relaxed);
        }
        registry.snapshot_into(&mut snapshot);
    }
    let growth = LIVE.load(Relaxed) - half_way;
    assert_eq!(registry.series(), limit.get() + NEW as usize, "what is observed is what there is");
    assert!(growth < ROOM, "{growth} bytes more than half-way");
    assert_eq!(registry.callback_failures("taken"), Default::default());
}
