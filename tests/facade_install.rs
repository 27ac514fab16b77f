//! The recorder that the macros of all threads use: one for the process, so this has a process of its own.
#![cfg(feature = "metrics-facade")]

use std::thread;

use freewheel::{facade::Recorder, metrics::Registry};
use metrics::{counter, with_local_recorder};

#[test]
fn the_first_recorder_that_is_installed_records_for_all_threads() {
    counter!("too.early").increment(1);
    let registry = Registry::new();
    let recorder = Recorder::new(&registry);
    recorder.install().unwrap();
    counter!("c").increment(1);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| counter!("c").increment(1));
        }
    });

    let error = recorder.install().unwrap_err();
    assert_eq!(error, Recorder::new(&Registry::new()).install().unwrap_err());
    assert!(error.to_string().contains("have a global recorder already"), "{error}");
    drop(recorder);

    let local = Registry::new();
    with_local_recorder(&Recorder::new(&local), || counter!("c").increment(10));
    counter!("c").increment(1);
    assert_eq!(registry.snapshot().counter("c", &[]), Some(5));
    assert_eq!(local.snapshot().counter("c", &[]), Some(10));
    assert_eq!(registry.snapshot().metrics.len(), 1);
}
