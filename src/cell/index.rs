//! From a value to its slot in a base-2 exponential histogram: one table load, an add and two shifts, exact.
//!
//! At scale `s` the octave of the value (its highest bit) is divided by `n = 2^s` boundaries. The fraction below
//! the highest bit selects one of `2n` linear steps; a step holds at most one boundary, because boundaries lie at
//! least `ln 2 / n` apart. The table entry of a step is chosen such that *adding the fraction to it* carries into
//! the bits above the step exactly when the fraction passes the boundary. What stands above the step is then the
//! number of boundaries that lie below the value.
//!
//! The linear steps with one corrected boundary are the method of opentelemetry-specification pull request 5230;
//! the carry in place of the comparison, and boundaries for recorded units other than the instrument's, are ours.
//!
//! Buckets are upper-inclusive, `(base^i, base^(i+1)]`, as the OpenTelemetry data model asks: a boundary counts
//! as passed by fractions *greater* than it.

use std::{marker::PhantomData, time::Duration};

/// `2^(1/2^j)` for `j = 1..=8`, with 127 fractional bits, rounded down.
const ROOTS: [u128; 8] = [
    0xb504f333_f9de6484_597d89b3_754abe9f,
    0x9837f051_8db8a96f_46ad2318_2e42f6f6,
    0x8b95c1e3_ea8bd6e6_fbe46287_58a53c90,
    0x85aac367_cc487b14_c5c95b8c_2154c1b2,
    0x82cd8698_ac2ba1d7_3e2a475b_46520bff,
    0x8164d1f3_bc030773_7be56527_bd14def4,
    0x80b1ed4f_d999ab6c_25335719_b6e6fd20,
    0x8058d7d2_d5e5f6b0_94d589f6_08ee4aa2,
];

/// The largest scale, and the number of linear steps at it.
pub const MAX_SCALE: u8 = 8;
const MAX_STEPS: usize = 2 << MAX_SCALE;

/// What a histogram records, as an integer.
pub trait Recorded {
    /// How many recorded units make one unit of the instrument: durations are recorded in nanoseconds, and their
    /// buckets are cut in seconds.
    const PER_UNIT: u64;
}

impl Recorded for u64 {
    const PER_UNIT: u64 = 1;
}

impl Recorded for Duration {
    const PER_UNIT: u64 = 1_000_000_000;
}

/// The slots of a histogram of `V` at one scale.
#[derive(Debug)]
pub struct Index<V, const SCALE: u8>(PhantomData<V>);

/// Entries of the linear steps, and what a slot must be lowered by to give the bucket index.
struct Table {
    entries: [u64; MAX_STEPS],
    slot_of_index_zero: i32,
}

impl<V: Recorded, const SCALE: u8> Index<V, SCALE> {
    /// How many slots there are: one for zero, then those of 64 octaves.
    pub const SLOTS: usize = 66 << SCALE;

    const TABLE: &'static Table = &Table::new(SCALE as u32, V::PER_UNIT);
    const STEP_BITS: u32 = 63 - SCALE as u32;

    /// The slot of `value`. Slot 0 is that of zero.
    #[inline(always)]
    pub fn slot(value: u64) -> usize {
        // Zero has 64 leading zeros, so it lands in octave 0, fraction 0: slot 0.
        let zeros = value.leading_zeros();
        let fraction = value.wrapping_shl(zeros) << 1;
        let step = (fraction >> Self::STEP_BITS) as usize;
        let boundaries = Self::TABLE.entries[step].wrapping_add(fraction) >> Self::STEP_BITS;
        (((64 - zeros) as usize) << SCALE) + boundaries as usize
    }

    /// The bucket index, as OTLP counts them, of a slot other than that of zero.
    pub const fn bucket(slot: usize) -> i32 {
        slot as i32 - Self::TABLE.slot_of_index_zero
    }
}

impl Table {
    const fn new(scale: u32, per_unit: u64) -> Self {
        assert!(3 <= scale && scale <= MAX_SCALE as u32, "the scale must be in 3..=8");
        assert!(per_unit > 0, "a unit cannot be made of nothing");
        let octave = 63 - per_unit.leading_zeros();
        let mantissa = (per_unit as u128) << (127 - octave);
        // Boundaries are unit * 2^(k/n). `below` counts those of the unit's own octave that lie below the unit.
        let mut below = 0;
        while below + 1 < (1 << scale) && power(below + 1, scale) <= mantissa {
            below += 1;
        }
        let slot_of_index_zero = ((octave as i32 + 1) << scale) + below as i32 + 1;
        Self { entries: entries(scale, mantissa, below), slot_of_index_zero }
    }
}

/// The entries of the linear steps; `below` boundaries lie below `mantissa` within the octave.
const fn entries(scale: u32, mantissa: u128, below: u32) -> [u64; MAX_STEPS] {
    let step_bits = 63 - scale;
    let step_width = 1u64 << step_bits;
    let mut entries = [0; MAX_STEPS];
    let (mut passed, mut step) = (0, 0);
    while step < (2 << scale) {
        let start = step << step_bits;
        let mut entry = ((passed as u64).wrapping_sub(step)) << step_bits;
        if passed < (1 << scale) {
            let into_step = first_above(scale, mantissa, below, passed).wrapping_sub(start);
            if into_step < step_width {
                entry = entry.wrapping_add(step_width - into_step);
                passed += 1;
            }
        }
        entries[step as usize] = entry;
        step += 1;
    }
    assert!(passed == 1 << scale, "every boundary of the octave must lie in one step");
    entries
}

/// The smallest 64-bit fraction above boundary number `boundary` of the octave.
const fn first_above(scale: u32, mantissa: u128, below: u32, boundary: u32) -> u64 {
    // unit * 2^((boundary - below) / n), its exponent dropped; the product drops it, a division by two would too.
    let exponent = (boundary + (1 << scale) - below) % (1 << scale);
    let product = multiply(mantissa, power(exponent, scale));
    // Drop the leading one; keep 64 bits below it.
    ((product << 1) >> 64) as u64 + 1
}

/// The mantissa of `2^(exponent / 2^scale)`, 127 fractional bits.
const fn power(exponent: u32, scale: u32) -> u128 {
    let (mut product, mut bit) = (1 << 127, 0);
    while bit < scale {
        if exponent >> bit & 1 == 1 {
            product = multiply(product, ROOTS[(scale - bit - 1) as usize]);
        }
        bit += 1;
    }
    product
}

/// The mantissa of the product of two mantissas in `1.0..2.0`, each with 127 fractional bits; rounded down.
const fn multiply(a: u128, b: u128) -> u128 {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let (high, low) = (a_high * b_high, a_low * b_low);
    let (cross, other) = (a_high * b_low, a_low * b_high);
    let middle = (cross & LOW) + (other & LOW) + (low >> 64);
    let top = high + (cross >> 64) + (other >> 64) + (middle >> 64);
    // A product below 2.0 has its leading one a place lower; bring in the bit below.
    if top >> 127 == 1 { top } else { (top << 1) | (middle >> 63 & 1) }
}
