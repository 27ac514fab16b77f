//! A value that many threads read and few replace: [`Latest`].
//!
//! For configuration, routing tables, feature flags, the last error: whatever is read on the hot path and replaced now
//! and then, as a whole. A store puts a new value in the place of the old one by exchanging a pointer; whoever reads
//! the old one keeps it until done. Values have versions, so that a reader can tell whether anything has changed.
//!
//! # Which of the two
//!
//! | | [`Latest`] | [`metrics::LastRequest`](crate::metrics::LastRequest) |
//! |---|---|---|
//! | for          | many readers, few writers             | many writers, hardly any reader |
//! | value        | any type                              | what there is to know about a request |
//! | to write     | allocates, and writes shared memory: tens of nanoseconds in one thread, about half a microsecond in two at once | about 1.6 ns, in any number of threads |
//! | to read      | about 4 ns, in any number of threads  | a pass over the slots of all threads that store |
//! | the latest   | is what was stored last, for everybody | is what has the newest time stamp |
//!
//! # Examples
//!
//! ```
//! use freewheel::Latest;
//!
//! struct Config {
//!     workers: usize,
//!     greeting: String,
//! }
//!
//! let config = Latest::new(Config { workers: 4, greeting: "hello".into() });
//! std::thread::scope(|scope| {
//!     scope.spawn(|| {
//!         let config = config.load();
//!         // Both are of the same configuration, whatever is stored meanwhile.
//!         let expected = if config.version() == 0 { (4, "hello") } else { (8, "hi") };
//!         assert_eq!((config.workers, &*config.greeting), expected);
//!     });
//!     config.store(Config { workers: 8, greeting: "hi".into() });
//! });
//! assert_eq!((config.load().workers, config.version()), (8, 1));
//! ```
#![forbid(unsafe_code)]

mod guard;
mod part;

pub use self::{
    guard::{Guard, Shared},
    part::{Part, PartGuard},
};

use std::{convert::Infallible, fmt, sync::Arc};

use arc_swap::ArcSwap;

use crate::util::Backoff;

/// A value and its version: one allocation that never changes once it is published, so the two cannot be parted.
struct Versioned<T> {
    version: u64,
    value: T,
}

/// What [`ArcSwap::load`] gives.
type Borrowed<T> = arc_swap::Guard<Arc<Versioned<T>>>;

/// The latest of the values that were stored, for many readers and few writers.
///
/// The first value has version 0, and every store, swap and successful update adds exactly one, whatever races. A
/// value and its version are loaded together. A thread never sees a version lower than one it has seen, nor lower than
/// one that some thread had seen or stored before, if that happens before its load.
///
/// Everything a thread did before it stored a value happens before whatever follows a load of that value or a later
/// one.
///
/// | operation                       | progress  | cost                                                           |
/// |---------------------------------|-----------|----------------------------------------------------------------|
/// | [`load`](Self::load), [`version`](Self::version) | wait-free | writes memory of the calling thread only      |
/// | the same with eight guards held | wait-free | that of `load_full`                                            |
/// | [`load_full`](Self::load_full)  | wait-free | also writes the value's reference count, which threads share   |
/// | [`store`](Self::store), [`swap`](Self::swap), [`update`](Self::update), [`try_update`](Self::try_update) | lock-free | an allocation, shared cache lines, and a look at some words of every thread |
///
/// *Eight* counts the guards of one thread over all `Latest` and whatever else in the process uses the same version of
/// the crate `arc-swap`. The first operation of a thread is only lock-free and may allocate a few hundred bytes, which
/// later threads reuse and nobody frees. Wait-free and lock-free leave the allocator out.
///
/// A writer never waits for a guard, however long that is held, nor does a reader wait for a writer. What a guard costs
/// is the memory of its value, and one of the eight places until the value is replaced: hold a [`Shared`] instead
/// across anything slow or asynchronous.
///
/// An old value is dropped by whoever lets go of it last: the writer, or a reader that still had it. A reader that
/// must not run a large destructor needs a writer that [keeps old values](Shared::try_unwrap) until nobody else does.
/// If a destructor panics, so does the call that let go, but what it had to do to the `Latest` is done.
///
/// A `Latest` is [`Send`] and [`Sync`] if the value is both, because threads share values even when they share no
/// `Latest`:
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// send(freewheel::Latest::new(std::cell::Cell::new(0))); // Send, but not Sync
/// ```
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: &T) {}
/// let mutex: &'static _ = Box::leak(Box::new(std::sync::Mutex::new(0)));
/// share(&freewheel::Latest::new(mutex.lock().unwrap())); // Sync, but not Send
/// ```
///
/// The value has a size known at compile time. For one without, or for one that is in an [`Arc`] already, take a
/// `Latest` of that: `Latest::from(arc)` shares it with whoever else has it.
///
/// ```
/// use std::sync::Arc;
/// use freewheel::Latest;
///
/// let motd: Latest<Arc<str>> = Latest::from(Arc::from("maintenance at noon"));
/// let text: Arc<str> = Arc::clone(&motd.load());
/// motd.store("all is well".into());
/// assert_eq!((&*text, motd.load().len()), ("maintenance at noon", 11));
/// ```
#[must_use = "a `Latest` does nothing unless it is loaded"]
pub struct Latest<T> {
    current: ArcSwap<Versioned<T>>,
}

