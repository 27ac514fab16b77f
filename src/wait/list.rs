//! Who waits for something.

use std::{array, fmt, mem, task::Waker};

use super::{
    Wake,
    line::{Key, Line},
};
use crate::{
    sync::{
        Mutex,
        atomic::{
            AtomicUsize,
            Ordering::{Relaxed, SeqCst},
            fence,
        },
    },
    util::drop_all,
};

/// How many are woken after one look at the line.
const BATCH: usize = 32;

/// Threads and tasks that wait for the same thing.
pub struct WaitList {
    /// How many are in the line. Changed under the mutex alone.
    waiting: AtomicUsize,
    line: Mutex<Line>,
}

impl Default for WaitList {
    fn default() -> Self {
        Self { waiting: AtomicUsize::new(0), line: Mutex::new(Line::new()) }
    }
}

impl WaitList {
    /// Nobody waits yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nobody is in the line, of those who came before what the caller has published.
    #[inline]
    fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// How many are in the line, of those who came before what the caller has published.
    #[inline]
    pub fn waiting(&self) -> usize {
        // Pair SLEEP: what the caller has published, and who waits.
        fence(SeqCst);
        self.waiting.load(Relaxed)
    }

    /// Wakes the first in the line, if there is anybody. Returns whether that is the [caller](Wake::Notifier) itself.
    ///
    /// What the caller did before happens before what the woken one does.
    ///
    /// *Cost:* a fence and a load if nobody waits.
    #[allow(clippy::must_use_candidate, reason = "few lines have somebody in them who is the notifier")]
    #[inline]
    pub fn notify_one(&self) -> bool {
        !self.is_empty() && self.wake_one()
    }

    /// Wakes the first ones in the line, so many at most.
    #[inline]
    pub fn notify_many(&self, most: usize) {
        if most > 0 && !self.is_empty() {
            self.wake_up_to(most);
        }
    }

    /// Wakes all that are in the line.
    #[inline]
    pub fn notify_all(&self) {
        self.notify_many(usize::MAX);
    }

    #[cold]
    fn wake_one(&self) -> bool {
        let first = self.notify_first(&mut self.line.lock());
        let is_caller = matches!(first, Some(Wake::Notifier));
        first.into_iter().for_each(Wake::wake);
        is_caller
    }

    /// Leaves a place in the line to whoever notifies it, for good.
    pub fn leave_to_notifier(&self) {
        self.join(Wake::Notifier);
    }

    #[cold]
    fn wake_up_to(&self, most: usize) {
        // Whoever comes while these are woken is none of them.
        let mut left = most.min(self.waiting.load(Relaxed));
        let mut woken = self.notify_batch(0).into_iter().flatten();
        // The others are woken even if a waker panics.
        drop_all(|| {
            let next = woken.next().or_else(|| {
                let batch = left.min(BATCH);
                left -= batch;
                woken = self.notify_batch(batch).into_iter().flatten();
                woken.next()
            });
            next.map(Wake::wake)
        });
    }

    /// Gives a token to the first in the line, if there is anybody, and leaves it to the caller to wake it.
    pub fn notify_without_waking(&self) -> Option<Wake> {
        if self.is_empty() { None } else { self.notify_first(&mut self.line.lock()) }
    }

    /// Notifies so many.
    fn notify_batch(&self, batch: usize) -> [Option<Wake>; BATCH] {
        let mut line = self.line.lock();
        array::from_fn(|number| if number < batch { self.notify_first(&mut line) } else { None })
    }

    fn notify_first(&self, line: &mut Line) -> Option<Wake> {
        let first = line.notify_first()?;
        self.waiting.store(self.waiting.load(Relaxed) - 1, Relaxed);
        Some(first)
    }

    /// Takes a place at the end of the line: whatever is published after this finds it there, and what was published before
    /// the caller sees now.
    pub(super) fn join(&self, wake: Wake) -> Key {
        let mut line = self.line.lock();
        let key = line.join(wake);
        self.waiting.store(self.waiting.load(Relaxed) + 1, Relaxed);
        drop(line);
        // Pair SLEEP: the place, and what the caller looks for after this.
        fence(SeqCst);
        key
    }

    /// Whether the place got a token.
    pub(super) fn is_notified(&self, key: Key) -> bool {
        self.line.lock().wake_at(key).is_none()
    }

    /// Takes the token that the place got, if it got one; the place is given up then.
    pub(super) fn take_token(&self, key: Key) -> bool {
        self.line.lock().take_token(key)
    }

    /// Wakes `wake` from now on; gives it back if the place got a token.
    pub(super) fn replace(&self, key: Key, wake: Wake) -> Result<(), Wake> {
        let mut line = self.line.lock();
        let Some(place) = line.wake_at(key) else { return Err(wake) };
        let old = mem::replace(place, wake);
        drop(line);
        // Not under the mutex.
        drop(old);
        Ok(())
    }

    /// Whether the place waits for that task.
    pub(super) fn waits_for_task(&self, key: Key, waker: &Waker) -> bool {
        self.line.lock().wake_at(key).is_some_and(|wake| wake.is_task(waker))
    }

    /// Gives the place up; returns whether it got a token.
    pub(super) fn leave(&self, key: Key) -> bool {
        let mut line = self.line.lock();
        let waiting = line.leave(key);
        if waiting.is_some() {
            self.waiting.store(self.waiting.load(Relaxed) - 1, Relaxed);
        }
        drop(line);
        // And a waker is dropped, not under the mutex.
        waiting.is_none()
    }
}

impl fmt::Debug for WaitList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitList").field("waiting", &self.waiting.load(Relaxed)).finish_non_exhaustive()
    }
}
