//! A word from which a chain of nodes hangs.

use crate::{
    sync::atomic::{
        AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    util::Backoff,
};

/// The number of a node; 0 is no node.
pub(super) type Link = u32;

/// What a [`Top`] holds: the first node, and how often that has changed.
///
/// Nodes are used again, so the first node alone does not tell whether it still is what it was. A number of 32 bits
/// comes back after four billion changes; to be misled, a thread would have to sleep through exactly so many.
#[derive(Clone, Copy)]
struct Tagged(u64);

impl Tagged {
    const EMPTY: Self = Self(0);

    #[inline]
    fn link(self) -> Link {
        self.0 as Link
    }

    #[inline]
    fn replaced_by(self, link: Link) -> Self {
        Self(((self.0 >> 32).wrapping_add(1) << 32) | u64::from(link))
    }
}

/// Where a chain of nodes begins: Treiber's stack, without the nodes.
#[derive(Debug)]
pub(super) struct Top(AtomicU64);

impl Default for Top {
    fn default() -> Self {
        Self(AtomicU64::new(Tagged::EMPTY.0))
    }
}

impl Top {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.load().link() == 0
    }

    #[inline]
    fn load(&self) -> Tagged {
        Tagged(self.0.load(Relaxed))
    }

    /// Puts the node `link` first; `next` is its link to the one after it.
    #[inline]
    pub(super) fn push(&self, link: Link, next: &AtomicU32) {
        let mut top = self.load();
        let mut backoff = Backoff::EXCHANGE;
        loop {
            next.store(top.link(), Relaxed);
            // Release: edge PUSHED. The node is whole before anyone can reach it.
            match self.0.compare_exchange_weak(top.0, top.replaced_by(link).0, Release, Relaxed) {
                Ok(_) => return,
                Err(_) => {
                    backoff.wait();
                    top = self.load();
                }
            }
        }
    }

    /// Takes the first node; `find` finds a node, and `next` its link to the one after it.
    #[inline]
    pub(super) fn pop<N: Copy>(
        &self,
        find: impl Fn(Link) -> N,
        next: impl Fn(N) -> Link,
    ) -> Option<(Link, N)> {
        let mut backoff = Backoff::EXCHANGE;
        loop {
            // Acquire: edge PUSHED.
            let top = Tagged(self.0.load(Acquire));
            if top.link() == 0 {
                return None;
            }
            let node = find(top.link());
            // By STILL this is some link, and the right one if the exchange succeeds.
            let after = top.replaced_by(next(node));
            match self.0.compare_exchange_weak(top.0, after.0, Relaxed, Relaxed) {
                Ok(_) => return Some((top.link(), node)),
                Err(_) => backoff.wait(),
            }
        }
    }

    /// Takes all nodes, and returns the first; 0 if there is none.
    pub(super) fn take(&self) -> Link {
        let mut top = self.load();
        let mut backoff = Backoff::EXCHANGE;
        while top.link() != 0 {
            // Acquire: edge PUSHED, for all of them: each push goes on from the one before.
            match self.0.compare_exchange_weak(top.0, top.replaced_by(0).0, Acquire, Relaxed) {
                Ok(_) => return top.link(),
                Err(_) => {
                    backoff.wait();
                    top = self.load();
                }
            }
        }
        0
    }
}
