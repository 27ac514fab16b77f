//! Objects that are used again instead of being made anew: [`ObjectPool`].
//!
//! # How it works
//!
//! Each thread keeps some idle objects for itself, in two *magazines* of up to 32, and takes one from there and
//! puts it back without an atomic read-modify-write. Whole magazines are passed on between threads by way of lock-free
//! [stacks](crate::Stack); so objects that one thread takes and another one gives back get to where they are needed, a
//! magazine at a time. (J. Bonwick and J. Adams, *Magazines and Vmem: Extending the Slab Allocator to Many CPUs and
//! Arbitrary Resources*, USENIX 2001.)
//!
//! Nothing stays behind with a thread that has ended. Its magazines stand at its *seat*, which belongs to the pool: the
//! next thread goes on with them; and whoever would have to make an object looks there first. What the next thread has
//! got so is its own as long as it lives, also if it never uses this pool: a seat is the same for all structures.
//!
//! # Progress
//!
//! | operation | |
//! |---|---|
//! | [`get`](ObjectPool::get), [`try_get`](ObjectPool::try_get) | lock-free, but for the allocator when a thread uses the pool for the first time, and for `init` on a miss; wait-free while the thread has idle objects of its own |
//! | dropping a guard, [`put`](ObjectPool::put) | lock-free, but for `reset`, `keep`, the allocator when more are idle than ever, and the object's destructor if it is not kept; wait-free while the thread has room for it |
//! | [`stats`](ObjectPool::stats) | wait-free |
//!
//! No function of the user's is called while anything is locked, borrowed or half done: `init`, `reset`, `keep` and the
//! destructor of an object may use the pool, and may panic.
//!
//! # Memory
//!
//! At most [`max`](Builder::max) objects lie idle, wherever they are. They are freed with the pool, or by
//! [`clear`](ObjectPool::clear).
//!
//! # Memory ordering
//!
//! It has no edges of its own. An object goes from thread to thread in a [`Stack`](crate::Stack), by its edge `PUSHED`, or
//! with a seat, by edge `SEAT` of `util::seats`. Counts and hints are Relaxed: nothing follows from them.

mod builder;
mod guard;
mod magazine;
mod stats;
mod store;
mod tally;

use std::{fmt, iter, mem, sync::Arc, thread};

use self::store::Store;
pub use self::{
    builder::Builder,
    guard::{Guard, OwnedPooled, Pooled},
    stats::Stats,
};
use crate::util::seat;

/// Objects that are used again: buffers, parsers, connections, what costs something to make.
///
/// [`get`](Self::get) never waits, and never fails: if nothing is idle, an object is made. The pool does not limit how many
/// there are, only how many lie [idle](Builder::max).
///
/// Each object has a place on the heap, and never moves while it belongs to the pool.
///
/// # Examples
///
/// ```
/// use freewheel::ObjectPool;
///
/// let buffers = ObjectPool::builder(|| Vec::with_capacity(1024))
///     .reset(Vec::clear)
///     .keep(|buffer: &Vec<u8>| buffer.capacity() <= 64 * 1024)
///     .build();
///
/// let mut buffer = buffers.get();
/// buffer.extend(b"hello");
/// drop(buffer);
///
/// // The same buffer, empty again.
/// let buffer = buffers.get();
/// assert_eq!((buffer.len(), buffer.capacity()), (0, 1024));
/// assert_eq!((buffers.stats().hits, buffers.stats().misses), (1, 1));
/// ```
///
/// In a static, for guards that live as long as they like:
///
/// ```
/// use std::{sync::LazyLock, thread};
///
/// use freewheel::{ObjectPool, object_pool::Pooled};
///
/// static LINES: LazyLock<ObjectPool<String>> =
///     LazyLock::new(|| ObjectPool::builder(String::new).reset(String::clear).build());
///
/// let mut line: Pooled<'static, String> = LINES.get();
/// line.push_str("sent");
/// thread::spawn(move || println!("{line}")).join().unwrap();
/// assert_eq!(LINES.stats().idle, 1);
/// ```
pub struct ObjectPool<T> {
    /// In boxes: to move an object whose parts have just been written is slow, and to move a pointer is not.
    store: Store<Box<T>>,
    functions: Functions<T>,
}

type Init<T> = dyn Fn() -> T + Send + Sync;
type Reset<T> = dyn Fn(&mut T) + Send + Sync;
type Keep<T> = dyn Fn(&T) -> bool + Send + Sync;

/// What the user says about objects.
struct Functions<T> {
    init: Box<Init<T>>,
    reset: Option<Box<Reset<T>>>,
    keep: Option<Box<Keep<T>>>,
}

impl<T> ObjectPool<T> {
    /// Makes an empty pool that gets its objects from `init`, with the [builder](Self::builder)'s defaults.
    #[must_use]
    pub fn new(init: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self::builder(init).build()
    }

