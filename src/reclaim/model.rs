//! The contract of reclamation as a model checker sees it: the most eager collector that keeps it.
//!
//! An object is freed in the very step in which the last guard that was alive at its retirement is dropped. The
//! books (`Books`) are plain data behind a lock that no switch point divides; three atomics tell the checker what
//! the contract promises:
//!
//! | atomic    | Release side       | Acquire side                | edge   |
//! |-----------|--------------------|-----------------------------|--------|
//! | `retired` | `Guard::retire`    | `pin`                       | `GONE` |
//! | `left`    | `Guard::drop`      | a drop that frees something | `LEFT` |
//! | `turn`    | none, all Relaxed  | none                        | none   |
//!
//! Every entry in the books follows at once upon a read-modify-write of `turn`, so the checker takes any two of them
//! for dependent and tries both orders. The order of steps is part of the contract: `pin` enters its guard before it
//! looks at `retired`, `retire` updates `retired` before it looks up the guards; so of a racing pair either the
//! guard holds the object back or its owner knows that the object is gone.

use std::{
    collections::BTreeSet,
    fmt,
    marker::PhantomData,
    mem,
    sync::{self, PoisonError},
    thread,
};

use crate::sync::{
    atomic::Ordering::{Acquire, Relaxed, Release},
    raw::{AtomicUsize, lazy_static},
};

lazy_static! {
    // The checker makes a new one for each execution.
    static ref COLLECTOR: Collector = Collector::new();
}

struct Collector {
    retired: AtomicUsize,
    left: AtomicUsize,
    turn: AtomicUsize,
    books: sync::Mutex<Books>,
}

#[derive(Default)]
struct Books {
    guards_made: u64,
    alive: BTreeSet<u64>,
    garbage: Vec<Garbage>,
}

/// A retired object and the guards that hold it back.
struct Garbage {
    held_by: BTreeSet<u64>,
    object: *mut (),
    free: unsafe fn(*mut ()),
}

// SAFETY: who called `retire` vouched that any thread may free the object, and by ONCE nobody else does.
unsafe impl Send for Garbage {}

impl Garbage {
    fn free(self) {
        // SAFETY: `object` is what `retire` made together with `free`, and by GRACE nobody uses it any more.
        unsafe { (self.free)(self.object) };
    }
}

/// # Safety
/// `object` came from `Box::<T>::into_raw`, and nobody uses or frees it any more.
unsafe fn drop_box<T>(object: *mut ()) {
    // SAFETY: the caller vouches for it.
    drop(unsafe { Box::from_raw(object.cast::<T>()) });
}

impl Collector {
    fn new() -> Self {
        Self {
            retired: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
            turn: AtomicUsize::new(0),
            books: sync::Mutex::default(),
        }
    }

    /// Makes an entry in the books, in a step of its own.
    fn enter<R>(&self, entry: impl FnOnce(&mut Books) -> R) -> R {
        self.turn.fetch_add(1, Relaxed);
        entry(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Books {
    fn arrive(&mut self) -> u64 {
        self.guards_made += 1;
        self.alive.insert(self.guards_made);
        self.guards_made
    }

    /// Returns the garbage that only the guard `id` still held back.
    fn leave(&mut self, id: u64) -> Vec<Garbage> {
        self.alive.remove(&id);
        for garbage in &mut self.garbage {
            garbage.held_by.remove(&id);
        }
        let (free, held) = mem::take(&mut self.garbage).into_iter().partition(|one| one.held_by.is_empty());
        self.garbage = held;
        free
    }
}

/// Keeps what its thread can reach from being freed, until it is dropped.
pub struct Guard {
    id: u64,
    not_send: PhantomData<*mut ()>,
}

/// Starts to keep alive what this thread can reach from now on.
#[must_use]
pub fn pin() -> Guard {
    let id = COLLECTOR.enter(Books::arrive);
    // Acquire: edge GONE. What was unlinked and retired before cannot be reached through a stale pointer.
    COLLECTOR.retired.fetch_add(0, Acquire);
    Guard { id, not_send: PhantomData }
}

impl Guard {
    /// Frees `object` once no guard that is alive now is left.
    ///
    /// What was done before this call is visible to every later [`pin`].
    ///
    /// # Safety
    /// * `object` came from `Box::into_raw`.
    /// * It is unlinked: nobody who pins from now on can reach it (REACH).
    /// * It is retired once (ONCE).
    /// * Its destructor may run on any thread, and what `T` borrows outlives every guard that is alive now.
    pub unsafe fn retire<T>(&self, object: *mut T) {
        // Release: edge GONE. A later `pin` sees the unlinking.
        COLLECTOR.retired.fetch_add(1, Release);
        COLLECTOR.enter(|books| {
            let held_by = books.alive.clone();
            books.garbage.push(Garbage { held_by, object: object.cast(), free: drop_box::<T> });
        });
    }

    /// Nothing is ever held longer than it must be, so there is nothing to do.
    pub fn flush(&self) {}
}

impl Drop for Guard {
    fn drop(&mut self) {
        if thread::panicking() {
            // The execution is over, and the checker takes no more steps.
            return;
        }
        // Release: edge LEFT. Our reads are over before anything we held back is freed.
        COLLECTOR.left.fetch_add(1, Release);
        let garbage = COLLECTOR.enter(|books| books.leave(self.id));
        if !garbage.is_empty() {
            // Acquire: edge LEFT. The other guards' owners are done as well.
            COLLECTOR.left.fetch_add(0, Acquire);
            garbage.into_iter().for_each(Garbage::free);
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("id", &self.id).finish_non_exhaustive()
    }
}