impl<T> Latest<T> {
    /// A `Latest` with `value` as version 0.
    pub fn new(value: T) -> Self {
        Self { current: ArcSwap::from_pointee(Versioned { version: 0, value }) }
    }

    /// The current value, to be used and let go soon.
    ///
    /// All uses of one guard see the same value. Two loads may give two values: load once per piece of work.
    ///
    /// *Progress and cost:* see the [table](Self); about 4 ns.
    #[inline]
    pub fn load(&self) -> Guard<T> {
        Guard(self.current.load())
    }

    /// The current value, to be kept, cloned or sent elsewhere.
    ///
    /// *Progress:* wait-free. *Cost:* writes a reference count next to the value, on a cache line that all threads
    /// share: readers that do this all the time slow each other down, and those that only [`load`](Self::load), too.
    ///
    /// # Examples
    ///
    /// ```
    /// use freewheel::Latest;
    ///
    /// let limits = Latest::new(vec![10, 20]);
    /// let at_start = limits.load_full();
    /// limits.store(vec![30]);
    /// let worker = std::thread::spawn(move || at_start.iter().sum::<i32>());
    /// assert_eq!(worker.join().unwrap(), 30);
    /// ```
    #[must_use = "loading has no effect but its result"]
    pub fn load_full(&self) -> Shared<T> {
        Shared(self.current.load_full())
    }

    /// The version of the current value, which is how often it was replaced.
    ///
    /// A value that is loaded afterwards has this version or a later one; a [`Guard`] knows its own.
    ///
    /// *Progress and cost:* as [`load`](Self::load).
    #[inline]
    #[must_use]
    pub fn version(&self) -> u64 {
        self.load().version()
    }

    /// Replaces the value.
    ///
    /// *Progress:* lock-free: another thread that stores between two steps of this one makes it take them again.
    /// *Cost:* see the [table](Self). If nobody reads the old value any more, it is dropped here.
    pub fn store(&self, value: T) {
        drop(self.swap(value));
    }

    /// Replaces the value and returns the one that it replaces: the version of the new one is one more.
    ///
    /// *Progress and cost:* as [`store`](Self::store).
    #[must_use = "if the old value is of no interest, `store` does the same"]
    pub fn swap(&self, value: T) -> Shared<T> {
        let mut current = self.current.load();
        let mut next = Arc::new(Versioned { version: current.version + 1, value });
        let mut backoff = Backoff::ALLOCATION;
        loop {
            if let Some(old) = self.replace(current, &next) {
                return old;
            }
            backoff.wait();
            current = self.current.load();
            set_version(&mut next, current.version + 1);
        }
    }

    /// Replaces the value by what `next` makes of it, and returns the one that it replaces.
    ///
    /// No update is lost: if somebody else replaces the value while `next` runs, what it returned is dropped and it
    /// runs again, on the new value. So it should be quick and do nothing else than compute.
    ///
    /// *Progress:* lock-free, as [`store`](Self::store), with the time of `next` between two steps. If `next` itself
    /// stores to this `Latest` each time it runs, it overtakes its own update for ever.
    /// *Cost:* that of `store` and `next`, once per attempt.
    ///
    /// # Panics
    ///
    /// Panics if `next` does; value and version stay as they are.
    ///
    /// # Examples
    ///
    /// ```
    /// use freewheel::Latest;
    ///
    /// let routes = Latest::new(vec!["/"]);
    /// std::thread::scope(|scope| {
    ///     for path in ["/health", "/metrics"] {
    ///         let routes = &routes;
    ///         scope.spawn(move || routes.update(|routes| [&**routes, &[path]].concat()));
    ///     }
    /// });
    /// // Neither has overwritten the other.
    /// assert_eq!((routes.load().len(), routes.version()), (3, 2));
    /// ```
    pub fn update(&self, mut next: impl FnMut(&T) -> T) -> Shared<T> {
        let Ok(old) = self.try_update(|current| Ok::<T, Infallible>(next(current)));
        old
    }

