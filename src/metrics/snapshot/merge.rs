//! Snapshots of several registries, processes or windows as one.

use std::collections::{HashMap, hash_map::Entry};

use super::{Data, MergeConflict, MergeError, Metric, Mismatch, Point, SeriesId, Snapshot};
use crate::{
    cell::finite,
    metrics::{ExplicitHistogram, ExponentialHistogram, attributes::SetOfAttributes},
};

impl Snapshot {
    /// Adds what `other` holds: the snapshot of another registry or process, or the next window of the same.
    ///
    /// Metrics meet by name without regard to ASCII case, and must have the same unit and kind; their series meet by
    /// attributes. What `other` alone has is appended. Where two points meet,
    ///
    /// * counters add up, and so do up-down counters of two series; of two up-down points of the same series, the later
    ///   one stays;
    /// * of two gauges, the one with the later `time` stays;
    /// * histograms add up: exponential ones at the coarser scale of the two, those with explicit bounds if these are
    ///   the same.
    ///
    /// A metric counts as [observed](Metric::is_observed) if both were.
    ///
    /// The point reaches from the earlier start to the later time. It keeps its [identity](Point::series) if both were of
    /// one series; else it gets one that is made from both, and is the same whenever the same are merged. So there are
    /// windows [since](Self::since) a merged snapshot too, and if one of the processes has begun anew meanwhile, the
    /// series counts whole, instead of backwards.
    ///
    /// Windows of one registry that follow each other add up to its totals. Totals of one registry do not: they contain
    /// each other, and what they share would be counted twice. Who merges windows of several registries adds up those of
    /// each by themselves first, since up-down counters are totals in windows too.
    ///
    /// *Cost:* a look-up for each metric and series, and for histograms a pass over the buckets.
    ///
    /// # Errors
    ///
    /// [`MergeError`] with the metrics that did not fit, whole as they were in `other`. All the others are merged.
    ///
    /// # Examples
    ///
    /// ```
    /// use freewheel::metrics::{Registry, Snapshot};
    ///
    /// let shards = [Registry::new(), Registry::new()];
    /// shards[0].counter("orders").build()?.add(3);
    /// shards[1].counter("orders").build()?.add(4);
    ///
    /// let mut all = Snapshot::default();
    /// for shard in &shards {
    ///     all.merge(shard.snapshot())?;
    /// }
    /// assert_eq!(all.counter("orders", &[]), Some(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn merge(&mut self, other: Self) -> Result<(), MergeError> {
        self.taken_at = self.taken_at.max(other.taken_at);
        let name = |metric: &Metric| metric.name.to_ascii_lowercase();
        let mut by_name: HashMap<String, usize> =
            self.metrics.iter().enumerate().rev().map(|(at, metric)| (name(metric), at)).collect();
        let mut conflicts = Vec::new();
        for metric in other.metrics {
            match by_name.entry(name(&metric)) {
                Entry::Occupied(at) => conflicts.extend(self.metrics[*at.get()].merge(metric)),
                Entry::Vacant(place) => {
                    place.insert(self.metrics.len());
                    self.metrics.push(metric);
                }
            }
        }
        if conflicts.is_empty() { Ok(()) } else { Err(MergeError { taken_at: other.taken_at, conflicts }) }
    }
}

impl Metric {
    /// Takes in what `other` has, or says why it does not fit.
    fn merge(&mut self, other: Self) -> Option<MergeConflict> {
        if let Some(mismatch) = self.other_unit(&other).or_else(|| self.data.other_bounds(&other.data)) {
            return Some(MergeConflict { metric: other, mismatch });
        }
        match (&mut self.data, other.data) {
            (Data::Counter(here), Data::Counter(there)) => meet(here, there, add),
            (Data::UpDownCounter(here), Data::UpDownCounter(there)) => meet(here, there, add_or_replace),
            (Data::GaugeI64(here), Data::GaugeI64(there)) => meet(here, there, replace),
            (Data::GaugeF64(here), Data::GaugeF64(there)) => meet(here, there, replace),
            (Data::CounterF64(here), Data::CounterF64(there)) => meet(here, there, add),
            (Data::Histogram(here), Data::Histogram(there)) => meet(here, there, add),
            (Data::ExplicitHistogram(here), Data::ExplicitHistogram(there)) => meet(here, there, add),
            (here, data) => {
                let mismatch = Mismatch::Kind { here: here.kind(), there: data.kind() };
                return Some(MergeConflict { metric: Self { data, ..other }, mismatch });
            }
        }
        self.is_observed &= other.is_observed;
        None
    }

