//! How the benchmarks of this directory measure: by one thread, and by two on one object.

use std::{
    hint::{self, black_box},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use criterion::Criterion;

/// The benchmark that this is part of.
const SUBJECT: &str = env!("CARGO_CRATE_NAME");
const THREADS: [usize; 2] = [1, 2];

/// Measures `operation` for every number of threads; it is told the number of the call.
pub(crate) fn compare(criterion: &mut Criterion, what: &str, who: &str, operation: impl Fn(u64) + Sync) {
    for threads in THREADS {
        criterion.bench_function(&format!("{SUBJECT}/{what}/{threads}t/{who}"), |bencher| {
            bencher.iter_custom(|iterations| time(threads, iterations, &operation));
        });
    }
}

/// How long `threads` take that each run `operation` so many times, all at once.
fn time(threads: usize, iterations: u64, operation: &(impl Fn(u64) + Sync)) -> Duration {
    let arrivals = AtomicUsize::new(0);
    let run = || {
        line_up(&arrivals, threads);
        let begin = Instant::now();
        for index in 0..iterations {
            black_box(operation)(index);
        }
        begin.elapsed()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let times = workers.into_iter().map(|worker| worker.join().expect("operations do not panic"));
        times.max().unwrap_or_default()
    })
}

/// Waits until `everyone` is there, spinning: a thread woken from sleep may be put on the core of the one
/// that wakes it, and the two would run in turn.
fn line_up(arrivals: &AtomicUsize, everyone: usize) {
    arrivals.fetch_add(1, SeqCst);
    while arrivals.load(SeqCst) < everyone {
        hint::spin_loop();
    }
}
