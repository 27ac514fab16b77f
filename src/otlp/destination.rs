//! One collector: the connection to it, and how far it knows the series.

use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::{
    select,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    delta::Base,
    encode::{Part, encode},
    mailbox::{Mailbox, Report},
    retry::{Backoff, Failure},
    transport::{Accepted, Transport},
};
use crate::metrics::{Snapshot, Timestamp};

/// How the points go out.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) resource: Resource,
    pub(super) max_points: usize,
}

#[derive(Debug)]
pub(super) struct Destination {
    transport: Transport,
    shape: Shape,
    /// What one request may take, retries included.
    timeout: Duration,
    /// None under cumulative temporality.
    base: Option<Base>,
    /// When the last snapshot was taken that the collector has answered for.
    known_until: Timestamp,
    /// The collector asked us to send nothing before.
    throttled_until: Option<Instant>,
    mailbox: Arc<Mailbox>,
}

impl Destination {
    pub(super) fn new(
        transport: Transport,
        shape: Shape,
        timeout: Duration,
        base: Option<Base>,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        let known_until = Timestamp::default();
        Self { transport, shape, timeout, base, known_until, throttled_until: None, mailbox }
    }

    /// Sends what `snapshot` has over the base; all of it within `last_call`, if this is the last export.
    ///
    /// May be dropped before it ends: the base moves in whole steps, each after the answer that allows it. Call
    /// [`abandon`](Self::abandon) then.
    pub(super) async fn export(&mut self, snapshot: Snapshot, last_call: Option<Instant>) -> Report {
        let taken_at = snapshot.taken_at;
        let Shape { resource, max_points } = &self.shape;
        let parts = encode(snapshot, self.base.as_mut(), resource, *max_points, self.known_until);
        let pending = parts.iter().map(|part| part.points).sum();
        self.mailbox.stats(|stats| stats.pending_points = pending);
        let mut report = Report::default();
        for part in parts {
            if report.unacknowledged > 0 {
                // Whoever did not answer for one part is not asked about the others; they stay for the next export.
                report.unacknowledged += part.points;
                continue;
            }
            match self.deliver(&part, last_call).await {
                Ok(accepted) => self.accepted(part, &accepted),
                Err(Failure::Final { reason }) => {
                    report.refused += part.points;
                    report.reason = reason;
                    self.refused(part);
                }
                Err(Failure::Passing { reason, .. }) => {
                    report.unacknowledged += part.points;
                    report.reason = reason;
                }
            }
        }
        if report.unacknowledged == 0 {
            self.known_until = taken_at;
        }
        self.mailbox.stats(|stats| match report.unacknowledged {
            0 => stats.exports += 1,
            _ => stats.failed_exports += 1,
        });
        report
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
        Report { unacknowledged, refused: 0, reason }
    }

    /// Sends one request until it is answered for, refused for good, or the time is up.
    async fn deliver(&mut self, part: &Part, last_call: Option<Instant>) -> Result<Accepted, Failure> {
        let begun = Instant::now();
        let patience = far_from(begun, self.timeout);
        let deadline = last_call.map_or(patience, |last_call| last_call.min(patience));
        // A retry that leaves no time for the answer only makes duplicates.
        let latest_retry = deadline - deadline.saturating_duration_since(begun) / 10;
        self.sit_out_throttling(deadline, last_call.is_some()).await?;
        let mut backoff = Backoff::new();
        let mut heard = self.mailbox.requests();
        loop {
            let failure = match self.attempt(part, deadline).await {
                Ok(accepted) => return Ok(accepted),
                Err(failure) => failure,
            };
            let Failure::Passing { after, .. } = failure else { return Err(failure) };
            let resume = Instant::now() + after.unwrap_or_else(|| backoff.pause());
            if after.is_some() {
                self.throttled_until = Some(resume);
            }
            if resume >= latest_retry {
                return Err(failure);
            }
            select! {
                () = sleep_until(resume) => {}
                // Somebody began to wait: try at once, unless the collector asked for patience.
                requests = self.mailbox.more_requests(heard), if after.is_none() => heard = requests,
            }
            self.mailbox.stats(|stats| stats.retries += 1);
        }
    }

    async fn attempt(&mut self, part: &Part, deadline: Instant) -> Result<Accepted, Failure> {
        self.mailbox.stats(|stats| stats.attempts += 1);
        let sent = timeout_at(deadline, self.transport.send(part.request.clone())).await;
        let outcome = sent.unwrap_or_else(|_| {
            self.transport.reconnect();
            Err(Failure::timed_out())
        });
        if let Err(Failure::Passing { reason, .. } | Failure::Final { reason }) = &outcome {
            self.mailbox.stats(|stats| {
                stats.failed_attempts += 1;
                stats.last_error = Some(reason.clone());
            });
        }
        outcome
    }

    /// Waits until the collector wants to hear from us. The last export does not wait in vain: it has no later.
    async fn sit_out_throttling(&mut self, deadline: Instant, last: bool) -> Result<(), Failure> {
        let Some(until) = self.throttled_until.take_if(|until| *until > Instant::now()) else {
            self.throttled_until = None;
            return Ok(());
        };
        if until < deadline {
            sleep_until(until).await;
        } else if !last {
            self.throttled_until = Some(until);
            return Err(Failure::Passing { after: None, reason: "the collector asked for a pause".into() });
        }
        Ok(())
    }

    fn accepted(&mut self, part: Part, accepted: &Accepted) {
        let rejected = accepted.rejected.min(part.points);
        self.mailbox.stats(|stats| {
            stats.points_accepted += part.points - rejected;
            stats.points_rejected += rejected;
            stats.pending_points = stats.pending_points.saturating_sub(part.points);
            stats.last_success = Some(Timestamp::now());
            if rejected > 0 || !accepted.message.is_empty() {
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

    fn advance(&mut self, part: Part) {
        if let Some(base) = &mut self.base {
            base.advance(part.steps);
        }
    }
}

/// `from + duration`, or a time that never comes if that is beyond the clock.
pub(super) fn far_from(from: Instant, duration: Duration) -> Instant {
    const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from + duration.min(THIRTY_YEARS)
}
