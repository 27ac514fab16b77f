//! The tree of what ends together.

use std::{
    mem,
    sync::{Arc, OnceLock, Weak},
    time::Instant,
};

use ::slab::Slab;
#[cfg(feature = "tokio")]
use tokio_util::sync::CancellationToken;

use super::{AfterHandle, Cause, ContextError, after::Callback, timer::Timer};
use crate::{
    sync::{
        Mutex,
        atomic::{
            AtomicU32,
            Ordering::{Acquire, Release},
        },
    },
    util::{drop_all, slab},
    wait::{WaitList, WaitStrategy},
};

/// How it ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) error: ContextError,
    pub(super) cause: Option<Cause>,
}

#[derive(Clone, Debug)]
pub(super) struct Deadline {
    at: Instant,
    cause: Option<Cause>,
}

impl Deadline {
    pub(super) fn new(at: Instant, cause: Option<Cause>) -> Self {
        Self { at, cause }
    }
}

/// What ends a scope by the clock.
#[derive(Debug)]
enum Clock {
    /// Nothing.
    None,
    Own(Deadline),
    /// That of the one it was made from, which ends no later.
    Inherited(Instant),
}

/// What ends together.
pub(super) struct Scope {
    state: AtomicU32,
    /// Set before the state.
    end: OnceLock<End>,
    clock: Clock,
    parent: Option<Parent>,
    family: Mutex<Family>,
    waiters: WaitList,
    timer: OnceLock<Timer>,
    #[cfg(feature = "tokio")]
    watch: OnceLock<super::token::Watch>,
    /// Cancelled when this ends.
    #[cfg(feature = "tokio")]
    token: OnceLock<CancellationToken>,
}

struct Parent {
    scope: Arc<Scope>,
    /// Where this one stands in the family of that one; nowhere if that had ended.
    key: OnceLock<usize>,
}

/// Who ends with a scope.
#[derive(Default)]
struct Family {
    has_ended: bool,
    members: Slab<Member>,
    /// The scope itself, if it is to end though nobody has it any more.
    kept: Option<Arc<Scope>>,
}

enum Member {
    Child(Weak<Scope>),
    /// None if it is being called.
    Callback(Option<Callback>),
}

impl Scope {
    /// It has not ended, and has no deadline.
    const LIVE: u32 = 0;
    /// It has not ended, unless by its deadline.
    const TIMED: u32 = 1;
    const ENDED: u32 = 2;

    pub(super) fn child_of(parent: Option<&Arc<Self>>, deadline: Option<Deadline>) -> Arc<Self> {
        let inherited = parent.and_then(|parent| parent.deadline());
        let clock = match (deadline, inherited) {
            (Some(own), Some(inherited)) if inherited <= own.at => Clock::Inherited(inherited),
            (Some(own), _) => Clock::Own(own),
            (None, Some(inherited)) => Clock::Inherited(inherited),
            (None, None) => Clock::None,
        };
        let state = if let Clock::None = clock { Self::LIVE } else { Self::TIMED };
        let scope = Arc::new(Self {
            state: AtomicU32::new(state),
            end: OnceLock::new(),
            clock,
            parent: parent.map(|parent| Parent { scope: Arc::clone(parent), key: OnceLock::new() }),
            family: Mutex::default(),
            waiters: WaitList::new(),
            timer: OnceLock::new(),
            #[cfg(feature = "tokio")]
            watch: OnceLock::new(),
            #[cfg(feature = "tokio")]
            token: OnceLock::new(),
        });
        scope.join_family();
        scope
    }

    fn join_family(self: &Arc<Self>) {
        let Some(parent) = &self.parent else { return };
        let mut family = parent.scope.family.lock();
        if !family.has_ended {
            let key = family.members.insert(Member::Child(Arc::downgrade(self)));
            parent.key.set(key).expect("it joins once");
            return;
        }
        drop(family);
        self.end(parent.scope.end.get().expect("it has ended"));
    }

    #[inline]
    pub(super) fn is_done(&self) -> bool {
        // Acquire: edge END.
        match self.state.load(Acquire) {
            Self::LIVE => false,
            Self::TIMED => self.has_expired(),
            _ => true,
        }
    }

    /// Whether the deadline has passed; it has ended then.
    fn has_expired(&self) -> bool {
        let has_expired = self.deadline().is_some_and(|deadline| Instant::now() >= deadline);
        if has_expired {
            self.expire();
        }
        has_expired
    }

