//! Where the clock and the stays are, and which stay is that of the calling thread.

pub(super) use self::world::{clock, depart, stay, stays};

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
mod world {
    //! A thread holds its seat from its first guard on, and remembers where its stay is. At its end it lets go of both, or
    //! when the last guard goes that is still there then; guards that come after that have the seat for that time only.

    use std::{cell::Cell, mem::ManuallyDrop, sync::LazyLock};

    use crossbeam_utils::CachePadded;

    use crate::{
        reclaim::eras::{Clock, Stay},
        sync::atomic::AtomicU64,
        util::{
            PerSeat,
            seat::{self, Hold},
        },
    };

    static CLOCK: Clock = Clock(CachePadded::new(AtomicU64::new(Clock::FIRST)));
    static STAYS: LazyLock<PerSeat<Stay>> = LazyLock::new(PerSeat::default);

    thread_local! {
        // Without destructors, so that they work at any time.
        static STAY: Cell<Option<&'static Stay>> = const { Cell::new(None) };
        static HOLD: Cell<Option<ManuallyDrop<Hold>>> = const { Cell::new(None) };
        static KEEPER: Keeper = const { Keeper };
    }

    /// Lets go of the thread's stay at its end.
    struct Keeper;

    impl Drop for Keeper {
        fn drop(&mut self) {
            if STAY.get().is_some_and(|stay| stay.guards.be_late()) {
                depart();
            }
        }
    }

    #[inline]
    pub(in crate::reclaim) fn clock() -> &'static Clock {
        &CLOCK
    }

    pub(in crate::reclaim) fn stays() -> &'static PerSeat<Stay> {
        &STAYS
    }

    /// The stay of this thread.
    #[inline]
    pub(in crate::reclaim) fn stay() -> &'static Stay {
        STAY.get().unwrap_or_else(arrive)
    }

    #[cold]
    #[inline(never)]
    fn arrive() -> &'static Stay {
        let hold = seat::hold();
        let stay = stays().at(hold.seat());
        HOLD.set(Some(ManuallyDrop::new(hold)));
        STAY.set(Some(stay));
        if KEEPER.try_with(|_| ()).is_err() {
            stay.guards.be_late();
        }
        stay
    }

    /// Lets go of the stay of this thread, which has no guards.
    #[cold]
    pub(in crate::reclaim) fn depart() {
        if let Some(stay) = STAY.take() {
            // Whoever has the seat next goes on with it.
            stay.guards.reset();
        }
        drop(HOLD.take().map(ManuallyDrop::into_inner));
    }
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
mod world {
    //! In each execution anew. No guard outlives its thread there.

    use std::{mem::ManuallyDrop, thread};

    use crossbeam_utils::CachePadded;

    use crate::{
        reclaim::eras::{Clock, Stay},
        sync::{atomic::AtomicU64, raw::lazy_static},
        util::{PerSeat, seat},
    };

    /// The eras of an execution.
    struct Eras {
        clock: Clock,
        stays: ManuallyDrop<PerSeat<Stay>>,
    }

    impl Drop for Eras {
        fn drop(&mut self) {
            // Else the execution has failed and is gone, and the checker's atomics with it.
            if !thread::panicking() {
                // SAFETY: they are dropped once.
                unsafe { ManuallyDrop::drop(&mut self.stays) };
            }
        }
    }

    lazy_static! {
        static ref ERAS: Eras = Eras {
            clock: Clock(CachePadded::new(AtomicU64::new(Clock::FIRST))),
            stays: ManuallyDrop::default(),
        };
    }

    pub(in crate::reclaim) fn clock() -> &'static Clock {
        &ERAS.clock
    }

    pub(in crate::reclaim) fn stays() -> &'static PerSeat<Stay> {
        &ERAS.stays
    }

    /// The stay of this thread.
    pub(in crate::reclaim) fn stay() -> &'static Stay {
        seat::with(|seat| stays().at(seat))
    }

    pub(in crate::reclaim) fn depart() {
        unreachable!("no thread of a model is late");
    }
}
