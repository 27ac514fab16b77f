//! The protocol gRPC, below its libraries: so that answers may break its rules.
//!
//! See <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Response, body::Bytes};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

use super::{
    Answer,
    answer::GARBAGE,
    arrival::{Understood, Unread},
    encoding::decompress,
    server::{Body, moved},
};

const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// What a request says, or how it is refused.
pub(super) fn read(unread: &Unread) -> Result<Understood, Box<Response<Body>>> {
    understand(unread).map_err(|status| Box::new(failed(status)))
}

fn understand(unread: &Unread) -> Result<Understood, Status> {
    if unread.parts.uri.path() != EXPORT || unread.parts.method != Method::POST {
        return Err(Status::unimplemented("no such method"));
    }
    let content_type = unread.header("content-type").unwrap_or_default();
    if content_type != "application/grpc" || unread.header("te") != Some("trailers") {
        return Err(Status::invalid_argument("not gRPC"));
    }
    let Some((&[flag, ref length @ ..], message)) = unread.body.split_first_chunk::<5>() else {
        return Err(Status::invalid_argument("no message"));
    };
    if u32::from_be_bytes(*length) as usize != message.len() {
        return Err(Status::invalid_argument("not exactly one message"));
    }
    let encoding = match (flag, unread.header("grpc-encoding")) {
        (0, _) | (1, Some("identity")) => None,
        (1, Some(encoding)) => Some(encoding),
        _ => return Err(Status::internal("compressed without an encoding")),
    };
    let message = decompress(encoding, message).map_err(Status::unimplemented)?;
    let request = ExportMetricsServiceRequest::decode(&message[..]);
    let request = request.map_err(|error| Status::invalid_argument(error.to_string()))?;
    Ok((encoding.map(str::to_owned), request))
}

/// What this answer looks like.
pub(super) fn respond(answer: &Answer) -> Response<Body> {
    match answer {
        Answer::Fail(code) => failed(Status::new(*code, "as scripted")),
        Answer::Throttle(code, delay) => {
            let details = ErrorDetails::with_retry_info(Some(*delay));
            failed(Status::with_error_details(*code, "as scripted", details))
        }
        Answer::BadRequest(reason) => failed(Status::invalid_argument(*reason)),
        Answer::Status(status) => Response::builder().status(*status).body(Body::default()).unwrap(),
        Answer::Redirect => moved(),
        Answer::Garbage => succeeded(GARBAGE),
        _ => succeeded(&answer.response().encode_to_vec()),
    }
}

fn failed(status: Status) -> Response<Body> {
    status.into_http()
}

/// A response with a message, whose trailers say that all is well.
fn succeeded(message: &[u8]) -> Response<Body> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let framed: Bytes = [&[0][..], &length, message].concat().into();
    let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
    let body = Full::new(framed).with_trailers(async { Some(Ok(trailers)) });
    Response::builder().header("content-type", "application/grpc").body(Body::new(body)).unwrap()
}
