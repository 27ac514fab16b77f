//! The export thread: when to export, where to, and for whom.

use std::{
    io, panic,
    pin::pin,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};

use tokio::{
    runtime::{self, Handle},
    select,
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep_until},
};

#[cfg(feature = "otlp-sdk")]
use super::sdk::Sources;
use super::{
    delivery::{Delivery, Limit, far_from},
    encode::Foreign,
    mailbox::{Mailbox, Orders, Report},
};
use crate::metrics::{Reader, Snapshot};

/// What is done for one destination.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) delivery: Delivery,
    pub(super) interval: Duration,
    /// How long one export may take, all its requests together.
    pub(super) export_timeout: Duration,
    pub(super) mailbox: Arc<Mailbox>,
    #[cfg(feature = "otlp-sdk")]
    pub(super) sdk: Sources,
}

/// Where the snapshots for one destination come from. Each has its own, so that none waits for another.
#[derive(Debug)]
pub(super) struct Source {
    /// Idle series wait until what it read is answered for.
    pub(super) reader: Reader,
    /// That of the last export, whose memory the next one has.
    pub(super) snapshot: Snapshot,
}

/// What others have collected under the same resource.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub(super) pieces: Vec<Foreign>,
    /// Why these are not their newest figures, if so.
    pub(super) late: Option<String>,
}

/// Closes the mailbox at the end, a panic included, so that nobody waits for it any longer.
struct Closing(Arc<Mailbox>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The body of the thread: all destinations side by side. Tells `started` whether there is a runtime to work with.
pub(super) fn run(drivers: Vec<(Driver, Source)>, started: &SyncSender<io::Result<Handle>>) {
    let mut builder = runtime::Builder::new_current_thread();
    // Each destination takes one snapshot at a time, and has one name lookup or one writer: those that hang hold up
    // nobody else.
    let blocking = 2 * drivers.len();
    builder.enable_all().thread_name("freewheel-block").max_blocking_threads(blocking);
    let closing: Vec<Closing> =
        drivers.iter().map(|(driver, _)| Closing(Arc::clone(&driver.mailbox))).collect();
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.try_send(Err(error));
            return;
        }
    };
    let _ = started.try_send(Ok(runtime.handle().clone()));
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for ((driver, source), closing) in drivers.into_iter().zip(closing) {
            tasks.spawn(async move {
                let _closing = closing;
                driver.serve(source).await;
            });
        }
        // One that panics has closed its mailbox; the others go on.
        while tasks.join_next().await.is_some() {}
    });
    // What hangs must not hold the thread.
    runtime.shutdown_background();
}

impl Driver {
    /// Exports when it is time, until it is to stop.
    async fn serve(mut self, mut source: Source) {
        let mut due = far_from(Instant::now(), self.interval);
        loop {
            let orders = next_orders(&self.mailbox, due).await;
            if due <= Instant::now() {
                due = far_from(Instant::now(), self.interval);
            }
            let report;
            (source, report) = match orders.stop {
                None => self.export(source).await,
                Some(stop) => self.last_export(source, stop.into()).await,
            };
            let Some(report) = report else {
                // The last export comes now. Nobody waits for this one: a shutdown has the exporter to itself.
                continue;
            };
            if report.unacknowledged == 0 {
                source.reader.acknowledge();
            }
            let stopped = orders.stop.is_some();
            orders.answer(&report);
            if stopped {
                return self.delivery.close().await;
            }
        }
    }

    /// Exports, unless a shutdown comes up meanwhile and nothing has come of it in half of the time left. No report if
    /// there was nothing yet that could have been sent.
    async fn export(&mut self, source: Source) -> (Source, Option<Report>) {
        let limit = Limit { by: far_from(Instant::now(), self.export_timeout), is_last: false };
        let mailbox = Arc::clone(&self.mailbox);
        let mut stop = pin!(mailbox.half_way_to_stop());
        let others = select! {
            others = self.others(limit.by) => others,
            () = &mut stop => return (source, None),
        };
        let mut source = self.collect(source).await;
        select! {
            // What is to be abandoned must have begun.
            biased;
            report = self.delivery.export(&mut source.snapshot, &others.pieces, limit) => {
                return (source, Some(Report { late: others.late, ..report }));
            }
            () = stop => {}
        }
        (source, Some(self.delivery.abandon()))
    }

    async fn last_export(&mut self, source: Source, by: Instant) -> (Source, Option<Report>) {
        let others = self.others(by).await;
        let mut source = self.collect(source).await;
        let limit = Limit { by, is_last: true };
        let report = self.delivery.export(&mut source.snapshot, &others.pieces, limit).await;
        (source, Some(Report { late: others.late, ..report }))
    }

    /// Makes the others collect, and notes if they are late.
    #[cfg(feature = "otlp-sdk")]
    async fn others(&mut self, by: Instant) -> Others {
        let others = self.sdk.collect(by).await;
        if let Some(reason) = &others.late {
            self.delivery.sdk_late(reason);
        }
        others
    }

    /// Without the feature there are none.
    #[cfg(not(feature = "otlp-sdk"))]
    async fn others(&mut self, _: Instant) -> Others {
        Others::default()
    }

    /// Takes a snapshot, on a thread that may block: it waits for the callbacks of observed instruments.
    async fn collect(&mut self, mut source: Source) -> Source {
        let begun = Instant::now();
        let collecting = spawn_blocking(move || {
            source.reader.peek_into(&mut source.snapshot);
            source
        });
        let source = collecting.await.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()));
        if let Some(metrics) = self.delivery.self_metrics() {
            metrics.collected(begun.elapsed());
        }
        source
    }
}

/// Waits until an export is due, or asked for.
async fn next_orders(mailbox: &Mailbox, due: Instant) -> Orders {
    loop {
        let orders = mailbox.take();
        if !orders.are_none() {
            return orders;
        }
        select! {
            () = mailbox.woken() => {}
            () = sleep_until(due) => return mailbox.take(),
        }
    }
}
