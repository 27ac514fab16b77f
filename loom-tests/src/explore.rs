//! Running a model under loom.
//!
//! | variable                | meaning                                                                     |
//! |-------------------------|-----------------------------------------------------------------------------|
//! | `LOOM_MAX_PREEMPTIONS`  | overrides the bound that a test names; below it, outcomes may go missing    |
//! | `LOOM_MAX_BRANCHES`     | steps of the longest execution, 10000 by default (loom's own default: 1000) |
//! | `FREEWHEEL_TWIN`        | see `freewheel::sync`; with 0, loom skips schedules                         |

use std::{
    collections::BTreeSet,
    env, fmt,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use freewheel::{
    reclaim::Birth,
    sync::{Twins, twins},
};
use loom::model::Builder;

use crate::message;

const MAX_BRANCHES: usize = 10_000;

/// Runs `model` in every interleaving with at most `bound` preemptions (`None`: in every one), and fails unless
/// exactly the `expected` outcomes occurred.
///
/// A model that was explored in one schedule passes for the wrong reason; naming what must happen makes it fail.
/// Without twins loom skips schedules, so then outcomes may be missing, but none may be added.
///
/// # Panics
/// If an execution panics, deadlocks or races, if the outcomes differ, or if nothing was executed.
#[track_caller]
pub fn explore<O, const N: usize>(
    bound: impl Into<Option<usize>>,
    expected: [O; N],
    model: impl Fn() -> O + Send + Sync + 'static,
) where
    O: Ord + fmt::Debug + Send + 'static,
{
    let expected = BTreeSet::from(expected);
    let seen = run(bound.into(), model);
    let complete = seen == expected || (twins() == Twins::Off && seen.is_subset(&expected));
    assert!(complete, "outcomes differ\n     seen: {seen:?}\n expected: {expected:?}");
}

/// Runs a `model` that has one outcome: it passes. See [`explore`].
///
/// # Panics
/// As [`explore`].
#[track_caller]
pub fn check(bound: impl Into<Option<usize>>, model: impl Fn() + Send + Sync + 'static) {
    explore(bound, [()], model);
}

/// Runs a `model` of code that is wrong, and returns the message of the first execution that fails.
///
/// # Panics
/// If none fails: the checker is blind to that kind of bug.
#[track_caller]
#[must_use]
pub fn refute(bound: impl Into<Option<usize>>, model: impl Fn() + Send + Sync + 'static) -> String {
    let bound = bound.into();
    match panic::catch_unwind(AssertUnwindSafe(|| run(bound, model))) {
        Ok(_) => panic!("a wrong model passed"),
        Err(payload) => message(&*payload),
    }
}

fn run<O: Ord + Send + 'static>(
    bound: Option<usize>,
    model: impl Fn() -> O + Send + Sync + 'static,
) -> BTreeSet<O> {
    let mut builder = Builder::new();
    // The environment, which the builder has read, goes first.
    builder.preemption_bound = builder.preemption_bound.or(bound);
    if env::var_os("LOOM_MAX_BRANCHES").is_none() {
        builder.max_branches = MAX_BRANCHES;
    }
    let bound = builder.preemption_bound;
    let start = Instant::now();
    let record = Arc::new(Mutex::new((0_u64, BTreeSet::new())));
    let sink = Arc::clone(&record);
    builder.check(move || {
        // Whoever comes first makes the eras, and would be ordered before all others that use them.
        let _ = Birth::now();
        let outcome = model();
        let mut record = sink.lock().unwrap_or_else(PoisonError::into_inner);
        record.0 += 1;
        record.1.insert(outcome);
    });
    let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
    let (executions, outcomes) = (record.0, std::mem::take(&mut record.1));
    let name = std::thread::current().name().unwrap_or("model").to_owned();
    let bound = bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
    eprintln!("{name}: {executions} executions, bound {bound}, {:?}", start.elapsed());
    assert!(executions > 0, "nothing was executed");
    outcomes
}
