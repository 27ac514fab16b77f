//! [`ExemplarFilter`]: which exemplars go out.

/// Which exemplars go out; OpenTelemetry metrics SDK specification, "ExemplarFilter".
///
/// Histograms keep exemplars of values that are recorded within sampled spans, with feature `trace`, and without it none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExemplarFilter {
    /// Those of values that were recorded within a sampled span.
    #[default]
    TraceBased,
    /// None.
    AlwaysOff,
}
