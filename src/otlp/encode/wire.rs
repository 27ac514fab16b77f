//! The messages of OTLP as they lie on the wire: the numbers of their fields, and what prost has no function for.
//!
//! The numbers are those of `opentelemetry/proto/{collector/metrics,metrics,common,resource}/v1`. Fields are written in
//! the order of their numbers and left out where they have their default, so the bytes are those that prost writes.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, fixed64, key_len};

pub(super) mod request {
    pub(in super::super) const RESOURCE_METRICS: u32 = 1;
}

pub(super) mod resource_metrics {
    pub(in super::super) const RESOURCE: u32 = 1;
    pub(in super::super) const SCOPE_METRICS: u32 = 2;
    pub(in super::super) const SCHEMA_URL: u32 = 3;
}

pub(super) mod resource {
    pub(in super::super) const ATTRIBUTES: u32 = 1;
}

pub(super) mod scope_metrics {
    pub(in super::super) const SCOPE: u32 = 1;
    pub(in super::super) const METRICS: u32 = 2;
}

pub(super) mod instrumentation_scope {
    pub(in super::super) const NAME: u32 = 1;
    pub(in super::super) const VERSION: u32 = 2;
}

pub(super) mod metric {
    pub(in super::super) const NAME: u32 = 1;
    pub(in super::super) const DESCRIPTION: u32 = 2;
    pub(in super::super) const UNIT: u32 = 3;
    pub(in super::super) const GAUGE: u32 = 5;
    pub(in super::super) const SUM: u32 = 7;
    pub(in super::super) const HISTOGRAM: u32 = 9;
    pub(in super::super) const EXPONENTIAL_HISTOGRAM: u32 = 10;
}

/// `Gauge`, `Sum`, `Histogram` and `ExponentialHistogram`, as far as they have these fields.
pub(super) mod data {
    pub(in super::super) const DATA_POINTS: u32 = 1;
    pub(in super::super) const AGGREGATION_TEMPORALITY: u32 = 2;
    pub(in super::super) const IS_MONOTONIC: u32 = 3;

    /// Values of `AggregationTemporality`.
    pub(in super::super) const DELTA: i32 = 1;
    pub(in super::super) const CUMULATIVE: i32 = 2;
}

/// `NumberDataPoint`, `HistogramDataPoint` and `ExponentialHistogramDataPoint`.
pub(super) mod data_point {
    pub(in super::super) const START_TIME: u32 = 2;
    pub(in super::super) const TIME: u32 = 3;
}

pub(super) mod number_data_point {
    pub(in super::super) const AS_DOUBLE: u32 = 4;
    pub(in super::super) const AS_INT: u32 = 6;
    pub(in super::super) const ATTRIBUTES: u32 = 7;
}

pub(super) mod histogram_data_point {
    pub(in super::super) const COUNT: u32 = 4;
    pub(in super::super) const SUM: u32 = 5;
    pub(in super::super) const BUCKET_COUNTS: u32 = 6;
    pub(in super::super) const EXPLICIT_BOUNDS: u32 = 7;
    pub(in super::super) const EXEMPLARS: u32 = 8;
    pub(in super::super) const ATTRIBUTES: u32 = 9;
    pub(in super::super) const MIN: u32 = 11;
    pub(in super::super) const MAX: u32 = 12;
}

pub(super) mod exponential_data_point {
    pub(in super::super) const ATTRIBUTES: u32 = 1;
    pub(in super::super) const COUNT: u32 = 4;
    pub(in super::super) const SUM: u32 = 5;
    pub(in super::super) const SCALE: u32 = 6;
    pub(in super::super) const ZERO_COUNT: u32 = 7;
    pub(in super::super) const POSITIVE: u32 = 8;
    pub(in super::super) const NEGATIVE: u32 = 9;
    pub(in super::super) const EXEMPLARS: u32 = 11;
    pub(in super::super) const MIN: u32 = 12;
    pub(in super::super) const MAX: u32 = 13;
}

pub(super) mod buckets {
    pub(in super::super) const OFFSET: u32 = 1;
    pub(in super::super) const BUCKET_COUNTS: u32 = 2;
}

pub(super) mod exemplar {
    pub(in super::super) const TIME: u32 = 2;
    pub(in super::super) const AS_DOUBLE: u32 = 3;
    pub(in super::super) const SPAN_ID: u32 = 4;
    pub(in super::super) const TRACE_ID: u32 = 5;
}

pub(super) mod key_value {
    pub(in super::super) const KEY: u32 = 1;
    pub(in super::super) const VALUE: u32 = 2;
}

pub(super) mod any_value {
    pub(in super::super) const STRING: u32 = 1;
    pub(in super::super) const BOOL: u32 = 2;
    pub(in super::super) const INT: u32 = 3;
    pub(in super::super) const DOUBLE: u32 = 4;
}

/// Begins a field of `length` bytes, which are to follow: a message, text, or identity.
pub(super) fn begin(field: u32, length: usize, out: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
}

/// How long a field is that holds so many bytes.
pub(super) fn length_of(field: u32, length: usize) -> usize {
    key_len(field) + encoded_len_varint(length as u64) + length
}

/// A field of bytes, be there any or not.
pub(super) fn bytes(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    begin(field, bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// A field of text, unless that is empty.
pub(super) fn text(field: u32, text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() {
        bytes(field, text.as_bytes(), out);
    }
}

/// A field of a count or a time, unless that is zero.
pub(super) fn fixed(field: u32, value: u64, out: &mut Vec<u8>) {
    if value != 0 {
        fixed64::encode(field, &value, out);
    }
}
