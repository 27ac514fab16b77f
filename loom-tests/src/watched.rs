//! Keys that the checker watches: who looks at one must know that it was made, and is not gone.

use std::hash::{BuildHasher, Hash, Hasher};

use freewheel::sync::cell::UnsafeCell;

/// A key that is its own hash.
#[derive(Debug)]
pub struct Watched {
    hash: u64,
    life: UnsafeCell<()>,
}

impl Watched {
    /// A key with that hash.
    #[must_use]
    pub fn new(hash: u64) -> Self {
        Self { hash, life: UnsafeCell::new(()) }
    }

    /// Its hash; a look at the key.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.life.with(|_| self.hash)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.life.with_mut(|_| ());
        }
    }
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.get());
    }
}

/// Hashes a number to itself.
#[derive(Clone, Debug, Default)]
pub struct Itself(u64);

impl BuildHasher for Itself {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self::default()
    }
}

impl Hasher for Itself {
    fn write(&mut self, _: &[u8]) {
        unimplemented!("keys are numbers");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Hashes everything to zero.
#[derive(Clone, Debug, Default)]
pub struct Constant;

impl BuildHasher for Constant {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self
    }
}

impl Hasher for Constant {
    fn write(&mut self, _: &[u8]) {}

    fn finish(&self) -> u64 {
        0
    }
}
