//! The recorder for the macros of the crate `metrics`: what they record is in the registry.
#![cfg(feature = "metrics-facade")]

mod describing;
mod exact;
mod macros;
mod naming;
mod series;

use freewheel::{
    facade::Recorder,
    metrics::{KeyValue, Registry, Snapshot},
};

/// What `record` leaves in a registry of its own.
fn recorded(record: impl FnOnce()) -> Snapshot {
    let registry = Registry::new();
    metrics::with_local_recorder(&Recorder::new(&registry), record);
    registry.snapshot()
}

/// Texts as attributes.
fn labels<const N: usize>(labels: [(&'static str, &'static str); N]) -> [KeyValue; N] {
    labels.map(|(key, value)| KeyValue::new(key, value))
}
