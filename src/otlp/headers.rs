//! Headers that go with each request, such as keys of an API. Their values are secrets: nothing here shows one.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

/// Those that we set ourselves, or that HTTP and gRPC need for themselves.
const RESERVED: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "user-agent",
];

/// Adds a header, in place of others with that name. The error says what is wrong, without the value.
pub(super) fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), &'static str> {
    let name = HeaderName::try_from(name).map_err(|_| "its name has characters that no header can have")?;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("grpc-") {
        return Err("it is set by the exporter itself, or by gRPC");
    }
    if name.as_str().ends_with("-bin") {
        return Err("binary headers are not supported");
    }
    let mut value =
        HeaderValue::try_from(value).map_err(|_| "its value has characters that no header can have")?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// Reads `key=value,key=value`, values percent-encoded (OTLP exporter specification, "Specifying headers via
/// environment variables"). What is wrong with entries goes to `complain`, with their number, not their text.
pub(super) fn read(text: &str, headers: &mut HeaderMap, mut complain: impl FnMut(usize, &'static str)) {
    for (at, entry) in text.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty()) {
        let added = match entry.split_once('=') {
            None => Err("it has no `=`"),
            Some((name, value)) => insert(headers, name.trim(), &decode(value.trim())),
        };
        if let Err(problem) = added {
            complain(at + 1, problem);
        }
    }
}

/// The text that is percent-encoded in `value`; if it is malformed, it is meant as it stands.
fn decode(value: &str) -> Cow<'_, str> {
    let is_encoded = value.split('%').skip(1).all(|after| {
        matches!(after.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    });
    let decoded = is_encoded.then(|| percent_decode_str(value).decode_utf8().ok()).flatten();
    decoded.unwrap_or(Cow::Borrowed(value))
}
