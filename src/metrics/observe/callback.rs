//! Callbacks, and what goes wrong in them.

use std::{
    borrow::Cow,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::metrics::instrument::SeriesKey;

/// How often the callbacks of an instrument failed; see
/// [`Registry::callback_failures`](crate::metrics::Registry::callback_failures).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallbackFailures {
    /// Runs that ended in a panic.
    pub panics: u64,
    /// Collections that went on without the values of a callback: it took too long, it was not back from an earlier
    /// one, it had no time left behind others, or no thread could be had for it.
    pub timeouts: u64,
}

/// The failures of one instrument, as they are counted.
#[derive(Debug)]
pub(in crate::metrics) struct Failures {
    pub(in crate::metrics) panics: Count,
    pub(in crate::metrics) timeouts: Count,
}

/// A count and the series that shows it.
#[derive(Debug)]
pub(in crate::metrics) struct Count {
    key: SeriesKey,
    count: AtomicU64,
}

/// What is called at collections.
pub(in crate::metrics) struct Callback {
    /// Locked while it is called (ONCE).
    function: Mutex<Function>,
    /// The last round in which it came to an end.
    ended_in: AtomicU64,
    failures: Arc<Failures>,
}

/// Observes for the round of that number.
type Function = Box<dyn FnMut(u64) + Send>;

impl Failures {
    pub(super) fn new(instrument: Cow<'static, str>) -> Self {
        let count =
            |instrument| Count { key: SeriesKey::of_instrument(instrument), count: AtomicU64::new(0) };
        Self { panics: count(instrument.clone()), timeouts: count(instrument) }
    }

    pub(in crate::metrics) fn get(&self) -> CallbackFailures {
        CallbackFailures { panics: self.panics.get().1, timeouts: self.timeouts.get().1 }
    }
}

impl Count {
    pub(in crate::metrics) fn get(&self) -> (&SeriesKey, u64) {
        (&self.key, self.count.load(Relaxed))
    }

    fn add(&self) {
        self.count.fetch_add(1, Relaxed);
    }
}

impl Callback {
    pub(super) fn new(function: impl FnMut(u64) + Send + 'static, failures: Arc<Failures>) -> Self {
        Self { function: Mutex::new(Box::new(function)), ended_in: AtomicU64::new(0), failures }
    }

    /// Whether it was called and is not back.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.function.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Whether it came to an end in that round, be it by a panic.
    pub(super) fn ended_in(&self, round: u64) -> bool {
        self.ended_in.load(Relaxed) == round
    }

    /// Calls it for that round.
    pub(super) fn run(&self, round: u64) {
        let outcome = {
            let mut function = self.function.lock().unwrap_or_else(PoisonError::into_inner);
            catch_unwind(AssertUnwindSafe(|| function(round)))
        };
        if let Err(value) = outcome {
            self.failures.panics.add();
            // The value of a panic may panic once more when it goes; what comes of that stays.
            if let Err(worse) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
                mem::forget(worse);
            }
        }
        // Relaxed: who counts the ends learns of them under the lock of the round.
        self.ended_in.store(round, Relaxed);
    }

    pub(super) fn count_timeout(&self) {
        self.failures.timeouts.add();
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("failures", &self.failures.get()).finish_non_exhaustive()
    }
}
