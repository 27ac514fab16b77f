//! Bodies of HTTP requests, compressed. Over gRPC, tonic does it.

use std::io;

use bytes::Bytes;

use crate::otlp::Compression;

/// Metrics are repetitive: the fastest level takes most of what there is to take.
pub(super) fn compress(body: Bytes, compression: Compression) -> io::Result<Bytes> {
    match compression {
        #[cfg(feature = "otlp-gzip")]
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            io::Write::write_all(&mut encoder, &body)?;
            encoder.finish().map(Bytes::from)
        }
        #[cfg(feature = "otlp-zstd")]
        Compression::Zstd => zstd::encode_all(&body[..], 1).map(Bytes::from),
        // What is not compiled in was refused at the start.
        _ => Ok(body),
    }
}
