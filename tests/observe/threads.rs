//! On which threads callbacks run, and what else goes on meanwhile.

use std::{
    env,
    process::Command,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use freewheel::metrics::Registry;

use crate::common::{PATIENCE, owned, patient_registry, value, values};

#[test]
fn a_callback_runs_on_a_thread_of_its_own_name() {
    let registry = patient_registry();
    registry
        .gauge("threads")
        .observe(|observer| {
            assert_eq!(thread::current().name(), Some("freewheel-observe"));
            observer.observe(1, &[]);
        })
        .unwrap();
    assert_eq!(value::<i64>(&registry.snapshot(), "threads"), 1);
}

#[test]
fn a_snapshot_in_a_callback_sees_the_values_of_the_run_before() {
    let registry = patient_registry();
    let nested = registry.clone();
    registry
        .counter("outer")
        .observe(move |observer| {
            let snapshot = nested.snapshot();
            let before = values::<u64>(&snapshot, "outer").first().map_or(0, |(_, value)| *value);
            observer.observe(before + 10, &[]);
        })
        .unwrap();
    for expected in [10, 20, 30] {
        let begun = Instant::now();
        assert_eq!(value::<u64>(&registry.snapshot(), "outer"), expected);
        assert!(begun.elapsed() < PATIENCE, "nobody waited for the timeout");
    }
    assert_eq!(registry.callback_failures("outer"), Default::default());
    // The callback holds its registry.
    assert!(registry.unregister("outer"));
}

#[test]
fn a_callback_may_use_its_registry() {
    let registry = patient_registry();
    let used = registry.clone();
    let recorded = registry.counter("recorded").build().unwrap();
    registry
        .counter("busy")
        .observe(move |observer| {
            recorded.add(1);
            used.counter("made").build().unwrap().add(1);
            if used.unregister("victim") {
                used.counter("observed").observe(|observer| observer.observe(1, &[])).unwrap();
            }
            observer.observe(used.series() as u64, &[]);
        })
        .unwrap();
    registry.counter("victim").observe(|observer| observer.observe(1, &[])).unwrap();

    let first = registry.snapshot();
    assert_eq!((value::<u64>(&first, "recorded"), value::<u64>(&first, "made")), (1, 1));
    assert!(first.metric("victim").is_none() && first.metric("observed").is_none());
    let second = registry.snapshot();
    assert_eq!((value::<u64>(&second, "recorded"), value::<u64>(&second, "observed")), (2, 1));

    let used = registry.clone();
    registry.counter("self").observe(move |_| assert!(used.unregister("self"))).unwrap();
    assert!(registry.snapshot().metric("self").is_none());
    assert!(!registry.unregister("self"), "it did so itself");
    assert!(registry.unregister("busy"));
}

#[test]
fn a_callback_never_runs_twice_at_once() {
    const THREADS: usize = 4;
    let registry = patient_registry();
    let (is_running, calls) = (AtomicBool::new(false), Arc::new(AtomicU64::new(0)));
    let counted = calls.clone();
    registry
        .counter("calls")
        .observe(move |observer| {
            assert!(!is_running.swap(true, Relaxed));
            observer.observe(counted.fetch_add(1, Relaxed) + 1, &[]);
            thread::sleep(Duration::from_millis(1));
            is_running.store(false, Relaxed);
        })
        .unwrap();
    let begin = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                begin.wait();
                let mut last = 0;
                for _ in 0..50 {
                    let now = values::<u64>(&registry.snapshot(), "calls").first().map_or(0, |calls| calls.1);
                    assert!(last <= now, "from {last} to {now}");
                    last = now;
                }
            });
        }
    });
    let (calls, failures) = (calls.load(Relaxed), registry.callback_failures("calls"));
    assert!((1..=THREADS as u64 * 50).contains(&calls));
    assert_eq!(failures, Default::default(), "who comes second does not count");
    assert_eq!(value::<u64>(&registry.snapshot(), "calls"), calls + 1);
}

/// Says in a child process of the tests that it is one.
const CHILD: &str = "FREEWHEEL_TEST_CHILD";

#[test]
fn without_a_thread_the_last_values_stay() {
    const TEST: &str = "threads::without_a_thread_the_last_values_stay";
    if env::var_os(CHILD).is_some() {
        return observe_without_threads();
    }
    let mut child = Command::new(env::current_exe().unwrap());
    // No system has stacks of that size. The test itself is on the main thread then.
    child
        .args(["--exact", TEST, "--test-threads=1"])
        .env(CHILD, "1")
        .env("RUST_MIN_STACK", (1_u64 << 60).to_string());
    let output = child.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
}

fn observe_without_threads() {
    assert!(thread::Builder::new().spawn(|| {}).is_err(), "there must be no threads");
    let registry = Registry::new();
    registry.counter("observed").observe(|observer| observer.observe(1, &[])).unwrap();
    registry.counter("recorded").build().unwrap().add(1);
    for collections in 1..=2 {
        let begun = Instant::now();
        let snapshot = registry.snapshot();
        assert!(begun.elapsed() < Duration::from_secs(1), "there is nothing to wait for");
        assert!(snapshot.metric("observed").is_none());
        assert_eq!(value::<u64>(&snapshot, "recorded"), 1);
        let timeouts = values::<u64>(&snapshot, "freewheel.callback.timeouts");
        assert_eq!(timeouts, owned([("instrument=observed", collections)]));
    }
}
