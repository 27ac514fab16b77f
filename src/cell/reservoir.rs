//! A fixed number of samples out of many.
//!
//! A sample is several words long and any thread may offer one, so each place is under a mutex of its own. Nobody waits
//! for one: a place that another thread is at keeps what that thread puts there.

use std::fmt;

use super::quietly;
use crate::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

/// Places for samples.
pub struct Reservoir<T> {
    places: Box<[Mutex<Option<T>>]>,
    /// How many samples were offered to any place since the last collection.
    offered: AtomicU64,
    /// The place of the first of them: behind the last ones of the time before, so that these stay as long as they can.
    first: AtomicU64,
    /// Whether a sample was ever offered: to most reservoirs none is, and then no place is looked at.
    is_used: AtomicBool,
}

impl<T: Clone> Reservoir<T> {
    /// A reservoir without samples.
    pub fn new(places: usize) -> Self {
        let places = (0..places).map(|_| Mutex::new(None)).collect();
        Self { places, offered: AtomicU64::new(0), first: AtomicU64::new(0), is_used: AtomicBool::new(false) }
    }

    /// Puts a sample in a place, instead of the one that is there. False if another thread is at it right now.
    pub fn put(&self, place: usize, sample: T) -> bool {
        self.is_used.store(true, Relaxed);
        quietly(|| {
            let Some(mut slot) = self.places[place].try_lock() else { return false };
            let replaced = slot.replace(sample);
            // Whatever it takes to drop it, others need not wait for that.
            drop(slot);
            drop(replaced);
            true
        })
    }

    /// Puts a sample in any place, such that each sample offered since the last collection is as likely to stay as any
    /// other: algorithm R (Vitter, "Random sampling with a reservoir", 1985). `random` gives a number below its
    /// argument. False if the sample was not taken.
    pub fn offer(&self, random: impl FnOnce(u64) -> u64, sample: impl FnOnce() -> T) -> bool {
        self.is_used.store(true, Relaxed);
        let earlier = self.offered.fetch_add(1, Relaxed);
        let places = self.places.len() as u64;
        let place = if earlier < places { earlier } else { random(earlier + 1) };
        let from_first = || self.first.load(Relaxed).wrapping_add(place) % places;
        place < places && self.put(from_first() as usize, sample())
    }

    /// The samples. They stay, but those offered from now on count as if they were the first.
    pub fn collect(&self) -> Vec<T> {
        if !self.is_used.load(Relaxed) {
            return Vec::new();
        }
        quietly(|| {
            let taken = self.offered.swap(0, Relaxed).min(self.places.len() as u64);
            self.first.fetch_add(taken, Relaxed);
            self.places.iter().filter_map(|place| place.lock().clone()).collect()
        })
    }
}

impl<T> fmt::Debug for Reservoir<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservoir").field("places", &self.places.len()).finish_non_exhaustive()
    }
}
