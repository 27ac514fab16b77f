//! Which failures are worth another try, and when: OTLP specification, "Failures" and "OTLP/gRPC Throttling".

use std::{error::Error, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The pause before the first retry; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause that we choose ourselves.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause that a collector can ask for.
const LONGEST_THROTTLE: Duration = Duration::from_secs(30);
/// The most of a foreign text that is kept, in bytes.
const LONGEST_TEXT: usize = 300;

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
    pub(super) fn from_status(status: &Status) -> Self {
        let reason = describe(status);
        let retry_info = status.get_details_retry_info();
        // A status with a source was made on this side, by a broken connection: the collector has said nothing.
        let unanswered = status.source().is_some();
        let passing = match status.code() {
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss => true,
            Code::ResourceExhausted => retry_info.is_some(),
            _ => false,
        };
        if passing || unanswered {
            let asked = retry_info.and_then(|info| info.retry_delay).filter(|delay| !delay.is_zero());
            Self::Passing { after: asked.map(|delay| delay.min(LONGEST_THROTTLE)), reason }
        } else {
            Self::Final { reason }
        }
    }

    pub(super) fn timed_out() -> Self {
        Self::Passing { after: None, reason: "no answer within the timeout".into() }
    }
}

/// Pauses that grow, with jitter, so that many clients do not come back at the same moment.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) fn new() -> Self {
        Self(FIRST_PAUSE)
    }

    /// The next pause: between half and all of a length that doubles each time.
    pub(super) fn pause(&mut self) -> Duration {
        let full = self.0;
        self.0 = (full * 2).min(LONGEST_PAUSE);
        full.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// Code, message and innermost cause.
fn describe(status: &Status) -> String {
    let mut cause: Option<&dyn Error> = status.source();
    while let Some(inner) = cause.and_then(Error::source) {
        cause = Some(inner);
    }
    let text = match cause {
        Some(cause) => format!("{:?}: {}: {cause}", status.code(), status.message()),
        None => format!("{:?}: {}", status.code(), status.message()),
    };
    shorten(&text)
}

/// The first part of a text that somebody else chose.
pub(super) fn shorten(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}
