//! A lookup that is remembered does not allocate; and an allocator may record through families.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    num::NonZeroU32,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use freewheel::metrics::{
    Counter, Data, Family, Gauge, KeyValue, Label, OpenFamily, Outcome, Registry, RequestMetrics, Timestamp,
    TypedFamily, UpDownCounter,
};

/// Counts the allocations of each thread, and records those of some threads.
struct Observed;

#[global_allocator]
static ALLOCATOR: Observed = Observed;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static DEALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static RECORDS: Cell<bool> = const { Cell::new(false) };
}

/// What the allocator records into.
struct Instruments {
    registry: Registry,
    by_size: Family<Counter, 1>,
    open: OpenFamily<UpDownCounter>,
    typed: TypedFamily<Counter, Magnitude>,
    last: Family<Gauge<i64>, 2>,
    requests: Family<RequestMetrics, 1>,
}

static INSTRUMENTS: OnceLock<Instruments> = OnceLock::new();

/// The binary logarithm of a size.
#[derive(Clone, Copy)]
struct Magnitude(usize);

impl Label for Magnitude {
    const KEY: &'static str = "magnitude";
    const VALUES: &'static [&'static str] =
        &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"];

    fn index(self) -> usize {
        self.0.min(16)
    }
}

fn record(is_allocation: bool, size: usize) {
    let counts = if is_allocation { &ALLOCATIONS } else { &DEALLOCATIONS };
    let _ = counts.try_with(|count| count.set(count.get() + 1));
    let Some(instruments) = INSTRUMENTS.get().filter(|_| RECORDS.try_with(Cell::get).unwrap_or(false)) else {
        return;
    };
    let magnitude = size.max(1).ilog2() as i64;
    if is_allocation {
        instruments.by_size.with([size as i64 % 64]).add(1);
        instruments.typed.with(Magnitude(magnitude as usize)).add(1);
    }
    let change = [KeyValue::new("magnitude", magnitude)];
    instruments.open.with(&change).add(if is_allocation { 1 } else { -1 });
    instruments.last.with((is_allocation, "a text that is too long for a digest")).record(size as i64);
    let (duration, at) = (Duration::from_nanos(size as u64), Timestamp::from_unix_nanos(1));
    instruments.requests.with(["size"]).record_at(duration, Outcome::Success, at);
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Observed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        record(true, layout.size());
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        record(false, layout.size());
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// One test at a time: what one removes, the threads of the others forget.
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
fn a_lookup_that_is_remembered_does_not_allocate() {
    let _alone = alone();
    let registry = Registry::new();
    let hits = registry.counter("hits").family(["method", "route", "status", "cached", "share"]).unwrap();
    let open = registry.counter("open").open_family().unwrap();
    let typed = registry.counter("typed").typed_family::<Magnitude>().unwrap();
    let depth = registry.up_down_counter("depth").family(["queue"]).unwrap();
    let ratio = registry.gauge::<f64>("ratio").family(["queue"]).unwrap();
    let level = registry.gauge::<i64>("level").family(["queue"]).unwrap();
    let requests = registry.requests("requests").family(["route"]).unwrap();
    let last = registry.last_request("last").family(["route"]).unwrap();
    let at_the_limit =
        registry.counter("few").cardinality_limit(std::num::NonZeroUsize::MIN).family(["k"]).unwrap();
    let texts: Vec<String> = (0..50).map(|i| format!("{}{i}", "/route".repeat(i))).collect();
    let attributes: Vec<_> = texts
        .iter()
        .map(|text| [KeyValue::new(text.clone(), text.clone()), KeyValue::new("static", "static")])
        .collect();
    let record_all = |at: usize| {
        let (text, attributes) = (&texts[at], &attributes[at]);
        hits.with(("GET", text, 200, at.is_multiple_of(2), 0.5)).add(1);
        open.with(attributes).add(1);
        typed.with(Magnitude(at)).add(1);
        depth.with([text]).add(-1);
        ratio.with([text]).record(0.5);
        ratio.with([text]).record(f64::NAN);
        level.with([text]).record(1);
        requests.with([text]).record(Duration::ZERO, Outcome::Error);
        last.with([text]).record_at(Duration::ZERO, Outcome::Error, Timestamp::now());
        at_the_limit.with([text]).add(1);
        let bound = hits.with(("GET", text, 200, at.is_multiple_of(2), 0.5)).bind();
        drop((bound, open.with(attributes).bind(), hits.clone(), open.clone(), typed.clone()));
    };
    for round in 0..100 {
        for at in 0..texts.len() {
            let first = allocations(|| record_all(at));
            assert!(round > 0 || first > 0, "what a thread looks up first it has to remember");
            // Between two lookups of the same nobody takes its place.
            assert_eq!(allocations(|| record_all(at)), 0);
        }
    }
    assert_eq!(requests.with([&texts[7]]).bind().snapshot().requests, 200);
}

#[test]
fn a_lookup_that_is_remembered_does_not_allocate_after_however_many_others() {
    let _alone = alone();
    let registry = Registry::new();
    let families: Vec<_> =
        (0..500).map(|i| registry.counter(format!("c{i}")).family([format!("k{i}")]).unwrap()).collect();
    for k in 0..40 {
        for family in &families {
            family.with([k]).add(1);
            assert_eq!(allocations(|| family.with([k]).add(1)), 0);
        }
    }
    assert_eq!(registry.series(), 500 * 40);
    drop(registry.snapshot());
    families[3].with([3]).add(1);
    assert_eq!(allocations(|| families[3].with([3]).add(1)), 0);
}

/// Sums the points of a counter, of whichever kind.
fn sum(registry: &Registry, name: &str) -> i64 {
    match registry.snapshot().metric(name).map(|metric| &metric.data) {
        Some(Data::Counter(points)) => points.iter().map(|point| point.value.cast_signed()).sum(),
        Some(Data::UpDownCounter(points)) => points.iter().map(|point| point.value).sum(),
        None => 0,
        other => panic!("{name} is {other:?}"),
    }
}

fn instruments() -> &'static Instruments {
    INSTRUMENTS.get_or_init(|| {
        let registry = Registry::new();
        Instruments {
            by_size: registry.counter("by_size").family(["size"]).unwrap(),
            open: registry.up_down_counter("open").open_family().unwrap(),
            typed: registry.counter("typed").typed_family().unwrap(),
            last: registry.gauge("last").family(["is_allocation", "text"]).unwrap(),
            requests: registry.requests("requests").family(["of"]).unwrap(),
            registry,
        }
    })
}

