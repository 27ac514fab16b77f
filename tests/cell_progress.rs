//! Recording is wait-free: wherever a thread stops in it, the others, and those who collect, go on.
//!
//! Only in the chaos world can a thread be stopped at a chosen step: `RUSTFLAGS="--cfg freewheel_chaos"`.
#![cfg(freewheel_chaos)]

mod stopped;

use std::time::Duration;

use freewheel::metrics::{Buckets, Outcome, Registry, Timestamp};

use crate::stopped::nobody_waits_for;

#[test]
fn a_thread_stopped_while_it_records_stops_nobody() {
    let registry = Registry::new();
    let counter = registry.counter("c").build().unwrap();
    let histogram = registry.histogram::<u64>("h").build().unwrap();
    let fine = registry.histogram::<f64>("f").buckets(Buckets::exponential(7).unwrap()).build().unwrap();
    let bounded = registry.histogram::<u64>("b").buckets(Buckets::sdk_default()).build().unwrap();
    let requests = registry.requests("r").build().unwrap();
    let last = registry.last_request("l").build().unwrap();
    let gauge = registry.gauge::<f64>("g").build().unwrap();
    let at = Timestamp::from_unix_nanos(1);
    let record = || {
        counter.add(1);
        histogram.record(5);
        fine.record(0.5);
        bounded.record_all(&[5, 6]);
        requests.record_at(Duration::from_nanos(5), Outcome::Error, at);
        last.record_at(Duration::from_nanos(5), Outcome::Error, at);
        gauge.record(1.0);
    };
    // Others record for the first time, register, collect and end.
    let others = || {
        record();
        registry.counter("another").build().unwrap().add(1);
        assert!(registry.snapshot().metrics.len() > 6);
    };
    // The thread's first record makes its cells, which does wait; it is not what is tested.
    let steps = nobody_waits_for(record, others);
    assert!(steps >= 20, "only {steps} steps were found");
}