    fn other_unit(&self, other: &Self) -> Option<Mismatch> {
        let mismatch = || Mismatch::Unit { here: self.unit.clone(), there: other.unit.clone() };
        (self.unit != other.unit).then(mismatch)
    }
}

/// Merges the points of one metric: `combine` makes two values one.
fn meet<T>(here: &mut Vec<Point<T>>, there: Vec<Point<T>>, combine: impl Fn(&mut Point<T>, &Point<T>)) {
    let key = |point: &Point<T>| SetOfAttributes(point.attributes.clone());
    let mut by_attributes: HashMap<_, usize> =
        here.iter().enumerate().map(|(at, point)| (key(point), at)).collect();
    for point in there {
        match by_attributes.entry(key(&point)) {
            Entry::Occupied(at) => {
                let own = &mut here[*at.get()];
                combine(own, &point);
                let new = point.exemplars.iter().filter(|exemplar| !own.exemplars.contains(exemplar));
                let new: Vec<_> = new.copied().collect();
                own.exemplars.extend(new);
                own.start = own.start.min(point.start);
                own.time = own.time.max(point.time);
                own.series = own.series.with(point.series);
            }
            Entry::Vacant(place) => {
                place.insert(here.len());
                here.push(point);
            }
        }
    }
}

/// Of counters and histograms, two windows of one series add up just as two series do.
fn add<T: Sum>(own: &mut Point<T>, other: &Point<T>) {
    own.value.add(&other.value);
}

/// Up-down counters are totals in windows too: those of one series contain each other.
fn add_or_replace(own: &mut Point<i64>, other: &Point<i64>) {
    if own.series == other.series { replace(own, other) } else { add(own, other) }
}

/// At the same time, what is merged into the other is taken for the later.
fn replace<T: Copy>(own: &mut Point<T>, other: &Point<T>) {
    if other.time >= own.time {
        own.value = other.value;
    }
}

trait Sum {
    fn add(&mut self, other: &Self);
}

impl Sum for u64 {
    fn add(&mut self, other: &Self) {
        *self = self.wrapping_add(*other);
    }
}

impl Sum for i64 {
    fn add(&mut self, other: &Self) {
        *self = self.wrapping_add(*other);
    }
}

impl Sum for f64 {
    fn add(&mut self, other: &Self) {
        *self = finite(*self + other);
    }
}

impl Sum for ExplicitHistogram {
    fn add(&mut self, other: &Self) {
        self.merge(other).expect("the bounds were compared");
    }
}

impl Sum for ExponentialHistogram {
    fn add(&mut self, other: &Self) {
        self.merge(other);
    }
}

impl SeriesId {
    /// The identity of a point that is of both series. The order in which different ones are put together is the same.
    fn with(self, other: Self) -> Self {
        if self == other { self } else { Self(self.0.wrapping_add(other.0)) }
    }
}

impl Data {
    /// The first two bounds that differ, if these are histograms with given bounds.
    fn other_bounds(&self, other: &Self) -> Option<Mismatch> {
        let (Self::ExplicitHistogram(here), Self::ExplicitHistogram(there)) = (self, other) else {
            return None;
        };
        let mut bounds = here.iter().chain(there).map(|point| point.value.shared_bounds());
        let first = bounds.next()?;
        let differing = bounds.find(|bounds| *bounds != first)?;
        Some(Mismatch::Bounds { here: first.clone(), there: differing.clone() })
    }

    /// The kind in words.
    fn kind(&self) -> &'static str {
        match self {
            Self::Counter(_) => "counter",
            Self::CounterF64(_) => "counter of f64",
            Self::UpDownCounter(_) => "up-down counter",
            Self::GaugeI64(_) => "gauge of i64",
            Self::GaugeF64(_) => "gauge of f64",
            Self::Histogram(_) => "exponential histogram",
            Self::ExplicitHistogram(_) => "histogram with given bounds",
        }
    }
}
