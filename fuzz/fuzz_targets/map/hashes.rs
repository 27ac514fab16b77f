//! Hashes of any quality.

use std::hash::{BuildHasher, Hasher};

use arbitrary::Arbitrary;

/// Some bits of a good hash, at some place.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Bits {
    mask: u64,
    rotation: u8,
}

pub struct Mixed(Bits, u64);

impl BuildHasher for Bits {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed(*self, 0)
    }
}

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u64(&mut self, word: u64) {
        self.1 = (self.1 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    fn finish(&self) -> u64 {
        (self.1 & self.0.mask).rotate_left(self.0.rotation.into())
    }
}
