//! The memory that a snapshot takes over the one before: none for the histograms that were there.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    thread,
    time::Duration,
};

use freewheel::metrics::{Buckets, KeyValue, Outcome, Registry, Snapshot};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn allocations(during: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    during();
    ALLOCATIONS.get() - before
}

/// A registry with so many series of each kind of histogram, and what records into all of them.
fn registry_of(series: i64) -> (Registry, impl Fn(u64) + Sync) {
    let registry = Registry::new();
    let made: Vec<_> = (0..series)
        .map(|number| {
            let attributes = [KeyValue::new("number", number)];
            let bounds = Buckets::explicit([10.0, 100.0]).unwrap();
            (
                registry.histogram::<u64>("exponential").bind(&attributes).unwrap(),
                registry.histogram::<f64>("explicit").buckets(bounds).bind(&attributes).unwrap(),
                registry.requests("requests").bind(&attributes).unwrap(),
            )
        })
        .collect();
    let record = move |value: u64| {
        for (exponential, explicit, requests) in &made {
            exponential.record(value);
            explicit.record(value as f64);
            requests.record(Duration::from_nanos(value), Outcome::Success);
        }
    };
    (registry, record)
}

/// How many allocations a snapshot takes over the one before, where two threads recorded.
fn cost(series: i64) -> (u64, Snapshot, Registry) {
    let (registry, record) = registry_of(series);
    thread::scope(|scope| {
        scope.spawn(|| [3, 7000].into_iter().for_each(&record));
    });
    [1, 400, 90_000].into_iter().for_each(&record);
    let mut snapshot = registry.snapshot();
    registry.snapshot_into(&mut snapshot);
    record(500);
    let cost = allocations(|| registry.snapshot_into(&mut snapshot));
    (cost, snapshot, registry)
}

#[test]
fn a_snapshot_over_the_one_before_takes_no_memory_for_histograms() {
    let ((few, ..), (many, snapshot, registry)) = (cost(20), cost(200));
    // Counts, errors and last requests grow a list of points each.
    assert!(many < few + 20, "{few} allocations for 20 series of each, {many} for 200");
    let fresh = registry.snapshot();
    for number in 0..200 {
        let attributes = [KeyValue::new("number", number)];
        for name in ["exponential", "explicit", "requests.count", "requests.duration"] {
            let [over, fresh] =
                [&snapshot, &fresh].map(|snapshot| snapshot.point(name, &attributes).unwrap());
            assert_eq!(over.value, fresh.value, "{name}");
        }
    }
}
