//! The OTLP exporter against a receiver that shares no code with it, in Python; see `tests/third_party/`.
//!
//! Not part of a plain `cargo test`, as it needs a virtual environment: run `ci/otlp-third-party`, which makes one.

mod case;
#[allow(dead_code, reason = "what collectors in the process need")]
#[path = "../otlp/certificates.rs"]
mod certificates;
mod encrypted;
mod faults;
mod forms;
mod matrix;
mod receiver;
mod recording;
