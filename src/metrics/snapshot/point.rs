//! Points: the value of one series, and how to walk over points of all kinds.

use super::{Data, Metric, Snapshot};
use crate::metrics::{
    Attributes, Exemplar, ExplicitHistogram, ExponentialHistogram, KeyValue, Timestamp, attributes,
};

/// The value of one series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Point<T> {
    /// Which series of the instrument this is, sorted by key.
    pub attributes: Attributes,
    /// When the series began, or in a [window](Snapshot::since) when the window did.
    pub start: Timestamp,
    /// When `value` held: the time of the snapshot, or for a last value the time it was recorded if that is known.
    pub time: Timestamp,
    /// The total, or the last value.
    pub value: T,
    /// Some of the values behind the point of a histogram, with feature `trace`; see [`Exemplar`].
    pub exemplars: Vec<Exemplar>,
    pub(crate) series: SeriesId,
}

impl<T> Point<T> {
    /// The identity of the series, of this metric alone. A reader that forms differences keys its last totals by this: a
    /// series that was removed and registered anew begins at zero under another identity.
    #[must_use]
    pub fn series(&self) -> SeriesId {
        self.series
    }

    fn seen_as<'a>(&'a self, kind: impl Fn(&'a T) -> PointValue<'a>) -> PointRef<'a> {
        let value = kind(&self.value);
        PointRef {
            attributes: &self.attributes,
            start: self.start,
            time: self.time,
            value,
            series: self.series,
        }
    }
}

/// The identity of a series: never used twice in a process, and by another process only by a chance of one in billions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub(crate) u64);

/// A [`Point`] of whatever kind, as [`Snapshot::points`] yields it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PointRef<'a> {
    /// As [`Point::attributes`].
    pub attributes: &'a [KeyValue],
    /// As [`Point::start`].
    pub start: Timestamp,
    /// As [`Point::time`].
    pub time: Timestamp,
    /// The kind and the value.
    pub value: PointValue<'a>,
    series: SeriesId,
}

impl PointRef<'_> {
    /// As [`Point::series`].
    #[must_use]
    pub fn series(&self) -> SeriesId {
        self.series
    }
}

/// A value with its kind: the variants are those of [`Data`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PointValue<'a> {
    /// A sum that only rises.
    Counter(u64),
    /// A floating-point sum that only rises.
    CounterF64(f64),
    /// A sum that rises and falls.
    UpDownCounter(i64),
    /// The last integer that was recorded.
    GaugeI64(i64),
    /// The last floating-point number that was recorded.
    GaugeF64(f64),
    /// A base-2 exponential histogram.
    Histogram(&'a ExponentialHistogram),
    /// A histogram with given bounds.
    ExplicitHistogram(&'a ExplicitHistogram),
}

impl Data {
    fn point(&self, index: usize) -> Option<PointRef<'_>> {
        Some(match self {
            Self::Counter(points) => points.get(index)?.seen_as(|&value| PointValue::Counter(value)),
            Self::CounterF64(points) => points.get(index)?.seen_as(|&value| PointValue::CounterF64(value)),
            Self::UpDownCounter(points) => {
                points.get(index)?.seen_as(|&value| PointValue::UpDownCounter(value))
            }
            Self::GaugeI64(points) => points.get(index)?.seen_as(|&value| PointValue::GaugeI64(value)),
            Self::GaugeF64(points) => points.get(index)?.seen_as(|&value| PointValue::GaugeF64(value)),
            Self::Histogram(points) => points.get(index)?.seen_as(PointValue::Histogram),
            Self::ExplicitHistogram(points) => points.get(index)?.seen_as(PointValue::ExplicitHistogram),
        })
    }
}

impl Metric {
    /// The points, whatever their kind, in the order of registration.
    pub fn points(&self) -> impl Iterator<Item = PointRef<'_>> {
        (0..).map_while(|index| self.data.point(index))
    }

    /// The point with exactly these attributes, given in any order. *Cost:* a comparison with each point.
    #[must_use]
    pub fn point(&self, attributes: &[KeyValue]) -> Option<PointRef<'_>> {
        self.points().find(|point| attributes::same_in_any_order(point.attributes, attributes))
    }
}

