//! The calling thread's caches.

use std::{cell::RefCell, thread::LocalKey};

use super::{Cache, cache::Generation};
use crate::cell::{is_busy, quietly};

static GENERATION: Generation = Generation::new();

/// A thread-local cache.
pub type LocalCache<K, H> = LocalKey<RefCell<Cache<K, H>>>;

/// The present generation: what was looked up in another one is to be looked up again.
#[cfg(feature = "metrics-facade")]
pub fn generation() -> u64 {
    GENERATION.get()
}

/// Makes every thread forget what it looked up, at its next lookup.
pub fn forget_everywhere() {
    GENERATION.advance();
}

/// Calls `record` with the handle that the thread remembers under a key with that hash for which `is` holds. Gives
/// `record` back if there is none: call [`remember`] then.
#[inline(always)]
pub fn with_remembered<K, H, R, F: FnOnce(&H) -> R>(
    cache: &'static LocalCache<K, H>,
    hash: u64,
    is: impl Fn(&K) -> bool,
    record: F,
) -> Result<R, F> {
    let mut record = Some(record);
    let hit = cache.try_with(|cache| {
        // It is borrowed if an allocator records while the cache itself allocates or frees.
        let cache = cache.try_borrow().ok()?;
        let handle = cache.find(hash, GENERATION.get(), is)?;
        Some(record.take()?(handle))
    });
    match (hit, record) {
        (Ok(Some(result)), _) => Ok(result),
        (_, Some(record)) => Err(record),
        (_, None) => unreachable!("`record` is only taken to be called"),
    }
}

/// Calls `record` with what `look_up` finds, and remembers it.
#[cold]
#[inline(never)]
pub fn remember<K, H, M: FnOnce() -> K, R>(
    cache: &'static LocalCache<K, H>,
    hash: u64,
    look_up: impl FnOnce() -> (H, M),
    record: impl FnOnce(&H) -> R,
) -> R {
    // Before the lookup: what it finds is of this generation at least.
    let generation = GENERATION.get();
    let was_busy = is_busy();
    let (handle, make_key) = look_up();
    let result = record(&handle);
    if !was_busy {
        // The key allocates. Until it is remembered, an allocator that records the same would come back here.
        quietly(|| {
            let key = make_key();
            // The thread's other thread-locals may be gone already: then nothing is remembered.
            let _ = cache.try_with(|cache| {
                if let Ok(mut cache) = cache.try_borrow_mut() {
                    cache.insert(hash, generation, key, handle);
                }
            });
        });
    }
    result
}
