//! Recording is wait-free: wherever a thread stops in it, the others, and those who collect, go on.
//!
//! Only in the chaos world can a thread be stopped at a chosen step: `RUSTFLAGS="--cfg freewheel_chaos"`.
#![cfg(freewheel_chaos)]

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use freewheel::{
    metrics::{Buckets, Outcome, Registry, Timestamp},
    sync::{pause_at, pause_missed},
};

/// Stops a thread at each step of `operation` in turn, and checks that `others` end without it. Returns how many
/// steps the operation has.
fn nobody_waits_for(operation: impl Fn() + Sync, others: impl Fn() + Sync) -> u64 {
    for step in 0.. {
        let (stopped, is_stopped) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let reached = thread::scope(|scope| {
            let victim = scope.spawn(|| {
                // The thread's first record makes its cells, which does wait; it is not what is tested.
                operation();
                pause_at(step, {
                    let stopped = stopped.clone();
                    move || {
                        stopped.send(true).expect("the test waits");
                        let _ = may_go_on.recv();
                    }
                });
                operation();
                let missed = pause_missed();
                if missed {
                    stopped.send(false).expect("the test waits");
                }
                !missed
            });
            if is_stopped.recv().expect("the victim reports") {
                let start = Instant::now();
                let other = scope.spawn(&others);
                while !other.is_finished() {
                    assert!(
                        start.elapsed() < Duration::from_secs(20),
                        "blocked by a thread stopped at step {step}"
                    );
                    thread::sleep(Duration::from_micros(100));
                }
                drop(go_on);
            }
            victim.join().expect("recording does not panic")
        });
        if !reached {
            return step;
        }
    }
    unreachable!("some step is the last")
}

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
    let steps = nobody_waits_for(record, others);
    assert!(steps >= 20, "only {steps} steps were found");
}
