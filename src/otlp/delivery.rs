//! Delivery to one destination: what goes out, again if need be, and how far the other side knows the series.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    select,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    Resource, Retry, Temporality,
    answer::Accepted,
    configuration::Settings,
    delta::Base,
    encode::{Encoder, Foreign, Part},
    events::Events,
    mailbox::{Mailbox, Report},
    retry::{Backoff, Failure},
    self_metrics::SelfMetrics,
    transport::Transport,
};
use crate::metrics::{Snapshot, Timestamp};

/// How long an export may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// It ends by then.
    pub(super) by: Instant,
    /// There is none after it.
    pub(super) is_last: bool,
}

#[derive(Debug)]
pub(super) struct Delivery {
    transport: Transport,
    encoder: Encoder,
    /// What one request may take, retries included.
    timeout: Duration,
    retry: Retry,
    /// None under cumulative temporality.
    base: Option<Base>,
    /// When the last snapshot was taken that the collector has answered for.
    known_until: Timestamp,
    /// The collector asked us to send nothing before.
    throttled_until: Option<Instant>,
    mailbox: Arc<Mailbox>,
    events: Events,
    self_metrics: Option<SelfMetrics>,
}

impl Delivery {
    pub(super) fn new(
        settings: Settings,
        resource: &Resource,
        mailbox: Arc<Mailbox>,
        self_metrics: Option<SelfMetrics>,
    ) -> Self {
        let Settings { name, transport, timeout, shape, retry, .. } = settings;
        Self {
            transport,
            encoder: Encoder::new(resource.attributes(), resource.schema_url().unwrap_or_default(), shape),
            timeout,
            retry,
            base: (shape.temporality != Temporality::Cumulative).then(Base::default),
            known_until: Timestamp::default(),
            throttled_until: None,
            mailbox,
            events: Events::new(name),
            self_metrics,
        }
    }

    /// Sends what `snapshot` has over the base, and what is `foreign`. What is left of the snapshot is good for its memory
    /// only.
    ///
    /// May be dropped before it ends: the base moves in whole steps, each after the answer that allows it. Call
    /// [`abandon`](Self::abandon) then.
    pub(super) async fn export(
        &mut self,
        snapshot: &mut Snapshot,
        foreign: &[Foreign],
        limit: Limit,
    ) -> Report {
        let taken_at = snapshot.taken_at;
        let parts = self.encoder.encode(snapshot, self.base.as_mut(), self.known_until, foreign);
        let pending = parts.iter().map(|part| part.points).sum();
        self.mailbox.stats(|stats| stats.pending_points = pending);
        let mut report = Report::default();
        for part in parts {
            if report.unacknowledged > 0 {
                // Whoever did not answer for one part is not asked about the others; they stay for the next export.
                report.unacknowledged += part.points;
                continue;
            }
            let operation = self.self_metrics.as_ref().map(|metrics| metrics.begin(part.points));
            let outcome = self.deliver(&part, limit).await;
            if let (Some(metrics), Some(operation)) = (&self.self_metrics, operation) {
                metrics.end(operation, &outcome);
            }
            match outcome {
                Ok(accepted) => self.accepted(part, &accepted),
                Err(Failure::Final { reason }) => {
                    report.refused += part.points;
                    self.events.refused(part.points, &reason);
                    report.reason = reason;
                    self.refused(part);
                }
                Err(Failure::Passing { reason, .. }) => {
                    report.unacknowledged += part.points;
                    report.reason = reason;
                }
            }
        }
        self.conclude(&report, taken_at, pending);
        report
    }

    fn conclude(&mut self, report: &Report, taken_at: Timestamp, points: u64) {
        if report.unacknowledged == 0 {
            self.known_until = taken_at;
            self.events.succeeded(points);
        } else {
            self.events.failed(report.unacknowledged, &report.reason);
        }
        self.mailbox.stats(|stats| match report.unacknowledged {
            0 => stats.exports += 1,
            _ => stats.failed_exports += 1,
        });
    }

    /// Cleans up after an export that was dropped before its end.
    pub(super) fn abandon(&mut self) -> Report {
        self.transport.reconnect();
        let reason = "cut short by the shutdown".to_owned();
        let unacknowledged = self.mailbox.stats(|stats| {
            stats.failed_exports += 1;
            stats.last_error = Some(reason.clone());
            stats.pending_points
        });
        Report { unacknowledged, reason, ..Report::default() }
    }

