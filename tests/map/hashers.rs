//! Ways to hash: well, and badly.

use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// Hashes everything to the same number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Constant<const HASH: u64>;

impl<const HASH: u64> Hasher for Constant<HASH> {
    fn write(&mut self, _: &[u8]) {}

    fn finish(&self) -> u64 {
        HASH
    }
}

pub(crate) type BuildConstant<const HASH: u64 = 0> = BuildHasherDefault<Constant<HASH>>;

/// Hashes a number to itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {
        unimplemented!("keys are numbers of 64 bits");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(crate) type BuildIdentity = BuildHasherDefault<Identity>;

/// A good hash, of which only some bits are left.
#[derive(Clone, Debug)]
pub(crate) struct Masked<const MASK: u64>(RandomState);

impl<const MASK: u64> Default for Masked<MASK> {
    fn default() -> Self {
        Self(RandomState::new())
    }
}

impl<const MASK: u64> BuildHasher for Masked<MASK> {
    type Hasher = MaskedHasher<MASK>;

    fn build_hasher(&self) -> Self::Hasher {
        MaskedHasher(self.0.build_hasher())
    }
}

#[derive(Debug)]
pub(crate) struct MaskedHasher<const MASK: u64>(<RandomState as BuildHasher>::Hasher);

impl<const MASK: u64> Hasher for MaskedHasher<MASK> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish() & MASK
    }
}

/// All keys lead to the first segment.
pub(crate) type OnlyLowBits = Masked<0xffff>;
/// All keys of a segment lead to its first bucket, with the same tag.
pub(crate) type OnlyHighBits = Masked<{ 0xffff << 48 }>;
/// Most keys find no room in their buckets, until their segment is divided.
pub(crate) type FewBuckets = Masked<{ 0xffff << 48 | 7 }>;
/// Only the tags tell keys apart.
pub(crate) type OnlyTags = Masked<{ 0x7f << 24 }>;
/// There are a few hashes.
pub(crate) type FewHashes = Masked<{ 7 << 61 | 3 }>;
