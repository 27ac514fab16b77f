//! Compressed bodies.

use std::io::Read;

use flate2::read::GzDecoder;

/// Undoes this encoding.
pub(super) fn decompress(encoding: Option<&str>, body: &[u8]) -> Result<Vec<u8>, String> {
    let mut message = Vec::new();
    let outcome = match encoding {
        None => return Ok(body.to_vec()),
        Some("gzip") => GzDecoder::new(body).read_to_end(&mut message),
        Some("zstd") => zstd::Decoder::new(body).and_then(|mut decoder| decoder.read_to_end(&mut message)),
        Some(other) => return Err(format!("unknown encoding {other}")),
    };
    outcome.map(|_| message).map_err(|error| error.to_string())
}
