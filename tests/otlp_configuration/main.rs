//! What holds: what the code says, else what the environment says, else the default. Each variable, seen from the
//! collector.
#![cfg(all(
    feature = "otlp-grpc",
    feature = "otlp-http",
    feature = "otlp-json",
    feature = "otlp-gzip",
    feature = "otlp-zstd",
    feature = "otlp-tls"
))]

#[path = "../otlp/certificates.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod certificates;
#[path = "../otlp/collector/mod.rs"]
#[allow(dead_code, unused_imports, reason = "other tests need more of it")]
mod collector;
#[path = "../otlp/reading.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod reading;

mod compression;
mod disabled;
mod endpoint;
mod events;
#[cfg(feature = "trace")]
mod exemplars;
mod exporting;
mod headers;
mod isolation;
mod nonsense;
mod protocol;
mod resource;
mod secrets;
mod shape;
mod times;
mod tls;
mod warnings;
