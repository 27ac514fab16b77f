//! freewheel's metrics beside the same work under a mutex, for one and two threads on one object.
//!
//! Times are per operation and thread. For the comparison with other crates see `benches/rivals`.

mod side_by_side;

use std::time::Duration;

use criterion::Criterion;
use freewheel::metrics::{Outcome, Registry, Timestamp};
use parking_lot::Mutex;

use side_by_side::compare;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    counter(&mut criterion);
    histogram(&mut criterion);
    request_metrics(&mut criterion);
    last_request(&mut criterion);
    criterion.final_summary();
}

fn counter(criterion: &mut Criterion) {
    let ours = Registry::new().counter("events").build().expect("the name is free");
    compare(criterion, "counter/add", "freewheel", |_| ours.add(1));
    let locked = Mutex::new(0_u64);
    compare(criterion, "counter/add", "mutex", |_| *locked.lock() += 1);
}

fn histogram(criterion: &mut Criterion) {
    let ours = Registry::new().histogram::<u64>("latency").unit("ns").build().expect("the name is free");
    compare(criterion, "histogram/record", "freewheel", |index| ours.record(latency(index)));
    let locked = Mutex::new(Buckets::new());
    compare(criterion, "histogram/record", "mutex", |index| locked.lock().record(latency(index)));
}

fn request_metrics(criterion: &mut Criterion) {
    let ours = Registry::new().requests("request").build().expect("the name is free");
    compare(criterion, "request_metrics/record_at", "freewheel", |index| {
        ours.record_at(Duration::from_nanos(latency(index)), outcome(index), at(index));
    });
    let locked = Mutex::new(Requests { buckets: Buckets::new(), requests: 0, errors: 0, last: Last::of(0) });
    compare(criterion, "request_metrics/record_at", "mutex", |index| locked.lock().record(index));
}

fn last_request(criterion: &mut Criterion) {
    let ours = Registry::new().last_request("last").build().expect("the name is free");
    compare(criterion, "last_request/store", "freewheel", |index| {
        ours.record_at(Duration::from_nanos(latency(index)), outcome(index), at(index));
    });
    let locked = Mutex::new(Last::of(0));
    compare(criterion, "last_request/store", "mutex", |index| *locked.lock() = Last::of(index));
}

/// A latency between 0.1 and 1.7 ms in nanoseconds, different in each call.
fn latency(index: u64) -> u64 {
    100_000 + index.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 1_600_000
}

fn outcome(index: u64) -> Outcome {
    if has_failed(index) { Outcome::Error } else { Outcome::Success }
}

fn has_failed(index: u64) -> bool {
    index.is_multiple_of(16)
}

fn at(index: u64) -> Timestamp {
    const FIRST: u64 = 1_700_000_000_000_000_000;
    Timestamp::from_unix_nanos(FIRST + index * 1_000)
}

/// A histogram as fine as freewheel's: 32 buckets for each power of two, by the top bits of the value.
struct Buckets {
    counts: Vec<u64>,
    sum: u64,
}

impl Buckets {
    const BITS: u32 = 5;

    fn new() -> Self {
        Self { counts: vec![0; (u64::BITS << Self::BITS) as usize], sum: 0 }
    }

    fn record(&mut self, value: u64) {
        let power = (value | 1).ilog2();
        let fraction = (value << (u64::BITS - 1 - power) << 1) >> (u64::BITS - Self::BITS);
        self.counts[((power as usize) << Self::BITS) + fraction as usize] += 1;
        self.sum = self.sum.wrapping_add(value);
    }
}

struct Requests {
    buckets: Buckets,
    requests: u64,
    errors: u64,
    last: Last,
}

impl Requests {
    fn record(&mut self, index: u64) {
        self.requests += 1;
        self.errors += u64::from(has_failed(index));
        self.buckets.record(latency(index));
        self.last = Last::of(index);
    }
}

/// The last request, as plain data.
#[expect(dead_code, reason = "written as a metric is, read only when someone asks")]
struct Last {
    duration_nanos: u64,
    at: Timestamp,
    failed: bool,
}

impl Last {
    fn of(index: u64) -> Self {
        Self { duration_nanos: latency(index), at: at(index), failed: has_failed(index) }
    }
}
