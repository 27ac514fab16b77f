//! The values of a floating-point histogram that are far from one, and the negative ones: they have no slots in blocks.

use std::collections::BTreeMap;

use super::finite;

/// Values by bucket, as sparse as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Far {
    /// Counts of positive values by bucket index.
    pub positive: BTreeMap<i32, u64>,
    /// Counts of negative values by the bucket index of their magnitudes.
    pub negative: BTreeMap<i32, u64>,
    /// Sum of the values.
    pub sum: f64,
    /// The smallest and the largest value, if there are values.
    pub extremes: Option<(f64, f64)>,
}

impl Far {
    /// Records `n` times a value that lies in the bucket `index`. True: there is room for all.
    pub fn record(&mut self, value: f64, index: i32, n: u64) -> bool {
        let side = if value < 0.0 { &mut self.negative } else { &mut self.positive };
        let count = side.entry(index).or_default();
        *count = count.saturating_add(n);
        self.sum = finite(self.sum + finite(value * n as f64));
        let (min, max) = self.extremes.unwrap_or((value, value));
        self.extremes = Some((min.min(value), max.max(value)));
        true
    }
}
