//! The handle that a program holds.

use std::{
    fmt,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::{
    ExporterBuilder, FailedDestination, FlushError, ShutdownError, Stats, Undelivered, Warning,
    mailbox::{Mailbox, NoReport, Report},
};
use crate::metrics::Registry;

/// How long dropping an exporter may take.
const DROP_DEADLINE: Duration = Duration::from_secs(1);
/// What of a shutdown deadline is kept back for the way from the thread to the caller.
const RETURN_TIME: Duration = Duration::from_millis(50);
/// A deadline beyond this is as good as none, and might be beyond the clock.
const LONGEST_WORK: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Sends snapshots of a [`Registry`] to OpenTelemetry collectors, from a thread of its own.
///
/// The thread is named `freewheel-otlp` and brings its own runtime, so an exporter works the same in a plain `main`,
/// within any Tokio runtime and within any other. It exports at each interval, on
/// [`force_flush`](Self::force_flush), and one last time on [`shutdown`](Self::shutdown). To each destination, exports
/// never overlap and nothing is queued: while a collector hangs, the registry goes on counting, and the next export that
/// comes through carries all of it.
///
/// Dropping an exporter shuts it down with a deadline of one second; what goes wrong then is told to `tracing` alone.
///
/// A process that forks has the thread in the parent only: start the exporter in the child, after the fork.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use freewheel::{metrics::Registry, otlp::{Exporter, Resource}};
///
/// let registry = Registry::new();
/// let orders = registry.counter("orders").unit("{order}").build()?;
/// let exporter = Exporter::builder(registry)
///     .endpoint("http://localhost:4317")
///     .resource(Resource::builder().service_name("shop").build()?)
///     .start()?;
/// orders.add(1);
/// // At the end of `main`: a collector that hangs costs two seconds, not for ever.
/// if let Err(error) = exporter.shutdown(Duration::from_secs(2)) {
///     eprintln!("metrics: {error}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Exporter {
    lines: Vec<Line>,
    warnings: Vec<Warning>,
    /// None once it was shut down, and if it was disabled.
    driver: Option<(JoinHandle<()>, Handle)>,
}

/// The line to what works for one destination.
pub(super) struct Line {
    pub(super) name: Arc<str>,
    pub(super) mailbox: Arc<Mailbox>,
}

impl Exporter {
    /// Begins to set up an exporter for `registry`.
    pub fn builder(registry: Registry) -> ExporterBuilder {
        ExporterBuilder::new(registry)
    }

    pub(super) fn new(lines: Vec<Line>, warnings: Vec<Warning>, driver: (JoinHandle<()>, Handle)) -> Self {
        Self { lines, warnings, driver: Some(driver) }
    }

    /// One that does nothing.
    pub(super) fn disabled(warnings: Vec<Warning>) -> Self {
        Self { lines: Vec::new(), warnings, driver: None }
    }

    /// Exports now, and waits until every destination has answered, at most for `deadline`.
    ///
    /// Whatever was recorded before the call is in the export; flushes from several threads share one. If an export
    /// is under way already, this one begins after it.
    ///
    /// *Progress:* blocks the calling thread, for `deadline` at most, whatever the collectors do. Inside async code, use
    /// [`force_flush_async`](Self::force_flush_async).
    /// *Cost:* for each destination one snapshot, and one request for each 4000 points (or what
    /// [`max_points`](super::Destination::max_points) says), on the export thread.
    ///
    /// # Errors
    ///
    /// [`FlushError`], which says for each destination that failed how many points were not acknowledged. Only points in
    /// [`Undelivered::Rejected`] do not come again. If some were refused and others not answered for, it says
    /// `Unacknowledged`, and [`stats`](Self::stats) has both.
    pub fn force_flush(&self, deadline: Duration) -> Result<(), FlushError> {
        let ends = far(Instant::now(), deadline);
        let asked: Vec<_> = self.lines.iter().map(|line| (line, line.mailbox.ask(None))).collect();
        let outcomes = asked.into_iter().map(|(line, request)| {
            let left = ends.saturating_duration_since(Instant::now());
            (line, line.mailbox.wait(request, left))
        });
        flushed(outcomes.filter_map(|(line, outcome)| line.failure(outcome)).collect())
    }

    /// As [`force_flush`](Self::force_flush), for async code of whatever runtime.
    ///
    /// # Errors
    ///
    /// As [`force_flush`](Self::force_flush).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the export takes place all the same. It begins when the future is first polled.
    pub async fn force_flush_async(&self, deadline: Duration) -> Result<(), FlushError> {
        let Some((_, driver)) = &self.driver else { return Ok(()) };
        let ends = far(Instant::now(), deadline);
        let asked: Vec<_> = self.lines.iter().map(|line| (line, line.mailbox.ask_async(None))).collect();
        let mut failures = Vec::new();
        for (line, request) in asked {
            let outcome = line.mailbox.wait_async(request, ends, driver).await;
            failures.extend(line.failure(outcome));
        }
        flushed(failures)
    }

