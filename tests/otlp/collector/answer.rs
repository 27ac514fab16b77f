//! What a collector does with a request.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use tonic::Code;

use super::Protocol;

/// No message of protobuf, whose first field has a number that does not end, and no text.
pub(crate) const GARBAGE: &[u8] = &[0xff; 16];

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Accept,
    AcceptAfter(Duration),
    /// Accepts, but rejects so many points, for this reason.
    Partial(i64, &'static str),
    /// gRPC: fails.
    Fail(Code),
    /// gRPC: fails, and asks to come back after so long.
    Throttle(Code, Duration),
    /// Fails with a status of HTTP; over gRPC, as a proxy does that stands before the collector.
    Status(u16),
    /// HTTP: the same, with this `Retry-After`.
    RetryAfter(u16, String),
    /// Fails for good, for this reason.
    BadRequest(&'static str),
    /// Accepts, with [`GARBAGE`] for a message.
    Garbage,
    /// Accepts, in a message that is so many bytes longer than others.
    Big(usize),
    /// Sends the client to another path of this collector.
    Redirect,
    /// Never answers.
    Hang,
    /// Breaks all connections.
    Reset,
    /// HTTP: breaks the connection after half of the body of the response.
    ResetMidBody,
    /// Leaves all connections open, and nothing passes through them any longer.
    Freeze,
}

impl Answer {
    /// Whether it acknowledges a request, in a way that clients understand.
    pub(super) fn accepts(&self) -> bool {
        matches!(self, Self::Accept | Self::AcceptAfter(_) | Self::Partial(..))
    }

    /// Scripts that ask for what a protocol does not have are mistaken.
    pub(super) fn must_suit(&self, protocol: Protocol) {
        let suits = match self {
            Self::Fail(_) | Self::Throttle(..) => protocol == Protocol::Grpc,
            Self::RetryAfter(..) | Self::ResetMidBody => protocol == Protocol::Http,
            _ => true,
        };
        assert!(suits, "{self:?} does not exist in {protocol:?}");
    }

    /// The message of a response that accepts.
    pub(super) fn response(&self) -> ExportMetricsServiceResponse {
        let partial_success = match self {
            Self::Partial(rejected, message) => Some((*rejected, (*message).to_owned())),
            Self::Big(length) => Some((0, "x".repeat(*length))),
            Self::ResetMidBody => Some((0, "half of this".to_owned())),
            _ => None,
        };
        let partial_success = partial_success.map(|(rejected_data_points, error_message)| {
            ExportMetricsPartialSuccess { rejected_data_points, error_message }
        });
        ExportMetricsServiceResponse { partial_success }
    }
}
