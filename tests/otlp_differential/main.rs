//! What goes out by the same variables, and what is sent again, here and in `opentelemetry-otlp`. Where the two differ,
//! the difference is asserted, with the reason.
#![cfg(all(feature = "otlp-grpc", feature = "otlp-http"))]

#[path = "../otlp/collector/mod.rs"]
#[allow(dead_code, unused_imports, reason = "other tests need more of it")]
mod collector;
#[path = "../otlp/reading.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod reading;

mod headers;
mod retries;
mod sent;
mod theirs;
mod urls;