    /// Exports one last time, ends the export thread, and waits for both, at most for `deadline`.
    ///
    /// Whatever was recorded before the call is in the last export. An export under way gets half of the time left
    /// to end; then it is abandoned, and the last one carries what it held.
    ///
    /// *Progress:* blocks the calling thread, for `deadline` at most, whatever the collectors do. Inside async code, use
    /// [`shutdown_async`](Self::shutdown_async).
    /// *Cost:* that of a [`force_flush`](Self::force_flush).
    ///
    /// Returns what the exporter has done, the last export included.
    ///
    /// # Errors
    ///
    /// [`ShutdownError`], which says for each destination that failed how many points were not acknowledged. The exporter
    /// is gone all the same.
    pub fn shutdown(mut self, deadline: Duration) -> Result<Stats, ShutdownError> {
        let failures = self.stop(deadline);
        self.shut_down(failures)
    }

    /// As [`shutdown`](Self::shutdown), for async code of whatever runtime.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after it was polled, the last export takes place all the same, with the same deadline;
    /// before, it is that of dropping an exporter.
    pub async fn shutdown_async(mut self, deadline: Duration) -> Result<Stats, ShutdownError> {
        let mut failures = Vec::new();
        // The thread ends by itself.
        if let Some((_, driver)) = self.driver.take() {
            let begun = Instant::now();
            let (ends, stop) = (far(begun, deadline), far(begun, working_time(deadline)));
            let asked: Vec<_> =
                self.lines.iter().map(|line| (line, line.mailbox.ask_async(Some(stop)))).collect();
            for (line, request) in asked {
                let outcome = line.mailbox.wait_async(request, ends, &driver).await;
                failures.extend(line.failure(outcome));
            }
            for line in &self.lines {
                // As in `stop`.
                let _ = line.mailbox.wait_async(line.mailbox.ask_async(None), ends, &driver).await;
            }
        }
        self.shut_down(failures)
    }

    /// What the exporter has done so far, at all destinations together.
    ///
    /// *Cost:* a short lock and a copy for each destination.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.destinations().map(|(_, stats)| stats).reduce(Stats::with).unwrap_or_default()
    }

    /// The name of each destination, and what was done there so far.
    pub fn destinations(&self) -> impl Iterator<Item = (&str, Stats)> {
        self.lines.iter().map(|line| (&*line.name, line.mailbox.stats(|stats| stats.clone())))
    }

    /// What of the environment was not taken as given. The same was told to `tracing`.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn stop(&mut self, deadline: Duration) -> Vec<FailedDestination> {
        let Some((thread, _)) = self.driver.take() else { return Vec::new() };
        let begun = Instant::now();
        let (ends, stop) = (far(begun, deadline), far(begun, working_time(deadline)));
        let asked: Vec<_> = self.lines.iter().map(|line| (line, line.mailbox.ask(Some(stop)))).collect();
        let left = || ends.saturating_duration_since(Instant::now());
        let mut failures = Vec::new();
        for (line, request) in asked {
            failures.extend(line.failure(line.mailbox.wait(request, left())));
        }
        // After the last export nobody answers any longer, but says so when all is put away.
        let has_ended =
            |line: &Line| line.mailbox.wait(line.mailbox.ask(None), left()) == Err(NoReport::Stopped);
        if self.lines.iter().all(has_ended) {
            // It has nothing left to do. A panic was reported as `Stopped`.
            let _ = thread.join();
        }
        failures
    }

    fn shut_down(&self, failures: Vec<FailedDestination>) -> Result<Stats, ShutdownError> {
        let stats = self.stats();
        if failures.is_empty() { Ok(stats) } else { Err(ShutdownError { failures, stats: Box::new(stats) }) }
    }
}

impl Line {
    fn failure(&self, outcome: Result<Report, NoReport>) -> Option<FailedDestination> {
        let cause = match outcome {
            Ok(Report { unacknowledged: 0, refused: 0, late: None, .. }) => return None,
            Ok(Report { unacknowledged: 0, refused: 0, late: Some(reason), .. }) => {
                Undelivered::SdkLate { reason }
            }
            Ok(Report { unacknowledged: 0, refused, reason, .. }) => {
                Undelivered::Rejected { points: refused, reason }
            }
            Ok(Report { unacknowledged, reason, .. }) => {
                Undelivered::Unacknowledged { points: unacknowledged, reason }
            }
            Err(NoReport::Late) => {
                Undelivered::Deadline { pending: self.mailbox.stats(|stats| stats.pending_points) }
            }
            Err(NoReport::Stopped) => Undelivered::Stopped,
        };
        Some(FailedDestination { name: Arc::clone(&self.name), cause })
    }
}

fn flushed(failures: Vec<FailedDestination>) -> Result<(), FlushError> {
    if failures.is_empty() { Ok(()) } else { Err(FlushError { failures }) }
}

/// What of a shutdown deadline is for the work.
fn working_time(deadline: Duration) -> Duration {
    deadline.saturating_sub(RETURN_TIME.min(deadline / 10))
}

/// `from + duration`, or a time that is as good as never.
fn far(from: Instant, duration: Duration) -> Instant {
    from + duration.min(LONGEST_WORK)
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // An error here has no way out; who wants to know it calls `shutdown`.
        let _ = self.stop(DROP_DEADLINE);
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("destinations", &self.destinations().collect::<Vec<_>>())
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}