    /// Begins a pool that gets its objects from `init`.
    pub fn builder(init: impl Fn() -> T + Send + Sync + 'static) -> Builder<T> {
        Builder::new(init)
    }

    /// Takes an idle object, or makes one.
    ///
    /// Everything that was done with the object before happens before this returns it.
    ///
    /// *Progress:* lock-free, but for `init`. *Cost:* O(1); a few moves, mostly without an atomic read-modify-write.
    ///
    /// # Panics
    /// If `init` does; the pool is as before.
    #[inline]
    #[must_use = "a guard that is dropped gives the object back"]
    pub fn get(&self) -> Pooled<'_, T> {
        Guard::new(self.take(), self)
    }

    /// As [`get`](Self::get), for a guard that keeps the pool alive.
    ///
    /// *Cost:* that of [`get`](Self::get) and of cloning the `Arc`, whose counter all threads share. If it shows, have the
    /// pool in a static, or share it by reference.
    ///
    /// # Panics
    /// If `init` does; the pool is as before.
    #[inline]
    #[must_use = "a guard that is dropped gives the object back"]
    pub fn get_owned(self: &Arc<Self>) -> OwnedPooled<T> {
        Guard::new(self.take(), Arc::clone(self))
    }

    /// Takes an idle object, if there is one.
    ///
    /// There may be some that only the threads find that put them back; see [`max`](Builder::max).
    #[inline]
    #[must_use = "a guard that is dropped gives the object back"]
    pub fn try_get(&self) -> Option<Pooled<'_, T>> {
        Some(Guard::new(self.take_idle()?, self))
    }

    /// Gives an object to the pool that was made elsewhere, or detached from it. It is kept or dropped as one that comes
    /// back.
    ///
    /// # Panics
    /// If `reset`, `keep` or the object's destructor does; the object is dropped then.
    pub fn put(&self, object: T) {
        seat::with(|seat| self.store.tally(seat).added.bump());
        self.take_back(Box::new(object));
    }

    /// Drops the idle objects, but for those that other threads keep for themselves.
    ///
    /// # Panics
    /// If a destructor does; the others are dropped nevertheless.
    pub fn clear(&self) {
        // All are out before the first is dropped, for its destructor may put another one in.
        let objects: Vec<Box<T>> = iter::from_fn(|| self.take_idle()).collect();
        seat::with(|seat| objects.iter().for_each(|_| self.store.tally(seat).cleared.bump()));
        drop(objects);
    }

    /// How often objects were found, made and dropped, and how many there are. As metrics:
    /// [`Registry::observe_object_pool`](crate::metrics::Registry::observe_object_pool).
    ///
    /// *Progress:* wait-free. *Cost:* some loads for each thread that there ever was at a time.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(self.store.tallies())
    }

    /// The idle objects, of all threads.
    #[must_use]
    pub fn into_inner(self) -> Vec<T> {
        self.store.into_objects().into_iter().map(|object| *object).collect()
    }

    #[inline]
    fn take(&self) -> Box<T> {
        self.take_idle().unwrap_or_else(|| self.make())
    }

    #[inline]
    fn take_idle(&self) -> Option<Box<T>> {
        seat::with(|seat| self.store.take(seat))
    }

    #[cold]
    fn make(&self) -> Box<T> {
        let object = Box::new((self.functions.init)());
        seat::with(|seat| self.store.tally(seat).made.bump());
        object
    }

    /// Takes an object back that nobody uses any more.
    #[inline]
    fn take_back(&self, mut object: Box<T>) {
        if thread::panicking() || !self.make_ready(&mut object) {
            return self.discard(object);
        }
        if let Err(object) = seat::with(|seat| self.store.put(seat, object)) {
            self.discard(object);
        }
    }

    /// Makes `object` ready for its next use; returns whether it is worth it.
    #[inline]
    fn make_ready(&self, object: &mut T) -> bool {
        let Functions { reset, keep, .. } = &self.functions;
        if reset.is_none() && keep.is_none() {
            return true;
        }
        let counted = CountDropped(self);
        let keep = keep.as_ref().is_none_or(|keep| keep(object));
        if keep && let Some(reset) = reset {
            reset(object);
        }
        mem::forget(counted);
        keep
    }

    #[cold]
    #[inline(never)]
    fn discard(&self, object: Box<T>) {
        let _counted = CountDropped(self);
        drop(object);
    }

    fn count_detached(&self) {
        seat::with(|seat| self.store.tally(seat).detached.bump());
    }
}

/// Counts an object as dropped, also if that ends with a panic.
struct CountDropped<'a, T>(&'a ObjectPool<T>);

impl<T> Drop for CountDropped<'_, T> {
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        seat::with(|seat| self.0.store.tally(seat).dropped.bump());
    }
}

/// Gets its objects from `T::default`.
impl<T: Default> Default for ObjectPool<T> {
    fn default() -> Self {
        Self::new(|| T::default())
    }
}

impl<T> fmt::Debug for ObjectPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectPool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
