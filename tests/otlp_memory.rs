//! However long a collector is away, the exporter holds no more than one export and its base.
#![cfg(feature = "otlp")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicIsize, Ordering::Relaxed},
    time::Duration,
};

use freewheel::{
    metrics::{Counter, Histogram, KeyValue, Registry},
    otlp::{Exporter, Temporality},
};
use tokio::net::TcpSocket;

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

const SERIES: i64 = 200;
const ROUNDS: u64 = 60;
/// Room for buffers that come and go; a single kept export is larger than that.
const ROOM: isize = 64 << 10;

/// Exports again and again, in vain, and gives the growth of memory over the second half.
fn growth_while_nobody_answers(address: SocketAddr) -> isize {
    let registry = Registry::new();
    let (counters, sizes) = (registry.counter("events"), registry.histogram::<u64>("sizes"));
    let series: Vec<(Counter, Histogram<u64>)> = (0..SERIES)
        .map(|index| [KeyValue::new("index", index)])
        .map(|attributes| (counters.bind(&attributes).unwrap(), sizes.bind(&attributes).unwrap()))
        .collect();
    let exporter = Exporter::builder(registry)
        .endpoint(format!("http://{address}"))
        .temporality(Temporality::Delta)
        .timeout(Duration::from_millis(20))
        .start()
        .unwrap();
    let mut half_way = 0;
    for round in 0..ROUNDS {
        for (counter, histogram) in &series {
            counter.add(1);
            [1, 1 << 10, 1 << 20].into_iter().for_each(|size| histogram.record(size));
        }
        assert!(exporter.force_flush(Duration::from_millis(1)).is_err());
        assert!(exporter.force_flush(Duration::from_secs(30)).is_err());
        if round == ROUNDS / 2 {
            half_way = LIVE.load(Relaxed);
        }
    }
    let growth = LIVE.load(Relaxed) - half_way;
    assert!(exporter.stats().failed_exports >= ROUNDS);
    drop(exporter);
    growth
}

/// Flushes again and again while one export hangs, and gives the growth of memory meanwhile.
fn growth_with_impatient_flushes(address: SocketAddr) -> isize {
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = Exporter::builder(registry)
        .endpoint(format!("http://{address}"))
        .timeout(Duration::from_secs(600))
        .start()
        .unwrap();
    let flush_in_vain = || assert!(exporter.force_flush(Duration::from_micros(10)).is_err());
    (0..2000).for_each(|_| flush_in_vain());
    let before = LIVE.load(Relaxed);
    (0..2000).for_each(|_| flush_in_vain());
    LIVE.load(Relaxed) - before
}

/// One test for all, since they share the count.
#[test]
fn memory_does_not_grow_while_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Connections are made, but never accepted.
    let silent = growth_while_nobody_answers(address);
    assert!(silent < ROOM, "{silent} bytes more with a silent collector");
    let impatient = growth_with_impatient_flushes(address);
    assert!(impatient < ROOM, "{impatient} bytes more after flushes that gave up");
    // A port that is taken, but nobody listens on it.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let absent = growth_while_nobody_answers(taken.local_addr().unwrap());
    assert!(absent < ROOM, "{absent} bytes more without a collector");
    println!(
        "growth in bytes: {silent} with a silent collector, {impatient} with flushes, {absent} without one"
    );
}
