//! One operation after the other.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use arbitrary::Arbitrary;
use freewheel::{
    ObjectPool,
    object_pool::{Guard, OwnedPooled},
};

use crate::{
    LONGEST, Settings,
    common::{Census, Name, Place, Source, at},
    object::{Fate, Object, pool},
};

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Operation {
    /// So many times.
    Get(u8),
    TryGet(u8),
    /// Those that were taken last.
    GiveBackLast(u8),
    /// The one that was taken at that place in the order.
    GiveBack(u8, Fate),
    /// Drops it in the middle of a panic.
    Panic(u8),
    Detach(u8),
    /// One that was detached, or else a new one.
    Put(Fate),
    PutMany(u8),
    /// From the first thread, which finds all.
    Clear,
    /// Goes on with another pool, and looks what is left in the old one.
    Renew(Settings),
    /// Goes on from this thread.
    Move(Place),
}

/// What a pool's statistics must say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Figures {
    hits: u64,
    misses: u64,
    dropped: u64,
    in_use: u64,
    idle: u64,
}

struct Model {
    pool: Arc<ObjectPool<Object>>,
    max: usize,
    census: Census,
    /// Makes what comes from elsewhere.
    source: Source,
    used: Vec<OwnedPooled<Object>>,
    detached: Vec<Object>,
    idle: BTreeSet<Name>,
    expected: Figures,
    /// Whether all has happened on one thread that found the pool empty; then nothing is ever out of its reach.
    simple: bool,
    pools: usize,
}

/// Objects that a thread may keep for itself: two magazines.
fn kept_by_a_thread(max: usize) -> usize {
    2 * (max / 64).clamp(4, 32)
}

impl Model {
    fn new(settings: Settings) -> Self {
        let census = Census::default();
        let mut model = Self {
            pool: Arc::new(pool(settings, &census, 1)),
            max: settings.max(),
            source: census.source(0),
            census,
            used: Vec::new(),
            detached: Vec::new(),
            idle: BTreeSet::new(),
            expected: Figures::default(),
            simple: true,
            pools: 1,
        };
        model.note_prefilled(settings);
        model
    }

    fn note_prefilled(&mut self, settings: Settings) {
        let prefilled = settings.prefill().min(self.max);
        self.idle = (0..prefilled).map(|number| Name { producer: self.pools, number }).collect();
        self.simple = prefilled == 0;
    }

    fn apply(&mut self, operation: Operation, place: Place) {
        self.simple &= place == Place::Here;
        match operation {
            Operation::Get(count) => (0..count).for_each(|_| self.get(place)),
            Operation::TryGet(count) => (0..count).for_each(|_| {
                let object = self.pool.try_get().map(|guard| (guard.name(), Guard::detach(guard)));
                self.check_reach(object.is_none(), place);
                if let Some((name, object)) = object {
                    self.hit(name);
                    self.detached.push(object);
                }
            }),
            Operation::GiveBackLast(count) => (0..count).for_each(|_| {
                let guard = self.used.pop();
                guard.into_iter().for_each(|guard| self.give_back(guard));
            }),
            Operation::GiveBack(which, fate) => {
                if let Some(mut guard) = self.remove_used(which) {
                    guard.fate = fate;
                    self.give_back(guard);
                }
            }
            Operation::Panic(which) => {
                if let Some(guard) = self.remove_used(which) {
                    let panics = AssertUnwindSafe(|| {
                        let _guard = guard;
                        resume_unwind(Box::new("in the middle of it"))
                    });
                    let Err(_) = catch_unwind::<_, ()>(panics) else { unreachable!("it panics") };
                    self.expected.dropped += 1;
                }
            }
            Operation::Detach(which) => {
                let detached = self.remove_used(which).map(Guard::detach);
                self.detached.extend(detached);
            }
            Operation::Put(fate) => self.put(fate),
            Operation::PutMany(count) => (0..count).for_each(|_| self.put(Fate::Kept)),
            Operation::Clear => {
                self.pool.clear();
                self.idle.clear();
            }
            Operation::Renew(settings) => self.renew(settings),
            Operation::Move(_) => unreachable!("it is no operation on the pool"),
        }
        self.check();
    }

