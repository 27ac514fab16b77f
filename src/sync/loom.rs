//! The world of `loom`: every interleaving, every value that the memory orders allow.
//!
//! # Twins
//! loom 0.7.2 remembers one last access of each atomic, so a load hides an earlier load of the same atomic, and code
//! that loads and then stores is explored in too few orders (tokio-rs/loom#166, #392). Here each atomic has a *twin*
//! next to it, which every operation first touches with a Relaxed read-modify-write: now all pairs of operations on
//! one atomic depend on each other, and no happens-before edge is added. (A read-modify-write beside an acquire or
//! release *fence* does add one; run models that use such fences with `FREEWHEEL_TWIN=0` too.)
//!
//! # Environment
//! | variable           | meaning                                                                                 |
//! |--------------------|-----------------------------------------------------------------------------------------|
//! | `FREEWHEEL_TWIN`   | which operations touch the twin: 0 none, 1 loads, 2 all (the default)                   |
//! | `FREEWHEEL_RECORD` | appends a line to this file for each call site that names an order; see [`weaken`]      |
//! | `FREEWHEEL_WEAKEN` | uses a weaker order at one call site; see [`weaken`]                                    |

use std::sync::{OnceLock, PoisonError};

pub use loom::{
    cell, hint,
    sync::{Arc, MutexGuard},
    thread,
};

mod weaken;

/// The checker's own types, for the models of [`reclaim`](crate::reclaim) and [`seat`](crate::util::seat): no twins, no call sites.
pub mod raw {
    pub use loom::{lazy_static, thread_local};
}

pub mod atomic {
    //! loom's atomics with twins, and with orders that the environment can weaken.

    use std::{fmt, panic::Location};

    use loom::sync::atomic as model;

    use super::{
        super::probed::{Access, probed_arithmetic, probed_atomic},
        Twins, twins, weaken,
    };

    pub use std::sync::atomic::Ordering;

    probed_atomic!(/ AtomicBool, model::AtomicBool, bool);
    probed_atomic!(/ AtomicU32, model::AtomicU32, u32);
    probed_atomic!(/ AtomicU64, model::AtomicU64, u64);
    probed_atomic!(/ AtomicUsize, model::AtomicUsize, usize);
    probed_atomic!(/ AtomicPtr [T], model::AtomicPtr<T>, *mut T);

    probed_arithmetic!(AtomicBool, bool, [fetch_and, fetch_or]);
    probed_arithmetic!(AtomicU32, u32, [fetch_add, fetch_sub, fetch_and, fetch_or, fetch_max, fetch_min]);
    probed_arithmetic!(AtomicU64, u64, [fetch_add, fetch_sub, fetch_and, fetch_or, fetch_max, fetch_min]);
    probed_arithmetic!(AtomicUsize, usize, [fetch_add, fetch_sub, fetch_and, fetch_or, fetch_max, fetch_min]);

    /// `std::sync::atomic::fence`; weakened to Relaxed, it is no fence at all.
    #[track_caller]
    pub fn fence(order: Ordering) {
        let order = weaken::order(Location::caller(), Access::Fence, order);
        if order != Ordering::Relaxed {
            model::fence(order);
        }
    }

    /// The twin of an atomic.
    struct Probe {
        twin: model::AtomicUsize,
    }

    impl Probe {
        #[track_caller]
        fn new() -> Self {
            Self { twin: model::AtomicUsize::new(0) }
        }

        #[track_caller]
        fn before(&self, access: Access, order: Ordering) -> Ordering {
            let touched = match twins() {
                Twins::Off => false,
                Twins::Loads => access == Access::Load,
                Twins::All => true,
            };
            if touched {
                self.twin.fetch_add(1, Ordering::Relaxed);
            }
            self.order(access, order)
        }

        #[track_caller]
        fn order(&self, access: Access, order: Ordering) -> Ordering {
            weaken::order(Location::caller(), access, order)
        }
    }
}

/// Which operations touch the twin of their atomic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twins {
    /// None: loom as it is.
    Off,
    /// Loads only.
    Loads,
    /// All.
    All,
}

/// What `FREEWHEEL_TWIN` asks for.
///
/// # Panics
/// If it is neither 0, 1 nor 2.
pub fn twins() -> Twins {
    static TWINS: OnceLock<Twins> = OnceLock::new();
    *TWINS.get_or_init(|| match std::env::var("FREEWHEEL_TWIN").as_deref() {
        Ok("0") => Twins::Off,
        Ok("1") => Twins::Loads,
        Ok("2") | Err(_) => Twins::All,
        Ok(other) => panic!("FREEWHEEL_TWIN must be 0, 1 or 2, not {other:?}"),
    })
}

/// loom's lock; [`lock`](Self::lock) returns the guard itself.
#[derive(Debug, Default)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    /// Waits for the lock.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        // loom ends the execution at the first panic, so no lock that anyone still asks for is poisoned.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock if nobody has it.
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}
