//! What one thread has unlinked, until it can be freed.

use std::mem;

use super::{Birth, eras::Reservations};

/// Objects that came since the last look, at most: each look moves the clock, which every guard reads.
const FRESH: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 1 } else { 64 };

/// An object that knows its birth.
pub trait Born {
    /// When it was made.
    fn birth(&self) -> Birth;
}

/// Objects that are unlinked, and that somebody may still look at.
#[derive(Debug)]
pub struct Bin<T> {
    /// They have not got an era yet.
    fresh: Vec<T>,
    /// Each with the last era of its life.
    ended: Vec<(T, u64)>,
    /// When there are so many that ended, it is time to look through all of them again.
    look_at: usize,
    reservations: Reservations,
}

impl<T> Default for Bin<T> {
    fn default() -> Self {
        let reservations = Reservations::default();
        Self { fresh: Vec::with_capacity(FRESH), ended: Vec::new(), look_at: 0, reservations }
    }
}

impl<T: Born> Bin<T> {
    /// Keeps an object, which nobody who pins from now on can reach (REACH); returns whether it is time for
    /// [`free`](Self::free).
    #[inline]
    pub fn add(&mut self, object: T) -> bool {
        self.fresh.push(object);
        self.fresh.len() >= FRESH
    }

    /// Some objects that nobody can look at any more.
    ///
    /// It does not look through all of them each time if many have to wait. So at most twice as many do as must.
    #[must_use = "they are in the bin no more"]
    pub fn free(&mut self) -> Vec<T> {
        self.end_fresh();
        if self.ended.len() < self.look_at { Vec::new() } else { self.free_ended() }
    }

    /// All objects that nobody can look at any more.
    #[must_use = "they are in the bin no more"]
    pub fn flush(&mut self) -> Vec<T> {
        self.end_fresh();
        self.free_ended()
    }

    fn end_fresh(&mut self) {
        let era = Reservations::advance();
        self.ended.extend(self.fresh.drain(..).map(|object| (object, era)));
    }

    fn free_ended(&mut self) -> Vec<T> {
        self.reservations.read();
        let reservations = &self.reservations;
        let is_free = |(object, end): &mut (T, u64)| !reservations.meet(object.birth(), *end);
        let mut free = Vec::with_capacity(self.ended.len());
        free.extend(self.ended.extract_if(.., is_free).map(|(object, _)| object));
        self.look_at = self.ended.len() * 2;
        // Many waited at a time; they need not again.
        let usual = self.look_at.max(FRESH);
        if self.ended.capacity() > 4 * usual {
            self.ended.shrink_to(usual);
        }
        free
    }

    /// Everything, whoever may look at it.
    #[must_use = "they are in the bin no more"]
    pub fn take(&mut self) -> impl Iterator<Item = T> + use<T> {
        let Self { fresh, ended, .. } = mem::take(self);
        ended.into_iter().map(|(object, _)| object).chain(fresh)
    }
}
