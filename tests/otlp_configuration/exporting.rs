//! Exporters that are set up by variables, and what they do.

use freewheel::{
    metrics::Registry,
    otlp::{Environment, Exporter, ExporterBuilder, Warning},
};

use crate::collector::{Arrival, Collector, PATIENCE, idle_exporter};

/// Names and values of variables.
pub(crate) type Variables<'a> = &'a [(&'a str, &'a str)];

pub(crate) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
pub(crate) const METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
pub(crate) const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
/// What makes an exporter speak HTTP.
pub(crate) const HTTP: (&str, &str) = (PROTOCOL, "http/protobuf");

pub(crate) fn environment(variables: Variables<'_>) -> Environment {
    Environment::from_variables(variables.iter().copied())
}

/// A registry with something in it.
pub(crate) fn registry() -> Registry {
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(7);
    registry
}

/// Exports when told, and reads these variables alone.
pub(crate) fn builder(variables: Variables<'_>) -> ExporterBuilder {
    idle_exporter(&registry()).environment(environment(variables))
}

pub(crate) fn start(variables: Variables<'_>) -> Exporter {
    builder(variables).start().unwrap()
}

/// The one request that an exporter of these settings sends to the collector, all of whose variables are taken.
pub(crate) fn arrival(collector: &Collector, builder: ExporterBuilder) -> Arrival {
    let exporter = builder.start().unwrap();
    assert_eq!(exporter.warnings(), []);
    flush(collector, &exporter)
}

/// The request that the exporter sends to the collector when it is flushed.
pub(crate) fn flush(collector: &Collector, exporter: &Exporter) -> Arrival {
    let before = collector.arrivals().len();
    exporter.force_flush(PATIENCE).unwrap();
    let mut arrivals = collector.arrivals();
    assert_eq!(arrivals.len(), before + 1);
    arrivals.remove(before)
}

/// Where the exporter of these settings sends to, without sending anything.
pub(crate) fn target(builder: ExporterBuilder) -> String {
    let exporter = builder.start().unwrap();
    assert_eq!(exporter.warnings(), []);
    name(&exporter)
}

/// Of the one destination.
pub(crate) fn name(exporter: &Exporter) -> String {
    let names: Vec<_> = exporter.destinations().map(|(name, _)| name.to_owned()).collect();
    let [name] = &names[..] else { panic!("{names:?}") };
    name.clone()
}

/// The only warning, which has to be of this variable.
pub(crate) fn warning<'a>(exporter: &'a Exporter, variable: &str) -> &'a Warning {
    let [warning] = exporter.warnings() else { panic!("{:?}", exporter.warnings()) };
    assert_eq!(warning.variable, variable);
    warning
}
