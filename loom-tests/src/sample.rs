//! Running a model under shuttle.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};

use shuttle::{
    Config, Runner,
    scheduler::{PctScheduler, RandomScheduler},
};

/// Priority changes in a schedule of the second kind; a bug that needs `n` steps in order needs `n - 1` of them.
const DEPTH: usize = 3;

/// Of each thread: structures with many atomics are large here, and are moved when they are made.
const STACK_BYTES: usize = 256 << 10;

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config
}

/// Runs `model` in `iterations` schedules drawn uniformly, and in as many drawn by priority (PCT), which finds bugs
/// that need a long delay of one thread. `FREEWHEEL_SHUTTLE_ITERATIONS` overrides the number.
///
/// A failure prints the schedule that `shuttle::replay` repeats.
///
/// # Panics
/// If an execution panics, deadlocks or races, or if nothing was executed.
#[track_caller]
pub fn sample(iterations: usize, model: impl Fn() + Send + Sync + 'static) {
    let iterations = env::var("FREEWHEEL_SHUTTLE_ITERATIONS")
        .map_or(iterations, |text| text.parse().expect("FREEWHEEL_SHUTTLE_ITERATIONS is a number"));
    let start = Instant::now();
    let executions = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&executions);
    let model = Arc::new(move || {
        count.fetch_add(1, Relaxed);
        model();
    });
    let again = Arc::clone(&model);
    Runner::new(RandomScheduler::new(iterations), config()).run(move || model());
    Runner::new(PctScheduler::new(DEPTH, iterations), config()).run(move || again());
    let name = std::thread::current().name().unwrap_or("model").to_owned();
    let executions = executions.load(Relaxed);
    eprintln!("{name}: {executions} executions, {:?}", start.elapsed());
    assert!(executions > 0, "nothing was executed");
}
