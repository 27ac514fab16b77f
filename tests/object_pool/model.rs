//! The pool beside a set of numbers, in sequences of everything that one thread can do with it.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use fastrand::Rng;
use freewheel::{
    ObjectPool,
    object_pool::{Guard, Pooled},
};

use crate::{
    maker::{Figures, Maker, figures},
    values::Value,
};

/// What becomes of an object that comes back.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Kept,
    Refused,
    KeepPanics,
    ResetPanics,
}

fn end_of(value: &Value) -> End {
    match value.number % 16 {
        13 => End::Refused,
        14 => End::KeepPanics,
        15 => End::ResetPanics,
        _ => End::Kept,
    }
}

struct Model<'a> {
    pool: &'a ObjectPool<Value>,
    maker: &'a Maker,
    max: usize,
    used: Vec<Pooled<'a, Value>>,
    detached: Vec<Value>,
    idle: BTreeSet<usize>,
    expected: Figures,
}

impl Model<'_> {
    fn get(&mut self) {
        let guard = self.pool.get();
        if self.idle.is_empty() {
            assert_eq!(guard.number + 1, self.maker.made(), "it was made before");
            self.expected.misses += 1;
        } else {
            assert!(self.idle.remove(&guard.number), "{} is not idle", guard.number);
            self.expected.hits += 1;
        }
        self.used.push(guard);
    }

    fn try_get(&mut self) {
        let guard = self.pool.try_get();
        assert_eq!(guard.is_some(), !self.idle.is_empty());
        if let Some(guard) = guard {
            assert!(self.idle.remove(&guard.number), "{} is not idle", guard.number);
            self.expected.hits += 1;
            self.used.push(guard);
        }
    }

    fn give_back(&mut self, which: usize) {
        let guard = self.used.swap_remove(which);
        let (number, end) = (guard.number, end_of(&guard));
        let panicked = catch_unwind(AssertUnwindSafe(|| drop(guard))).is_err();
        self.came_back(number, end, panicked);
    }

    fn put(&mut self, value: Value) {
        let (number, end) = (value.number, end_of(&value));
        let panicked = catch_unwind(AssertUnwindSafe(|| self.pool.put(value))).is_err();
        self.came_back(number, end, panicked);
    }

    fn came_back(&mut self, number: usize, end: End, panicked: bool) {
        assert_eq!(panicked, matches!(end, End::KeepPanics | End::ResetPanics));
        if end == End::Kept && self.idle.len() < self.max {
            self.idle.insert(number);
        } else {
            self.expected.dropped += 1;
        }
    }

    fn step(&mut self, random: &mut Rng) {
        match random.u32(..32) {
            0..12 => self.get(),
            12..14 => self.try_get(),
            14..28 if !self.used.is_empty() => self.give_back(random.usize(..self.used.len())),
            28 if !self.used.is_empty() => {
                let guard = self.used.swap_remove(random.usize(..self.used.len()));
                self.detached.push(Guard::detach(guard));
            }
            29 => {
                let value = self.detached.pop().unwrap_or_else(|| self.maker.make());
                self.put(value);
            }
            30 if random.u32(..20) == 0 => {
                self.pool.clear();
                self.idle.clear();
            }
            // In bursts, for they have magazines filled and emptied.
            31 => {
                let count = random.usize(..=self.used.len());
                (0..count).for_each(|_| self.give_back(0));
            }
            _ => {}
        }
        self.check();
    }

    /// Drops what is not in the pool, and returns what is.
    fn end(self) -> BTreeSet<usize> {
        self.used.into_iter().for_each(|guard| drop(Guard::detach(guard)));
        self.idle
    }

    fn check(&mut self) {
        self.expected.in_use = self.used.len() as u64;
        self.expected.idle = self.idle.len() as u64;
        assert_eq!(figures(self.pool), self.expected);
        assert_eq!(self.maker.living(), self.used.len() + self.idle.len() + self.detached.len());
    }
}

#[test]
fn any_sequence_of_operations_does_what_it_would_do_to_a_set() {
    const STEPS: usize = 400;
    for seed in 0..200 {
        let mut random = Rng::with_seed(seed);
        let max = random.usize(..80);
        // A step may make one.
        let maker = Maker::of(STEPS);
        let made = maker.clone();
        let pool = ObjectPool::builder(move || made.make())
            .max(max)
            .keep(|value| {
                assert!(end_of(value) != End::KeepPanics, "keep panics");
                end_of(value) != End::Refused
            })
            .reset(|value| assert!(end_of(value) != End::ResetPanics, "reset panics"))
            .build();
        let (used, detached, idle) = (Vec::new(), Vec::new(), BTreeSet::new());
        let expected = Figures::default();
        let mut model = Model { pool: &pool, maker: &maker, max, used, detached, idle, expected };
        (0..STEPS).for_each(|_| model.step(&mut random));
        let idle = model.end();
        let left: BTreeSet<usize> = pool.into_inner().iter().map(|value| value.number).collect();
        assert_eq!(left, idle);
        maker.assert_all_gone();
    }
}