    fn remove_used(&mut self, which: u8) -> Option<OwnedPooled<Object>> {
        let which = usize::from(which).checked_rem(self.used.len())?;
        Some(self.used.swap_remove(which))
    }

    fn get(&mut self, place: Place) {
        let guard = self.pool.get_owned();
        if self.idle.contains(&guard.name()) {
            self.hit(guard.name());
        } else {
            self.check_reach(true, place);
            self.expected.misses += 1;
        }
        self.used.push(guard);
    }

    fn hit(&mut self, name: Name) {
        assert!(self.idle.remove(&name), "{name:?} is not idle");
        self.expected.hits += 1;
    }

    /// Nothing is hidden, but from the other thread what this one has: that one has ended each time.
    fn check_reach(&self, missed: bool, place: Place) {
        let hidden = if place == Place::Here { 0 } else { kept_by_a_thread(self.max) };
        assert!(!missed || self.idle.len() <= hidden, "{} are idle and not found", self.idle.len());
        assert!(missed || !self.idle.is_empty());
    }

    fn give_back(&mut self, guard: OwnedPooled<Object>) {
        self.come_back(guard.name(), guard.fate, || drop(guard));
    }

    fn put(&mut self, fate: Fate) {
        let mut object = self.detached.pop().unwrap_or_else(|| Object::new(self.source.make()));
        object.fate = fate;
        let pool = Arc::clone(&self.pool);
        self.come_back(object.name(), fate, || pool.put(object));
    }

    fn come_back(&mut self, name: Name, fate: Fate, act: impl FnOnce()) {
        let before = self.census.living();
        let panicked = catch_unwind(AssertUnwindSafe(act)).is_err();
        assert_eq!(panicked, matches!(fate, Fate::KeepPanics | Fate::ResetPanics));
        let dropped = self.census.living() < before;
        if dropped {
            self.expected.dropped += 1;
        } else {
            self.idle.insert(name);
        }
        match fate {
            Fate::Kept => {
                let full = self.idle.len() >= self.max;
                assert!(!self.simple || !dropped || full, "dropped, and {} are idle", self.idle.len());
            }
            _ => assert!(dropped),
        }
    }

    fn renew(&mut self, settings: Settings) {
        self.pools += 1;
        let new = Arc::new(pool(settings, &self.census, self.pools));
        let old = std::mem::replace(&mut self.pool, new);
        // What is in use keeps the old pool alive.
        self.detached.extend(self.used.drain(..).map(Guard::detach));
        let left = Arc::into_inner(old).expect("nobody else has it").into_inner();
        assert_eq!(left.iter().map(Object::name).collect::<BTreeSet<_>>(), self.idle);
        assert_eq!(left.len(), self.idle.len());
        drop(left);
        self.max = settings.max();
        self.expected = Figures::default();
        self.note_prefilled(settings);
    }

    fn check(&mut self) {
        self.expected.in_use = self.used.len() as u64;
        self.expected.idle = self.idle.len() as u64;
        let stats = self.pool.stats();
        let (hits, misses, dropped) = (stats.hits, stats.misses, stats.dropped);
        let seen = Figures { hits, misses, dropped, in_use: stats.in_use, idle: stats.idle };
        assert_eq!(seen, self.expected);
        assert!(self.idle.len() <= self.max);
        assert_eq!(self.census.living(), self.idle.len() + self.used.len() + self.detached.len());
    }
}

pub fn run(settings: Settings, operations: Vec<Operation>) {
    let mut model = Model::new(settings);
    let mut place = Place::Here;
    for operation in operations.into_iter().take(LONGEST) {
        match operation {
            Operation::Move(next) => place = next,
            Operation::Clear => model.apply(operation, Place::Here),
            // Two threads, for what one has is hidden from the other.
            _ => at(place, || model.apply(operation, place)),
        }
    }
    let census = model.census.clone();
    drop(model);
    assert_eq!(census.living(), 0, "the pool has leaked objects");
}
