//! The OTLP exporter against a collector in this process that does what a script says.
#![cfg(feature = "otlp")]

mod asynchronous;
#[cfg(all(feature = "otlp-http", feature = "otlp-json", feature = "otlp-tls"))]
mod attacks;
mod certificates;
mod collector;
mod collector_itself;
mod delivery;
#[cfg(feature = "otlp-http")]
mod destinations;
mod events;
#[cfg(feature = "trace")]
mod exemplars;
#[cfg(feature = "metrics-facade")]
mod facade;
mod faults;
mod histograms;
mod lifecycle;
#[cfg(feature = "otlp-json")]
mod lines;
mod observed;
mod reading;
mod self_metrics;
mod start;
#[cfg(all(feature = "otlp-http", feature = "otlp-tls"))]
mod tls;
#[cfg(all(feature = "otlp-http", feature = "otlp-json", feature = "otlp-gzip", feature = "otlp-zstd"))]
mod transports;
mod wire;
