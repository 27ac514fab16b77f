//! The instruments of `opentelemetry_sdk` beside ours, exported together to a collector in this process.
#![cfg(all(feature = "otlp", feature = "otlp-sdk"))]

#[allow(dead_code, unused_imports, reason = "the tests of the exporter itself need more of it")]
#[path = "../otlp/collector/mod.rs"]
mod collector;
mod events;
mod instruments;
mod lifecycle;
#[allow(dead_code, reason = "the tests of the exporter itself need more of it")]
#[path = "../otlp/reading.rs"]
mod reading;
mod setting;
mod together;
mod trouble;
