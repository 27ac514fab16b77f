//! The thread-local way to a thread's own cells.
//!
//! Two thread-locals: [`Local`] has plain pointers and no destructor, so that reading it is one `fs:`-relative load
//! and works at any time, also while other thread-locals are destroyed; [`Owned`] keeps alive what they point to
//! and gives it back at thread exit.
//!
//! The slow path allocates, and an allocator may itself record. So the pointers are withdrawn first, and whatever
//! this thread records meanwhile goes to the shared cells.

use std::{
    cell::{Cell, RefCell},
    marker::PhantomData,
    ptr::{self, NonNull},
    sync::LazyLock,
};

use super::{BlockLease, Owner, Store};
use crate::sync::{Arc, atomic::AtomicU64};

/// Asking takes the store's mutex.
const RECORDS_UNTIL_ASKING_AGAIN: u32 = 1024;

static STORE: LazyLock<Arc<Store>> = LazyLock::new(Store::new);

/// The store of the process.
pub fn store() -> &'static Arc<Store> {
    &STORE
}

/// Pointers to the thread's own cells; the lengths are zero while there are none.
struct Local {
    words: Cell<*const AtomicU64>,
    words_len: Cell<usize>,
    blocks: Cell<*const *const AtomicU64>,
    blocks_len: Cell<usize>,
    /// The thread is in the slow path right now.
    busy: Cell<bool>,
    /// The thread's other thread-locals are gone: it gets no slab any more.
    closed: Cell<bool>,
    /// There were `max_slabs` slabs: how many more records go to shared cells before the thread asks again.
    refused: Cell<u32>,
}

/// Keeps the thread's cells alive (KEPT).
struct Owned(RefCell<Option<Kept>>);

struct Kept {
    owner: Owner,
    /// The first cell of each block of `owner`, or null.
    blocks: Vec<*const AtomicU64>,
}

impl Kept {
    fn new(owner: Owner) -> Self {
        let mut kept = Self { blocks: Vec::new(), owner };
        (0..kept.owner.block_ids()).for_each(|id| kept.point_to_block(id));
        kept
    }

    fn point_to_block(&mut self, id: u32) {
        let at = id as usize;
        if self.blocks.len() <= at {
            self.blocks.resize(at + 1, ptr::null());
        }
        self.blocks[at] = self.owner.block(id).map_or(ptr::null(), <[_]>::as_ptr);
    }
}

thread_local! {
    static LOCAL: Local = const {
        Local {
            words: Cell::new(ptr::null()),
            words_len: Cell::new(0),
            blocks: Cell::new(ptr::null()),
            blocks_len: Cell::new(0),
            busy: Cell::new(false),
            closed: Cell::new(false),
            refused: Cell::new(0),
        }
    };
    static OWNED: Owned = const { Owned(RefCell::new(None)) };
}

/// The calling thread's own word with that id, if its slab has one.
///
/// It is alive until this thread comes into the slow path, or ends.
// Only a pointer leaves the closure: whatever a caller does with it is then inlined where it calls, not into `with`.
#[inline(always)]
pub(super) fn word(id: u32) -> Option<NonNull<AtomicU64>> {
    LOCAL.with(|local| {
        if (id as usize) >= local.words_len.get() {
            return None;
        }
        // SAFETY: by KEPT `words` points to `words_len` live cells of the thread's slab, and the id is less.
        NonNull::new(unsafe { local.words.get().add(id as usize) }.cast_mut())
    })
}

/// The first cell of the calling thread's own block with that id, if it has one.
///
/// It is alive until this thread comes into the slow path, or ends.
#[inline(always)]
pub(super) fn block(id: u32) -> Option<NonNull<AtomicU64>> {
    LOCAL.with(|local| {
        if (id as usize) >= local.blocks_len.get() {
            return None;
        }
        // SAFETY: by KEPT `blocks` points to `blocks_len` pointers, and the id is less.
        let block = unsafe { local.blocks.get().add(id as usize) };
        // SAFETY: as above.
        NonNull::new(unsafe { *block }.cast_mut())
    })
}

/// Whether the calling thread is in the slow path already: it came back here from an allocator.
pub fn is_busy() -> bool {
    LOCAL.with(|local| local.busy.get())
}

/// Makes sure that the calling thread's slab has every word there is an id for, if it can have a slab.
pub(super) fn reserve_words(id: u32) {
    LOCAL.with(|local| {
        local.change(|owner| {
            if owner.words().len() <= id as usize {
                store().grow(owner);
            }
            None
        });
    });
}

/// Makes sure that the calling thread has a block for the series, if it can have a slab.
pub(super) fn reserve_block(lease: &BlockLease) {
    LOCAL.with(|local| {
        local.change(|owner| {
            owner.add_block(lease);
            Some(lease.id())
        });
    });
}

/// Runs `f` with the calling thread marked as busy, see [`Quiet`].
pub fn quietly<R>(f: impl FnOnce() -> R) -> R {
    let _quiet = Quiet::begin();
    f()
}

/// Marks the calling thread as busy while it lives: what the thread records meanwhile, from an allocator, must not come
/// back here and wait for a lock that the thread itself holds. Of several, the last begun ends first.
#[derive(Debug)]
pub struct Quiet {
    was_busy: bool,
    /// It is about one thread.
    not_send: PhantomData<*const ()>,
}

impl Quiet {
    /// Marks the calling thread.
    pub fn begin() -> Self {
        Self { was_busy: LOCAL.with(|local| local.busy.replace(true)), not_send: PhantomData }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        LOCAL.with(|local| local.busy.set(self.was_busy));
    }
}

impl Local {
    /// Adopts a slab if there is none yet, and applies `change` to what the thread owns. It says which block is new.
    fn change(&self, change: impl FnOnce(&mut Owner) -> Option<u32>) {
        if self.busy.get() || self.closed.get() {
            return;
        }
        if let Some(refused) = self.refused.get().checked_sub(1) {
            self.refused.set(refused);
            return;
        }
        quietly(|| {
            self.withdraw();
            match OWNED.try_with(|owned| self.change_owned(owned, change)) {
                Ok(true) => {}
                Ok(false) => self.refused.set(RECORDS_UNTIL_ASKING_AGAIN),
                Err(_) => self.closed.set(true),
            }
        });
    }

    fn change_owned(&self, owned: &Owned, change: impl FnOnce(&mut Owner) -> Option<u32>) -> bool {
        let mut kept = owned.0.borrow_mut();
        if kept.is_none() {
            *kept = store().adopt().map(Kept::new);
        }
        let Some(kept) = kept.as_mut() else { return false };
        if let Some(id) = change(&mut kept.owner) {
            kept.point_to_block(id);
        }
        self.publish(kept);
        true
    }

    fn publish(&self, kept: &Kept) {
        let words = kept.owner.words();
        self.words.set(words.as_ptr());
        self.words_len.set(words.len());
        self.blocks.set(kept.blocks.as_ptr());
        self.blocks_len.set(kept.blocks.len());
    }

    fn withdraw(&self) {
        self.words_len.set(0);
        self.blocks_len.set(0);
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        LOCAL.with(|local| {
            local.withdraw();
            local.closed.set(true);
        });
        if let Some(kept) = self.0.take() {
            store().give_back(kept.owner);
        }
    }
}
