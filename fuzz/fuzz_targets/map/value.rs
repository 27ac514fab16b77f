//! Numbers in boxes, so that the sanitizer sees one dropped twice or used afterwards; a count sees one lost.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// How many values there are.
#[derive(Clone, Debug, Default)]
pub struct Living(Arc<AtomicUsize>);

impl Living {
    pub fn count(&self) -> usize {
        self.0.load(Relaxed)
    }

    pub fn value(&self, number: u64) -> Value {
        self.0.fetch_add(1, Relaxed);
        Value { number: Box::new(number), living: self.clone() }
    }
}

#[derive(Debug)]
pub struct Value {
    number: Box<u64>,
    living: Living,
}

impl Value {
    pub fn number(&self) -> u64 {
        *self.number
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        self.living.value(self.number())
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let living = self.living.0.fetch_sub(1, Relaxed);
        assert!(living > 0, "{} is dropped, but nothing was alive", self.number);
    }
}
