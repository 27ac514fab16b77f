//! Where a pool's idle objects lie.
//!
//! Each thread has two *magazines* at its seat, room for some objects each, and takes and puts objects there without an
//! atomic read-modify-write. When both are empty it gets a filled one from the *depot* for them, and when both are full
//! it leaves one there; with two of them a thread can go to and fro across that boundary and not come to the depot
//! every time (J. Bonwick and J. Adams, *Magazines and Vmem*, USENIX 2001). The depot is two stacks of magazines.
//!
//! There are only so many magazines. Some of the room that the pool may fill is kept apart for a stack of single
//! objects, `common`: for threads that get no magazine, and for pools too small to have any.
//!
//! # Invariants
//! * **ALONE**: what stands at a seat is used by whoever has the seat, alone (`util::seat`).
//! * **ROOM**: the sizes of all magazines, and what `common` has room for, are at most the pool's `max` together.

use std::{fmt, mem};

use crossbeam_utils::CachePadded;

use super::{magazine::Magazine, tally::Tally};
use crate::{
    Stack,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
        cell::UnsafeCell,
    },
    util::{PerSeat, Seat, Zeroed, drop_all, seat},
};

/// The magazines of one thread.
#[derive(Debug)]
struct Pair<T> {
    /// The one that objects are taken from and put into.
    loaded: Magazine<T>,
    /// The one that was loaded before: it is full or empty, or as another thread left it.
    previous: Magazine<T>,
}

impl<T> Default for Pair<T> {
    fn default() -> Self {
        Self { loaded: Magazine::default(), previous: Magazine::default() }
    }
}

impl<T> Pair<T> {
    /// Loads a magazine with an object in it; returns whether there is one.
    #[inline]
    fn load_object(&mut self) -> bool {
        if self.loaded.is_empty() && !self.previous.is_empty() {
            mem::swap(&mut self.loaded, &mut self.previous);
        }
        !self.loaded.is_empty()
    }

    /// Loads a magazine with room in it; returns whether there is one.
    #[inline]
    fn load_room(&mut self) -> bool {
        if !self.loaded.has_room() && self.previous.has_room() {
            mem::swap(&mut self.loaded, &mut self.previous);
        }
        self.loaded.has_room()
    }

    /// Loads that magazine, and returns the one that there is no place for any more.
    fn load(&mut self, magazine: Magazine<T>) -> Magazine<T> {
        let before = mem::replace(&mut self.loaded, magazine);
        mem::replace(&mut self.previous, before)
    }
}

/// What stands at a seat.
#[derive(Debug)]
struct Local<T> {
    pair: UnsafeCell<Pair<T>>,
    tally: Tally,
}

impl<T> Default for Local<T> {
    fn default() -> Self {
        Self { pair: UnsafeCell::new(Pair::default()), tally: Tally::default() }
    }
}

impl<T> Local<T> {
    /// Uses the magazines; the caller has the seat. `access` comes to no foreign code.
    #[inline]
    fn with_pair<R>(&self, access: impl FnOnce(&mut Pair<T>) -> R) -> R {
        // SAFETY: by ALONE nobody else uses the pair; and we do not while we do, for that would take foreign code.
        self.pair.with_mut(|pair| access(unsafe { &mut *pair }))
    }
}

/// In cache lines of its own.
#[derive(Debug)]
struct Padded<T>(CachePadded<Local<T>>);

impl<T> Default for Padded<T> {
    fn default() -> Self {
        Self(CachePadded::default())
    }
}

// SAFETY: magazines and numbers, all of them zero by default.
unsafe impl<T> Zeroed for Padded<T> {}

/// Whether there are magazines at a seat: a hint to others, in case it becomes vacant. Not in the cache lines of the
/// seat, which change all the time.
#[derive(Debug, Default)]
struct Stocked(AtomicBool);

// SAFETY: false by default, which is zero.
unsafe impl Zeroed for Stocked {}

/// The idle objects of a pool.
pub(super) struct Store<T> {
    locals: PerSeat<Padded<T>>,
    stocked: PerSeat<Stocked>,
    /// Magazines with objects in them, and such without.
    filled: Stack<Magazine<T>>,
    empty: Stack<Magazine<T>>,
    /// Objects in no magazine, and how many more may come.
    common: Stack<T>,
    common_room: CachePadded<AtomicUsize>,
    /// How large magazines are, and how many more may be made.
    magazine_size: usize,
    magazines: AtomicUsize,
}

// SAFETY: objects pass from thread to thread, and nobody gets a reference to one that lies here; what stands at a seat is
// used by one thread at a time (ALONE).
unsafe impl<T: Send> Send for Store<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Store<T> {}

/// How a pool's room is divided.
struct Division {
    magazine_size: usize,
    magazines: usize,
    common: usize,
}

impl Division {
    const SIZES: (usize, usize) = if cfg!(any(freewheel_loom, freewheel_shuttle)) { (1, 2) } else { (4, 32) };

    /// Three quarters for magazines, the more of them the better, for each thread wants two; but if they are large a
    /// thread comes to the depot less often.
    fn of(max: usize) -> Self {
        let magazine_size = (max / 64).clamp(Self::SIZES.0, Self::SIZES.1);
        let magazines = (max - max / 4) / magazine_size;
        Self { magazine_size, magazines, common: max - magazines * magazine_size }
    }
}

impl<T> Store<T> {
    /// Has room for `max` objects. Allocates nothing yet.
    pub(super) fn new(max: usize) -> Self {
        let division = Division::of(max);
        Self {
            locals: PerSeat::default(),
            stocked: PerSeat::default(),
            filled: Stack::new(),
            empty: Stack::new(),
            common: Stack::new(),
            common_room: CachePadded::new(AtomicUsize::new(division.common)),
            magazine_size: division.magazine_size,
            magazines: AtomicUsize::new(division.magazines),
        }
    }

