//! Attribute values as hashes and caches see them.

use std::{borrow::Cow, hash::Hasher, sync::LazyLock};

use foldhash::{SharedSeed, fast::FoldHasher};

use super::{KeyValue, Value, ValueRef};

/// A value in three words. Equal values have equal digests, and different ones have different digests unless they are
/// long texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The kind, and the length of a text.
    shape: u64,
    head: u64,
    tail: u64,
}

impl Digest {
    /// The longest text that is wholly in its digest, in bytes.
    const WHOLE: usize = 16;

    #[inline(always)]
    pub(super) fn new(value: ValueRef<'_>, shared: &'static SharedSeed) -> Self {
        match value {
            ValueRef::Str(text) => Self::of_text(text.as_bytes(), shared),
            ValueRef::Bool(value) => Self { shape: 1, head: value.into(), tail: 0 },
            ValueRef::I64(value) => Self { shape: 2, head: value.cast_unsigned(), tail: 0 },
            ValueRef::F64(value) => Self { shape: 3, head: value.to_bits(), tail: 0 },
        }
    }

    /// That of a text that is known to stay what it is. Equal static texts in different places are different then.
    #[inline(always)]
    pub(super) fn of_static(text: &'static str) -> Self {
        Self { shape: (text.len() as u64) << 3 | 4, head: text.as_ptr().addr() as u64, tail: 0 }
    }

    #[inline(always)]
    fn of_text(text: &[u8], shared: &'static SharedSeed) -> Self {
        let shape = (text.len() as u64) << 3;
        if text.len() > Self::WHOLE {
            let [head, tail] = hashes_of_long(text, shared);
            return Self { shape, head, tail };
        }
        // The first and the last bytes; they overlap.
        if let (Some(head), Some(tail)) = (text.first_chunk(), text.last_chunk()) {
            return Self { shape, head: u64::from_le_bytes(*head), tail: u64::from_le_bytes(*tail) };
        }
        if let (Some(head), Some(tail)) = (text.first_chunk(), text.last_chunk()) {
            let [head, tail] = [head, tail].map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
            return Self { shape, head, tail };
        }
        // At most three bytes: the first, the middle and the last.
        let Some(last) = text.len().checked_sub(1) else { return Self { shape, head: 0, tail: 0 } };
        let [first, middle, last] = [0, text.len() / 2, last].map(|at| u64::from(text[at]));
        Self { shape, head: first | middle << 8, tail: last }
    }
}

/// Where a cache looks for some digests: multilinear hashing (Carter and Wegman 1979), whose products do not wait for
/// each other. Who finds texts with the same hash makes them slower to look up, not wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct CacheHash {
    sum: u64,
    added: usize,
}

impl CacheHash {
    #[inline(always)]
    pub(super) const fn new(owner: u32) -> Self {
        Self { sum: (owner as u64).wrapping_mul(MULTIPLIERS[0]), added: 0 }
    }

    #[inline(always)]
    pub(super) fn add(&mut self, Digest { shape, head, tail }: Digest) {
        let at = 1 + self.added % 16;
        if at == 1 && self.added > 0 {
            self.sum = self.sum.rotate_left(23);
        }
        // The rotation puts characters beside others than their own: head and tail of short texts overlap.
        let word = tail.wrapping_add(head.rotate_left(29)).wrapping_add(shape);
        self.sum = self.sum.wrapping_add(word.wrapping_mul(MULTIPLIERS[at]));
        self.added += 1;
    }

    #[inline(always)]
    pub(super) fn finish(self) -> u64 {
        // The products are the better the higher the bit; this brings them down.
        let product = u128::from(self.sum) * u128::from(MULTIPLIERS[0]);
        product as u64 ^ (product >> 64) as u64
    }
}

/// Arbitrary odd numbers.
const MULTIPLIERS: [u64; 17] = {
    let (mut numbers, mut at) = ([0; 17], 0);
    let mut state = 0u64;
    while at < numbers.len() {
        // Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        numbers[at] = (mixed ^ mixed >> 31) | 1;
        at += 1;
    }
    numbers
};

/// Two hashes of a text, of up to 32 bytes without a call.
#[inline(always)]
fn hashes_of_long(text: &[u8], shared: &'static SharedSeed) -> [u64; 2] {
    let mut hasher = FoldHasher::with_seed(0, shared);
    match (text.first_chunk(), text.last_chunk()) {
        // The first and the last sixteen; they overlap.
        (Some(head), Some(tail)) if text.len() <= 32 => [head, tail].map(|bytes| {
            let mut hasher = hasher.clone();
            hasher.write_u128(u128::from_le_bytes(*bytes));
            hasher.finish()
        }),
        _ => {
            hasher.write(text);
            [hasher.finish(), 0]
        }
    }
}

