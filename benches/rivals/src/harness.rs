//! How the contestants are timed.
//!
//! A *slice* is about 300 us in which every thread runs operations against the same object. A slice counts only
//! if no thread was preempted in it and the threads ran side by side, so other work on the machine costs time,
//! not truth. A *repetition* of one contestant is the median of its slices. A *round* is one repetition of every
//! contestant, and the result is the median over the rounds: whatever drifts (clock, temperature, neighbours)
//! drifts for all alike.
//!
//! Threads run for a given time, not for a given count: an unfair lock then costs what it costs, and no
//! thread runs alone at the end because the other one was faster.
//!
//! What several threads write to one cache line depends on how the processor hands the line around: such rows
//! differ from run to run by a factor of two, the others by a few percent.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{pinning, race::Loop};

/// How long the threads run side by side before they compare notes.
const SLICE: Duration = Duration::from_micros(300);
/// How long a thread runs at most between two looks at the clock, which cost it less than half a percent.
const CHUNK: Duration = Duration::from_micros(10);
/// The part of a slice that the threads must share.
const OVERLAP: f64 = 0.9;

/// How much time a measurement may take.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Repetitions of each contestant.
    pub(crate) rounds: usize,
    /// Slices at the start of a repetition that fill caches and set the chunk size, and are not counted.
    warm_up: usize,
    /// Undisturbed slices that make a repetition complete.
    slices: usize,
    /// When a repetition gives up waiting for them.
    patience: Duration,
}

impl Effort {
    /// For numbers to keep.
    pub(crate) const FULL: Self =
        Self { rounds: 7, warm_up: 100, slices: 400, patience: Duration::from_millis(500) };
    /// To see that it works, and roughly where everyone stands.
    pub(crate) const QUICK: Self =
        Self { rounds: 5, warm_up: 10, slices: 60, patience: Duration::from_millis(80) };
}

/// What is timed.
pub(crate) struct Timed {
    /// Called on each thread of each repetition, with the number of the thread.
    pub(crate) start: Box<dyn Fn(usize) -> Loop + Sync>,
    /// Called on the first thread between two slices, off the clock.
    pub(crate) upkeep: Box<dyn Fn() + Sync>,
}

/// The result of one repetition.
pub(crate) struct Repetition {
    /// Nanoseconds per call and thread, the median; or bytes.
    pub(crate) quantity: f64,
    /// Whether there were too few undisturbed slices and the others were used too.
    pub(crate) disturbed: bool,
}

/// Runs `timed` on new threads until there are enough undisturbed slices, or patience is at its end.
pub(crate) fn repeat(timed: &Timed, threads: usize, effort: Effort) -> Repetition {
    let team = &Team::new(threads);
    thread::scope(|scope| {
        for number in 1..threads {
            scope.spawn(move || member(timed, number, team, || ()));
        }
        let first = scope.spawn(move || {
            let mut referee = Referee::new(effort);
            member(timed, 0, team, || {
                referee.judge(team);
                (timed.upkeep)();
            });
            referee.result()
        });
        first.join().expect("a thread of the harness panicked")
    })
}

/// One thread of a repetition. Everyone's reports are there when it calls `between_slices`, and nobody runs.
fn member(timed: &Timed, number: usize, team: &Team, mut between_slices: impl FnMut()) {
    pinning::pin_to_core(number);
    let mut operations = (timed.start)(number);
    let mut chunk = 1;
    let mut meetings = 0;
    while !team.over.load(SeqCst) {
        team.line_up(&mut meetings);
        let report = run_slice(&mut operations, &mut chunk);
        team.reports.lock().push(report);
        team.line_up(&mut meetings);
        between_slices();
        team.line_up(&mut meetings);
    }
}

/// Decides on the first thread, after each slice, whether it counts, and when the repetition is over.
struct Referee {
    effort: Effort,
    begin: Instant,
    warm_up: usize,
    undisturbed: Vec<f64>,
    all: Vec<f64>,
}

