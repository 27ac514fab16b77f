//! All SDKs of an exporter.

use std::{io, sync::Arc};

use opentelemetry_sdk::metrics::SdkMeterProvider;
use tokio::time::Instant;

use super::{super::driver::Others, SdkMetrics, collector::Collector};

/// Each destination has a copy.
#[derive(Clone, Debug)]
pub(in super::super) struct Sources(Arc<[Collector]>);

impl Sources {
    pub(in super::super) fn start(
        sources: impl IntoIterator<Item = (SdkMetrics, SdkMeterProvider)>,
    ) -> io::Result<Self> {
        sources
            .into_iter()
            .map(|(sdk, provider)| Collector::start(sdk, provider))
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// Makes all of them collect, side by side, and gives what they have by then.
    pub(in super::super) async fn collect(&self, by: Instant) -> Others {
        let asked: Vec<_> = self.0.iter().map(|source| (source, source.ask())).collect();
        let mut others = Others::default();
        for (source, ticket) in asked {
            let (pieces, problem) = source.collected(ticket, by).await;
            others.pieces.extend(pieces);
            others.late = others.late.or(problem);
        }
        others
    }
}
