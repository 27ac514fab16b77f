//! [`Serializer`]: requests without a transport.

use std::{fmt, mem, num::NonZeroUsize};

use super::{
    ExemplarFilter, Foreign, HistogramAggregation, Temporality,
    delta::Base,
    destination::{MAX_BYTES, MAX_POINTS},
    encode::{Encoder, Shape},
};
use crate::metrics::{KeyValue, Registry, Snapshot, Timestamp};

/// Snapshots as OTLP requests, for those who bring their own transport.
///
/// What it yields is taken for delivered: under delta temporality the next window begins where this one ends. An
/// [`Exporter`](super::Exporter) waits for the answer before it moves on.
///
/// # Examples
///
/// ```
/// use freewheel::{metrics::{KeyValue, Registry}, otlp::{Serializer, Temporality}};
///
/// let registry = Registry::new();
/// let orders = registry.counter("orders").build()?;
/// let mut serializer =
///     Serializer::new([KeyValue::new("service.name", "shop")]).temporality(Temporality::Delta);
///
/// orders.add(3);
/// for body in serializer.requests(registry.snapshot()) {
///     // POST /v1/metrics, with `Content-Type: application/x-protobuf`.
///     assert!(!body.is_empty());
/// }
/// // Nothing has happened since, so there is nothing to send.
/// assert!(serializer.requests(registry.snapshot()).is_empty());
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[must_use = "a serializer does nothing until it is given a snapshot"]
pub struct Serializer {
    encoder: Encoder,
    base: Base,
    /// When the last snapshot was taken.
    known_until: Timestamp,
    /// The last one that was taken here, whose memory the next one has.
    snapshot: Snapshot,
}

impl Serializer {
    /// Makes a serializer whose requests have a resource with exactly these attributes. Collectors expect `service.name`
    /// among them.
    pub fn new(resource: impl IntoIterator<Item = KeyValue>) -> Self {
        let resource: Vec<KeyValue> = resource.into_iter().collect();
        let shape = Shape {
            temporality: Temporality::default(),
            histograms: HistogramAggregation::default(),
            exemplars: ExemplarFilter::default(),
            max_points: MAX_POINTS,
            max_bytes: MAX_BYTES,
        };
        let encoder = Encoder::new(&resource, "", shape);
        Self {
            encoder,
            base: Base::default(),
            known_until: Timestamp::default(),
            snapshot: Snapshot::default(),
        }
    }

    /// Whether to write totals or windows; totals unless given. To be chosen before the first snapshot.
    pub fn temporality(self, temporality: Temporality) -> Self {
        self.shaped(|shape| shape.temporality = temporality)
    }

    /// The form of histograms with exponential buckets; as they are unless given.
    pub fn histograms(self, histograms: HistogramAggregation) -> Self {
        self.shaped(|shape| shape.histograms = histograms)
    }

    /// Leaves out exemplars.
    pub fn without_exemplars(self) -> Self {
        self.shaped(|shape| shape.exemplars = ExemplarFilter::AlwaysOff)
    }

    /// The most points in one request; 4000 unless given.
    pub fn max_points(self, points: NonZeroUsize) -> Self {
        self.shaped(|shape| shape.max_points = points.get())
    }

    /// The most bytes in one request, unless a single point has more; 4 MiB unless given, which most collectors take.
    pub fn max_bytes(self, bytes: NonZeroUsize) -> Self {
        self.shaped(|shape| shape.max_bytes = bytes.get())
    }

    /// Writes what the snapshot has: each vector is an `ExportMetricsServiceRequest` in protobuf. There are several if one
    /// would be beyond a limit, and none if there is nothing to tell.
    ///
    /// *Cost:* from the second snapshot on, memory is taken for requests and not for series that were there before.
    #[must_use]
    pub fn requests(&mut self, snapshot: Snapshot) -> Vec<Vec<u8>> {
        self.requests_with(snapshot, &[])
    }

    /// As [`requests`](Self::requests), together with what another SDK has collected under the same resource.
    #[must_use]
    pub fn requests_with(&mut self, mut snapshot: Snapshot, foreign: &[Foreign]) -> Vec<Vec<u8>> {
        self.write(&mut snapshot, foreign)
    }

    /// As [`requests`](Self::requests), of a snapshot that is taken now. It stays here, and the next one has its memory: that
    /// is faster than to be given a new one each time.
    #[must_use]
    pub fn requests_of(&mut self, registry: &Registry) -> Vec<Vec<u8>> {
        let mut snapshot = mem::take(&mut self.snapshot);
        registry.snapshot_into(&mut snapshot);
        let requests = self.write(&mut snapshot, &[]);
        self.snapshot = snapshot;
        requests
    }

    fn write(&mut self, snapshot: &mut Snapshot, foreign: &[Foreign]) -> Vec<Vec<u8>> {
        let is_cumulative = self.encoder.shape().temporality == Temporality::Cumulative;
        let base = (!is_cumulative).then_some(&mut self.base);
        let after = mem::replace(&mut self.known_until, snapshot.taken_at);
        let parts = self.encoder.encode(snapshot, base, after, foreign);
        let body = |part: super::encode::Part| {
            self.base.advance(part.steps);
            part.body.into()
        };
        parts.into_iter().map(body).collect()
    }

    fn shaped(mut self, change: impl FnOnce(&mut Shape)) -> Self {
        let mut shape = self.encoder.shape();
        change(&mut shape);
        self.encoder.set_shape(shape);
        self
    }
}

impl fmt::Debug for Serializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serializer").field("shape", &self.encoder.shape()).finish_non_exhaustive()
    }
}