impl Referee {
    fn new(effort: Effort) -> Self {
        Self {
            effort,
            begin: Instant::now(),
            warm_up: effort.warm_up,
            undisturbed: Vec::with_capacity(effort.slices),
            all: Vec::with_capacity(effort.slices),
        }
    }

    fn judge(&mut self, team: &Team) {
        let mut reports = team.reports.lock();
        if self.warm_up > 0 {
            self.warm_up -= 1;
        } else {
            let nanos = nanos_per_operation(&reports);
            self.all.push(nanos);
            if is_undisturbed(&reports) {
                self.undisturbed.push(nanos);
            }
        }
        reports.clear();
        let impatient = self.begin.elapsed() >= self.effort.patience && !self.all.is_empty();
        team.over.store(impatient || self.undisturbed.len() >= self.effort.slices, SeqCst);
    }

    /// A tenth of the slices asked for still gives a fair median; with less, takes what there is and says so.
    fn result(mut self) -> Repetition {
        let disturbed = self.undisturbed.len() * 10 < self.effort.slices.min(self.all.len());
        let slices = if disturbed { &mut self.all } else { &mut self.undisturbed };
        slices.sort_by(f64::total_cmp);
        Repetition { quantity: slices[slices.len() / 2], disturbed }
    }
}

/// Runs chunks until the slice is over. A chunk is doubled until it takes half of [`CHUNK`].
fn run_slice(operations: &mut Loop, chunk: &mut usize) -> Report {
    let preemptions = pinning::preemptions();
    let mut completed = 0;
    let begin = Instant::now();
    let mut now = begin;
    while now - begin < SLICE {
        operations(*chunk);
        completed += *chunk;
        let chunk_begin = now;
        now = Instant::now();
        if now - chunk_begin < CHUNK / 2 {
            *chunk *= 2;
        }
    }
    Report { begin, end: now, operations: completed, preempted: pinning::preemptions() != preemptions }
}

/// What a thread tells the referee about one slice.
struct Report {
    begin: Instant,
    end: Instant,
    operations: usize,
    preempted: bool,
}

fn nanos_per_operation(reports: &[Report]) -> f64 {
    let nanos: f64 = reports.iter().map(|report| (report.end - report.begin).as_nanos() as f64).sum();
    let operations: usize = reports.iter().map(|report| report.operations).sum();
    nanos / operations as f64
}

/// Whether no thread was preempted and all of them ran side by side.
fn is_undisturbed(reports: &[Report]) -> bool {
    let last_begin = reports.iter().map(|report| report.begin).max();
    let first_end = reports.iter().map(|report| report.end).min();
    let (Some(last_begin), Some(first_end)) = (last_begin, first_end) else { return false };
    let together = first_end.saturating_duration_since(last_begin);
    let long_enough = |report: &Report| together >= (report.end - report.begin).mul_f64(OVERLAP);
    reports.iter().all(|report| !report.preempted && long_enough(report))
}

/// The threads of one repetition.
struct Team {
    size: usize,
    /// How often a member has lined up.
    arrivals: AtomicUsize,
    reports: Mutex<Vec<Report>>,
    /// Whether the slice just judged was the last one.
    over: AtomicBool,
}

impl Team {
    fn new(size: usize) -> Self {
        Self {
            size,
            arrivals: AtomicUsize::new(0),
            reports: Mutex::new(Vec::with_capacity(size)),
            over: AtomicBool::new(false),
        }
    }

    /// Waits until every member is there, spinning: they shall start within nanoseconds of each other.
    fn line_up(&self, meetings: &mut usize) {
        *meetings += 1;
        self.arrivals.fetch_add(1, SeqCst);
        let mut spins = 0;
        while self.arrivals.load(SeqCst) < *meetings * self.size {
            spins += 1;
            if spins % 10_000 == 0 {
                thread::yield_now();
            }
            std::hint::spin_loop();
        }
    }
}