    fn at(&self, seat: &Seat) -> &Local<T> {
        &self.locals.at(seat).0
    }

    /// The counts of that seat.
    pub(super) fn tally(&self, seat: &Seat) -> &Tally {
        &self.at(seat).tally
    }

    pub(super) fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.locals.iter().map(|(_, local)| &local.0.tally)
    }

    /// Takes an object, if there is one in reach: not with the other threads that are alive.
    #[inline(always)]
    pub(super) fn take(&self, seat: &Seat) -> Option<T> {
        let local = self.at(seat);
        let object = if local.with_pair(Pair::load_object) {
            local.with_pair(|pair| pair.loaded.pop())
        } else {
            self.take_elsewhere(seat)?
        };
        local.tally.taken.bump();
        Some(object)
    }

    #[cold]
    #[inline(never)]
    fn take_elsewhere(&self, seat: &Seat) -> Option<T> {
        self.take_shared(seat).or_else(|| {
            self.collect_vacant();
            self.take_shared(seat)
        })
    }

    fn take_shared(&self, seat: &Seat) -> Option<T> {
        if let Some(mut filled) = self.filled.pop() {
            let object = filled.pop();
            self.load(seat, filled);
            return Some(object);
        }
        let object = self.common.pop()?;
        self.common_room.fetch_add(1, Relaxed);
        Some(object)
    }

    /// Puts `object` in, or gives it back if the store is full.
    #[inline(always)]
    pub(super) fn put(&self, seat: &Seat, object: T) -> Result<(), T> {
        let local = self.at(seat);
        if local.with_pair(Pair::load_room) {
            local.with_pair(|pair| pair.loaded.push(object));
        } else {
            self.put_elsewhere(seat, object)?;
        }
        local.tally.stored.bump();
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn put_elsewhere(&self, seat: &Seat, object: T) -> Result<(), T> {
        match self.empty_magazine() {
            Some(mut magazine) => {
                magazine.push(object);
                self.load(seat, magazine);
                Ok(())
            }
            None => self.put_common(object),
        }
    }

    fn put_common(&self, object: T) -> Result<(), T> {
        let take_room = |room: usize| room.checked_sub(1);
        if self.common_room.fetch_update(Relaxed, Relaxed, take_room).is_err() {
            return Err(object);
        }
        self.common.push(object);
        Ok(())
    }

    /// Puts those objects, which come from elsewhere, where any thread finds them. There is room for them.
    pub(super) fn stock(&self, seat: &Seat, objects: impl Iterator<Item = T>) {
        let tally = self.tally(seat);
        let mut objects = objects.inspect(|_| {
            tally.added.bump();
            tally.stored.bump();
        });
        while let Some(mut magazine) = self.empty_magazine() {
            while magazine.has_room()
                && let Some(object) = objects.next()
            {
                magazine.push(object);
            }
            let last = magazine.has_room();
            self.give(magazine);
            if last {
                return;
            }
        }
        objects.for_each(|object| {
            assert!(self.put_common(object).is_ok(), "the caller knows that there is room")
        });
    }

    /// A magazine without objects: an old one, or a new one if there may be more.
    fn empty_magazine(&self) -> Option<Magazine<T>> {
        self.empty.pop().or_else(|| {
            let one_less = |magazines: usize| magazines.checked_sub(1);
            self.magazines.fetch_update(Relaxed, Relaxed, one_less).ok()?;
            Some(Magazine::with_room(self.magazine_size))
        })
    }

    /// Loads `magazine` at that seat.
    fn load(&self, seat: &Seat, magazine: Magazine<T>) {
        let stocked = &self.stocked.at(seat).0;
        if !stocked.load(Relaxed) {
            stocked.store(true, Relaxed);
        }
        self.give(self.at(seat).with_pair(|pair| pair.load(magazine)));
    }

    /// Gives a magazine to the depot.
    fn give(&self, magazine: Magazine<T>) {
        if !magazine.is_empty() {
            self.filled.push(magazine);
        } else if magazine.has_room() {
            self.empty.push(magazine);
        }
    }

    /// Brings what threads have left behind that have ended to the depot.
    fn collect_vacant(&self) {
        let stocked = self.stocked.iter().filter(|(_, stocked)| stocked.0.load(Relaxed));
        for pair in stocked.filter_map(|(number, _)| seat::with_vacant(number, |seat| self.empty_out(seat))) {
            self.give(pair.loaded);
            self.give(pair.previous);
        }
    }

    /// Takes the magazines from that seat.
    fn empty_out(&self, seat: &Seat) -> Pair<T> {
        self.stocked.at(seat).0.store(false, Relaxed);
        self.at(seat).with_pair(mem::take)
    }

    /// Takes the magazines from all seats, one after the other.
    fn pairs(&mut self) -> impl Iterator<Item = Pair<T>> {
        // SAFETY: the caller has the store alone, and so what stands at any seat.
        self.locals.iter().map(|(_, local)| local.0.pair.with_mut(|pair| mem::take(unsafe { &mut *pair })))
    }

    /// Takes all objects, wherever they are.
    pub(super) fn into_objects(mut self) -> Vec<T> {
        let mut objects: Vec<T> = self.pairs().flat_map(|pair| pair.previous.chain(pair.loaded)).collect();
        objects.extend(self.filled.drain().flatten());
        objects.extend(self.common.drain());
        objects
    }
}

impl<T> Drop for Store<T> {
    fn drop(&mut self) {
        let mut pairs = self.pairs();
        drop_all(|| pairs.next());
    }
}

impl<T> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
