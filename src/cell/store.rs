//! All slabs of the process: who owns them, how they grow, and which ids are taken.

use std::fmt;

use super::{
    cells::Cells,
    lease::{BlockLease, WordLease},
    quietly,
};
use crate::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// How many threads get a slab of their own unless told otherwise.
const DEFAULT_MAX_SLABS: usize = 4096;
/// How many totals are summed at a time.
const LEASES_AT_ONCE: usize = 256;
/// Slabs are allocated in steps of this many words; in models, where every word costs, of few.
const WORD_STEP: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 2 } else { 64 };

/// The slabs and the ids. One for the process; models make their own.
#[derive(Debug)]
pub struct Store {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The words of every slab, owned or idle, by the owner's number.
    slabs: Slabs,
    /// Given back by finished threads.
    idle: Vec<Owner>,
    max_slabs: usize,
    words: Ids<u32>,
    blocks: Ids<FreeBlock>,
}

/// The slabs at one instant, to sum over.
#[derive(Clone, Debug)]
pub struct Slabs(Vec<Arc<Cells>>);

/// [`Slabs`] laid open.
#[derive(Debug)]
pub struct Totals<'a>(Vec<&'a [AtomicU64]>);

/// A thread's slab and blocks. Whoever has this value may write to them (OWNER).
pub struct Owner {
    number: usize,
    words: Arc<Cells>,
    blocks: Vec<Option<Arc<Cells>>>,
}

/// Ids that were used before. A freed id rests until a collection has begun after it was freed.
#[derive(Debug)]
struct Ids<T> {
    next: u32,
    resting: Vec<T>,
    free: Vec<T>,
}

/// A block id without a lease, and the cells that owners still hold under it.
#[derive(Debug)]
struct FreeBlock {
    id: u32,
    len: usize,
    cells: Vec<Arc<Cells>>,
}

impl Store {
    /// A store without slabs.
    pub fn new() -> Arc<Self> {
        let state = State {
            slabs: Slabs(Vec::new()),
            idle: Vec::new(),
            max_slabs: DEFAULT_MAX_SLABS,
            words: Ids::new(),
            blocks: Ids::new(),
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Runs `change` on the state, under the mutex.
    fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        quietly(|| change(&mut self.state.lock()))
    }

    /// Limits how many slabs there may be. Slabs that exist stay.
    pub fn set_max_slabs(&self, max_slabs: usize) {
        self.with(|state| state.max_slabs = max_slabs);
    }

    /// The slabs there are, to sum over. What is recorded before this call is in them.
    ///
    /// The mutex is not held while summing: a slab that is replaced meanwhile keeps the values that it had.
    pub fn slabs(&self) -> Slabs {
        self.with(|state| state.slabs.clone())
    }

    /// Takes over an idle slab with its values, or makes a new one; `None` when there are `max_slabs` already.
    pub fn adopt(&self) -> Option<Owner> {
        self.with(|state| state.idle.pop().or_else(|| state.new_slab()))
    }

    /// Leaves a slab, with its values, to the next thread.
    pub fn give_back(&self, owner: Owner) {
        self.with(|state| state.idle.push(owner));
    }

    /// Gives `owner` words for every id that is taken.
    ///
    /// The owner itself copies, so no value changes meanwhile; a collector sees either slab, both with the same
    /// values.
    pub fn grow(&self, owner: &mut Owner) {
        let longer = self.with(|state| {
            let longer = Arc::new(Cells::new(state.slab_len()));
            for (to, from) in longer.as_slice().iter().zip(owner.words()) {
                to.store(from.load(Relaxed), Relaxed);
            }
            state.slabs.0[owner.number] = longer.clone();
            longer
        });
        owner.words = longer;
    }

    /// Marks that a collection begins: ids freed before now may be used again.
    pub fn begin_collection(&self) {
        self.with(|state| {
            state.words.wake();
            state.blocks.wake();
        });
    }

    /// Takes a word id. Its total begins at zero whatever it was used for before.
    pub fn lease_word(this: &Arc<Self>) -> Arc<WordLease> {
        let (id, offset) = this.with(|state| match state.words.free.pop() {
            // By EXCLUSIVE nobody adds meanwhile, so what the words hold now is exactly the past.
            Some(id) => (id, state.slabs.sum(id)),
            None => (state.words.fresh(), 0),
        });
        Arc::new(WordLease::new(this.clone(), id, offset))
    }

    /// Takes an id for blocks of `len` words; they all begin at zero.
    pub fn lease_block(this: &Arc<Self>, len: usize) -> Arc<BlockLease> {
        let FreeBlock { id, cells, .. } = this.with(|state| state.take_block(len));
        // An offset cannot serve here: minima and maxima do not subtract. By EXCLUSIVE nobody else is there.
        for cell in cells.iter().flat_map(|cells| cells.as_slice()) {
            cell.store(0, Relaxed);
        }
        Arc::new(BlockLease::new(this.clone(), id, len, cells))
    }

    pub(super) fn release_word(&self, id: u32) {
        self.with(|state| state.words.resting.push(id));
    }

    pub(super) fn release_block(&self, id: u32, len: usize, cells: Vec<Arc<Cells>>) {
        self.with(|state| state.blocks.resting.push(FreeBlock { id, len, cells }));
    }
}

impl Slabs {
    /// A view to sum many leases over.
    pub fn totals(&self) -> Totals<'_> {
        Totals(self.0.iter().map(|slab| slab.as_slice()).collect())
    }

