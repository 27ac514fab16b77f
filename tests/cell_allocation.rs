//! Recording does not allocate; and an allocator may record.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use freewheel::metrics::{
    Buckets, Counter, Gauge, Histogram, LastRequest, Outcome, Registry, RequestMetrics, Timestamp,
    UpDownCounter,
};

/// Counts the allocations of each thread, and records them in instruments once there are any.
struct Observed;

#[global_allocator]
static ALLOCATOR: Observed = Observed;

/// Only the blocks of histograms are larger than this.
const LARGE: usize = 16 << 10;

static DEALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static LARGE_ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static RECORDS: Cell<bool> = const { Cell::new(false) };
}

/// The second histogram gets negative numbers, for which it allocates itself.
static INSTRUMENTS: OnceLock<(Counter, Histogram<u64>, Histogram<f64>)> = OnceLock::new();

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Observed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        if layout.size() > LARGE {
            let _ = LARGE_ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        }
        if RECORDS.try_with(Cell::get).unwrap_or(false)
            && let Some((allocations, sizes, debts)) = INSTRUMENTS.get()
        {
            allocations.add(1);
            sizes.record(layout.size() as u64);
            debts.record(-(layout.size() as f64));
        }
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Memory that goes is recorded too: the slow path must not have pointers to what it frees.
        if RECORDS.try_with(Cell::get).unwrap_or(false)
            && let Some((_, sizes, debts)) = INSTRUMENTS.get()
        {
            DEALLOCATIONS.fetch_add(1, Relaxed);
            sizes.record(layout.size() as u64);
            debts.record(-(layout.size() as f64));
        }
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn allocations(during: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    during();
    ALLOCATIONS.get() - before
}

#[test]
fn no_recording_path_allocates_after_the_first_record_of_a_thread() {
    let registry = Registry::new();
    let counter = registry.counter("c").build().unwrap();
    let depth: UpDownCounter = registry.up_down_counter("d").build().unwrap();
    let gauge: Gauge<f64> = registry.gauge("g").build().unwrap();
    let level: Gauge<i64> = registry.gauge("l").build().unwrap();
    let sizes = registry.histogram::<u64>("h").build().unwrap();
    let times = registry.histogram::<Duration>("t").build().unwrap();
    let loads = registry.histogram::<f64>("f").build().unwrap();
    let bounded = registry.histogram::<f64>("b").buckets(Buckets::request_seconds()).build().unwrap();
    let requests: RequestMetrics = registry.requests("r").build().unwrap();
    let last: LastRequest = registry.last_request("last").build().unwrap();
    let record_all = |i: u64| {
        let (duration, at) = (Duration::from_nanos(i * 7919), Timestamp::now());
        counter.add(i);
        depth.add(-1);
        gauge.record(i as f64);
        gauge.record(f64::NAN);
        level.record(1);
        sizes.record(i);
        times.record(duration);
        times.record_n(duration, 3);
        times.record_all(&[duration; 3]);
        times.start_timer().stop();
        let _ = times.record_secs_f64(-1.0);
        // The last one has no slot, but from the second time on a place.
        [i as f64, 0.0, f64::NAN, -1.0].iter().for_each(|&value| loads.record(value));
        [i as f64, 0.0, f64::NAN, -1.0].iter().for_each(|&value| bounded.record(value));
        requests.record(duration, Outcome::Success);
        requests.record_at(duration, Outcome::Error, at);
        requests.start().finish(Outcome::Success);
        drop(requests.start());
        last.record_at(duration, Outcome::Success, at);
        drop((counter.clone(), sizes.clone(), gauge.clone(), requests.clone()));
    };
    assert!(allocations(|| record_all(1)) > 0, "the first record of a thread makes its cells");
    assert_eq!(allocations(|| (0..10_000).for_each(record_all)), 0);
    assert_eq!(requests.snapshot().requests, 4 * 10_001);
}

#[test]
fn threads_that_follow_each_other_use_the_same_cells() {
    let histogram = Registry::new().histogram::<u64>("h").build().unwrap();
    let blocks: u64 = (0..100)
        .map(|_| {
            let histogram = histogram.clone();
            let record = move || {
                let before = LARGE_ALLOCATIONS.get();
                histogram.record(1);
                LARGE_ALLOCATIONS.get() - before
            };
            thread::spawn(record).join().unwrap()
        })
        .sum();
    // One, or none if a series before left some, or a few more where other tests hold slabs meanwhile.
    assert!(blocks <= 20, "{blocks} blocks for 100 threads, one at a time");
    assert_eq!(histogram.snapshot().count(), 100);
}

#[test]
fn an_allocator_may_record_its_own_allocations() {
    let registry = Registry::new();
    let counted = registry.counter("allocations").build().unwrap();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    let debts = registry.histogram::<f64>("debts").build().unwrap();
    assert!(INSTRUMENTS.set((counted.clone(), sizes.clone(), debts.clone())).is_ok());
    let expected: u64 = (0..4)
        .map(|_| {
            let (registry, counted) = (registry.clone(), counted.clone());
            let thread = thread::spawn(move || {
                RECORDS.set(true);
                let seen = allocations(|| {
                    // The thread's first records come from the allocator, also in the middle of making its cells,
                    // of registering, of collecting and of growing.
                    for i in 0..300 {
                        let name = format!("grown{i}");
                        registry.counter(name.clone()).build().unwrap().add(1);
                        registry.histogram::<u64>(name + "h").build().unwrap().record(1);
                        drop(registry.snapshot());
                    }
                    drop((0..100).map(|i| vec![i; 10]).collect::<Vec<_>>());
                });
                RECORDS.set(false);
                assert!(counted.total() > 0);
                seen
            });
            thread.join().unwrap()
        })
        .sum();
    assert_eq!(counted.total(), expected);
    let recorded = expected + DEALLOCATIONS.load(Relaxed);
    assert_eq!(sizes.snapshot().count() + sizes.rejected(), recorded);
    assert!(sizes.snapshot().count() > recorded / 2, "few samples are rejected");
    assert_eq!(debts.snapshot().count() + debts.rejected(), recorded);
    assert!(debts.snapshot().count() > recorded / 2, "few samples are rejected");
}
