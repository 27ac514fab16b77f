//! The handle that a program holds.

use std::{
    fmt,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    ExporterBuilder, FlushError, ShutdownError, Stats,
    mailbox::{Mailbox, NoReport, Report},
};
use crate::metrics::Registry;

/// How long dropping an exporter may take.
const DROP_DEADLINE: Duration = Duration::from_secs(1);
/// What of a shutdown deadline is kept back for the way from the thread to the caller.
const RETURN_TIME: Duration = Duration::from_millis(50);
/// A deadline beyond this is as good as none, and might be beyond the clock.
const LONGEST_WORK: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Sends snapshots of a [`Registry`] to an OpenTelemetry collector, from a thread of its own.
///
/// The thread is named `freewheel-otlp` and brings its own runtime, so an exporter works the same in a plain `main`,
/// within any Tokio runtime and within any other. It exports at each interval, on
/// [`force_flush`](Self::force_flush), and one last time on [`shutdown`](Self::shutdown). Exports never overlap and
/// nothing is queued: while a collector hangs, the registry goes on counting, and the next export that comes through
/// carries all of it.
///
/// Dropping an exporter shuts it down with a deadline of one second; what goes wrong then goes unreported.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use freewheel::{metrics::{KeyValue, Registry}, otlp::Exporter};
///
/// let registry = Registry::new();
/// let orders = registry.counter("orders").unit("{order}").build()?;
/// let exporter = Exporter::builder(registry)
///     .endpoint("http://localhost:4317")
///     .resource([KeyValue::new("service.name", "shop")])
///     .start()?;
/// orders.add(1);
/// // At the end of `main`: a collector that hangs costs two seconds, not for ever.
/// if let Err(error) = exporter.shutdown(Duration::from_secs(2)) {
///     eprintln!("metrics: {error}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Exporter {
    mailbox: Arc<Mailbox>,
    /// None once it was shut down.
    driver: Option<JoinHandle<()>>,
}

impl Exporter {
    /// Begins to set up an exporter for `registry`.
    pub fn builder(registry: Registry) -> ExporterBuilder {
        ExporterBuilder::new(registry)
    }

    pub(super) fn new(mailbox: Arc<Mailbox>, driver: JoinHandle<()>) -> Self {
        Self { mailbox, driver: Some(driver) }
    }

    /// Exports now, and waits until the collector has answered, at most for `deadline`.
    ///
    /// Whatever was recorded before the call is in the export; flushes from several threads share one. If an export
    /// is under way already, this one begins after it.
    ///
    /// *Progress:* blocks the calling thread, for `deadline` at most, whatever the collector does. Inside async code
    /// call it from `spawn_blocking`, or accept that.
    /// *Cost:* one snapshot, and one request for each 4000 points (or what
    /// [`max_points`](ExporterBuilder::max_points) says), on the export thread.
    ///
    /// # Errors
    ///
    /// [`FlushError`], which says how many points were not acknowledged. Only points in
    /// [`FlushError::Rejected`] do not come again. If some were refused and others not answered for, the error is
    /// `Unacknowledged`, and [`stats`](Self::stats) has both.
    pub fn force_flush(&self, deadline: Duration) -> Result<(), FlushError> {
        let request = self.mailbox.ask(None);
        match self.mailbox.wait(request, deadline) {
            Ok(Report { unacknowledged: 0, refused: 0, .. }) => Ok(()),
            Ok(Report { unacknowledged: 0, refused, reason }) => {
                Err(FlushError::Rejected { points: refused, reason })
            }
            Ok(Report { unacknowledged, reason, .. }) => {
                Err(FlushError::Unacknowledged { points: unacknowledged, reason })
            }
            Err(NoReport::Late) => Err(FlushError::Deadline { pending: self.stats().pending_points }),
            Err(NoReport::Stopped) => Err(FlushError::Stopped),
        }
    }

    /// Exports one last time, ends the export thread, and waits for both, at most for `deadline`.
    ///
    /// Whatever was recorded before the call is in the last export. An export under way gets half of the time left
    /// to end; then it is abandoned, and the last one carries what it held.
    ///
    /// *Progress:* blocks the calling thread, for `deadline` at most, whatever the collector does.
    /// *Cost:* that of a [`force_flush`](Self::force_flush).
    ///
    /// Returns what the exporter has done, the last export included.
    ///
    /// # Errors
    ///
    /// [`ShutdownError`], which says how many points were not acknowledged. The exporter is gone all the same.
    pub fn shutdown(mut self, deadline: Duration) -> Result<Stats, ShutdownError> {
        self.stop(deadline)?;
        Ok(self.stats())
    }

    /// What the exporter has done so far.
    ///
    /// *Cost:* a short lock and a copy.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.mailbox.stats(|stats| stats.clone())
    }

    fn stop(&mut self, deadline: Duration) -> Result<(), ShutdownError> {
        let Some(driver) = self.driver.take() else { return Ok(()) };
        let working_time = deadline.saturating_sub(RETURN_TIME.min(deadline / 10)).min(LONGEST_WORK);
        let request = self.mailbox.ask(Some(Instant::now() + working_time));
        let answer = self.mailbox.wait(request, deadline);
        if !matches!(answer, Err(NoReport::Late)) {
            // It has nothing left to do. A panic of it is reported as `Stopped` below.
            let _ = driver.join();
        }
        match answer {
            Ok(Report { unacknowledged: 0, refused: 0, .. }) => Ok(()),
            Ok(Report { unacknowledged: 0, refused, reason }) => {
                Err(ShutdownError::Rejected { points: refused, reason })
            }
            Ok(Report { unacknowledged, reason, .. }) => {
                Err(ShutdownError::Unacknowledged { points: unacknowledged, reason })
            }
            Err(NoReport::Late) => Err(ShutdownError::Deadline { pending: self.stats().pending_points }),
            Err(NoReport::Stopped) => Err(ShutdownError::Stopped),
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // An error here has no way out; who wants to know it calls `shutdown`.
        let _ = self.stop(DROP_DEADLINE);
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
