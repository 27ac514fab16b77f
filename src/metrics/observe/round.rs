//! Running the callbacks of a registry: on helper threads, and for a while only.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use super::Callback;

/// What collections of one registry share.
#[derive(Debug)]
pub(in crate::metrics) struct Rounds {
    /// How long a collection waits for callbacks.
    timeout: Duration,
    /// Held by the collection that has callbacks called (ONCE).
    under_way: Mutex<()>,
    begun: AtomicU64,
}

/// The callbacks of one collection.
#[derive(Debug)]
struct Round {
    number: u64,
    progress: Mutex<Progress>,
    /// A callback is back.
    advanced: Condvar,
}

#[derive(Debug)]
struct Progress {
    /// To be called. Who unregisters its instrument drops a callback.
    waiting: VecDeque<Weak<Callback>>,
    /// How many are not back.
    unfinished: usize,
}

/// Makes a callback count as back, however it came about.
struct Finishing<'a>(&'a Round);

impl Rounds {
    pub(in crate::metrics) fn new(timeout: Duration) -> Self {
        Self { timeout, under_way: Mutex::new(()), begun: AtomicU64::new(0) }
    }

    /// Calls those callbacks that are not under way yet, and waits for them, but not too long. Does nothing during
    /// another collection: who is called by that one may ask for this, so there is nothing to wait for.
    pub(in crate::metrics) fn run(&self, callbacks: Vec<Weak<Callback>>) {
        if callbacks.is_empty() {
            return;
        }
        let _under_way = match self.under_way.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let number = self.begun.fetch_add(1, Relaxed) + 1;
        let is_due = |callback: &&Weak<Callback>| callback.upgrade().is_some_and(|known| !known.is_running());
        let due = callbacks.iter().filter(is_due).cloned().collect();
        Round::new(number, due).run(self.timeout);
        let late = callbacks.iter().filter_map(Weak::upgrade).filter(|callback| !callback.ended_in(number));
        late.for_each(|callback| callback.count_timeout());
    }
}

impl Default for Rounds {
    fn default() -> Self {
        Self::new(Duration::from_secs(1))
    }
}

impl Round {
    fn new(number: u64, waiting: VecDeque<Weak<Callback>>) -> Arc<Self> {
        let unfinished = waiting.len();
        let progress = Mutex::new(Progress { waiting, unfinished });
        Arc::new(Self { number, progress, advanced: Condvar::new() })
    }

    /// Has the callbacks called until all are back or the time is up; what was not begun by then is not.
    fn run(self: &Arc<Self>, timeout: Duration) {
        let begun = Instant::now();
        // So long one callback may hold up those behind it.
        let patience = timeout / 8;
        let mut progress = self.lock();
        let (mut helpers, mut is_stuck) = (0, true);
        while progress.unfinished > 0 {
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            if is_stuck && !progress.waiting.is_empty() {
                match self.spawn_helper() {
                    Ok(()) => helpers += 1,
                    Err(_) if helpers == 0 => break,
                    // Perhaps those that there are come back.
                    Err(_) => {}
                }
            }
            let pause = if progress.waiting.is_empty() { left } else { patience.min(left) };
            let before = progress.unfinished;
            let waited =
                self.advanced.wait_timeout_while(progress, pause, |progress| progress.unfinished == before);
            let (guard, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
            (progress, is_stuck) = (guard, timed_out.timed_out());
        }
        progress.waiting.clear();
    }

    fn spawn_helper(self: &Arc<Self>) -> io::Result<()> {
        let round = self.clone();
        thread::Builder::new().name("freewheel-observe".into()).spawn(move || round.help()).map(drop)
    }

    /// The body of a helper.
    fn help(&self) {
        while let Some(callback) = self.next() {
            let _finishing = Finishing(self);
            if let Some(callback) = callback.upgrade() {
                callback.run(self.number);
            }
        }
    }

    fn next(&self) -> Option<Weak<Callback>> {
        self.lock().waiting.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Finishing<'_> {
    fn drop(&mut self) {
        self.0.lock().unfinished -= 1;
        self.0.advanced.notify_one();
    }
}
