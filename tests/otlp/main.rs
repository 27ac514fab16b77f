//! The OTLP exporter against a collector in this process that does what a script says.
#![cfg(feature = "otlp")]

mod collector;
mod delivery;
#[cfg(feature = "trace")]
mod exemplars;
#[cfg(feature = "metrics-facade")]
mod facade;
mod faults;
mod histograms;
mod lifecycle;
mod observed;
mod reading;
mod start;
mod wire;