    /// The sum of the words with that id; wraps.
    pub(super) fn sum(&self, id: u32) -> u64 {
        let words = self.0.iter().filter_map(|slab| slab.as_slice().get(id as usize));
        words.fold(0, |sum, word| sum.wrapping_add(word.load(Relaxed)))
    }
}

impl<'a> Totals<'a> {
    /// Calls `report` with the total over all threads of each lease, in order; totals wrap. The leases must have been
    /// taken before the slabs were listed.
    pub fn each<'l>(&self, leases: impl IntoIterator<Item = &'l WordLease>, mut report: impl FnMut(u64)) {
        let mut leases = leases.into_iter().peekable();
        let mut totals = [0; LEASES_AT_ONCE];
        while let Some(first) = leases.peek().map(|lease| lease.id() as usize) {
            // As many leases as have consecutive ids: mostly all that were taken together.
            let mut taken = 0;
            while let Some(total) = totals.get_mut(taken)
                && let Some(lease) = leases.next_if(|lease| lease.id() as usize == first + taken)
            {
                *total = lease.shared_total();
                taken += 1;
            }
            self.add_run(first, &mut totals[..taken]);
            totals[..taken].iter().for_each(|&total| report(total));
        }
    }

    /// Adds the words of consecutive ids to their totals.
    ///
    /// Slab by slab, so that memory is read in order; and four slabs at a time, since what limits is writing the totals.
    fn add_run(&self, first: usize, totals: &mut [u64]) {
        let from_first = |words: &&'a [AtomicU64]| words.get(first..).unwrap_or_default();
        let load = |word: &AtomicU64| word.load(Relaxed);
        let (fours, rest) = self.0.as_chunks::<4>();
        for four in fours {
            let [a, b, c, d] = four.each_ref().map(from_first);
            let common = [a, b, c, d].map(<[_]>::len).into_iter().fold(totals.len(), usize::min);
            let (head, tail) = totals.split_at_mut(common);
            for ((((total, a), b), c), d) in head.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                let pair = load(a).wrapping_add(load(b));
                *total = total.wrapping_add(pair).wrapping_add(load(c).wrapping_add(load(d)));
            }
            [a, b, c, d].iter().for_each(|words| add_words(tail, &words[common..]));
        }
        rest.iter().for_each(|words| add_words(totals, from_first(words)));
    }
}

fn add_words(totals: &mut [u64], words: &[AtomicU64]) {
    for (total, word) in totals.iter_mut().zip(words) {
        *total = total.wrapping_add(word.load(Relaxed));
    }
}

impl State {
    /// Words for every id taken so far and some to come.
    fn slab_len(&self) -> usize {
        let taken = self.words.next as usize;
        (taken + taken / 8).next_multiple_of(WORD_STEP).max(WORD_STEP)
    }

    fn new_slab(&mut self) -> Option<Owner> {
        let number = self.slabs.0.len();
        (number < self.max_slabs).then(|| {
            let words = Arc::new(Cells::new(self.slab_len()));
            self.slabs.0.push(words.clone());
            Owner { number, words, blocks: Vec::new() }
        })
    }

    fn take_block(&mut self, len: usize) -> FreeBlock {
        match self.blocks.free.iter().position(|block| block.len == len) {
            Some(at) => self.blocks.free.swap_remove(at),
            None => FreeBlock { id: self.blocks.fresh(), len, cells: Vec::new() },
        }
    }
}

impl<T> Ids<T> {
    const fn new() -> Self {
        Self { next: 0, resting: Vec::new(), free: Vec::new() }
    }

    fn fresh(&mut self) -> u32 {
        let id = self.next;
        // `u32::MAX` stands for "unregistered" in handles.
        assert!(id < u32::MAX, "more than 2^32 - 1 series at the same time");
        self.next += 1;
        id
    }

    fn wake(&mut self) {
        self.free.append(&mut self.resting);
    }
}

impl Owner {
    /// The words of the slab.
    pub fn words(&self) -> &[AtomicU64] {
        self.words.as_slice()
    }

    /// The owner's block with that id, if it ever made one.
    pub fn block(&self, id: u32) -> Option<&[AtomicU64]> {
        self.blocks.get(id as usize)?.as_deref().map(Cells::as_slice)
    }

    /// Makes the owner's block for a series, unless there is one.
    pub fn add_block(&mut self, lease: &BlockLease) {
        let at = lease.id() as usize;
        if self.blocks.len() <= at {
            self.blocks.resize(at + 1, None);
        }
        if self.blocks[at].is_none() {
            self.blocks[at] = Some(lease.new_block());
        }
    }

    /// One more than the largest id of a block that the owner may have.
    #[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
    pub(super) fn block_ids(&self) -> u32 {
        self.blocks.len() as u32
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("number", &self.number).finish_non_exhaustive()
    }
}
