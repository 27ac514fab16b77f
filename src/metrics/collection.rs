//! A collection under way: fills a snapshot, in the memory of the one before where the series are the same.

use std::{mem, slice, sync::Arc};

use super::{
    Data, Exemplar, Metric, Point, Snapshot, Timestamp,
    instrument::{Identity, SeriesKey},
};
use crate::cell::Totals;

/// The snapshot that is being filled.
#[derive(Debug)]
pub struct Collection<'a> {
    snapshot: &'a mut Snapshot,
    filled: usize,
    totals: &'a Totals<'a>,
}

impl<'a> Collection<'a> {
    /// Begins to fill `snapshot`. The leases to be summed must have been taken before the
    /// slabs behind `totals` were listed.
    pub(super) fn new(snapshot: &'a mut Snapshot, totals: &'a Totals<'a>) -> Self {
        snapshot.taken_at = Timestamp::now();
        Self { snapshot, filled: 0, totals }
    }

    /// The totals of counters.
    pub(super) fn totals(&self) -> &'a Totals<'a> {
        self.totals
    }

    /// When the collection was begun.
    pub(super) fn taken_at(&self) -> Timestamp {
        self.snapshot.taken_at
    }

    /// The data that this metric had in the snapshot before, if it stood at the same place.
    pub(super) fn reuse(&mut self, identity: &Identity) -> Option<&mut Data> {
        self.reuse_part(slice::from_ref(identity), 0)
    }

    /// As [`reuse`](Self::reuse), for one of the metrics of an instrument that are appended next.
    pub(super) fn reuse_part(&mut self, identities: &[Identity], part: usize) -> Option<&mut Data> {
        let metric = self.snapshot.metrics.get_mut(self.filled + part)?;
        Arc::ptr_eq(&metric.name, &identities[part].name).then_some(&mut metric.data)
    }

    /// Appends a metric that was recorded, unless it has no points.
    pub(super) fn push(&mut self, identity: &Identity, data: Data) {
        self.append(identity, false, data);
    }

    /// Appends a metric that was observed, unless it has no points.
    pub(super) fn push_observed(&mut self, identity: &Identity, data: Data) {
        self.append(identity, true, data);
    }

    fn append(&mut self, identity: &Identity, is_observed: bool, data: Data) {
        if data.is_empty() {
            return;
        }
        let Identity { name, unit, description } = identity;
        match self.snapshot.metrics.get_mut(self.filled) {
            Some(metric) if Arc::ptr_eq(&metric.name, name) => {
                (metric.is_observed, metric.data) = (is_observed, data);
            }
            place => {
                let (name, unit, description) = (name.clone(), unit.clone(), description.clone());
                let metric = Metric { name, unit, description, is_observed, data };
                match place {
                    Some(place) => *place = metric,
                    None => self.snapshot.metrics.push(metric),
                }
            }
        }
        self.filled += 1;
    }

    /// Ends the collection: what the snapshot held beyond it is gone.
    pub(super) fn finish(self) {
        self.snapshot.metrics.truncate(self.filled);
    }
}

/// Writes points over those of the snapshot before.
#[derive(Debug)]
pub(super) struct Points<T> {
    points: Vec<Point<T>>,
    filled: usize,
    part: usize,
}

impl<T> Points<T> {
    /// Begins with the points of the snapshot before, or with none.
    pub(super) fn over(points: Option<&mut Vec<Point<T>>>) -> Self {
        Self { points: points.map(mem::take).unwrap_or_default(), filled: 0, part: 0 }
    }

    /// As [`over`](Self::over), for a part of the instrument.
    pub(super) fn of_part(part: usize, points: Option<&mut Vec<Point<T>>>) -> Self {
        Self { part, ..Self::over(points) }
    }

    /// The value that the next one is written over, for its memory.
    pub(super) fn next_value(&mut self) -> Option<&mut T> {
        self.points.get_mut(self.filled).map(|point| &mut point.value)
    }

    /// Appends the point of a series, with exemplars.
    pub(super) fn push_with(&mut self, key: &SeriesKey, time: Timestamp, value: T, exemplars: Vec<Exemplar>) {
        self.push(key, time, value);
        self.points[self.filled - 1].exemplars = exemplars;
    }

    /// Appends the point of a series.
    #[inline]
    pub(super) fn push(&mut self, key: &SeriesKey, time: Timestamp, value: T) {
        let series = key.of_part(self.part);
        match self.points.get_mut(self.filled) {
            Some(point) if point.series == series => {
                // A window may begin elsewhere.
                (point.start, point.time, point.value) = (key.start, time, value);
            }
            place => {
                let (attributes, start) = (key.attributes.clone(), key.start);
                let point = Point { attributes, start, time, value, exemplars: Vec::new(), series };
                match place {
                    Some(place) => *place = point,
                    None => self.points.push(point),
                }
            }
        }
        self.filled += 1;
    }

    /// The points.
    pub(super) fn finish(mut self) -> Vec<Point<T>> {
        self.points.truncate(self.filled);
        self.points
    }
}
