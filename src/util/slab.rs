//! Slabs that give their memory back.

use slab::Slab;

/// Room for so many is kept when nothing is there any more.
const KEPT: usize = 32;

/// Removes what stands at `key`; gives memory back if that was the last, and there were many.
///
/// # Panics
/// If nothing stands there.
pub fn remove<T>(slab: &mut Slab<T>, key: usize) -> T {
    let value = slab.remove(key);
    if slab.is_empty() && slab.capacity() > KEPT {
        *slab = Slab::new();
    }
    value
}
