//! OTLP over HTTP, as protobuf and as JSON.

use hyper::{Response, StatusCode, header::RETRY_AFTER};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use prost::Message;
use tonic::Code;
use tonic_types::Status;

use super::{
    Answer,
    answer::GARBAGE,
    arrival::{Understood, Unread},
    encoding::decompress,
    half::Half,
    server::{Body, moved},
};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// What a request says, or how it is refused.
pub(super) fn read(unread: &Unread) -> Result<Understood, Box<Response<Body>>> {
    understand(unread).map_err(|error| Box::new(refused(unread, StatusCode::BAD_REQUEST, &error)))
}

fn understand(unread: &Unread) -> Result<Understood, String> {
    if unread.parts.method != "POST" {
        return Err(format!("{} instead of POST", unread.parts.method));
    }
    let encoding = unread.header("content-encoding");
    let message = decompress(encoding, &unread.body)?;
    let request = match unread.header("content-type") {
        Some(PROTOBUF) => {
            ExportMetricsServiceRequest::decode(&message[..]).map_err(|error| error.to_string())
        }
        Some(JSON) => serde_json::from_slice(&message).map_err(|error| error.to_string()),
        other => Err(format!("unknown content type {other:?}")),
    };
    Ok((encoding.map(str::to_owned), request?))
}

/// What this answer looks like, in the format of the request.
pub(super) fn respond(answer: &Answer, unread: &Unread) -> Response<Body> {
    let status = |status: &u16| refused(unread, StatusCode::from_u16(*status).unwrap(), "as scripted");
    match answer {
        Answer::Status(code) => status(code),
        Answer::RetryAfter(code, when) => {
            let mut response = status(code);
            response.headers_mut().insert(RETRY_AFTER, when.parse().unwrap());
            response
        }
        Answer::BadRequest(reason) => refused(unread, StatusCode::BAD_REQUEST, reason),
        Answer::Redirect => moved(),
        Answer::Garbage => response(unread, StatusCode::OK, GARBAGE.to_vec()),
        Answer::ResetMidBody => response(unread, StatusCode::OK, Vec::new())
            .map(|_| Body::new(Half::of(accepted(answer, unread)))),
        _ => response(unread, StatusCode::OK, accepted(answer, unread)),
    }
}

fn is_json(unread: &Unread) -> bool {
    unread.header("content-type") == Some(JSON)
}

fn accepted(answer: &Answer, unread: &Unread) -> Vec<u8> {
    let message: ExportMetricsServiceResponse = answer.response();
    if is_json(unread) { serde_json::to_vec(&message).unwrap() } else { message.encode_to_vec() }
}

/// A failure, as OTLP has it: with a `google.rpc.Status`.
fn refused(unread: &Unread, status: StatusCode, message: &str) -> Response<Body> {
    let code = if status == StatusCode::BAD_REQUEST { Code::InvalidArgument } else { Code::Unknown };
    let body = if is_json(unread) {
        serde_json::json!({ "code": code as i32, "message": message }).to_string().into_bytes()
    } else {
        Status { code: code as i32, message: message.to_owned(), details: Vec::new() }.encode_to_vec()
    };
    response(unread, status, body)
}

fn response(unread: &Unread, status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let content_type = if is_json(unread) { JSON } else { PROTOBUF };
    let response = Response::builder().status(status).header("content-type", content_type);
    response.body(Body::new(http_body_util::Full::from(body))).unwrap()
}
