//! What an exporter measures of itself, in the registry that it exports: OpenTelemetry semantic conventions, "SDK
//! metrics".

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use super::{answer::Accepted, configuration::Settings, retry::Failure};
use crate::metrics::{Counter, Histogram, KeyValue, RegisterError, Registry, UpDownCounter};

/// Components are numbered through the process.
static COMPONENTS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(super) struct SelfMetrics {
    exported: Outcomes<Counter>,
    duration: Outcomes<Histogram<Duration>>,
    in_flight: UpDownCounter,
    collection: Histogram<Duration>,
}

/// One instrument, with a series for each way in which an operation can end.
#[derive(Debug)]
struct Outcomes<I> {
    succeeded: I,
    /// Points that the collector did not take out of a request that it took.
    rejected: I,
    /// Requests that the collector refused for good.
    refused: I,
    /// Requests that nobody answered for; their points come again.
    unacknowledged: I,
}

impl<I> Outcomes<I> {
    fn bind(
        attributes: &[KeyValue],
        bind: impl Fn(&[KeyValue]) -> Result<I, RegisterError>,
    ) -> Result<Self, RegisterError> {
        let with = |error: &'static str| {
            let mut attributes = attributes.to_vec();
            attributes.push(KeyValue::new("error.type", error));
            bind(&attributes)
        };
        Ok(Self {
            succeeded: bind(attributes)?,
            rejected: with("rejected")?,
            refused: with("refused")?,
            unacknowledged: with("unacknowledged")?,
        })
    }

    fn of(&self, outcome: &Result<Accepted, Failure>) -> &I {
        match outcome {
            Ok(_) => &self.succeeded,
            Err(Failure::Final { .. }) => &self.refused,
            Err(Failure::Passing { .. }) => &self.unacknowledged,
        }
    }
}

impl SelfMetrics {
    pub(super) fn new(registry: &Registry, settings: &Settings) -> Result<Self, RegisterError> {
        let number = COMPONENTS.fetch_add(1, Relaxed);
        let mut attributes = vec![
            KeyValue::new("otel.component.name", format!("{}/{number}", settings.component)),
            KeyValue::new("otel.component.type", settings.component),
        ];
        if let Some((address, port)) = &settings.server {
            attributes.push(KeyValue::new("server.address", address.clone()));
            attributes.push(KeyValue::new("server.port", i64::from(*port)));
        }
        let exported = registry
            .counter("otel.sdk.exporter.metric_data_point.exported")
            .unit("{data_point}")
            .description("Data points whose export has finished, well or not.");
        let duration = registry
            .histogram::<Duration>("otel.sdk.exporter.operation.duration")
            .description("How long it took to deliver a request, retries included.");
        let in_flight = registry
            .up_down_counter("otel.sdk.exporter.metric_data_point.inflight")
            .unit("{data_point}")
            .description("Data points that are being exported.");
        let collection = registry
            .histogram::<Duration>("otel.sdk.metric_reader.collection.duration")
            .description("How long it took to take a snapshot of all metrics.");
        let reader = [
            KeyValue::new("otel.component.name", format!("periodic_metric_reader/{number}")),
            KeyValue::new("otel.component.type", "periodic_metric_reader"),
        ];
        Ok(Self {
            exported: Outcomes::bind(&attributes, |attributes| exported.bind(attributes))?,
            duration: Outcomes::bind(&attributes, |attributes| duration.bind(attributes))?,
            in_flight: in_flight.bind(&attributes)?,
            collection: collection.bind(&reader)?,
        })
    }

    /// Notes how long a snapshot took.
    pub(super) fn collected(&self, took: Duration) {
        self.collection.record(took);
    }

    /// Notes that a request is under way, until what this returns ends or is dropped.
    pub(super) fn begin(&self, points: u64) -> Operation {
        let signed = i64::try_from(points).unwrap_or(i64::MAX);
        self.in_flight.add(signed);
        Operation { in_flight: self.in_flight.clone(), points: signed, begun: Instant::now() }
    }

    /// Notes how it ended.
    pub(super) fn end(&self, operation: Operation, outcome: &Result<Accepted, Failure>) {
        let points = operation.points.unsigned_abs();
        let rejected = outcome.as_ref().map_or(0, |accepted| accepted.rejected.min(points));
        self.exported.of(outcome).add(points - rejected);
        self.exported.rejected.add(rejected);
        self.duration.of(outcome).record(operation.begun.elapsed());
    }
}

/// A request that is under way.
#[derive(Debug)]
#[must_use = "points are in flight as long as it lives"]
pub(super) struct Operation {
    in_flight: UpDownCounter,
    points: i64,
    begun: Instant,
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.in_flight.add(-self.points);
    }
}
