//! The memory that requests take, beside that of their bytes.
#![cfg(feature = "otlp")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    num::NonZeroUsize,
};

use freewheel::{
    metrics::{Buckets, Histogram, KeyValue, Registry},
    otlp::{HistogramAggregation, Serializer, Temporality},
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

/// Of each series of exponential buckets, so many are in use.
const BUCKETS: u32 = 160;

/// Something in each bucket; there are 32 to a doubling.
fn record(series: &[[Histogram<f64>; 3]]) {
    for [exponential, wide, explicit] in series {
        for bucket in 0..BUCKETS {
            exponential.record(((f64::from(bucket) + 0.5) / 32.0).exp2());
        }
        // These have twice as many buckets as go out, so neighbours are merged.
        (0..=10).for_each(|doubling| wide.record(f64::from(doubling).exp2()));
        explicit.record(1.0);
    }
}

/// How many bytes and how many allocations an export of so many series takes, after two that were the same.
fn cost(series: i64, serializer: Serializer) -> (usize, u64) {
    let registry = Registry::new();
    let limit = NonZeroUsize::new(5000).unwrap();
    let histogram = |name: &'static str, number: i64| {
        let attributes = [KeyValue::new("number", number), KeyValue::new("text", "some text")];
        registry.histogram::<f64>(name).cardinality_limit(limit).bind(&attributes)
    };
    let explicit = |number: i64| {
        let buckets = Buckets::explicit([0.5, 1.5]).unwrap();
        let attributes = [KeyValue::new("number", number)];
        registry.histogram::<f64>("explicit").buckets(buckets).cardinality_limit(limit).bind(&attributes)
    };
    let series: Vec<[Histogram<f64>; 3]> = (0..series)
        .map(|number| {
            let [exponential, wide] = ["exponential", "wide"].map(|name| histogram(name, number).unwrap());
            [exponential, wide, explicit(number).unwrap()]
        })
        .collect();
    let limit = NonZeroUsize::new(1 << 30).unwrap();
    let mut serializer = serializer.max_points(limit).max_bytes(limit);
    let mut last = (0, 0);
    for _ in 0..3 {
        record(&series);
        let snapshot = registry.snapshot();
        let before = ALLOCATIONS.get();
        let requests = serializer.requests(snapshot);
        let allocations = ALLOCATIONS.get() - before;
        last = (requests.iter().map(Vec::len).sum(), allocations);
    }
    last
}

#[test]
fn memory_is_allocated_for_requests_and_not_for_series() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        for histograms in [HistogramAggregation::Base2Exponential, HistogramAggregation::ExplicitBucket] {
            let serializer = || Serializer::new([]).temporality(temporality).histograms(histograms);
            let (few_bytes, few) = cost(200, serializer());
            let (many_bytes, many) = cost(2000, serializer());
            assert!(many_bytes > 9 * few_bytes);
            assert_eq!(many, few, "{temporality:?}, {histograms:?}");
            assert!(few < 10, "{few}");
        }
    }
}
