//! Points put together into requests that keep to the limits.
//!
//! A message on the wire begins with its length. So points are gathered first, as they are to be sent, with the lengths
//! of what is around them; when the next point does not fit any more, all is written in one go.

use std::mem;

use bytes::Bytes;
use prost::encoding::{bool, int32};

use super::{
    Foreign, Part, attributes,
    wire::{self, data, instrumentation_scope, metric, request, resource, resource_metrics, scope_metrics},
};
use crate::{
    metrics::{KeyValue, Metric},
    otlp::delta::Step,
};

/// What a metric is on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// The field of `Metric` that has the points.
    pub(super) field: u32,
    /// A value of `AggregationTemporality`, unless these are last values.
    pub(super) temporality: Option<i32>,
    pub(super) is_monotonic: bool,
}

/// A metric in the part that is being filled, or as much of it as is in there.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    kind: Kind,
    head_length: usize,
    points_length: usize,
}

/// Fills one part after the other.
#[derive(Debug)]
pub(super) struct Parts {
    max_points: u64,
    max_bytes: usize,
    /// Fields that each request has, as they stand there.
    resource: Vec<u8>,
    schema_url: Vec<u8>,
    scope: Vec<u8>,
    /// Name, description and unit of the metric whose points come.
    head: Vec<u8>,
    /// Whether the last chunk is of that metric.
    is_open: bool,

    // The part that is being filled.
    chunks: Vec<Chunk>,
    /// The heads of all chunks, and the points of all chunks.
    heads: Vec<u8>,
    points: Vec<u8>,
    /// How long the chunks are as fields, without the one that is open.
    closed_length: usize,
    foreign: Vec<Bytes>,
    /// How long those are as fields.
    foreign_length: usize,
    count: u64,
    steps: Vec<Step>,

    full: Vec<Part>,
    /// How many points may be to come: how many steps to make room for.
    expected: usize,
}

impl Parts {
    pub(super) fn new(
        attributes: &[KeyValue],
        schema_url: &str,
        (max_points, max_bytes): (usize, usize),
    ) -> Self {
        let mut fields = Vec::new();
        attributes::write(resource::ATTRIBUTES, attributes, &mut fields);
        let (mut resource, mut scope) = (Vec::new(), Vec::new());
        wire::bytes(resource_metrics::RESOURCE, &fields, &mut resource);
        fields.clear();
        wire::text(resource_metrics::SCHEMA_URL, schema_url, &mut fields);
        let schema_url = mem::take(&mut fields);
        wire::text(instrumentation_scope::NAME, "freewheel", &mut fields);
        wire::text(instrumentation_scope::VERSION, env!("CARGO_PKG_VERSION"), &mut fields);
        wire::bytes(scope_metrics::SCOPE, &fields, &mut scope);
        Self {
            max_points: max_points as u64,
            max_bytes,
            resource,
            schema_url,
            scope,
            head: Vec::new(),
            is_open: false,
            chunks: Vec::new(),
            heads: Vec::new(),
            points: Vec::new(),
            closed_length: 0,
            foreign: Vec::new(),
            foreign_length: 0,
            count: 0,
            steps: Vec::new(),
            full: Vec::new(),
            expected: 0,
        }
    }

    /// Changes how many points and bytes a part has at most.
    pub(super) fn set_limits(&mut self, max_points: usize, max_bytes: usize) {
        (self.max_points, self.max_bytes) = (max_points as u64, max_bytes);
    }

    /// Says how many steps are to come at most.
    pub(super) fn expect_steps(&mut self, steps: usize) {
        self.expected = steps;
        self.make_room_for_steps();
    }

    /// Begins a metric; its points are to follow.
    pub(super) fn begin(&mut self, metric: &Metric) {
        self.end_chunk();
        self.head.clear();
        wire::text(metric::NAME, &metric.name, &mut self.head);
        wire::text(metric::DESCRIPTION, &metric.description, &mut self.head);
        wire::text(metric::UNIT, &metric.unit, &mut self.head);
    }

    /// Adds a point of the metric, and goes on with another part if this one is full.
    pub(super) fn push(&mut self, kind: Kind, point: &[u8], step: Option<Step>) {
        let length = wire::length_of(data::DATA_POINTS, point.len());
        if !self.is_empty() && !self.has_room_for_point(kind, length) {
            self.close();
        }
        if !self.is_open {
            self.is_open = true;
            self.chunks.push(Chunk { kind, head_length: self.head.len(), points_length: 0 });
            self.heads.extend_from_slice(&self.head);
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.points_length += length;
        }
        wire::bytes(data::DATA_POINTS, point, &mut self.points);
        self.count += 1;
        self.steps.extend(step);
    }

    /// Adds the step of a series of which there is no point.
    pub(super) fn push_step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Adds what another SDK has, and goes on with another part if this one is full.
    pub(super) fn push_foreign(&mut self, foreign: &Foreign) {
        if foreign.body.is_empty() {
            return;
        }
        self.end_chunk();
        let length = wire::length_of(resource_metrics::SCOPE_METRICS, foreign.body.len());
        let points = self.count.saturating_add(foreign.points);
        let bytes = self.length(self.closed_length, self.foreign_length + length);
        if !self.is_empty() && (points > self.max_points || bytes > self.max_bytes) {
            self.close();
        }
        self.foreign.push(foreign.body.clone());
        self.foreign_length += length;
        self.count = self.count.saturating_add(foreign.points);
    }

