//! Where a reader of the SDK hands over what it has.

use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
};

use super::{pieces::pieces, state::State};

/// The end of the SDK's reader: keeps what was collected until the exporter comes for it. Its name is needed for types
/// alone.
#[derive(Debug)]
pub struct Intake {
    state: Arc<State>,
}

impl Intake {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state }
    }
}

impl PushMetricExporter for Intake {
    /// Takes the place of what was collected before. Never waits.
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        if self.state.is_final() {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        self.state.replace(pieces(metrics));
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    /// What was collected last stays, for the exports to come.
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.state.end();
        Ok(())
    }

    /// Totals, always: then no export that fails loses anything.
    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}
