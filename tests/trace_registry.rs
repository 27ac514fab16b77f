//! Traces and their spans: what is counted is never lost, whoever deletes meanwhile.

use std::{
    collections::HashMap,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use freewheel::metrics::TraceRegistry;

fn count(traces: &TraceRegistry<u64>, id: u64) {
    traces.increment_span_count(&id);
}

#[test]
fn register_begins_a_trace_once() {
    let traces = TraceRegistry::new();
    assert!(traces.register([1; 16]));
    traces.increment_span_count(&[1; 16]);
    assert!(!traces.register([1; 16]), "it is under way");
    assert_eq!(traces.get(&[1; 16]).map(|trace| trace.spans()), Some(1), "and goes on as it was");
    assert_eq!(traces.active(), 1);
}

#[test]
fn the_first_span_begins_a_trace_and_counts() {
    let traces = TraceRegistry::<String>::new();
    assert_eq!(traces.increment_span_count("checkout"), 1);
    assert_eq!(traces.increment_span_count("checkout"), 2);
    assert_eq!(traces.get("checkout").map(|trace| trace.spans()), Some(2));
    assert_eq!(traces.get("search"), None);
}

#[test]
fn delete_returns_what_was_counted_and_a_later_span_begins_anew() {
    let traces = TraceRegistry::<u64>::new();
    traces.register(7);
    (0..5).for_each(|_| count(&traces, 7));
    let ended = traces.delete(&7).expect("it is under way");
    assert_eq!(ended.spans(), 5);
    assert_eq!((traces.delete(&7), traces.get(&7), traces.active()), (None, None, 0));
    assert_eq!(traces.increment_span_count(&7), 1);
    assert!(traces.get(&7).is_some_and(|anew| anew.started() >= ended.started()));
}

#[test]
fn range_visits_every_trace_until_it_is_told_to_stop() {
    let traces = TraceRegistry::<u64>::new();
    for id in 0..100 {
        (0..=id).for_each(|_| count(&traces, id));
    }
    let mut seen = HashMap::new();
    traces.range(|&id, trace| {
        // It may use the registry.
        traces.increment_span_count(&id);
        seen.insert(id, trace.spans()).is_none()
    });
    assert_eq!(seen, (0..100).map(|id| (id, id + 1)).collect());
    let mut visits = 0;
    traces.range(|_, _| {
        visits += 1;
        visits < 3
    });
    assert_eq!(visits, 3);
}

#[test]
fn extract_if_ends_what_is_over_and_nothing_else() {
    let traces = TraceRegistry::<u64>::new();
    for id in 0..100 {
        traces.register(id);
        traces.increment_span_count(&id);
    }
    let mut over = traces.extract_if(|&id, trace| id % 3 == 0 && trace.spans() == 1);
    over.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(over.iter().map(|(id, _)| *id).collect::<Vec<_>>(), (0..100).step_by(3).collect::<Vec<_>>());
    assert!(over.iter().all(|(_, trace)| trace.spans() == 1));
    assert_eq!(traces.active(), 66);
    assert_eq!((traces.get(&3), traces.get(&4).map(|trace| trace.spans())), (None, Some(1)));
}

#[test]
fn extract_if_spares_a_trace_that_began_anew_meanwhile() {
    let traces = TraceRegistry::<u64>::new();
    traces.register(1);
    let over = traces.extract_if(|id, _| {
        traces.delete(id);
        // `Instant` may be coarse.
        let deleted = Instant::now();
        while Instant::now() == deleted {}
        traces.register(*id)
    });
    assert_eq!(over, []);
    assert_eq!(traces.active(), 1);
}

#[test]
fn the_times_of_a_trace_agree() {
    let (earliest, before) = (SystemTime::now(), Instant::now());
    let traces = TraceRegistry::<u64>::new();
    traces.register(1);
    let trace = traces.get(&1).unwrap();
    assert!(trace.started() >= before && trace.age() <= before.elapsed());
    // The wall's clock may be set, but hardly by a minute.
    let apart = trace.started_at().duration_since(earliest).unwrap_or_else(|early| early.duration());
    assert!(apart < Duration::from_secs(60), "{apart:?}");
}

#[test]
fn debug_shows_identifiers_and_spans() {
    let traces = TraceRegistry::<u64>::new();
    traces.increment_span_count(&5);
    assert_eq!(format!("{traces:?}"), "{5: 1}");
}

#[test]
fn every_span_is_counted_when_many_threads_count_at_once() {
    const THREADS: u64 = 8;
    const SPANS: u64 = if cfg!(freewheel_chaos) { 300 } else { 20_000 };
    let traces = TraceRegistry::<u64>::new();
    let begin = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                begin.wait();
                (0..SPANS).for_each(|span| count(&traces, span % 10));
            });
        }
    });
    assert_eq!(traces.active(), 10);
    for id in 0..10 {
        assert_eq!(traces.delete(&id).map(|trace| trace.spans()), Some(THREADS * SPANS / 10));
    }
}

#[test]
fn every_span_is_in_one_trace_when_traces_are_deleted_meanwhile() {
    const THREADS: u64 = 4;
    const SPANS: u64 = if cfg!(freewheel_chaos) { 500 } else { 50_000 };
    let traces = TraceRegistry::<u64>::new();
    let (ended, is_done) = (AtomicU64::new(0), AtomicBool::new(false));
    let end = |id| {
        if let Some(trace) = traces.delete(&id) {
            ended.fetch_add(trace.spans(), Relaxed);
        }
    };
    thread::scope(|scope| {
        let deleters = [0, 1].map(|_| {
            scope.spawn(|| {
                while !is_done.load(Relaxed) {
                    (0..3).for_each(end);
                    let over = traces.extract_if(|_, trace| trace.spans() > 2);
                    ended.fetch_add(over.iter().map(|(_, trace)| trace.spans()).sum(), Relaxed);
                }
            })
        });
        let counters = [0; THREADS as usize].map(|_| {
            scope.spawn(|| {
                for span in 0..SPANS {
                    traces.increment_span_count(&(span % 3));
                    let seen = traces.get(&(span % 3)).map_or(0, |trace| trace.spans());
                    assert!(seen <= THREADS * SPANS, "a figure that nobody counted: {seen}");
                }
            })
        });
        counters.into_iter().for_each(|counter| counter.join().unwrap());
        is_done.store(true, Relaxed);
        deleters.into_iter().for_each(|deleter| deleter.join().unwrap());
    });
    (0..3).for_each(end);
    assert_eq!(ended.into_inner(), THREADS * SPANS);
    assert_eq!(traces.active(), 0);
}