    /// [`update`](Self::update) with a `next` that may decline: the value and its version then stay as they are.
    ///
    /// *Progress, cost and panics:* as `update`.
    ///
    /// # Errors
    ///
    /// Whatever `next` returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use freewheel::Latest;
    ///
    /// let quota = Latest::new(2_u32);
    /// let take = || quota.try_update(|left| left.checked_sub(1).ok_or("the quota is used up"));
    /// assert_eq!([take().is_ok(), take().is_ok()], [true, true]);
    /// assert_eq!(take().unwrap_err(), "the quota is used up");
    /// assert_eq!(quota.version(), 2);
    /// ```
    pub fn try_update<E>(&self, mut next: impl FnMut(&T) -> Result<T, E>) -> Result<Shared<T>, E> {
        let mut backoff = Backoff::ALLOCATION;
        loop {
            let current = self.current.load();
            let (version, value) = (current.version + 1, next(&current.value)?);
            if let Some(old) = self.replace(current, &Arc::new(Versioned { version, value })) {
                return Ok(old);
            }
            backoff.wait();
        }
    }

    /// A view of a part of the value, for code that needs no more than that.
    ///
    /// `project` runs whenever a guard of the part is dereferenced, so it should only point into the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use freewheel::Latest;
    ///
    /// struct Config {
    ///     name: String,
    ///     limits: [u32; 2],
    /// }
    ///
    /// let config = Latest::new(Config { name: "search".into(), limits: [10, 100] });
    /// let limits = config.map(|config| &config.limits);
    /// assert_eq!(limits.load()[1], 100);
    ///
    /// config.store(Config { name: "search".into(), limits: [10, 200] });
    /// assert_eq!((limits.load()[1], limits.load().version()), (200, 1));
    /// assert_eq!(*config.map(|config| config.name.as_str()).load(), *"search");
    /// ```
    pub fn map<R: ?Sized, F: Fn(&T) -> &R>(&self, project: F) -> Part<&Self, T, R, F> {
        Part::new(self, project)
    }

    /// [`map`](Self::map) that owns what it needs, for threads, tasks and structs that outlive the caller.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{sync::Arc, thread};
    /// use freewheel::{Latest, latest::Part};
    ///
    /// struct Config {
    ///     limit: u32,
    /// }
    ///
    /// struct Throttle {
    ///     // The type can be written down if the projection captures nothing.
    ///     limit: Part<Arc<Latest<Config>>, Config, u32>,
    /// }
    ///
    /// let config = Arc::new(Latest::new(Config { limit: 10 }));
    /// let throttle = Throttle { limit: config.clone().map_owned(|config| &config.limit) };
    /// config.store(Config { limit: 20 });
    /// let seen = thread::spawn(move || *throttle.limit.load()).join();
    /// assert_eq!(seen.unwrap(), 20);
    /// ```
    pub fn map_owned<R: ?Sized, F: Fn(&T) -> &R>(self: Arc<Self>, project: F) -> Part<Arc<Self>, T, R, F> {
        Part::new(self, project)
    }

    /// Puts `next` in the place of `current` and returns that, unless somebody has put something else there meanwhile.
    ///
    /// `current` keeps its memory from being used for another value, so the comparison of pointers decides.
    fn replace(&self, current: Borrowed<T>, next: &Arc<Versioned<T>>) -> Option<Shared<T>> {
        let found = self.current.compare_and_swap(&*current, Arc::clone(next));
        Arc::ptr_eq(&found, &current).then(|| Shared(Borrowed::into_inner(found)))
    }
}

/// Changes the version of what is not published yet.
fn set_version<T>(next: &mut Arc<Versioned<T>>, version: u64) {
    let unpublished = Arc::get_mut(next).expect("nobody else has what was not put in");
    unpublished.version = version;
}

impl<T: Default> Default for Latest<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Latest<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for Latest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.load();
        f.debug_struct("Latest").field("version", &current.version()).field("value", &*current).finish()
    }
}
