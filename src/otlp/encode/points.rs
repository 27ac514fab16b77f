//! Data points: the message of one series.

use prost::encoding::{double, fixed64, sfixed64, sint32, uint64};

use super::{
    attributes,
    wire::{
        self, buckets, data_point, exemplar, exponential_data_point, histogram_data_point, number_data_point,
    },
};
use crate::metrics::{Exemplar, ExplicitHistogram, ExponentialHistogram, KeyValue, Timestamp};

/// What all points have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) attributes: &'a [KeyValue],
    /// A last value has no beginning, so its start is zero and left out.
    pub(super) start: Timestamp,
    pub(super) time: Timestamp,
    pub(super) exemplars: Younger<'a>,
}

/// The exemplars that are younger than others: the collector has those.
#[derive(Clone, Copy, Debug)]
pub(super) struct Younger<'a> {
    after: Timestamp,
    exemplars: &'a [Exemplar],
}

/// The value of a sum or a gauge.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Int(i64),
    Double(f64),
}

/// Buckets with bounds, and what is said about all values of the series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Explicit<'a> {
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) bounds: &'a [f64],
    /// One more than bounds.
    pub(super) counts: &'a [u64],
}

impl<'a> Younger<'a> {
    pub(super) fn than(after: Timestamp, exemplars: &'a [Exemplar]) -> Self {
        Self { after, exemplars }
    }

    pub(super) fn none() -> Self {
        Self { after: Timestamp::default(), exemplars: &[] }
    }

    fn iter(self) -> impl Iterator<Item = &'a Exemplar> {
        self.exemplars.iter().filter(move |exemplar| exemplar.time > self.after)
    }
}

impl From<u64> for Number {
    /// OTLP has signed integers only; a total beyond them goes out as the nearest floating-point number.
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Double(value as f64), Self::Int)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl<'a> From<&'a ExplicitHistogram> for Explicit<'a> {
    fn from(value: &'a ExplicitHistogram) -> Self {
        Self {
            count: value.count(),
            sum: value.rising_sum(),
            min: value.min(),
            max: value.max(),
            bounds: value.bounds(),
            counts: value.buckets(),
        }
    }
}

/// A `NumberDataPoint`.
pub(super) fn number(frame: Frame<'_>, value: Number, out: &mut Vec<u8>) {
    frame.times(out);
    match value {
        Number::Int(value) => sfixed64::encode(number_data_point::AS_INT, &value, out),
        Number::Double(value) => double::encode(number_data_point::AS_DOUBLE, &value, out),
    }
    attributes::write(number_data_point::ATTRIBUTES, frame.attributes, out);
}

/// A `HistogramDataPoint`.
pub(super) fn explicit(frame: Frame<'_>, value: Explicit<'_>, out: &mut Vec<u8>) {
    use histogram_data_point::{ATTRIBUTES, BUCKET_COUNTS, COUNT, EXEMPLARS, EXPLICIT_BOUNDS, MAX, MIN, SUM};
    frame.times(out);
    wire::fixed(COUNT, value.count, out);
    optional(SUM, value.sum, out);
    fixed64::encode_packed(BUCKET_COUNTS, value.counts, out);
    double::encode_packed(EXPLICIT_BOUNDS, value.bounds, out);
    frame.exemplars(EXEMPLARS, out);
    attributes::write(ATTRIBUTES, frame.attributes, out);
    optional(MIN, value.min, out);
    optional(MAX, value.max, out);
}

/// An `ExponentialHistogramDataPoint`.
pub(super) fn exponential(frame: Frame<'_>, value: &ExponentialHistogram, out: &mut Vec<u8>) {
    use exponential_data_point::{
        ATTRIBUTES, COUNT, EXEMPLARS, MAX, MIN, NEGATIVE, POSITIVE, SCALE, SUM, ZERO_COUNT,
    };
    attributes::write(ATTRIBUTES, frame.attributes, out);
    frame.times(out);
    wire::fixed(COUNT, value.count(), out);
    optional(SUM, value.rising_sum(), out);
    signed(SCALE, value.scale(), out);
    wire::fixed(ZERO_COUNT, value.zero_count(), out);
    side(POSITIVE, value.offset(), value.buckets(), out);
    side(NEGATIVE, value.negative_offset(), value.negative_buckets(), out);
    frame.exemplars(EXEMPLARS, out);
    optional(MIN, value.min(), out);
    optional(MAX, value.max(), out);
}

impl Frame<'_> {
    fn times(&self, out: &mut Vec<u8>) {
        wire::fixed(data_point::START_TIME, self.start.as_unix_nanos(), out);
        wire::fixed(data_point::TIME, self.time.as_unix_nanos(), out);
    }

    /// Those from the time that the point is about. Younger ones, of values that were recorded while the snapshot was
    /// taken, are in the next point.
    fn exemplars(&self, field: u32, out: &mut Vec<u8>) {
        let is_within = |exemplar: &&Exemplar| self.start < exemplar.time && exemplar.time <= self.time;
        for Exemplar { value, time, trace_id, span_id } in self.exemplars.iter().filter(is_within) {
            // It is younger than something, so it is not zero and not left out.
            let time = time.as_unix_nanos();
            let length = fixed64::encoded_len(exemplar::TIME, &time)
                + double::encoded_len(exemplar::AS_DOUBLE, value)
                + wire::length_of(exemplar::SPAN_ID, span_id.len())
                + wire::length_of(exemplar::TRACE_ID, trace_id.len());
            wire::begin(field, length, out);
            fixed64::encode(exemplar::TIME, &time, out);
            double::encode(exemplar::AS_DOUBLE, value, out);
            wire::bytes(exemplar::SPAN_ID, span_id, out);
            wire::bytes(exemplar::TRACE_ID, trace_id, out);
        }
    }
}

/// The buckets on one side of zero, if there are any.
fn side(field: u32, offset: i32, counts: &[u64], out: &mut Vec<u8>) {
    if counts.is_empty() {
        return;
    }
    let offset_length = if offset == 0 { 0 } else { sint32::encoded_len(buckets::OFFSET, &offset) };
    wire::begin(field, offset_length + uint64::encoded_len_packed(buckets::BUCKET_COUNTS, counts), out);
    signed(buckets::OFFSET, offset, out);
    uint64::encode_packed(buckets::BUCKET_COUNTS, counts, out);
}

fn signed(field: u32, value: i32, out: &mut Vec<u8>) {
    if value != 0 {
        sint32::encode(field, &value, out);
    }
}

fn optional(field: u32, value: Option<f64>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        double::encode(field, &value, out);
    }
}