    /// The deadline ends the scope that has it, and this one with it.
    #[cold]
    fn expire(&self) {
        let mut scope = self;
        loop {
            match (&scope.clock, &scope.parent) {
                (Clock::Own(deadline), _) => {
                    let cause = deadline.cause.clone();
                    return scope.end(&End { error: ContextError::DeadlineExceeded, cause });
                }
                (_, Some(parent)) => scope = &parent.scope,
                (_, None) => return,
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.clock {
            Clock::None => None,
            Clock::Own(Deadline { at, .. }) | Clock::Inherited(at) => Some(*at),
        }
    }

    /// How it ended, if it has.
    pub(super) fn end_of(&self) -> Option<&End> {
        if self.is_done() { self.end.get() } else { None }
    }

    pub(super) fn waiters(&self) -> &WaitList {
        &self.waiters
    }

    /// Ends it, and all that were made from it, unless they have ended. When this returns, all have, whoever ended them.
    pub(super) fn end(&self, end: &End) {
        let mut callbacks = Vec::new();
        let mut ended: Vec<Arc<Self>> = Vec::new();
        // Until the end, and no longer: they may be the last ones, and are not to be dropped under a lock.
        let mut kept = Vec::new();
        let has_ended_now = self.end_alone(end, &mut callbacks, &mut ended, &mut kept);
        // The list grows while it is walked: a tree may be deep.
        let mut next = 0;
        while let Some(scope) = ended.get(next).map(Arc::clone) {
            if scope.end_alone(end, &mut callbacks, &mut ended, &mut kept) {
                next += 1;
            } else {
                // Somebody else tells those who wait for it.
                ended.swap_remove(next);
            }
        }
        let own = has_ended_now.then_some(self);
        let mut told = own.into_iter().chain(ended.iter().map(|scope| &**scope));
        let mut callbacks = callbacks.into_iter();
        drop_all(|| {
            let scope = told.next().map(Self::tell);
            scope.or_else(|| callbacks.next().map(|callback| callback(end.error)))
        });
    }

    /// Ends it; adds those that were made from it, and what is to be called. Returns whether it had not ended.
    fn end_alone(
        &self,
        end: &End,
        callbacks: &mut Vec<Callback>,
        children: &mut Vec<Arc<Self>>,
        kept: &mut Vec<Arc<Self>>,
    ) -> bool {
        let mut family = self.family.lock();
        for (_, member) in &mut family.members {
            match member {
                Member::Child(child) => children.extend(child.upgrade()),
                Member::Callback(callback) => callbacks.extend(callback.take()),
            }
        }
        if mem::replace(&mut family.has_ended, true) {
            return false;
        }
        kept.extend(family.kept.take());
        self.end.set(end.clone()).expect("it ends once");
        // Release: edge END.
        self.state.store(Self::ENDED, Release);
        true
    }

    /// Tells those who wait for it.
    fn tell(&self) {
        self.waiters.notify_all();
        #[cfg(feature = "tokio")]
        if let Some(token) = self.token.get() {
            token.cancel();
        }
    }

    /// Blocks the thread until it ends, or it is time.
    pub(super) fn wait(&self, until: Option<Instant>) -> Option<ContextError> {
        let own = self.deadline();
        let deadline = own.into_iter().chain(until).min();
        self.waiters.wait_until(WaitStrategy::Park, deadline, || self.is_done().then_some(()));
        self.end_of().map(|end| end.error)
    }

    /// Calls `callback` when it has ended.
    pub(super) fn after(self: &Arc<Self>, callback: Callback) -> AfterHandle {
        if !self.is_done() {
            let mut family = self.family.lock();
            if !family.has_ended {
                let key = family.members.insert(Member::Callback(Some(callback)));
                drop(family);
                self.start_timer();
                return AfterHandle::registered(Arc::clone(self), key);
            }
        }
        callback(self.end.get().expect("it has ended").error);
        AfterHandle::called()
    }

    /// Keeps the scope until it ends.
    pub(super) fn keep(self: &Arc<Self>) {
        let mut family = self.family.lock();
        if !family.has_ended {
            family.kept = Some(Arc::clone(self));
        }
    }

    /// Returns whether it was still to be called.
    pub(super) fn remove_callback(&self, key: usize) -> bool {
        let mut family = self.family.lock();
        let removed = slab::remove(&mut family.members, key);
        drop(family);
        // And the callback is dropped without the lock.
        matches!(removed, Member::Callback(Some(_)))
    }

    /// Makes sure that it ends at its deadline, whether anybody looks at the clock or not.
    pub(super) fn start_timer(self: &Arc<Self>) {
        let mut scope = self;
        while let (Clock::Inherited(_), Some(parent)) = (&scope.clock, &scope.parent) {
            scope = &parent.scope;
        }
        if let Clock::Own(deadline) = &scope.clock {
            let mut is_new = false;
            let timer = scope.timer.get_or_init(|| {
                is_new = true;
                Timer::new(deadline.at)
            });
            if is_new && timer.set(Arc::downgrade(scope)) {
                scope.is_done();
            }
        }
    }

    /// Ends it when `token` is cancelled.
    #[cfg(feature = "tokio")]
    pub(super) fn watch(self: &Arc<Self>, token: CancellationToken) {
        self.watch.get_or_init(|| super::token::Watch::new(token)).begin(Arc::downgrade(self));
    }

    /// A token that is cancelled when this ends; that of its parent's token, so that it takes no more than that if nobody has
    /// it any more.
    #[cfg(feature = "tokio")]
    pub(super) fn token(self: &Arc<Self>) -> CancellationToken {
        let token = self.token.get_or_init(|| match &self.parent {
            Some(parent) => parent.scope.token().child_token(),
            None => CancellationToken::new(),
        });
        if let Clock::Own(_) = self.clock {
            self.keep();
            self.start_timer();
        }
        if self.is_done() {
            token.cancel();
        }
        token.clone()
    }

    /// Ends with its parent no more; returns that.
    fn leave(&mut self) -> Option<Arc<Self>> {
        let Parent { scope, key } = self.parent.take()?;
        if let Some(&key) = key.get() {
            slab::remove(&mut scope.family.lock().members, key);
        }
        Some(scope)
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // One by one: a long line of ancestors would overflow the stack.
        let mut ancestor = self.leave();
        while let Some(mut scope) = ancestor.and_then(Arc::into_inner) {
            ancestor = scope.leave();
        }
    }
}
