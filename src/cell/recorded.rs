//! What histograms record, each value as one word.
//!
//! The sum of floating-point numbers may become infinite in a word, and then stays so: what is read is the largest
//! finite number in its place. It never becomes "not a number".

use std::time::Duration;

use super::Index;

/// A value that can be recorded.
pub trait Value: Copy + 'static {
    /// As what it is recorded.
    type Recorded: Recorded;

    /// The word that it is recorded as.
    fn word(self) -> u64;
}

/// A kind of value that is recorded as a word; sums are kept as words likewise. Nothing here records.
pub trait Recorded: 'static {
    /// The slot of a value in an exponential histogram; `None` if it has none there.
    fn slot(scale: u8, value: u64) -> Option<usize>;

    /// The bucket index, as OTLP counts them, of a slot other than that of zero.
    fn bucket(scale: u8, slot: usize) -> i32;

    /// Where a value has no slot.
    fn elsewhere(scale: u8, value: u64) -> Elsewhere;

    /// The sum and `n` times the value.
    fn add(sum: u64, value: u64, n: u64) -> u64;

    /// Both sums.
    fn add_sums(sum: u64, other: u64) -> u64;

    /// The value as a word that has its order; `None` if it cannot be recorded.
    fn rank(value: u64) -> Option<u64>;

    /// The value of that rank.
    fn of_rank(rank: u64) -> u64;

    /// The rank of the largest value that is not above `bound`, which is in units of the instrument.
    fn last_within(bound: f64) -> Option<u64>;
}

/// What becomes of a value that has no slot in an exponential histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Elsewhere {
    /// It counts as zero.
    Zero,
    /// It lies in this bucket of negative or of positive values.
    Bucket {
        /// The value.
        value: f64,
        /// The index of its bucket.
        index: i32,
    },
    /// It cannot be recorded.
    Nowhere,
}

/// An integer; so many make one unit of the instrument. Durations are recorded in nanoseconds, and their buckets are
/// cut in seconds.
#[derive(Debug)]
pub struct Integer<const PER_UNIT: u64>;

/// An `f64`, by its bits.
#[derive(Debug)]
pub struct Float;

impl<const PER_UNIT: u64> Recorded for Integer<PER_UNIT> {
    #[inline(always)]
    fn slot(scale: u8, value: u64) -> Option<usize> {
        Some(Index::<PER_UNIT>::slot(scale, value))
    }

    fn bucket(scale: u8, slot: usize) -> i32 {
        Index::<PER_UNIT>::bucket(scale, slot)
    }

    fn elsewhere(_: u8, _: u64) -> Elsewhere {
        Elsewhere::Nowhere
    }

    #[inline(always)]
    fn add(sum: u64, value: u64, n: u64) -> u64 {
        sum.wrapping_add(value.wrapping_mul(n))
    }

    fn add_sums(sum: u64, other: u64) -> u64 {
        sum.wrapping_add(other)
    }

    #[inline(always)]
    fn rank(value: u64) -> Option<u64> {
        Some(value)
    }

    fn of_rank(rank: u64) -> u64 {
        rank
    }

    fn last_within(bound: f64) -> Option<u64> {
        // By the value as it is reported, and as anybody would convert it: 75 ms lie within 0.075 s, though the `f64`
        // of that bound is a little less.
        let is_within = |value: u64| value as f64 / PER_UNIT as f64 <= bound;
        // Bit by bit, from the highest: the largest number that is within if zero is.
        let add_bit =
            |value: u64, bit: u32| if is_within(value | 1 << bit) { value | 1 << bit } else { value };
        is_within(0).then(|| (0..u64::BITS).rev().fold(0, add_bit))
    }
}

impl Recorded for Float {
    #[inline(always)]
    fn slot(scale: u8, value: u64) -> Option<usize> {
        Index::float_slot(scale, value)
    }

    fn bucket(scale: u8, slot: usize) -> i32 {
        Index::float_bucket(scale, slot)
    }

    fn elsewhere(scale: u8, value: u64) -> Elsewhere {
        let value = f64::from_bits(value);
        if value == 0.0 {
            Elsewhere::Zero
        } else if value.is_finite() {
            Elsewhere::Bucket { value, index: Index::bucket_of(scale, value.abs()) }
        } else {
            Elsewhere::Nowhere
        }
    }

    #[inline(always)]
    fn add(sum: u64, value: u64, n: u64) -> u64 {
        let value = f64::from_bits(value);
        // A product that is beyond all numbers would make a sum of both signs "not a number".
        let product = if n == 1 { value } else { finite(value * n as f64) };
        (f64::from_bits(sum) + product).to_bits()
    }

    fn add_sums(sum: u64, other: u64) -> u64 {
        finite(finite(f64::from_bits(sum)) + finite(f64::from_bits(other))).to_bits()
    }

    #[inline(always)]
    fn rank(value: u64) -> Option<u64> {
        let value = f64::from_bits(value);
        // Adding zero turns -0.0 into 0.0. The bits of negative numbers fall as the numbers rise.
        let bits = (value + 0.0).to_bits();
        let flipped = (bits.cast_signed() >> 63).cast_unsigned() | SIGN;
        value.is_finite().then_some(bits ^ flipped)
    }

    fn of_rank(rank: u64) -> u64 {
        if rank & SIGN == 0 { !rank } else { rank ^ SIGN }
    }

    fn last_within(bound: f64) -> Option<u64> {
        Self::rank(bound.to_bits())
    }
}

const SIGN: u64 = 1 << 63;

impl Value for u64 {
    type Recorded = Integer<1>;

    #[inline(always)]
    fn word(self) -> u64 {
        self
    }
}

impl Value for Duration {
    type Recorded = Integer<NANOS_PER_SECOND>;

    #[inline(always)]
    fn word(self) -> u64 {
        saturating_nanos(self)
    }
}

impl Value for f64 {
    type Recorded = Float;

    #[inline(always)]
    fn word(self) -> u64 {
        self.to_bits()
    }
}

/// How many nanoseconds make a second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// `duration` in nanoseconds, at most 2^63 - 1 (292 years).
#[inline(always)]
pub const fn saturating_nanos(duration: Duration) -> u64 {
    const LONGEST: u64 = u64::MAX >> 1;
    // A comparison up front: `checked_mul` makes the processor wait for the upper half of the product.
    if duration.as_secs() < LONGEST / NANOS_PER_SECOND {
        duration.as_secs() * NANOS_PER_SECOND + duration.subsec_nanos() as u64
    } else {
        LONGEST
    }
}

/// The nearest finite number.
#[must_use]
pub fn finite(sum: f64) -> f64 {
    sum.clamp(f64::MIN, f64::MAX)
}
