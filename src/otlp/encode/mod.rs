//! From a snapshot to the bytes of OTLP requests.
//!
//! Nothing is built in between: each point is written once into a buffer that stays, with prost's own functions, and
//! copied from there into its request. Once the buffers have grown, memory is taken for requests and not for series.
//!
//! | file            | what                                              |
//! |-----------------|---------------------------------------------------|
//! | `mod.rs`        | metrics and their points: totals or windows       |
//! | `parts.rs`      | points put together into requests, and the limits |
//! | `points.rs`     | the message of a point                            |
//! | `attributes.rs` | the messages of attributes                        |
//! | `conversion.rs` | exponential buckets as explicit ones              |
//! | `wire.rs`       | the numbers of fields                             |

use bytes::Bytes;

use super::{
    ExemplarFilter, HistogramAggregation, Temporality,
    delta::{Base, Exported, Step},
};
use crate::metrics::{
    Data, Exemplar, ExplicitHistogram, ExponentialHistogram, KeyValue, Metric, Point, Snapshot, Timestamp,
};

mod attributes;
mod conversion;
mod parts;
mod points;
mod wire;

use conversion::Conversion;
use parts::{Kind, Parts};
use points::{Explicit, Frame, Number, Younger};
use wire::{data, metric};

/// One request, and what it means for the base of the deltas.
#[derive(Debug)]
pub(super) struct Part {
    /// A serialized `ExportMetricsServiceRequest`.
    pub(super) body: Bytes,
    pub(super) points: u64,
    /// To be taken when the request is answered for.
    pub(super) steps: Vec<Step>,
}

/// How the points go out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) temporality: Temporality,
    pub(super) histograms: HistogramAggregation,
    /// Which exemplars go out.
    pub(super) exemplars: ExemplarFilter,
    /// The most points of a part.
    pub(super) max_points: usize,
    /// The most bytes of a part, unless it is a single point.
    pub(super) max_bytes: usize,
}

/// What another SDK has collected under the same resource: a serialized `ScopeMetrics` message.
///
/// It is sent as it is and never divided: one that is beyond a limit by itself makes a request of its own.
#[derive(Clone, Debug)]
pub struct Foreign {
    pub(super) body: Bytes,
    pub(super) points: u64,
}

impl Foreign {
    /// Takes the message, and how many points are in it.
    #[must_use]
    pub fn new(scope_metrics: Vec<u8>, points: u64) -> Self {
        Self { body: scope_metrics.into(), points }
    }
}

/// Encodes the snapshots for one destination.
#[derive(Debug)]
pub(super) struct Encoder {
    shape: Shape,
    parts: Parts,
    scratch: Scratch,
}

/// Memory that is used for one series after the other.
#[derive(Debug)]
struct Scratch {
    point: Vec<u8>,
    /// The windows of histograms.
    exponential: Option<ExponentialHistogram>,
    explicit: Option<ExplicitHistogram>,
    conversion: Conversion,
}

impl Encoder {
    pub(super) fn new(resource: &[KeyValue], schema_url: &str, shape: Shape) -> Self {
        let scratch =
            Scratch { point: Vec::new(), exponential: None, explicit: None, conversion: Conversion::new() };
        let parts = Parts::new(resource, schema_url, (shape.max_points, shape.max_bytes));
        Self { shape, parts, scratch }
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn set_shape(&mut self, shape: Shape) {
        self.shape = shape;
        self.parts.set_limits(shape.max_points, shape.max_bytes);
    }

    /// Encodes `snapshot`, and after it what is foreign: the windows since `base`, or the totals if there is none;
    /// exemplars of totals only if they are younger than `exemplars_after`.
    ///
    /// One part is one request; it has at most `max_points` points and, unless it is a single point, at most `max_bytes`
    /// bytes. What is left of the snapshot is good for its memory only.
    pub(super) fn encode(
        &mut self,
        snapshot: &mut Snapshot,
        mut base: Option<&mut Base>,
        exemplars_after: Timestamp,
        foreign: &[Foreign],
    ) -> Vec<Part> {
        debug_assert_eq!(base.is_some(), self.shape.temporality != Temporality::Cumulative);
        if let Some(base) = &mut base {
            base.begin();
            self.parts.expect_steps(snapshot.metrics.iter().map(|metric| metric.data.len()).sum());
        }
        let mut export = Export { encoder: self, base, exemplars_after };
        snapshot.metrics.iter_mut().for_each(|metric| export.metric(metric));
        let Export { encoder, base, .. } = export;
        foreign.iter().for_each(|foreign| encoder.parts.push_foreign(foreign));
        let (parts, steps) = encoder.parts.finish();
        if let Some(base) = base {
            base.end();
            base.advance(steps);
        }
        parts
    }
}

/// An export under way.
struct Export<'a> {
    encoder: &'a mut Encoder,
    base: Option<&'a mut Base>,
    /// Of totals, exemplars up to here were sent before.
    exemplars_after: Timestamp,
}

