//! What an exporter tells `tracing`: names and levels are in the [module documentation](super#diagnostics).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Warning, answer::Accepted};

/// How often the same thing is said at most.
const QUIET: Duration = Duration::from_secs(60);

/// The events of one destination. While it is in trouble, it says so once a minute, and how often it has not.
#[derive(Debug)]
pub(super) struct Events {
    destination: Arc<str>,
    failures: Repeated,
    refusals: Repeated,
    remarks: Repeated,
    #[cfg(feature = "otlp-sdk")]
    sdk_late: Repeated,
    /// Exports that failed since the last that did not.
    failed: u64,
}

/// Something that comes again and again.
#[derive(Debug, Default)]
struct Repeated {
    last_said: Option<Instant>,
    held_back: u64,
}

impl Repeated {
    /// Whether to say it now, and if so how often it was held back before.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.last_said.is_some_and(|said| now.saturating_duration_since(said) < QUIET) {
            self.held_back += 1;
            return None;
        }
        self.last_said = Some(now);
        Some(std::mem::take(&mut self.held_back))
    }
}

impl Events {
    pub(super) fn new(destination: Arc<str>) -> Self {
        Self {
            destination,
            failures: Repeated::default(),
            refusals: Repeated::default(),
            remarks: Repeated::default(),
            #[cfg(feature = "otlp-sdk")]
            sdk_late: Repeated::default(),
            failed: 0,
        }
    }

    /// A request failed, and will be sent again.
    pub(super) fn retried(&self, pause: Duration, reason: &str) {
        let destination = &*self.destination;
        tracing::debug!(name: "freewheel.otlp.request.retried", destination, ?pause, reason);
    }

    /// An export ended with points that nobody acknowledged; they are kept.
    pub(super) fn failed(&mut self, points: u64, reason: &str) {
        self.failed += 1;
        let destination = &*self.destination;
        match self.failures.admit(Instant::now()) {
            Some(held_back) => tracing::warn!(
                name: "freewheel.otlp.export.failed",
                destination, points, reason, held_back,
                "metrics were not acknowledged; they are kept for the next export"
            ),
            None => tracing::debug!(name: "freewheel.otlp.export.failed", destination, points, reason),
        }
    }

    /// An export was answered for.
    pub(super) fn succeeded(&mut self, points: u64) {
        let destination = &*self.destination;
        tracing::trace!(name: "freewheel.otlp.export.succeeded", destination, points);
        if self.failed > 0 {
            let failures = std::mem::take(&mut self.failed);
            self.failures = Repeated::default();
            tracing::info!(
                name: "freewheel.otlp.export.recovered",
                destination, points, failures,
                "the collector answers again"
            );
        }
    }

    /// The collector refused points for good.
    pub(super) fn refused(&mut self, points: u64, reason: &str) {
        let destination = &*self.destination;
        if let Some(held_back) = self.refusals.admit(Instant::now()) {
            tracing::error!(
                name: "freewheel.otlp.points.dropped",
                destination, points, reason, held_back,
                "the collector refused metrics for good; they are dropped"
            );
        }
    }

    /// The collector took a request, and had something to say.
    pub(super) fn remarked(&mut self, accepted: &Accepted) {
        let (destination, rejected, message) = (&*self.destination, accepted.rejected, &*accepted.message);
        if let Some(held_back) = self.remarks.admit(Instant::now()) {
            tracing::warn!(
                name: "freewheel.otlp.partial_success",
                destination, rejected, message, held_back,
                "the collector took metrics with a remark"
            );
        }
    }

    /// An SDK has not collected in time, or has failed.
    #[cfg(feature = "otlp-sdk")]
    pub(super) fn sdk_late(&mut self, reason: &str) {
        let destination = &*self.destination;
        if let Some(held_back) = self.sdk_late.admit(Instant::now()) {
            tracing::warn!(
                name: "freewheel.otlp.sdk.late",
                destination, reason, held_back,
                "opentelemetry_sdk has not collected; its figures of before go out again"
            );
        }
    }
}

/// A variable was not taken as given.
pub(super) fn ignored(warning: &Warning) {
    let (variable, problem) = (&*warning.variable, &*warning.problem);
    tracing::warn!(name: "freewheel.otlp.variable.ignored", variable, problem, "a variable is ignored");
}

/// An exporter has started.
pub(super) fn started(destinations: usize, interval: Duration) {
    tracing::info!(name: "freewheel.otlp.started", destinations, ?interval, "metrics are exported");
}

/// An exporter was switched off by the environment.
pub(super) fn disabled() {
    tracing::info!(name: "freewheel.otlp.disabled", "OTEL_SDK_DISABLED is true: no metrics are exported");
}
