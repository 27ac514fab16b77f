//! Which bucket a value belongs to, by arithmetic on integers of any length.

use std::collections::HashMap;

use num_bigint::BigUint;

/// The smallest `i` with `power <= unit * 2^i`.
fn smallest_exponent(power: &BigUint, unit: &BigUint) -> i64 {
    // `bits` tells it to within one.
    let mut exponent = power.bits() as i64 - unit.bits() as i64 - 1;
    let fits = |exponent: i64| {
        if exponent >= 0 { power <= &(unit << exponent) } else { &(power << -exponent) <= unit }
    };
    while !fits(exponent) {
        exponent += 1;
    }
    exponent
}

/// The index of the bucket of `value / per_unit` at `scale`: the `i` with `2^i < (value / per_unit)^(2^scale) <=
/// 2^(i + 1)`.
pub(crate) fn index(value: u64, per_unit: u64, scale: u8) -> i32 {
    let power = |base: u64| BigUint::from(base).pow(1 << scale);
    smallest_exponent(&power(value), &power(per_unit)) as i32 - 1
}

/// The bucket indices of positive, finite numbers at a scale.
pub(crate) struct Floats {
    scale: u8,
    /// By the number's integer, so that numbers that differ by a power of two only are worked out once.
    exponents: HashMap<u64, i64>,
}

impl Floats {
    pub(crate) fn new(scale: u8) -> Self {
        Self { scale, exponents: HashMap::new() }
    }

    pub(crate) fn index(&mut self, value: f64) -> i32 {
        // `value` is `integer * 2^exponent`.
        let (fraction, exponent) = (value.to_bits() & ((1 << 52) - 1), (value.to_bits() >> 52) as i64);
        let (integer, exponent) =
            if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
        let work_out =
            || smallest_exponent(&BigUint::from(integer).pow(1 << self.scale), &BigUint::from(1_u64));
        let of_integer = *self.exponents.entry(integer).or_insert_with(work_out);
        (of_integer + (exponent << self.scale)) as i32 - 1
    }
}

/// Every integer below, at and above a boundary `per_unit * 2^(k / 2^scale)`, over the whole range of `u64`.
pub(crate) fn integers_around_boundaries(per_unit: u64, scale: u8) -> Vec<u64> {
    let n = 1 << scale;
    let unit = BigUint::from(per_unit).pow(n);
    let octaves_above = per_unit.leading_zeros();
    // The boundaries between 2^63 and 2^64, rounded down. Those of the octaves below are these, shifted.
    let exponents = (octaves_above - 1) * n..=(octaves_above + 1) * n;
    let roots = exponents.filter_map(|exponent| u64::try_from((&unit << exponent).nth_root(n)).ok());
    let highest: Vec<u64> = roots.filter(|&boundary| boundary >= 1 << 63).collect();
    assert_eq!(highest.len(), n as usize);
    let boundaries = highest.iter().flat_map(|boundary| (0..64).map(move |octave| boundary >> octave));
    boundaries.flat_map(|at| at.saturating_sub(1)..=at.saturating_add(1)).collect()
}

/// The numbers around every boundary `2^(k / 2^scale)` of the octave `1.0 .. 2.0`: the last at or below it, and its
/// neighbours.
pub(crate) fn floats_around_boundaries(scale: u8) -> Vec<f64> {
    let n = 1_u32 << scale;
    let boundaries = (0..n).map(|k| {
        let integer = (BigUint::from(1_u64) << (52 * n + k)).nth_root(n);
        u64::try_from(integer).unwrap() as f64 / (1_u64 << 52) as f64
    });
    boundaries.flat_map(|at| [at.next_down(), at, at.next_up(), at.next_up().next_up()]).collect()
}