/// Everything that families do on their slow paths, in a thread whose allocator records.
fn work() {
    let registry = Registry::new();
    let builder = registry.counter("c").remove_idle_after(NonZeroU32::MIN);
    let (family, open) = (builder.family(["k"]).unwrap(), builder.open_family().unwrap());
    let typed = registry.counter("t").typed_family::<Magnitude>().unwrap();
    let mut reader = registry.reader();
    for i in 0..300 {
        family.with([format!("a text that is not short {i}")]).add(1);
        open.with(&[KeyValue::new(format!("key {}", i % 7), i)]).add(1);
        typed.with(Magnitude(i as usize % 20)).add(1);
        if i % 50 == 0 {
            drop(reader.snapshot());
            registry.remove_series("c", &[KeyValue::new("k", format!("a text that is not short {i}"))]);
        }
    }
    assert!(registry.unregister("t"));
    drop(registry.requests("r").family(["k"]).unwrap().with([1]).bind());
    drop(registry.snapshot());
    drop(reader);
}

#[test]
fn an_allocator_may_record_through_families() {
    let _alone = alone();
    let registry = &instruments().registry;
    let (mut allocated, mut freed) = (0, 0);
    for round in 0..6 {
        let go_on = AtomicBool::new(false);
        let run = || {
            // The thread's first lookups of each kind come from the allocator.
            RECORDS.set(true);
            let (allocations, deallocations) = (ALLOCATIONS.get(), DEALLOCATIONS.get());
            work();
            let counts = (ALLOCATIONS.get() - allocations, DEALLOCATIONS.get() - deallocations);
            RECORDS.set(false);
            while round % 2 == 1 && !go_on.load(Relaxed) {
                thread::yield_now();
            }
            counts
        };
        // One at a time, or two that get in each other's way.
        thread::scope(|scope| {
            let threads: Vec<_> = (0..1 + round % 2).map(|_| scope.spawn(run)).collect();
            drop(registry.snapshot());
            go_on.store(true, Relaxed);
            for thread in threads {
                let counts = thread.join().unwrap();
                allocated += counts.0 as i64;
                freed += counts.1 as i64;
            }
        });
    }
    assert!(allocated > 10_000);
    assert_eq!(sum(registry, "by_size"), allocated);
    assert_eq!(sum(registry, "typed"), allocated);
    assert_eq!(sum(registry, "open"), allocated - freed);
    let rejected = sum(registry, "freewheel.samples.rejected");
    assert_eq!(sum(registry, "requests.count") + rejected, allocated + freed);
    assert!(rejected < (allocated + freed) / 100, "{rejected} of {} rejected", allocated + freed);
    let overflow = |name: &str| {
        let overflow = [KeyValue::new("otel.metric.overflow", true)];
        match registry.snapshot().metric(name).map(|metric| &metric.data) {
            Some(Data::Counter(points)) => {
                points.iter().find(|point| *point.attributes == overflow).map_or(0, |point| point.value)
            }
            other => panic!("{other:?}"),
        }
    };
    // What is recorded in the middle of a slow path gets no new series, and does not find recent ones.
    for (name, one_in) in [("by_size", 4), ("typed", 10)] {
        let overflow = overflow(name) as i64;
        assert!(overflow < allocated / one_in, "{name}: {overflow} of {allocated}");
    }
}
