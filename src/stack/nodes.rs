//! The nodes of a stack, and which of them are free.
//!
//! Nodes stand in an array that grows and never moves, and are named by their number. A thread has free nodes of its
//! own, at its seat, and takes and gives them without an atomic step. It passes them on in chains of [`CHAIN`]: what a
//! thread that only pops has too many of, one that only pushes finds.

use std::mem::{self, MaybeUninit};

use crossbeam_utils::CachePadded;

use super::links::{Link, Top};
use crate::{
    sync::{
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
        cell::UnsafeCell,
    },
    util::{Buckets, PerSeat, Seat, Zeroed},
};

/// How many free nodes are passed on at once.
const CHAIN: u32 = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 1 } else { 32 };

/// Room for a value.
#[derive(Debug)]
pub(super) struct Node<T> {
    /// The node below in the stack, or the next free node of a chain.
    pub(super) next: AtomicU32,
    /// In the first node of a chain: the next chain.
    next_chain: AtomicU32,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            next: AtomicU32::new(0),
            next_chain: AtomicU32::new(0),
            value: UnsafeCell::new(MaybeUninit::zeroed()),
        }
    }
}

// SAFETY: two integers, zero by default, and memory without a value.
unsafe impl<T> Zeroed for Node<T> {}

impl<T> Node<T> {
    /// Moves `value` in.
    ///
    /// # Safety
    /// The caller has the node alone (MINE), and it holds no value.
    #[inline]
    pub(super) unsafe fn put(&self, value: T) {
        // SAFETY: the caller vouches that nobody else uses the cell.
        self.value.with_mut(|room| unsafe { room.cast::<T>().write(value) });
    }

    /// The link to the node below.
    #[inline]
    pub(super) fn below(&self) -> Link {
        self.next.load(Relaxed)
    }

    /// Moves the value out.
    ///
    /// # Safety
    /// The caller has the node alone (MINE), and it holds a value.
    #[inline]
    pub(super) unsafe fn take(&self) -> T {
        // SAFETY: the caller vouches that nobody else uses the cell, and for the value.
        self.value.with_mut(|room| unsafe { room.cast::<T>().read() })
    }
}

/// The free nodes of one thread.
#[derive(Debug, Default)]
struct Free {
    /// The chain that nodes are taken from and given to, and its length: `CHAIN` at most.
    first: Link,
    len: u32,
    /// A whole chain, or 0: so that a thread at the end of one does not pass chains to and fro.
    reserve: Link,
    /// The first of so many nodes that nobody has used yet.
    unused: Link,
    unused_len: u32,
}

#[derive(Debug, Default)]
struct Local(CachePadded<UnsafeCell<Free>>);

// SAFETY: five integers, zero by default.
unsafe impl Zeroed for Local {}

/// All nodes of a stack.
#[derive(Debug)]
pub(super) struct Nodes<T> {
    nodes: Buckets<Node<T>, 32, 27>,
    free: PerSeat<Local>,
    /// Chains that threads have passed on.
    chains: CachePadded<Top>,
    /// The first number that no thread has yet.
    numbers: AtomicU64,
}

impl<T> Default for Nodes<T> {
    fn default() -> Self {
        Self {
            nodes: Buckets::default(),
            free: PerSeat::default(),
            chains: CachePadded::default(),
            numbers: AtomicU64::new(1),
        }
    }
}

impl<T> Nodes<T> {
    #[inline]
    pub(super) fn at(&self, link: Link) -> &Node<T> {
        self.nodes.at(link as usize - 1)
    }

    /// Finds a free node, which is the caller's from here on.
    #[inline]
    pub(super) fn take(&self, seat: &Seat) -> (Link, &Node<T>) {
        let free = &self.free.at(seat).0;
        // SAFETY: by ALONE nobody else uses what is at our seat; `pop` comes to no foreign code, and to no allocator, for
        // there is memory for a node that was used before.
        let taken = free.with_mut(|free| unsafe { &mut *free }.pop(|link| self.at(link)));
        taken.unwrap_or_else(|| self.take_new(seat))
    }

    /// A node that this thread has never had.
    #[cold]
    fn take_new(&self, seat: &Seat) -> (Link, &Node<T>) {
        // SAFETY: by ALONE nobody else uses what is at our seat.
        let unused = self.free.at(seat).0.with_mut(|free| unsafe { &mut *free }.pop_unused());
        let link = unused.unwrap_or_else(|| self.take_chain(seat));
        (link, self.at(link))
    }

    /// Takes a whole chain, of which the caller gets the first node.
    fn take_chain(&self, seat: &Seat) -> Link {
        let chain = self.chains.pop(|link| self.at(link), |node| node.next_chain.load(Relaxed));
        let (link, first, unused_len) = match chain {
            Some((link, node)) => (link, node.below(), 0),
            None => (self.number(), 0, CHAIN - 1),
        };
        self.free.at(seat).0.with_mut(|free| {
            // SAFETY: by ALONE nobody else uses what is at our seat.
            let free = unsafe { &mut *free };
            (free.first, free.len) = (first, CHAIN - 1 - unused_len);
            (free.unused, free.unused_len) = (link + 1, unused_len);
        });
        link
    }

    /// The first of `CHAIN` numbers that nobody has yet.
    fn number(&self) -> Link {
        let number = self.numbers.fetch_add(CHAIN.into(), Relaxed);
        Link::try_from(number)
            .ok()
            .filter(|&number| number <= Link::MAX - CHAIN)
            .expect("too many elements: a stack holds four billion")
    }

    /// Takes back a node that the caller has, and that holds no value any more.
    #[inline]
    pub(super) fn give(&self, seat: &Seat, link: Link, node: &Node<T>) {
        let free = &self.free.at(seat).0;
        // SAFETY: by ALONE nobody else uses what is at our seat, and `push` comes to no foreign code.
        let too_many = free.with_mut(|free| unsafe { &mut *free }.push(link, &node.next));
        if let Some(chain) = too_many {
            self.pass_on(chain);
        }
    }

    #[cold]
    fn pass_on(&self, chain: Link) {
        self.chains.push(chain, &self.at(chain).next_chain);
    }

    /// How many bytes of memory there are for nodes.
    pub(super) fn bytes(&self) -> usize {
        self.nodes.bytes()
    }
}

impl Free {
    #[inline]
    fn pop<'a, T: 'a>(&mut self, at: impl Fn(Link) -> &'a Node<T>) -> Option<(Link, &'a Node<T>)> {
        if self.first == 0 {
            if self.reserve == 0 {
                return None;
            }
            self.first = mem::take(&mut self.reserve);
            self.len = CHAIN;
        }
        let link = self.first;
        let node = at(link);
        self.first = node.below();
        self.len -= 1;
        Some((link, node))
    }

    fn pop_unused(&mut self) -> Option<Link> {
        self.unused_len = self.unused_len.checked_sub(1)?;
        let link = self.unused;
        self.unused += 1;
        Some(link)
    }

    /// Takes `link`, and returns a chain if that makes one too many.
    #[inline]
    fn push(&mut self, link: Link, next: &AtomicU32) -> Option<Link> {
        let mut too_many = 0;
        if self.len == CHAIN {
            too_many = mem::replace(&mut self.reserve, mem::take(&mut self.first));
            self.len = 0;
        }
        next.store(self.first, Relaxed);
        self.first = link;
        self.len += 1;
        (too_many != 0).then_some(too_many)
    }
}
