//! What collectors answer: the few messages of OTLP and of gRPC's error model that we read.
//!
//! Field numbers are those of `opentelemetry/proto/collector/metrics/v1/metrics_service.proto` and of
//! `google/rpc/{status,error_details}.proto`.

use bytes::Buf;
use prost::Message;
use prost_types::Any;

use super::shorten;
use crate::otlp::answer::Accepted;

/// The largest answer that is read, in bytes: OTLP exporter specification, "Response size limit".
pub(super) const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

impl Accepted {
    /// The request was taken, but what else the answer says is lost. To ask again would double the points.
    pub(super) fn unreadable(problem: &str) -> Self {
        Self {
            rejected: 0,
            message: format!("the request was accepted with an unreadable answer: {problem}"),
        }
    }

    /// From the bytes of an `ExportMetricsServiceResponse`.
    pub(super) fn read(bytes: impl Buf) -> Self {
        let Ok(response) = Response::decode(bytes) else { return Self::unreadable("it is no protobuf") };
        let partial = response.partial_success.unwrap_or_default();
        Self::partial(partial.rejected_data_points, &partial.error_message)
    }

    /// From the JSON form of an `ExportMetricsServiceResponse`.
    #[cfg(all(feature = "otlp-http", feature = "otlp-json"))]
    pub(super) fn read_json(bytes: &[u8]) -> Self {
        // Collectors that have nothing to say may say nothing at all.
        if bytes.trim_ascii().is_empty() {
            return Self::default();
        }
        let Ok(response) = serde_json::from_slice::<serde_json::Value>(bytes) else {
            return Self::unreadable("it is no JSON");
        };
        let partial = &response["partialSuccess"];
        // Protobuf's JSON has 64-bit integers as texts; numbers are accepted too.
        let rejected = match &partial["rejectedDataPoints"] {
            serde_json::Value::String(text) => text.parse().unwrap_or(0),
            number => number.as_i64().unwrap_or(0),
        };
        Self::partial(rejected, partial["errorMessage"].as_str().unwrap_or_default())
    }

    fn partial(rejected: i64, message: &str) -> Self {
        Self { rejected: u64::try_from(rejected).unwrap_or(0), message: shorten(message) }
    }
}

/// `opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse`.
#[derive(Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// `opentelemetry.proto.collector.metrics.v1.ExportMetricsPartialSuccess`.
#[derive(Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_data_points: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `google.rpc.Status`: the body of a failure over HTTP, and a trailer of one over gRPC.
#[derive(Message)]
pub(super) struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.rpc.RetryInfo`.
#[cfg(feature = "otlp-grpc")]
#[derive(Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

#[cfg(feature = "otlp-grpc")]
impl Status {
    /// How long the collector asks to wait, if it speaks of that: a `RetryInfo` without a delay asks for none.
    pub(super) fn retry_delay(&self) -> Option<std::time::Duration> {
        let info = self.details.iter().find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"))?;
        let info = RetryInfo::decode(info.value.as_slice()).ok()?;
        Some(info.retry_delay.and_then(|delay| delay.try_into().ok()).unwrap_or_default())
    }
}
