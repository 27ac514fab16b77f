//! Real threads and real atomics, but each step may first lose the CPU.
//!
//! A *step* is an atomic operation, a fence, an access to a cell or a lock. Threads that run freely hardly ever meet
//! in the few instructions where a bug shows; here they do. The noise of a thread comes from its own generator.
//! `FREEWHEEL_CHAOS_SEED` fixes the seeds (thread by thread, in the order of their first steps), else each run has
//! its own; the operating system still schedules, so a seed repeats the noise and not the run.

use std::{
    cell::{Cell, RefCell},
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::real;

pub use super::real::{Arc, MutexGuard, Swap, hint, thread};

/// A step yields the CPU once in this many times,
const YIELD_ONCE_IN: u64 = 16;
/// and sleeps once in this many times.
const SLEEP_ONCE_IN: u64 = 4096;
/// How long a sleep lasts at least: enough for another thread to finish an operation.
const SLEEP: Duration = Duration::from_micros(60);

/// What a thread does once it gets to its pause, and how many steps it has until then.
type Pause = (u64, Box<dyn FnOnce()>);

thread_local! {
    /// State of the noise generator; 0 before the first step.
    static NOISE: Cell<u64> = const { Cell::new(0) };
    static PAUSE: RefCell<Option<Pause>> = const { RefCell::new(None) };
}

/// Makes the calling thread run `action` once, when `steps` more steps lie behind it; `action` may block.
///
/// Stopping one thread at its step 0, 1, 2 ... while others must finish is the test that a structure is lock-free.
pub fn pause_at(steps: u64, action: impl FnOnce() + 'static) {
    PAUSE.with_borrow_mut(|pause| *pause = Some((steps, Box::new(action))));
}

/// Calls off the pause of this thread; true if there was one that had not been reached.
#[must_use]
pub fn pause_missed() -> bool {
    PAUSE.take().is_some()
}

/// Runs ahead of each step.
#[inline(never)]
fn disturb() {
    if let Some(action) = due_pause() {
        action();
    }
    let noise = next_noise();
    if noise.is_multiple_of(SLEEP_ONCE_IN) {
        thread::sleep(SLEEP);
    } else if noise.is_multiple_of(YIELD_ONCE_IN) {
        thread::yield_now();
    }
}

fn due_pause() -> Option<Box<dyn FnOnce()>> {
    // A thread that is being torn down still steps, but pauses no more.
    PAUSE
        .try_with(|pause| {
            let mut pause = pause.borrow_mut();
            match &mut *pause {
                Some((0, _)) => pause.take().map(|(_, action)| action),
                Some((steps, _)) => {
                    *steps -= 1;
                    None
                }
                None => None,
            }
        })
        .ok()
        .flatten()
}

/// Xorshift: 64 bits of state, never 0.
fn next_noise() -> u64 {
    let mut noise = match NOISE.get() {
        0 => first_noise(),
        noise => noise,
    };
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    NOISE.set(noise);
    noise
}

fn first_noise() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    static THREADS: AtomicU64 = AtomicU64::new(1);
    let seed = SEED.get_or_init(|| match std::env::var("FREEWHEEL_CHAOS_SEED") {
        Ok(seed) => seed.parse().expect("FREEWHEEL_CHAOS_SEED is a number"),
        Err(_) => RandomState::new().hash_one(0),
    });
    // The multiplier is odd, so different threads get different products: 2^64 over the golden ratio.
    let thread = THREADS.fetch_add(1, Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (seed ^ thread).max(1)
}

pub mod atomic {
    //! The atomics of `core` behind a disturbance.

    use std::fmt;

    use super::{
        super::{
            probed::{Access, probed_arithmetic, probed_atomic},
            real::atomic as plain,
        },
        disturb,
    };

    pub use std::sync::atomic::Ordering;

    probed_atomic!(const / AtomicBool, plain::AtomicBool, bool);
    probed_atomic!(const / AtomicU32, plain::AtomicU32, u32);
    probed_atomic!(const / AtomicU64, plain::AtomicU64, u64);
    probed_atomic!(const / AtomicUsize, plain::AtomicUsize, usize);
    probed_atomic!(const / AtomicPtr [T], plain::AtomicPtr<T>, *mut T);

    probed_arithmetic!(AtomicBool, bool, [fetch_and, fetch_or]);
    probed_arithmetic!(AtomicU32, u32, [fetch_add, fetch_sub, fetch_and, fetch_or, fetch_max, fetch_min]);
    probed_arithmetic!(AtomicU64, u64, [fetch_add, fetch_sub, fetch_and, fetch_or, fetch_max, fetch_min]);
    probed_arithmetic!(AtomicUsize, usize, [fetch_add, fetch_sub, fetch_and, fetch_or, fetch_max, fetch_min]);

    /// `std::sync::atomic::fence`.
    pub fn fence(order: Ordering) {
        disturb();
        plain::fence(order);
    }

    /// Takes no space.
    struct Probe;

    impl Probe {
        const fn new() -> Self {
            Self
        }

        fn before(&self, access: Access, order: Ordering) -> Ordering {
            disturb();
            self.order(access, order)
        }

        fn order(&self, _access: Access, order: Ordering) -> Ordering {
            order
        }
    }
}

pub mod cell {
    //! Cells behind a disturbance.

    use super::{disturb, real};

    /// Shared memory without a lock or an atomic.
    #[derive(Debug, Default)]
    #[repr(transparent)]
    pub struct UnsafeCell<T>(real::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// Wraps `value`.
        pub const fn new(value: T) -> Self {
            Self(real::cell::UnsafeCell::new(value))
        }

        /// Calls `access` with a pointer to read through.
        pub fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
            disturb();
            self.0.with(access)
        }

        /// Calls `access` with a pointer to write through.
        pub fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
            disturb();
            self.0.with_mut(access)
        }

        /// Returns the value.
        pub fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }
}

/// The lock of the real world behind a disturbance.
#[derive(Debug, Default)]
pub struct Mutex<T>(real::Mutex<T>);

impl<T> Mutex<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(real::Mutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        disturb();
        self.0.lock()
    }

    /// Takes the lock if nobody has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        disturb();
        self.0.try_lock()
    }
}
