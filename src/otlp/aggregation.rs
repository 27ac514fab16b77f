//! [`HistogramAggregation`]: the form in which histograms go out.

/// The form in which histograms with exponential buckets go out. Those that have [bounds](crate::metrics::Buckets::explicit)
/// keep them in either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistogramAggregation {
    /// As they were recorded: base-2 exponential histograms.
    #[default]
    Base2Exponential,
    /// With explicit bounds, for backends that know no exponential histograms. What is recorded stays the same, and other
    /// readers of the registry see it as ever.
    ///
    /// The bounds are 5 ms, 10, 25, 50, 75, 100, 250, 500, 750 ms, 1 s, 2.5, 5, 7.5 and 10 s where the unit is `s`, as the
    /// semantic conventions have them, and those of the specification anywhere else: 0, 5, 10, 25, 50, 75, 100, 250, 500, 750,
    /// 1000, 2500, 5000, 7500 and 10000.
    ///
    /// Count, sum, minimum and maximum are exact. An exponential bucket with a bound in it counts whole on the side that
    /// its middle is on, so a value may be counted on the wrong side of a bound that it is within half a bucket of: 1.1 % of
    /// the bound at the default scale 5. The side is the same in every export: totals do not fall, and windows add up to them.
    ExplicitBucket,
}