    /// The parts, and the steps that no part has because there is none.
    pub(super) fn finish(&mut self) -> (Vec<Part>, Vec<Step>) {
        self.end_chunk();
        if !self.is_empty() {
            self.expected = 0;
            self.close();
        }
        let mut steps = mem::take(&mut self.steps);
        // The series in which nothing happened wait for the answer like the others, if there is one to wait for.
        if let Some(part) = self.full.last_mut() {
            part.steps.append(&mut steps);
        }
        (mem::take(&mut self.full), steps)
    }

    fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.foreign.is_empty()
    }

    fn has_room_for_point(&self, kind: Kind, length: usize) -> bool {
        let open = self.chunks.last().filter(|_| self.is_open);
        let points_length = open.map_or(0, |chunk| chunk.points_length) + length;
        let chunk = Chunk { kind, head_length: self.head.len(), points_length };
        self.count < self.max_points
            && self.length(self.closed_length + chunk.length(), self.foreign_length) <= self.max_bytes
    }

    /// How long the request is, if its chunks and what is foreign are so long as fields.
    fn length(&self, chunks: usize, foreign: usize) -> usize {
        wire::length_of(request::RESOURCE_METRICS, self.inner_length(chunks, foreign))
    }

    fn inner_length(&self, chunks: usize, foreign: usize) -> usize {
        let own = match chunks {
            0 => 0,
            _ => wire::length_of(resource_metrics::SCOPE_METRICS, self.scope.len() + chunks),
        };
        self.resource.len() + own + foreign + self.schema_url.len()
    }

    fn end_chunk(&mut self) {
        if mem::take(&mut self.is_open) {
            self.closed_length += self.chunks.last().map_or(0, Chunk::length);
        }
    }

    /// Writes the request.
    fn close(&mut self) {
        self.end_chunk();
        let (chunks, foreign) = (self.closed_length, self.foreign_length);
        let length = self.length(chunks, foreign);
        let mut out = Vec::with_capacity(length);
        wire::begin(request::RESOURCE_METRICS, self.inner_length(chunks, foreign), &mut out);
        out.extend_from_slice(&self.resource);
        if !self.chunks.is_empty() {
            wire::begin(resource_metrics::SCOPE_METRICS, self.scope.len() + chunks, &mut out);
            out.extend_from_slice(&self.scope);
            self.write_chunks(&mut out);
        }
        for body in self.foreign.drain(..) {
            wire::bytes(resource_metrics::SCOPE_METRICS, &body, &mut out);
        }
        out.extend_from_slice(&self.schema_url);
        debug_assert_eq!(out.len(), length, "the limit was kept by another length");
        let (body, points) = (out.into(), mem::take(&mut self.count));
        self.full.push(Part { body, points, steps: mem::take(&mut self.steps) });
        self.chunks.clear();
        self.heads.clear();
        self.points.clear();
        (self.closed_length, self.foreign_length) = (0, 0);
        self.make_room_for_steps();
    }

    fn write_chunks(&self, out: &mut Vec<u8>) {
        let (mut heads, mut points) = (&*self.heads, &*self.points);
        for chunk in &self.chunks {
            let (head, other_heads) = heads.split_at(chunk.head_length);
            let (own_points, other_points) = points.split_at(chunk.points_length);
            (heads, points) = (other_heads, other_points);
            wire::begin(scope_metrics::METRICS, chunk.inner_length(), out);
            out.extend_from_slice(head);
            wire::begin(chunk.kind.field, chunk.data_length(), out);
            out.extend_from_slice(own_points);
            chunk.kind.write(out);
        }
    }

    /// Makes it once for each part, not again and again as steps come.
    fn make_room_for_steps(&mut self) {
        let max_points = usize::try_from(self.max_points).unwrap_or(usize::MAX);
        self.steps.reserve(self.expected.min(max_points));
    }
}

impl Chunk {
    /// As a field of `ScopeMetrics`.
    fn length(&self) -> usize {
        wire::length_of(scope_metrics::METRICS, self.inner_length())
    }

    fn inner_length(&self) -> usize {
        self.head_length + wire::length_of(self.kind.field, self.data_length())
    }

    fn data_length(&self) -> usize {
        self.points_length + self.kind.length()
    }
}

impl Kind {
    /// What follows the points.
    fn write(self, out: &mut Vec<u8>) {
        if let Some(temporality) = self.temporality {
            int32::encode(data::AGGREGATION_TEMPORALITY, &temporality, out);
        }
        if self.is_monotonic {
            bool::encode(data::IS_MONOTONIC, &true, out);
        }
    }

    fn length(self) -> usize {
        let temporality =
            self.temporality.map_or(0, |value| int32::encoded_len(data::AGGREGATION_TEMPORALITY, &value));
        temporality + if self.is_monotonic { bool::encoded_len(data::IS_MONOTONIC, &true) } else { 0 }
    }
}
