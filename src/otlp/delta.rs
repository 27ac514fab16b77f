//! What the collector knows already: the last acknowledged total of each series.

use std::collections::HashMap;

use crate::metrics::{ExponentialHistogram, Point, SeriesId, Timestamp};

/// A total that a collector acknowledged.
#[derive(Debug)]
pub(super) enum Total {
    Sum(u64),
    Distribution(ExponentialHistogram),
}

/// Up to where the collector knows a series.
#[derive(Debug)]
struct Known {
    time: Timestamp,
    total: Total,
    /// The last build that met the series.
    build: u64,
}

/// A step that a series takes once the request that carries its window is answered for.
#[derive(Debug)]
pub(super) struct Step {
    series: SeriesId,
    known: Known,
}

/// The base of the delta windows of one collector.
///
/// A window reaches from the base to the present. The base moves, series by series, when the collector has answered
/// for the window, and at no other time: what was not acknowledged is in the next window.
#[derive(Debug, Default)]
pub(super) struct Base {
    known: HashMap<SeriesId, Known>,
    build: u64,
}

/// What happened to a series since its base.
#[derive(Debug)]
pub(super) struct Window<T> {
    pub(super) start: Timestamp,
    pub(super) value: T,
    pub(super) step: Step,
}

impl Base {
    /// What was added to a counter since its base.
    pub(super) fn sum(&mut self, point: &Point<u64>) -> Window<u64> {
        let (start, value) = match self.known(point) {
            Some(Known { time, total: Total::Sum(before), .. }) => (*time, point.value.wrapping_sub(*before)),
            _ => (point.start, point.value),
        };
        Window { start, value, step: self.step(point.series(), point.time, Total::Sum(point.value)) }
    }

    /// What was recorded in a histogram since its base.
    pub(super) fn distribution(
        &mut self,
        point: Point<ExponentialHistogram>,
    ) -> Window<ExponentialHistogram> {
        let (start, value) = match self.known(&point) {
            Some(Known { time, total: Total::Distribution(before), .. }) => {
                (*time, point.value.since(before))
            }
            _ => (point.start, point.value.clone()),
        };
        Window { start, value, step: self.step(point.series(), point.time, Total::Distribution(point.value)) }
    }

    /// Begins a build of windows.
    pub(super) fn begin(&mut self) {
        self.build += 1;
    }

    /// Ends a build: forgets the series that it did not meet. Their identities never come back.
    pub(super) fn end(&mut self) {
        self.known.retain(|_, known| known.build == self.build);
    }

    /// Moves the base to the end of these windows.
    pub(super) fn advance(&mut self, steps: Vec<Step>) {
        self.known.extend(steps.into_iter().map(|step| (step.series, step.known)));
    }

    fn known<T>(&mut self, point: &Point<T>) -> Option<&Known> {
        let known = self.known.get_mut(&point.series())?;
        known.build = self.build;
        Some(known)
    }

    fn step(&self, series: SeriesId, time: Timestamp, total: Total) -> Step {
        Step { series, known: Known { time, total, build: self.build } }
    }
}
