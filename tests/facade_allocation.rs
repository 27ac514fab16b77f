//! What was recorded before allocates nothing; and an allocator may record with the macros.
#![cfg(feature = "metrics-facade")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::{Cell, RefCell},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use freewheel::{facade::Recorder, metrics::Registry};
use metrics::{Label, Recorder as _, Unit, counter, describe_counter, gauge, histogram, with_local_recorder};

/// Counts the allocations of each thread, and records them once it is told to.
struct Observed;

#[global_allocator]
static ALLOCATOR: Observed = Observed;

/// How often a macro was called in an allocator.
static RECORDED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static RECORDS: Cell<bool> = const { Cell::new(false) };
}

fn observe(size: usize) {
    if RECORDS.try_with(Cell::get).unwrap_or(false) {
        RECORDED.fetch_add(1, Relaxed);
        counter!("memory.operations").increment(1);
        gauge!("memory.last", "unit" => "byte").set(size as f64);
        histogram!("memory.sizes").record(size as f64);
    }
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Observed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        observe(layout.size());
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        observe(layout.size());
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// A registry that ends makes every thread forget what it looked up, so the tests must not run side by side.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn allocations(during: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    during();
    ALLOCATIONS.get() - before
}

#[test]
fn macros_that_were_called_before_do_not_allocate() {
    let _alone = alone();
    static LABELS: [Label; 2] = [Label::from_static_parts("a", "1"), Label::from_static_parts("b", "2")];
    let registry = Registry::new();
    with_local_recorder(&Recorder::new(&registry), || {
        let key = metrics::Key::from_static_parts("static", &LABELS);
        let metadata = metrics::Metadata::new("", metrics::Level::INFO, None);
        let record_all = || {
            counter!("c").increment(1);
            counter!("c", "method" => "GET", "route" => "/users/{id}", "status" => "200").increment(1);
            counter!("c", "status" => "200", "route" => "/users/{id}", "method" => "GET").increment(1);
            counter!(description: "Described.", unit: Unit::Bytes, "described").increment(1);
            gauge!("g", "k" => "v").set(1.0);
            gauge!("g", "k" => "v").increment(1.0);
            gauge!("g", "k" => "v").decrement(1.0);
            histogram!("h").record(0.25);
            histogram!("h").record_many(0.25, 3);
            histogram!("c").record(1);
            describe_counter!("c", "Described again and again.");
            metrics::with_recorder(|recorder| recorder.register_counter(&key, &metadata)).increment(1);
        };
        assert!(allocations(record_all) > 0, "the first call of a thread makes its handles");
        // The cache grows while it fills; then it is at rest.
        (0..10).for_each(|_| record_all());
        assert_eq!(allocations(|| (0..1000).for_each(|_| record_all())), 0);
    });
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.counter("c", &[]), Some(1011));
    assert_eq!(snapshot.counter("described", &[]), Some(1011));
    assert_eq!(snapshot.histogram("h", &[]).map(|values| values.count()), Some(4044));
}

#[test]
fn a_thread_remembers_many_label_sets() {
    let _alone = alone();
    let registry = Registry::new();
    let recorder = Recorder::new(&registry);
    let metadata = metrics::Metadata::new("", metrics::Level::INFO, None);
    let keys: Vec<_> = (0..1900)
        .map(|i: u32| {
            let labels = [("route", format!("/users/{}", i / 5)), ("status", (i % 5).to_string())];
            metrics::Key::from_parts("requests", &labels)
        })
        .collect();
    let record_all = || keys.iter().for_each(|key| recorder.register_counter(key, &metadata).increment(1));
    (0..10).for_each(|_| record_all());
    let again = allocations(|| (0..10).for_each(|_| record_all()));
    // A few find their place in the cache taken; a lookup that is not remembered allocates more than once.
    assert!(again < 19_000 / 4, "{again} allocations in 19000 calls");
    assert_eq!(registry.series(), 1900);
}

/// Records when it is dropped: at the end of its thread, after other thread-locals perhaps.
struct AtTheEnd;

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        drop(Box::new(1));
        counter!("threads.ended").increment(1);
        counter!("threads.ended.raised").absolute(7);
    }
}

thread_local! {
    static AT_THE_END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
}

#[test]
fn an_allocator_may_record_with_the_macros_also_while_its_thread_ends() {
    let _alone = alone();
    const THREADS: u64 = 4;
    let registry = Registry::new();
    Recorder::new(&registry).install().unwrap();
    for number in 0..THREADS {
        let registry = registry.clone();
        let work = move || {
            if number % 2 == 0 {
                // Before all others, so that it is the last that goes.
                AT_THE_END.set(Some(AtTheEnd));
            }
            RECORDS.set(true);
            for i in 0..100 {
                counter!("work", "i" => i.to_string()).increment(1);
                histogram!("work.sizes").record(f64::from(i));
                describe_counter!("work", format!("Described {i} times."));
                registry.counter(format!("own{i}")).build().unwrap().add(1);
                counter!("absolute").absolute(i as u64);
                drop(registry.snapshot());
            }
            if number % 2 == 1 {
                AT_THE_END.set(Some(AtTheEnd));
            }
        };
        thread::spawn(work).join().unwrap();
    }
    let snapshot = registry.snapshot();
    let recorded = RECORDED.load(Relaxed);
    let rejected = |attribute| snapshot.counter("freewheel.samples.rejected", &[attribute]).unwrap_or(0);
    let in_allocator = rejected(freewheel::metrics::KeyValue::new("recorded_in", "allocator"));
    let in_histogram = rejected(freewheel::metrics::KeyValue::new("instrument", "memory.sizes"));
    let operations = snapshot.counter("memory.operations", &[]).unwrap();
    let sizes = snapshot.histogram("memory.sizes", &[]).unwrap().count();
    assert!(operations <= recorded && sizes <= recorded);
    assert!(operations > recorded * 9 / 10, "of {recorded} operations {operations} were recorded");
    // The gauge shows only its last value, so how often it was set is not known: at most each time.
    let missing = 2 * recorded - operations - sizes - in_histogram;
    assert!(missing <= in_allocator && in_allocator <= missing + recorded, "{missing}, {in_allocator}");
    assert_eq!(snapshot.counter("threads.ended", &[]), Some(THREADS));
    assert_eq!(snapshot.counter("threads.ended.raised", &[]), Some(7));
    assert_eq!(snapshot.counter("absolute", &[]), Some(99));
}
