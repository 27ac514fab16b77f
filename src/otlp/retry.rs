//! Which failures are worth another try, and when: OTLP specification, "Failures" and "OTLP/gRPC Throttling".

use std::time::Duration;

/// No pause that we choose is shorter: a request that fails at once would be sent without end.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// When a request that failed is sent again; see [`Destination::retry`](super::Destination::retry).
///
/// Pauses double from the first to the longest, and each is shortened by up to half at random, so that many clients do
/// not come back at the same moment. A collector that asks for a pause (`RetryInfo`, `Retry-After`) gets it, up to a
/// limit. All of it ends with the [timeout](super::Destination::timeout) of the request; what was not acknowledged then
/// is in the next export.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::otlp::Retry;
///
/// let patient = Retry::default().first_pause(Duration::from_secs(1)).longest_pause(Duration::from_secs(30));
/// # let _ = patient;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    pub(super) first_pause: Duration,
    pub(super) longest_pause: Duration,
    pub(super) longest_throttle: Duration,
    pub(super) is_off: bool,
}

impl Retry {
    /// Sends nothing again: what failed is in the next export.
    #[must_use]
    pub fn never() -> Self {
        Self { is_off: true, ..Self::default() }
    }

    /// The pause before the first retry; 100 milliseconds unless given, and 10 at least.
    #[must_use]
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// The longest pause between two retries; 5 seconds unless given, and 10 milliseconds at least.
    #[must_use]
    pub fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }

    /// The longest pause that a collector can ask for; 30 seconds unless given.
    #[must_use]
    pub fn longest_throttle(mut self, pause: Duration) -> Self {
        self.longest_throttle = pause;
        self
    }

    /// The first pause, without its jitter: within the limits, and no shorter than what keeps requests apart.
    pub(super) fn shortest(&self) -> Duration {
        self.first_pause.min(self.longest_pause).max(SHORTEST_PAUSE)
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
            longest_throttle: Duration::from_secs(30),
            is_off: false,
        }
    }
}

/// Why a request was not accepted.
#[derive(Debug)]
pub(super) enum Failure {
    /// The collector may accept the same request later.
    Passing {
        /// How long it asked us to wait.
        after: Option<Duration>,
        reason: String,
    },
    /// The collector will never accept this request.
    Final { reason: String },
}

impl Failure {
    /// One that another try may mend.
    pub(super) fn passing(reason: impl Into<String>) -> Self {
        Self::Passing { after: None, reason: reason.into() }
    }

    pub(super) fn timed_out() -> Self {
        Self::passing("no answer within the timeout")
    }

    pub(super) fn reason(&self) -> &str {
        let (Self::Passing { reason, .. } | Self::Final { reason }) = self;
        reason
    }
}

/// Pauses that grow, with jitter.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(super) fn new(retry: &Retry) -> Self {
        let next = retry.shortest();
        Self { next, longest: retry.longest_pause.max(next) }
    }

    /// The next pause: between half and all of a length that doubles each time.
    pub(super) fn pause(&mut self) -> Duration {
        let full = self.next;
        self.next = full.saturating_mul(2).min(self.longest);
        full.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}