/// Looking up single values: for tests, health checks, and decisions that the service takes by its own metrics.
///
/// A metric is found by its name without regard to ASCII case, a series of it by its attributes in any order.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::metrics::{KeyValue, PointValue, Registry};
///
/// let registry = Registry::new();
/// let jobs = registry.counter("jobs").bind(&[KeyValue::new("kind", "import"), KeyValue::new("cached", true)])?;
/// let latency = registry.histogram::<Duration>("latency").build()?;
/// jobs.add(3);
/// latency.record(Duration::from_millis(20));
///
/// let snapshot = registry.snapshot();
/// let attributes = [KeyValue::new("cached", true), KeyValue::new("kind", "import")];
/// assert_eq!(snapshot.counter("jobs", &attributes), Some(3));
/// assert!(snapshot.histogram("latency", &[]).is_some_and(|latency| latency.max() < Some(1.0)));
/// // Neither a series without attributes nor a gauge of that name:
/// assert_eq!(snapshot.counter("jobs", &[]), None);
/// assert_eq!(snapshot.gauge_i64("jobs", &attributes), None);
///
/// // All that was counted, whatever the metric and the attributes:
/// let counted = snapshot.points().filter_map(|(_, point)| match point.value {
///     PointValue::Counter(count) => Some(count),
///     _ => None,
/// });
/// assert_eq!(counted.sum::<u64>(), 3);
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
impl Snapshot {
    /// The metric of that name, compared without regard to ASCII case as OpenTelemetry compares names.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name.eq_ignore_ascii_case(name))
    }

    /// Every point with the metric that it belongs to, whatever its kind.
    pub fn points(&self) -> impl Iterator<Item = (&Metric, PointRef<'_>)> {
        self.metrics.iter().flat_map(|metric| metric.points().map(move |point| (metric, point)))
    }

    /// The point of that name with exactly these attributes, whatever its kind.
    #[must_use]
    pub fn point(&self, name: &str, attributes: &[KeyValue]) -> Option<PointRef<'_>> {
        self.metric(name)?.point(attributes)
    }

    /// The sum of a [`Counter`](crate::metrics::Counter).
    #[must_use]
    pub fn counter(&self, name: &str, attributes: &[KeyValue]) -> Option<u64> {
        let PointValue::Counter(sum) = self.point(name, attributes)?.value else { return None };
        Some(sum)
    }

    /// The sum of a [`Counter`](crate::metrics::Counter) of floating-point numbers.
    #[must_use]
    pub fn counter_f64(&self, name: &str, attributes: &[KeyValue]) -> Option<f64> {
        let PointValue::CounterF64(sum) = self.point(name, attributes)?.value else { return None };
        Some(sum)
    }

    /// The sum of an [`UpDownCounter`](crate::metrics::UpDownCounter).
    #[must_use]
    pub fn up_down_counter(&self, name: &str, attributes: &[KeyValue]) -> Option<i64> {
        let PointValue::UpDownCounter(sum) = self.point(name, attributes)?.value else { return None };
        Some(sum)
    }

    /// The last value of a [`Gauge<i64>`](crate::metrics::Gauge).
    #[must_use]
    pub fn gauge_i64(&self, name: &str, attributes: &[KeyValue]) -> Option<i64> {
        let PointValue::GaugeI64(last) = self.point(name, attributes)?.value else { return None };
        Some(last)
    }

    /// The last value of a [`Gauge<f64>`](crate::metrics::Gauge), or seconds of a
    /// [`LastRequest`](crate::metrics::LastRequest).
    #[must_use]
    pub fn gauge_f64(&self, name: &str, attributes: &[KeyValue]) -> Option<f64> {
        let PointValue::GaugeF64(last) = self.point(name, attributes)?.value else { return None };
        Some(last)
    }

    /// The distribution of a [`Histogram`](crate::metrics::Histogram) with exponential buckets.
    #[must_use]
    pub fn histogram(&self, name: &str, attributes: &[KeyValue]) -> Option<&ExponentialHistogram> {
        let PointValue::Histogram(distribution) = self.point(name, attributes)?.value else { return None };
        Some(distribution)
    }

    /// The distribution of a [`Histogram`](crate::metrics::Histogram) with given bounds.
    #[must_use]
    pub fn explicit_histogram(&self, name: &str, attributes: &[KeyValue]) -> Option<&ExplicitHistogram> {
        let PointValue::ExplicitHistogram(distribution) = self.point(name, attributes)?.value else {
            return None;
        };
        Some(distribution)
    }
}