    /// Sends one request until it is answered for, refused for good, or the time is up.
    async fn deliver(&mut self, part: &Part, limit: Limit) -> Result<Accepted, Failure> {
        let begun = Instant::now();
        let deadline = limit.by.min(far_from(begun, self.timeout));
        // What leaves no time for the answer only makes duplicates.
        let latest_retry = deadline - deadline.saturating_duration_since(begun) / 10;
        self.sit_out_throttling(latest_retry, limit.is_last).await?;
        let request = self.transport.prepare(part.body.clone())?;
        let mut backoff = Backoff::new(&self.retry);
        let mut heard = self.mailbox.requests();
        loop {
            let failure = match self.attempt(request.clone(), deadline).await {
                Ok(accepted) => return Ok(accepted),
                Err(failure) => failure,
            };
            let Failure::Passing { after, ref reason } = failure else { return Err(failure) };
            let asked = after.map(|pause| pause.min(self.retry.longest_throttle));
            let pause = asked.unwrap_or_else(|| backoff.pause());
            let failed_at = Instant::now();
            let resume = far_from(failed_at, pause);
            if asked.is_some() {
                self.throttled_until = Some(resume);
            }
            if resume >= latest_retry || self.retry.is_off {
                return Err(failure);
            }
            self.events.retried(pause, reason);
            select! {
                () = sleep_until(resume) => {}
                // Somebody began to wait: try soon, unless the collector asked for patience. Not at once, or whoever
                // flushes in a loop would send in a loop.
                requests = self.mailbox.more_requests(heard), if asked.is_none() => {
                    heard = requests;
                    sleep_until(resume.min(far_from(failed_at, self.retry.shortest()))).await;
                }
            }
            self.mailbox.stats(|stats| stats.retries += 1);
        }
    }

    async fn attempt(&mut self, request: Bytes, deadline: Instant) -> Result<Accepted, Failure> {
        self.mailbox.stats(|stats| stats.attempts += 1);
        let sent = timeout_at(deadline, self.transport.send(request, deadline)).await;
        let outcome = sent.unwrap_or_else(|_| {
            self.transport.reconnect();
            Err(Failure::timed_out())
        });
        if let Err(failure) = &outcome {
            self.mailbox.stats(|stats| {
                stats.failed_attempts += 1;
                stats.last_error = Some(failure.reason().to_owned());
            });
        }
        outcome
    }

    /// Waits until the collector wants to hear from us, if that is before `latest`. The last export does not wait in
    /// vain: it has no later.
    async fn sit_out_throttling(&mut self, latest: Instant, is_last: bool) -> Result<(), Failure> {
        if let Some(until) = self.throttled_until.filter(|until| *until > Instant::now()) {
            if until < latest {
                sleep_until(until).await;
            } else if !is_last {
                return Err(Failure::passing("the collector asked for a pause"));
            }
        }
        // Not earlier: this may be dropped while it waits.
        self.throttled_until = None;
        Ok(())
    }

    fn accepted(&mut self, part: Part, accepted: &Accepted) {
        let rejected = accepted.rejected.min(part.points);
        let has_remark = rejected > 0 || !accepted.message.is_empty();
        if has_remark {
            self.events.remarked(accepted);
        }
        self.mailbox.stats(|stats| {
            stats.points_accepted += part.points - rejected;
            stats.points_rejected += rejected;
            stats.pending_points = stats.pending_points.saturating_sub(part.points);
            stats.last_success = Some(Timestamp::now());
            if has_remark {
                let text = format!("the collector rejected {rejected} points: {}", accepted.message);
                stats.last_error = Some(text);
            }
        });
        self.advance(part);
    }

    fn refused(&mut self, part: Part) {
        self.mailbox.stats(|stats| {
            stats.dropped_windows += 1;
            stats.dropped_points += part.points;
            stats.pending_points = stats.pending_points.saturating_sub(part.points);
        });
        self.advance(part);
    }

    /// An SDK has not collected what was to go out together with a snapshot.
    #[cfg(feature = "otlp-sdk")]
    pub(super) fn sdk_late(&mut self, reason: &str) {
        self.mailbox.stats(|stats| stats.sdk_late += 1);
        self.events.sdk_late(reason);
    }

    fn advance(&mut self, part: Part) {
        if let Some(base) = &mut self.base {
            base.advance(part.steps);
        }
    }

    /// Lets go of the collector; of a writer, on a thread that may block.
    pub(super) async fn close(self) {
        self.transport.close().await;
    }

    pub(super) fn self_metrics(&self) -> Option<&SelfMetrics> {
        self.self_metrics.as_ref()
    }
}

/// `from + duration`, or a time that never comes if that is beyond the clock.
pub(super) fn far_from(from: Instant, duration: Duration) -> Instant {
    const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from + duration.min(THIRTY_YEARS)
}
