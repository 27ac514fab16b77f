//! Models of `src/trace_registry.rs`.
#![cfg(freewheel_loom)]

use freewheel::{
    sync::{Arc, thread},
    trace_registry::TraceRegistry,
};
use loom_tests::explore;

/// Counts one span of a trace in a second thread while this one runs `main`.
fn race<R>(spans: u64, main: impl FnOnce(&TraceRegistry<u64>) -> R) -> (u64, R, Arc<TraceRegistry<u64>>) {
    let traces = Arc::new(TraceRegistry::new());
    (0..spans).for_each(|_| {
        traces.increment_span_count(&1);
    });
    let thread = {
        let traces = Arc::clone(&traces);
        thread::spawn(move || traces.increment_span_count(&1))
    };
    let main = main(&traces);
    (thread.join().unwrap(), main, traces)
}

#[test]
fn a_span_racing_delete_is_in_the_trace_that_ends_or_begins_one_anew() {
    // What it counted, what ended, what goes on.
    explore(2, [(2, Some(2), None), (1, Some(1), Some(1))], || {
        let (counted, ended, traces) = race(1, |traces| traces.delete(&1));
        (counted, ended.map(|trace| trace.spans()), traces.get(&1).map(|trace| trace.spans()))
    });
}

#[test]
fn get_racing_delete_ends_with_what_was_counted_or_nothing() {
    explore(2, [(Some(1), Some(1)), (None, Some(1))], || {
        let traces = Arc::new(TraceRegistry::new());
        traces.increment_span_count(&1);
        let thread = {
            let traces = Arc::clone(&traces);
            thread::spawn(move || traces.get(&1).map(|trace| trace.spans()))
        };
        let ended = traces.delete(&1).map(|trace| trace.spans());
        (thread.join().unwrap(), ended)
    });
}

#[test]
fn two_first_spans_are_two_of_one_trace() {
    explore(2, [(1, 2), (2, 1)], || {
        let (counted, too, traces) = race(0, |traces| traces.increment_span_count(&1));
        assert_eq!(traces.get(&1).map(|trace| trace.spans()), Some(2));
        (counted, too)
    });
}
