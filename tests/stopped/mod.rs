//! Threads that are stopped at a chosen step, while others must go on.

#![allow(dead_code, reason = "not every test that has this module uses all of it")]

use std::{
    cell::Cell,
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

use freewheel::sync::{pause_at, pause_missed};

/// Longer than anything takes that does not wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// Stops a thread at each step of `operation` in turn, and checks that `others` end without it. Returns how many
/// steps the operation has.
///
/// The thread has run the operation once before. What it does then for the first time is not tested.
pub(crate) fn nobody_waits_for(operation: impl Fn() + Sync, others: impl Fn() + Sync) -> u64 {
    let steps = at_each_step(|stops| stops.during(&operation, &operation, &others));
    steps.len() as u64 - 1
}

/// Calls `scene`, which has a thread stopped at step 0, then at step 1, and so on until the operation has no such step.
/// Returns what `scene` does for each of them, and at last for an operation that was not stopped.
pub(crate) fn at_each_step<R>(scene: impl Fn(&Stops) -> R) -> Vec<R> {
    let _alone = alone();
    let mut results = Vec::new();
    loop {
        let stops = Stops::at(&[results.len() as u64]);
        results.push(scene(&stops));
        if stops.reached.get() == 0 {
            return results;
        }
    }
}

/// As [`at_each_step`], but what repeats itself in a row counts once: the stages that others see an operation in.
pub(crate) fn stages<R: PartialEq>(scene: impl Fn(&Stops) -> R) -> Vec<R> {
    let mut stages = at_each_step(scene);
    stages.dedup();
    stages
}

/// Calls `scene`, which has a thread stopped twice, at every pair of steps: what it does the second time it does because
/// of what others have done meanwhile.
pub(crate) fn at_each_two_steps(scene: impl Fn(&Stops)) {
    let _alone = alone();
    for first in 0.. {
        for second in 0.. {
            let stops = Stops::at(&[first, second]);
            scene(&stops);
            match stops.reached.get() {
                0 => return,
                1 => break,
                _ => (),
            }
        }
    }
}

/// An operation has the same steps each time only if no other test makes threads meanwhile, which take seats.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a thread is to be stopped.
pub(crate) struct Stops {
    /// How many steps lie before each stop, from the one before.
    steps: VecDeque<u64>,
    /// At how many of them it was.
    reached: Cell<usize>,
}

impl Stops {
    fn at(steps: &[u64]) -> Self {
        Self { steps: steps.iter().copied().collect(), reached: Cell::new(0) }
    }

    /// Runs `operation` on a thread that has run `before`, and at each stop checks that `others` end while it is stopped.
    /// If it is not stopped, they run after it. Returns what the operation does, and what the last others do.
    pub(crate) fn during<R: Send, S: Send>(
        &self,
        before: impl FnOnce() + Send,
        operation: impl FnOnce() -> R + Send,
        mut others: impl FnMut() -> S + Send,
    ) -> (R, S) {
        let (stopped, is_stopped) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel();
        let steps = self.steps.clone();
        thread::scope(|scope| {
            let victim = scope.spawn(move || {
                before();
                pause_at_each(steps, stopped, may_go_on);
                let result = operation();
                // If there was one, it has a sender, for want of which the test would wait.
                let _ = pause_missed();
                result
            });
            let mut seen = None;
            while is_stopped.recv().is_ok() {
                self.reached.set(self.reached.get() + 1);
                seen = Some(thread::scope(|scope| {
                    let others = scope.spawn(&mut others);
                    let in_time = ends(&others);
                    // Whatever they wait for goes on, to its end if the test is at its end.
                    for _ in 0..if in_time { 1 } else { self.steps.len() } {
                        let _ = go_on.send(());
                    }
                    assert!(in_time, "blocked by a thread stopped after {:?} steps", self.steps);
                    others.join().expect("what others do does not panic")
                }));
            }
            let result = victim.join().expect("an operation does not panic");
            (result, seen.unwrap_or_else(others))
        })
    }
}

/// Makes the calling thread stop after so many steps, and after so many more.
fn pause_at_each(mut steps: VecDeque<u64>, stopped: Sender<()>, may_go_on: Receiver<()>) {
    if let Some(first) = steps.pop_front() {
        pause_at(first, move || {
            stopped.send(()).expect("the test waits");
            let _ = may_go_on.recv();
            pause_at_each(steps, stopped, may_go_on);
        });
    }
}

/// Waits until the thread has ended, but not for ever.
fn ends<T>(thread: &ScopedJoinHandle<'_, T>) -> bool {
    let start = Instant::now();
    while !thread.is_finished() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        thread::yield_now();
    }
    true
}
