//! Sum, minimum and maximum of a distribution, for whatever it is that was recorded.

use crate::cell::finite;

/// Sum, minimum and maximum of the values of one series. Of no values the minimum is above the maximum, so that any
/// others are taken instead.
///
/// A record that is under way while a snapshot is taken may be in here already and not yet in the buckets, in parts even.
/// So they are taken apart and put together whatever the counts are, and nothing gets lost from one window to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figures {
    /// Of integers, each `per_unit`-th of a unit of the instrument: adding up never rounds. The sum wraps.
    Integers { sum: u64, min: u64, max: u64, per_unit: u64 },
    /// Of floating-point numbers, in units of the instrument. The sum stops at plus and minus `f64::MAX`, so that it is
    /// always a number.
    Floats { sum: f64, min: f64, max: f64 },
}

use Figures::{Floats, Integers};

impl Figures {
    /// Those of no values.
    pub(crate) const NONE: Self = Integers { sum: 0, min: u64::MAX, max: 0, per_unit: 1 };

    /// Whether these are of no values, nor of parts of any.
    pub(crate) fn are_none(&self) -> bool {
        match *self {
            Integers { sum, min, max, .. } => sum == 0 && min == u64::MAX && max == 0,
            Floats { sum, min, max } => sum == 0.0 && min == f64::INFINITY && max == f64::NEG_INFINITY,
        }
    }

    pub(crate) fn sum(&self) -> f64 {
        match *self {
            Integers { sum, per_unit, .. } => sum as f64 / per_unit as f64,
            Floats { sum, .. } => sum,
        }
    }

    pub(crate) fn min(&self) -> f64 {
        match *self {
            Integers { min, per_unit, .. } => min as f64 / per_unit as f64,
            Floats { min, .. } => min,
        }
    }

    pub(crate) fn max(&self) -> f64 {
        match *self {
            Integers { max, per_unit, .. } => max as f64 / per_unit as f64,
            Floats { max, .. } => max,
        }
    }

    /// Those of both together. Integers of different units become floating-point numbers.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, none) if none.are_none() => one,
            (none, one) if none.are_none() => one,
            (
                Integers { sum, min, max, per_unit },
                Integers { sum: other_sum, min: other_min, max: other_max, per_unit: other_unit },
            ) if per_unit == other_unit => Integers {
                sum: sum.wrapping_add(other_sum),
                min: min.min(other_min),
                max: max.max(other_max),
                per_unit,
            },
            _ => Floats {
                sum: finite(self.sum() + other.sum()),
                min: self.min().min(other.min()),
                max: self.max().max(other.max()),
            },
        }
    }

    /// Those of what came to `base`, of which the buckets tell that it lies within `bounds`, if they tell of anything. An
    /// extreme that is not that of `base` is of what came; of the others nothing is known but these bounds.
    pub(crate) fn since(self, base: &Self, bounds: Option<(f64, f64)>) -> Self {
        match (self, *base) {
            (all, none) if none.are_none() => all,
            (
                Integers { sum, min, max, per_unit },
                Integers { sum: base_sum, min: base_min, max: base_max, per_unit: base_unit },
            ) if per_unit == base_unit => {
                let recorded = |bound: f64| (bound * per_unit as f64) as u64;
                let (low, high) = bounds.map_or((u64::MAX, 0), |(low, high)| (recorded(low), recorded(high)));
                let min = if min == base_min { low.max(min) } else { min };
                let max = if max == base_max { high.min(max) } else { max };
                let max = if bounds.is_some() { max.max(min) } else { max };
                Integers { sum: sum.wrapping_sub(base_sum), min, max, per_unit }
            }
            _ => {
                let (low, high) = bounds.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
                let min = if self.min() == base.min() { low.max(self.min()) } else { self.min() };
                let max = if self.max() == base.max() { high.min(self.max()) } else { self.max() };
                let max = if bounds.is_some() { max.max(min) } else { max };
                Floats { sum: finite(self.sum() - base.sum()), min, max }
            }
        }
    }
}
