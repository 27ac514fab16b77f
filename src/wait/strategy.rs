//! What a thread does before it parks, and a task before it waits.

use std::{cell::Cell, fs, num::NonZero, sync::LazyLock, thread::available_parallelism};

use crate::sync::{hint, thread};

/// What a thread does while what it waits for has not happened.
///
/// To park a thread and to wake it takes the kernel some microseconds, and tens of them on a virtual machine; what often
/// happens sooner is worth some looks before that. A task that would wait looks again for some tenths of a microsecond, or
/// after one if it is always a step behind; unless this is `Park`, or there is but one processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitStrategy {
    /// Parks at once: leaves the processor to others.
    Park,
    /// Looks again for some microseconds, at growing intervals, then parks. If there is but one processor, it parks at once,
    /// for what it waits for cannot happen meanwhile.
    #[default]
    SpinThenPark,
    /// Never parks: the least latency, for a thread that has a processor to itself. If there is but one processor, it lets
    /// other threads run each time.
    Spin,
}

/// Pauses between looks.
#[derive(Debug)]
pub(super) struct Pauses {
    strategy: WaitStrategy,
    done: u32,
}

impl WaitStrategy {
    /// Pauses of a task, each twice as long as the one before: some tenths of a microsecond.
    const TASK_SPINS: u32 = 5;
    /// The one pause of a task that is in lockstep.
    const LONG_PAUSE: u32 = 64;
    /// So many times in vain, and it looks seldom.
    const LOOKS_IN_A_ROW: u32 = 64;
    const ONE_LOOK_IN: u32 = 16;

    pub(super) fn pauses(self) -> Pauses {
        Pauses { strategy: self, done: 0 }
    }

    /// Looks again as a task, for about as long as it takes to be woken. Its executor has other tasks to run, so no longer;
    /// and seldom where that was in vain of late, as it is when the other side runs on the same thread.
    ///
    /// One that is `in_lockstep` has looked for the last thing that it got, too: it lets the other side get ahead, for to hand over
    /// each slot at once takes the processors longer than many of them in a row.
    pub fn look_again<R>(self, in_lockstep: bool, mut attempt: impl FnMut() -> Option<R>) -> Option<R> {
        if self == Self::Park || cfg!(any(freewheel_loom, freewheel_shuttle)) || is_alone() {
            return None;
        }
        let in_vain = LOOKS_IN_VAIN.get();
        let is_worth_it = in_vain < Self::LOOKS_IN_A_ROW || in_vain.is_multiple_of(Self::ONE_LOOK_IN);
        let mut look_after = |pauses| {
            (0..pauses).for_each(|_| hint::spin_loop());
            attempt()
        };
        let found = match (is_worth_it, in_lockstep) {
            (false, _) => None,
            (true, true) => look_after(Self::LONG_PAUSE),
            (true, false) => (0..Self::TASK_SPINS).find_map(|round| look_after(1 << round)),
        };
        LOOKS_IN_VAIN.set(if found.is_some() { 0 } else { in_vain.wrapping_add(1) });
        found
    }
}

thread_local! {
    /// How often tasks of this thread have looked again, or would have, since they found something so.
    static LOOKS_IN_VAIN: Cell<u32> = const { Cell::new(0) };
}

impl Pauses {
    /// Those in which the processor is kept, each twice as long as the one before; after them it is given away.
    const SPINS: u32 = 7;
    /// All of them.
    const ALL: u32 = Self::SPINS + 4;
    /// So many looks of one that never parks are worth it before it takes a place in the line.
    const LOOKS: u32 = 1000;

    /// Pauses; returns false instead if it is time to take a place in the line.
    pub(super) fn pause(&mut self) -> bool {
        // A checker tries everything that can happen meanwhile anyhow.
        if cfg!(any(freewheel_loom, freewheel_shuttle)) {
            return false;
        }
        match self.strategy {
            WaitStrategy::Park => return false,
            WaitStrategy::SpinThenPark if self.done == Self::ALL || is_alone() => return false,
            WaitStrategy::SpinThenPark => {
                if self.done < Self::SPINS {
                    (0..1 << self.done).for_each(|_| hint::spin_loop());
                } else {
                    thread::yield_now();
                }
                self.done += 1;
            }
            WaitStrategy::Spin if self.done == Self::LOOKS => return false,
            WaitStrategy::Spin => {
                spin();
                self.done += 1;
            }
        }
        true
    }
}

/// What one does between looks that never parks.
pub(super) fn spin() {
    if cfg!(any(freewheel_loom, freewheel_shuttle)) || is_alone() {
        thread::yield_now();
    } else {
        hint::spin_loop();
    }
}

/// Whether there is but one processor for all threads.
fn is_alone() -> bool {
    static IS_ALONE: LazyLock<bool> = LazyLock::new(|| {
        // This counts those that this thread may use; another thread may have other ones.
        let is_alone = available_parallelism().is_ok_and(|processors| processors == NonZero::<usize>::MIN);
        is_alone && processors_of_first_thread().is_none_or(|processors| processors == 1)
    });
    *IS_ALONE
}

/// How many processors the first thread may use, where Linux says so.
fn processors_of_first_thread() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed:"))?;
    Some(mask.chars().filter_map(|digit| digit.to_digit(16)).map(u32::count_ones).sum())
}
