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
//!
//! A floating-point number brings octave and fraction along. The rest is the same, with the table of units.

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

/// The scales there are.
const MIN_SCALE: u32 = 3;
const MAX_SCALE: u32 = 8;

/// Where boundaries lie, at any scale, for values of which `PER_UNIT` make one unit of the instrument.
#[derive(Debug)]
pub struct Index<const PER_UNIT: u64>;

/// How many slots there are at a scale: one for zero, then those of 64 octaves.
pub const fn slots(scale: u8) -> usize {
    66 << scale
}

/// Entries of the linear steps, and what a slot must be lowered by to give the bucket index, for each scale.
struct Tables {
    /// Those of scale `s` begin at `first_step(s)`.
    entries: [u64; first_step(MAX_SCALE + 1)],
    slot_of_index_zero: [i32; (MAX_SCALE - MIN_SCALE + 1) as usize],
}

/// How many steps there are at the lower scales: a scale has `2^(scale + 1)`.
const fn first_step(scale: u32) -> usize {
    (2 << scale) - (2 << MIN_SCALE)
}

impl<const PER_UNIT: u64> Index<PER_UNIT> {
    const TABLES: &'static Tables = &Tables::new(PER_UNIT);

    /// The slot of `value`. Slot 0 is that of zero.
    #[inline(always)]
    pub fn slot(scale: u8, value: u64) -> usize {
        // Zero has 64 leading zeros, so it lands in octave 0, fraction 0: slot 0.
        let zeros = value.leading_zeros();
        let fraction = value.wrapping_shl(zeros) << 1;
        (((64 - zeros) as usize) << scale) + Self::boundaries_below(scale, fraction)
    }

    /// How many boundaries of an octave lie below a fraction of it.
    #[inline(always)]
    fn boundaries_below(scale: u8, fraction: u64) -> usize {
        let scale = u32::from(scale);
        let step_bits = step_bits(scale);
        let step = first_step(scale) + (fraction >> step_bits) as usize;
        (Self::TABLES.entries[step].wrapping_add(fraction) >> step_bits) as usize
    }

    /// The bucket index, as OTLP counts them, of a slot other than that of zero.
    pub fn bucket(scale: u8, slot: usize) -> i32 {
        slot as i32 - Self::TABLES.slot_of_index_zero[usize::from(scale) - MIN_SCALE as usize]
    }
}

/// The bits of an `f64` above its fraction.
const FRACTION_BITS: u32 = 52;
/// What the exponent of an `f64` is raised by.
const BIAS: i32 = 1023;
/// The lowest octave of floating-point numbers that has slots.
const LOWEST_OCTAVE: i32 = -32;
/// How many octaves have slots.
const OCTAVES: u64 = 64;

/// Floating-point numbers have their octave and fraction laid open already.
impl Index<1> {
    /// The slot of the floating-point number with these bits, if it is in `2^-32 .. 2^32`.
    #[inline(always)]
    pub fn float_slot(scale: u8, bits: u64) -> Option<usize> {
        // One comparison: what is below, negative, infinite or not a number is far above after the subtraction.
        let above_lowest = bits.wrapping_sub(((BIAS + LOWEST_OCTAVE) as u64) << FRACTION_BITS);
        let octave = (above_lowest >> FRACTION_BITS) as usize;
        // Octave 1 comes first, as with integers: slot 0 is that of zero.
        (above_lowest < OCTAVES << FRACTION_BITS)
            .then(|| ((octave + 1) << scale) + Self::boundaries_below(scale, fraction(bits)))
    }

    /// The bucket index of a slot, as [`bucket`](Self::bucket), of floating-point numbers.
    pub fn float_bucket(scale: u8, slot: usize) -> i32 {
        Self::bucket(scale, slot) + (LOWEST_OCTAVE << scale)
    }

    /// The bucket index of any positive, finite number.
    pub fn bucket_of(scale: u8, value: f64) -> i32 {
        const SUBNORMAL_SHIFT: i32 = 52;
        let (value, shift) = match value.is_normal() {
            true => (value, 0),
            // Exact: the fraction gets its leading one.
            false => (value * (1_u64 << SUBNORMAL_SHIFT) as f64, SUBNORMAL_SHIFT),
        };
        let bits = value.to_bits();
        let octave = (bits >> FRACTION_BITS) as i32 - BIAS - shift;
        (octave << scale) + Self::boundaries_below(scale, fraction(bits)) as i32 - 1
    }
}

/// The fraction of a floating-point number, as one of 64 bits.
#[inline(always)]
fn fraction(bits: u64) -> u64 {
    bits << (u64::BITS - FRACTION_BITS)
}

/// How many bits of a fraction lie within a step.
#[inline(always)]
const fn step_bits(scale: u32) -> u32 {
    63 - scale
}

impl Tables {
    const fn new(per_unit: u64) -> Self {
        assert!(per_unit > 0, "a unit cannot be made of nothing");
        let octave = 63 - per_unit.leading_zeros();
        let mantissa = (per_unit as u128) << (127 - octave);
        let mut tables = Self { entries: [0; _], slot_of_index_zero: [0; _] };
        let mut scale = MIN_SCALE;
        while scale <= MAX_SCALE {
            // Boundaries are unit * 2^(k/n). `below` counts those of the unit's own octave that lie below the unit.
            let mut below = 0;
            while below + 1 < (1 << scale) && power(below + 1, scale) <= mantissa {
                below += 1;
            }
            tables.slot_of_index_zero[(scale - MIN_SCALE) as usize] =
                ((octave as i32 + 1) << scale) + below as i32 + 1;
            tables.add_entries(scale, mantissa, below);
            scale += 1;
        }
        tables
    }

    /// Fills in the entries of a scale; `below` boundaries lie below `mantissa` within the octave.
    const fn add_entries(&mut self, scale: u32, mantissa: u128, below: u32) {
        let step_bits = step_bits(scale);
        let step_width = 1u64 << step_bits;
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
            self.entries[first_step(scale) + step as usize] = entry;
            step += 1;
        }
        assert!(passed == 1 << scale, "every boundary of the octave must lie in one step");
    }
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