impl Export<'_> {
    fn metric(&mut self, metric: &mut Metric) {
        self.encoder.parts.begin(metric);
        let is_observed = metric.is_observed;
        match &mut metric.data {
            Data::Counter(points) => self.counter(points, is_observed),
            Data::CounterF64(points) => self.counter(points, is_observed),
            Data::UpDownCounter(points) => {
                let temporality = Some(data::CUMULATIVE);
                let kind = Kind { field: metric::SUM, temporality, is_monotonic: false };
                self.last_values(kind, points);
            }
            Data::GaugeI64(points) => self.gauge(points),
            Data::GaugeF64(points) => self.gauge(points),
            Data::Histogram(points) => self.histogram(points, &metric.unit),
            Data::ExplicitHistogram(points) => {
                let mut window = self.encoder.scratch.explicit.take();
                self.series(metric::HISTOGRAM, points, &mut window, |_, frame, value, out| {
                    points::explicit(frame, Explicit::from(&*value), out);
                });
                self.encoder.scratch.explicit = window;
            }
        }
    }

    fn counter<T: Exported + Copy + Into<Number>>(&mut self, points: &mut [Point<T>], is_observed: bool) {
        // What is observed is a total already: to send it as such takes no memory.
        let stays_total = is_observed && self.encoder.shape.temporality == Temporality::LowMemory;
        let base = if stays_total { self.base.take() } else { None };
        self.series(metric::SUM, points, &mut None, |_, frame, value, out| {
            points::number(frame, (*value).into(), out);
        });
        self.base = base.or(self.base.take());
    }

    fn gauge<T: Copy + Into<Number>>(&mut self, points: &[Point<T>]) {
        self.last_values(Kind { field: metric::GAUGE, temporality: None, is_monotonic: false }, points);
    }

    fn histogram(&mut self, points: &mut [Point<ExponentialHistogram>], unit: &str) {
        let mut window = self.encoder.scratch.exponential.take();
        match self.encoder.shape.histograms {
            HistogramAggregation::Base2Exponential => {
                let field = metric::EXPONENTIAL_HISTOGRAM;
                self.series(field, points, &mut window, |_, frame, value, out| {
                    value.fit(ExponentialHistogram::MAX_EXPORTED_BUCKETS);
                    points::exponential(frame, value, out);
                });
            }
            HistogramAggregation::ExplicitBucket => {
                self.series(metric::HISTOGRAM, points, &mut window, |conversion, frame, value, out| {
                    points::explicit(frame, conversion.of_unit(unit).convert(value), out);
                });
            }
        }
        self.encoder.scratch.exponential = window;
    }

    /// Series that are totals, or windows since the base without those in which nothing happened; `write` writes one.
    fn series<T: Exported>(
        &mut self,
        field: u32,
        points: &mut [Point<T>],
        window: &mut Option<T>,
        write: impl Fn(&mut Conversion, Frame<'_>, &mut T, &mut Vec<u8>),
    ) {
        let Encoder { shape, parts, scratch: Scratch { point: out, conversion, .. } } = &mut *self.encoder;
        let temporality = Some(if self.base.is_some() { data::DELTA } else { data::CUMULATIVE });
        let kind = Kind { field, temporality, is_monotonic: field == metric::SUM };
        for point in points {
            out.clear();
            let Some(base) = &mut self.base else {
                let Point { attributes, start, time, value, exemplars, .. } = point;
                let exemplars = shape.exemplars.of(exemplars, self.exemplars_after);
                let frame = Frame { attributes, start: *start, time: *time, exemplars };
                write(conversion, frame, value, out);
                parts.push(kind, out, None);
                continue;
            };
            let value = copied(&point.value, window);
            let start = base.window(point, value);
            if !value.is_empty() {
                let Point { attributes, time, exemplars, .. } = &*point;
                let exemplars = shape.exemplars.of(exemplars, start);
                write(conversion, Frame { attributes, start, time: *time, exemplars }, value, out);
                parts.push(kind, out, Some(base.step(point)));
            } else if !value.is_unfinished() {
                parts.push_step(base.step(point));
            }
        }
    }

    /// Series of which the present value counts, under whatever temporality.
    fn last_values<T: Copy + Into<Number>>(&mut self, kind: Kind, points: &[Point<T>]) {
        let Encoder { parts, scratch: Scratch { point: out, .. }, .. } = &mut *self.encoder;
        for point in points {
            out.clear();
            let start = if kind.temporality.is_some() { point.start } else { Timestamp::default() };
            let (attributes, time, exemplars) = (&*point.attributes, point.time, Younger::none());
            let frame = Frame { attributes, start, time, exemplars };
            points::number(frame, point.value.into(), out);
            parts.push(kind, out, None);
        }
    }
}

impl ExemplarFilter {
    /// Of the exemplars those that are younger than `after`, if any go out.
    fn of(self, exemplars: &[Exemplar], after: Timestamp) -> Younger<'_> {
        match self {
            Self::TraceBased => Younger::than(after, exemplars),
            Self::AlwaysOff => Younger::none(),
        }
    }
}

/// A copy of `value`, in the memory of the one before.
fn copied<'a, T: Clone>(value: &T, place: &'a mut Option<T>) -> &'a mut T {
    if let Some(copy) = place {
        copy.clone_from(value);
    }
    place.get_or_insert_with(|| value.clone())
}