/// Compares texts of the same length, of more than 16 and up to 32 bytes without a call.
#[inline(always)]
fn is_same_long(a: &[u8], b: &[u8]) -> bool {
    let ends = |text: &[u8]| Some((*text.first_chunk::<16>()?, *text.last_chunk::<16>()?));
    if a.len() <= 32 { ends(a) == ends(b) } else { a == b }
}

/// The text, if it is too long for its digest.
pub(super) fn long_text(value: ValueRef<'_>) -> Option<&[u8]> {
    match value {
        ValueRef::Str(text) if text.len() > Digest::WHOLE => Some(text.as_bytes()),
        _ => None,
    }
}

/// The digests of key and value, by the address of what is static.
#[inline(always)]
pub(super) fn of_pair(KeyValue { key, value }: &KeyValue, shared: &'static SharedSeed) -> [Digest; 2] {
    let of_text = |text: &Cow<'static, str>| match text {
        Cow::Borrowed(text) => Digest::of_static(text),
        Cow::Owned(text) => Digest::of_text(text.as_bytes(), shared),
    };
    let value = match value {
        Value::String(text) => of_text(text),
        other => Digest::new(other.into(), shared),
    };
    [of_text(key), value]
}

/// The texts that the digests of [`of_pair`] are too short for.
pub(super) fn long_texts(attributes: &[KeyValue]) -> impl Iterator<Item = &[u8]> {
    let texts = attributes.iter().flat_map(|KeyValue { key, value }| match value {
        Value::String(value) => [Some(key), Some(value)],
        _ => [Some(key), None],
    });
    texts.flatten().filter_map(|text| match text {
        Cow::Owned(text) => long_text(ValueRef::Str(text)),
        Cow::Borrowed(_) => None,
    })
}

/// What the values of one key are hashed with: another seed for each key and process.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyHash {
    seed: u64,
    shared: &'static SharedSeed,
}

impl KeyHash {
    #[inline(always)]
    pub(super) fn new(key: &str) -> Self {
        let shared = shared_seed();
        Self::of_digest(Digest::new(ValueRef::Str(key), shared), shared)
    }

    /// That of the key with this digest.
    #[inline(always)]
    pub(super) fn of_digest(key: Digest, shared: &'static SharedSeed) -> Self {
        Self { seed: Self { seed: 0, shared }.with(key), shared }
    }

    /// The hash of an attribute. That of a set is the sum of them, whatever their order.
    #[inline(always)]
    pub(super) fn with(self, Digest { shape, head, tail }: Digest) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed ^ shape, self.shared);
        hasher.write_u128(u128::from(tail) << 64 | u128::from(head));
        hasher.finish()
    }
}

#[inline(always)]
pub(super) fn shared_seed() -> &'static SharedSeed {
    static SHARED: LazyLock<&SharedSeed> = LazyLock::new(SharedSeed::global_random);
    *SHARED
}

/// The hash of a set of attributes.
pub(super) fn hash<'a>(attributes: impl Iterator<Item = (&'a str, ValueRef<'a>)>) -> u64 {
    let shared = shared_seed();
    let hashes = attributes.map(|(key, value)| KeyHash::new(key).with(Digest::new(value, shared)));
    hashes.fold(0, u64::wrapping_add)
}

/// Attributes as a cache keeps them.
#[derive(Debug)]
pub struct Kept {
    /// Whose attributes these are.
    owner: u32,
    digests: Box<[Digest]>,
    /// The long texts, one after the other.
    texts: Box<[u8]>,
}

impl Kept {
    pub(super) fn new<'a>(
        owner: u32,
        digests: impl Iterator<Item = Digest>,
        long_texts: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        let texts: Vec<&[u8]> = long_texts.collect();
        Self { owner, digests: digests.collect(), texts: texts.concat().into() }
    }

    /// Whether these are the attributes with those digests and long texts.
    #[inline(always)]
    pub(super) fn is<'a, const N: usize, T: Iterator<Item = &'a [u8]>>(
        &self,
        owner: u32,
        digests: impl ExactSizeIterator<Item = [Digest; N]>,
        long_texts: impl FnOnce() -> T,
    ) -> bool {
        owner == self.owner
            && digests.len() * N == self.digests.len()
            && digests.zip(self.digests.chunks_exact(N.max(1))).all(|(digests, kept)| digests == *kept)
            && (self.texts.is_empty() || self.are_texts(long_texts()))
    }

    #[inline(never)]
    fn are_texts<'a>(&self, mut texts: impl Iterator<Item = &'a [u8]>) -> bool {
        let mut kept = &*self.texts;
        // The digests are the same, so the lengths are.
        texts.all(|text| {
            let Some((same, rest)) = kept.split_at_checked(text.len()) else { return false };
            kept = rest;
            is_same_long(same, text)
        })
    }
}
