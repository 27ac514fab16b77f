//! The window between two snapshots.

use std::collections::HashMap;

use super::{Data, Metric, Point, PointRef, PointValue, SeriesId, Snapshot};
use crate::metrics::{ExplicitHistogram, ExponentialHistogram};

impl Snapshot {
    /// What happened between `earlier` and this snapshot of the same registry.
    ///
    /// Counters and histograms hold what was recorded between the two; their `start` is the time of the point in
    /// `earlier`. A series that is not in `earlier` counts whole, from its own start. One in which nothing happened stays,
    /// with zero, so that all windows have the same shape. Up-down counters and gauges stay as they are: their last values
    /// say what there is now, not what happened.
    ///
    /// Nothing in the registry is reset, so any number of readers form windows, each at its own pace, and the windows of
    /// each [add up](Self::merge) to the totals exactly (of floating-point numbers, to within their rounding). Only what
    /// was recorded in a series between a snapshot and its removal is in none. Series are told apart by their
    /// [identity](Point::series): one that was removed and registered anew counts from zero.
    ///
    /// The order matters: with a later snapshot as `earlier`, the figures mean nothing.
    ///
    /// *Cost:* a look-up for each series, and for histograms a pass over the buckets.
    ///
    /// # Examples
    ///
    /// A reader of windows keeps the last snapshot, and nothing else:
    ///
    /// ```
    /// use freewheel::metrics::{Registry, Snapshot};
    ///
    /// let registry = Registry::new();
    /// let orders = registry.counter("orders").build()?;
    ///
    /// let mut before = Snapshot::default(); // Nothing: the first window reaches back to the start of each series.
    /// for count in [3, 0, 4] {
    ///     orders.add(count);
    ///
    ///     let now = registry.snapshot();
    ///     let window = now.since(&before);
    ///     before = now;
    ///     assert_eq!(window.counter("orders", &[]), Some(count));
    /// }
    /// assert_eq!(before.counter("orders", &[]), Some(7));
    /// # Ok::<(), freewheel::metrics::RegisterError>(())
    /// ```
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let bases: Bases<'_> = earlier.points().map(|(_, point)| (point.series(), point)).collect();
        let metrics = self.metrics.iter().map(|metric| metric.since(&bases)).collect();
        Self { taken_at: self.taken_at, metrics }
    }
}

/// The points of the earlier snapshot.
type Bases<'a> = HashMap<SeriesId, PointRef<'a>>;

impl Metric {
    fn since(&self, bases: &Bases<'_>) -> Self {
        let Self { name, description, unit, is_observed, data } = self;
        let data = match data {
            Data::Counter(points) => Data::Counter(windows(points, bases)),
            Data::CounterF64(points) => Data::CounterF64(windows(points, bases)),
            Data::Histogram(points) => Data::Histogram(windows(points, bases)),
            Data::ExplicitHistogram(points) => Data::ExplicitHistogram(windows(points, bases)),
            Data::UpDownCounter(_) | Data::GaugeI64(_) | Data::GaugeF64(_) => data.clone(),
        };
        Self {
            name: name.clone(),
            description: description.clone(),
            unit: unit.clone(),
            is_observed: *is_observed,
            data,
        }
    }
}

fn windows<T: Windowed>(points: &[Point<T>], bases: &Bases<'_>) -> Vec<Point<T>> {
    let window = |point: &Point<T>| {
        let base = bases.get(&point.series)?;
        let value = point.value.since(base.value)?;
        let exemplars = point.exemplars.iter().filter(|exemplar| exemplar.time > base.time);
        Some(Point {
            attributes: point.attributes.clone(),
            start: base.time,
            time: point.time,
            value,
            exemplars: exemplars.copied().collect(),
            series: point.series,
        })
    };
    points.iter().map(|point| window(point).unwrap_or_else(|| point.clone())).collect()
}

/// What is counted in windows.
pub(crate) trait Windowed: Clone {
    /// Leaves what came to `base`, without allocating where both have the same scale or bounds. False, and all stays, if
    /// `base` is of another kind.
    fn subtract(&mut self, base: PointValue<'_>) -> bool;

    /// What came to `base`, unless that is of another kind.
    fn since(&self, base: PointValue<'_>) -> Option<Self> {
        let mut window = self.clone();
        window.subtract(base).then_some(window)
    }
}

impl Windowed for u64 {
    fn subtract(&mut self, base: PointValue<'_>) -> bool {
        let PointValue::Counter(base) = base else { return false };
        *self = self.wrapping_sub(base);
        true
    }
}

impl Windowed for ExponentialHistogram {
    fn subtract(&mut self, base: PointValue<'_>) -> bool {
        let PointValue::Histogram(base) = base else { return false };
        self.subtract(base);
        true
    }
}

impl Windowed for f64 {
    fn subtract(&mut self, base: PointValue<'_>) -> bool {
        let PointValue::CounterF64(base) = base else { return false };
        // Parts that are added up in another order may make less by a rounding.
        *self = (*self - base).max(0.0);
        true
    }
}

impl Windowed for ExplicitHistogram {
    fn subtract(&mut self, base: PointValue<'_>) -> bool {
        let PointValue::ExplicitHistogram(base) = base else { return false };
        self.subtract(base).is_ok()
    }
}
