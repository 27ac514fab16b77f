//! A number for each thread that is alive: its *seat*.
//!
//! A structure that keeps something for each thread has an array of it, [`PerSeat`](super::PerSeat), and no
//! thread-locals of its own. So nothing outlives the structure, and nothing stays behind with a thread that has
//! ended: the next thread takes its seat, and goes on with whatever stands there. Nor does it have to wait for one:
//! whoever misses something can take a vacant seat beside its own, for a moment, and look.
//!
//! A thread takes a seat when it first needs one and leaves it at its end. Whoever comes after that, from the
//! destructor of another thread-local, has a seat for the one call only, and for what is called within that. And as long as
//! somebody [holds](hold) the seat, it stays that of the thread.

use std::marker::PhantomData;

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub use self::world::{Hold, hold};
pub use self::world::{with, with_vacant};

/// The seat of the calling thread, which has it alone.
#[derive(Debug)]
pub struct Seat {
    number: usize,
    /// It must not leave the thread.
    here: PhantomData<*mut ()>,
}

impl Seat {
    fn new(number: usize) -> Self {
        Self { number, here: PhantomData }
    }

    /// The lowest numbers are taken first.
    #[inline]
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }
}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod world {
    //! The seats of the process, and two numbers in thread-locals without destructors, so that reading one is one
    //! load and works at any time.

    use std::{cell::Cell, mem, sync::LazyLock};

    use super::{super::seats::Seats, Seat};

    /// The seat is left when nobody holds it any more: a bit beside its number.
    const BORROWED: usize = 1 << (usize::BITS - 1);
    /// The thread has no seat yet, or none any more.
    const NONE: usize = usize::MAX;

    static SEATS: LazyLock<Seats> = LazyLock::new(Seats::default);

    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(NONE) };
        static HOLDS: Cell<usize> = const { Cell::new(0) };
        static KEEPER: Keeper = const { Keeper(Cell::new(None)) };
    }

    /// Keeps the seat of its thread, even beyond the thread's end, until it is dropped.
    #[derive(Debug)]
    pub struct Hold {
        seat: Seat,
    }

    impl Hold {
        /// The seat.
        #[inline]
        #[must_use]
        pub fn seat(&self) -> &Seat {
            &self.seat
        }
    }

    /// A seat that is left when this is dropped.
    struct Taken(usize);

    impl Drop for Taken {
        fn drop(&mut self) {
            SEATS.leave(self.0);
        }
    }

    /// Has the seat of its thread, and leaves it at the thread's end.
    struct Keeper(Cell<Option<Taken>>);

    impl Drop for Keeper {
        fn drop(&mut self) {
            let Some(taken) = self.0.take() else { return };
            if HOLDS.get() > 0 {
                NUMBER.set(taken.0 | BORROWED);
                mem::forget(taken);
            } else {
                // Before the seat is left: whoever comes from here on must not take it for this thread's.
                NUMBER.set(NONE);
            }
        }
    }

    /// Calls `access` with the seat of this thread.
    ///
    /// *Cost:* one thread-local load, but for the first call of a thread, and for calls when it is being torn down.
    #[inline]
    pub fn with<R>(access: impl FnOnce(&Seat) -> R) -> R {
        let number = number();
        let _hold = (number & BORROWED != 0).then(hold);
        access(&Seat::new(number & !BORROWED))
    }

    /// Holds the seat of this thread.
    ///
    /// *Cost:* a thread-local load, and a count; else as [`with`].
    #[inline]
    #[must_use]
    pub fn hold() -> Hold {
        let number = number();
        HOLDS.set(HOLDS.get() + 1);
        Hold { seat: Seat::new(number & !BORROWED) }
    }

    impl Drop for Hold {
        #[inline]
        fn drop(&mut self) {
            let holds = HOLDS.get() - 1;
            HOLDS.set(holds);
            if holds == 0 && NUMBER.get() & BORROWED != 0 {
                leave(self.seat.number());
            }
        }
    }

    #[cold]
    fn leave(number: usize) {
        NUMBER.set(NONE);
        drop(Taken(number));
    }

    /// That of the thread, and whether it is borrowed.
    #[inline]
    fn number() -> usize {
        let number = NUMBER.get();
        if number != NONE { number } else { take() }
    }

    /// Takes a seat, for good if the thread can keep one; else it is borrowed, and the caller holds it.
    #[cold]
    #[inline(never)]
    fn take() -> usize {
        let number = SEATS.take();
        let mut taken = Some(Taken(number));
        let is_kept = KEEPER.try_with(|keeper| keeper.0.set(taken.take())).is_ok();
        mem::forget(taken);
        let number = if is_kept { number } else { number | BORROWED };
        NUMBER.set(number);
        number
    }

    /// Calls `access` with that seat, if nobody has it.
    ///
    /// *Cost:* one load if somebody has it.
    pub fn with_vacant<R>(number: usize, access: impl FnOnce(&Seat) -> R) -> Option<R> {
        let taken = SEATS.take_vacant(number).then(|| Taken(number))?;
        Some(access(&Seat::new(taken.0)))
    }
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
mod world {
    //! As in the real world, in each execution anew.

    // Not the checker's own, which would order the threads that share it.
    use std::{mem, sync::Arc, thread};

    use super::{super::seats::Seats, Seat};
    use crate::sync::raw::{lazy_static, thread_local};

    lazy_static! {
        static ref SEATS: Arc<Seats> = Arc::default();
    }

    thread_local! {
        static KEEPER: Keeper = Keeper::new();
    }

    /// Has the seat of its thread, and leaves it at the thread's end: which is after that of the statics for the last
    /// threads of an execution.
    struct Keeper {
        number: usize,
        seats: Arc<Seats>,
    }

    impl Keeper {
        fn new() -> Self {
            let seats = Arc::clone(&SEATS);
            Self { number: seats.take(), seats }
        }
    }

    impl Drop for Keeper {
        fn drop(&mut self) {
            if thread::panicking() {
                // The execution has failed and is gone, and the checker's atomics with it: leak them, and let it report.
                mem::forget(Arc::clone(&self.seats));
            } else {
                self.seats.leave(self.number);
            }
        }
    }

    /// Calls `access` with the seat of this thread.
    pub fn with<R>(access: impl FnOnce(&Seat) -> R) -> R {
        KEEPER.with(|keeper| access(&Seat::new(keeper.number)))
    }

    /// Calls `access` with that seat, if nobody has it.
    pub fn with_vacant<R>(number: usize, access: impl FnOnce(&Seat) -> R) -> Option<R> {
        SEATS.take_vacant(number).then(|| {
            let found = access(&Seat::new(number));
            SEATS.leave(number);
            found
        })
    }
}
