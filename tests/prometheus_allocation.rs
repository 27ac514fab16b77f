//! The memory that an exposition takes, beside that of the text.
#![cfg(feature = "prometheus")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use freewheel::{
    metrics::{KeyValue, Registry},
    prometheus::{Encoder, Format},
};

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

/// How many lines and how many allocations an exposition of so many series takes.
fn cost(series: i64) -> (usize, u64) {
    let registry = Registry::new();
    for number in 0..series {
        let attributes = [KeyValue::new("a.number", number), KeyValue::new("a.text", "quoted \"text\"")];
        registry.counter("counter").unit("By").bind(&attributes).unwrap().add(1);
        registry.gauge::<f64>("gauge").bind(&attributes).unwrap().record(1e-9);
        registry.histogram::<u64>("histogram").bind(&attributes).unwrap().record(number as u64);
    }
    let snapshot = registry.snapshot();
    let encoder = Encoder::new().format(Format::OpenMetrics).scope("scope", "1").created();
    let mut text = encoder.encode(&snapshot);
    text.clear();
    let before = ALLOCATIONS.get();
    encoder.encode_into(&snapshot, &mut text).unwrap();
    let allocations = ALLOCATIONS.get() - before;
    (text.lines().count(), allocations)
}

#[test]
fn memory_is_allocated_for_metrics_and_not_for_lines() {
    let (few_lines, few) = cost(10);
    let (many_lines, many) = cost(1000);
    assert!(many_lines > 90 * few_lines);
    // The set of series doubles its room now and then.
    assert!(many < few + 20, "{many} for {many_lines} lines, {few} for {few_lines}");
    assert!(few < 100, "{few}");
}
