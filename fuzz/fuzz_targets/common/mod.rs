//! Values that are counted, and threads that run scripts: what the targets for the stack, the queues and the pool share.

#![allow(dead_code, reason = "not every target uses all of it")]

use std::{
    fmt,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use arbitrary::Arbitrary;

/// How many values there are.
#[derive(Clone, Debug, Default)]
pub struct Census(Arc<AtomicUsize>);

impl Census {
    pub fn living(&self) -> usize {
        self.0.load(Relaxed)
    }

    pub fn source(&self, producer: usize) -> Source {
        Source { census: self.clone(), producer, made: 0 }
    }
}

/// Makes the values of one producer, numbered from 0.
#[derive(Debug)]
pub struct Source {
    census: Census,
    producer: usize,
    made: usize,
}

impl Source {
    pub fn make(&mut self) -> Value {
        self.census.0.fetch_add(1, Relaxed);
        let name = Name { producer: self.producer, number: self.made };
        self.made += 1;
        Value { name: Box::new(name), census: self.census.clone() }
    }

    pub fn make_many(&mut self, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.make()).collect()
    }
}

/// Which value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    pub producer: usize,
    pub number: usize,
}

/// A value in a box, so that the sanitizer sees it dropped twice or used afterwards; the census sees it lost.
pub struct Value {
    name: Box<Name>,
    census: Census,
}

impl Value {
    pub fn name(&self) -> Name {
        *self.name
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let living = self.census.0.fetch_sub(1, Relaxed);
        assert!(living > 0, "{:?} is dropped, but nothing was alive", self.name);
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

pub fn names<'a>(values: impl IntoIterator<Item = &'a Value>) -> Vec<Name> {
    values.into_iter().map(Value::name).collect()
}

/// Which thread does something, of two that take turns.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Here,
    Elsewhere,
}

/// Does something at a place, and comes back when that thread is gone, its seat too.
pub fn at<R: Send>(place: Place, act: impl FnOnce() -> R + Send) -> R {
    match place {
        Place::Here => act(),
        Place::Elsewhere => thread::scope(|scope| {
            let elsewhere = scope.spawn(act);
            elsewhere.join().expect("an operation does not panic")
        }),
    }
}

/// Runs each script on a thread of its own, all at once.
pub fn together<S: Send, R: Send>(scripts: Vec<S>, run: impl Fn(usize, S) -> R + Sync) -> Vec<R> {
    let (start, run) = (Barrier::new(scripts.len()), &run);
    thread::scope(|scope| {
        let start = &start;
        let spawn = |(thread, script)| {
            scope.spawn(move || {
                start.wait();
                run(thread, script)
            })
        };
        let threads: Vec<_> = scripts.into_iter().enumerate().map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("an operation does not panic")).collect()
    })
}

/// Whether each producer's values come in the order in which it made them.
pub fn in_order<'a>(values: impl IntoIterator<Item = &'a Value>) -> bool {
    let mut last = Vec::new();
    values.into_iter().map(Value::name).all(|name| {
        last.resize(last.len().max(name.producer + 1), None);
        last[name.producer].replace(name.number).is_none_or(|before| before < name.number)
    })
}
