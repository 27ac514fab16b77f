//! One error per operation; each says what to do about it.

use std::{error::Error, fmt, io};

/// Why an exporter could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The endpoint cannot be used. It is given without user name, password and query.
    Endpoint {
        /// The offending URL.
        endpoint: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The endpoint asks for `https`, which is not supported yet.
    TlsUnsupported {
        /// The offending URL.
        endpoint: String,
    },
    /// The export interval is zero.
    ZeroInterval,
    /// The request timeout is zero.
    ZeroTimeout,
    /// A resource attribute has an empty key.
    EmptyResourceKey,
    /// The operating system refused a thread, or what the runtime in it needs.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint { endpoint, problem } => {
                write!(f, "endpoint {endpoint:?} cannot be used: {problem}")
            }
            Self::TlsUnsupported { endpoint } => {
                write!(f, "endpoint {endpoint:?} cannot be used: TLS is not supported yet: use http://")
            }
            Self::ZeroInterval => f.write_str("the export interval is zero; give one of a second or more"),
            Self::ZeroTimeout => f.write_str("the request timeout is zero; give one of a second or more"),
            Self::EmptyResourceKey => {
                f.write_str("a resource attribute has an empty key; give it a name or leave it out")
            }
            Self::Thread(error) => {
                write!(f, "the export thread could not start: {error}; check the limits of the process")
            }
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Thread(error) => Some(error),
            _ => None,
        }
    }
}

/// Why [`Exporter::force_flush`](super::Exporter::force_flush) did not end well.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::{metrics::Registry, otlp::{Exporter, FlushError}};
///
/// let registry = Registry::new();
/// registry.counter("orders").build()?.add(1);
/// // Nobody listens on port 1.
/// let exporter = Exporter::builder(registry)
///     .endpoint("http://127.0.0.1:1")
///     .timeout(Duration::from_millis(50))
///     .start()?;
/// match exporter.force_flush(Duration::from_secs(5)) {
///     Err(FlushError::Unacknowledged { points, reason }) => {
///         assert_eq!(points, 1);
///         assert!(reason.starts_with("Unavailable"));
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlushError {
    /// The deadline passed first. The export goes on behind; what it cannot deliver is in the next one.
    Deadline {
        /// Points of the export under way that are not acknowledged; 0 if it has not begun.
        pending: u64,
    },
    /// The export ended without an acknowledgement. What it held is in the next one: nothing is lost.
    Unacknowledged {
        /// Points that nobody acknowledged.
        points: u64,
        /// What the last attempt ended with.
        reason: String,
    },
    /// The collector refused points for good; see [`Stats::dropped_points`](super::Stats::dropped_points).
    Rejected {
        /// Points that were refused.
        points: u64,
        /// What the collector said.
        reason: String,
    },
    /// The export thread is gone: it panicked.
    Stopped,
}

/// Why [`Exporter::shutdown`](super::Exporter::shutdown) did not end well. The exporter is gone all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The deadline passed first.
    Deadline {
        /// Points of the last export that were not acknowledged; 0 if it had not begun.
        pending: u64,
    },
    /// The last export ended without an acknowledgement.
    Unacknowledged {
        /// Points that nobody acknowledged.
        points: u64,
        /// What the last attempt ended with.
        reason: String,
    },
    /// The collector refused points of the last export for good.
    Rejected {
        /// Points that were refused.
        points: u64,
        /// What the collector said.
        reason: String,
    },
    /// The export thread was gone already: it panicked.
    Stopped,
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { pending } => write!(
                f,
                "the deadline passed with {pending} points in flight; the export goes on: wait longer, or flush \
                 again"
            ),
            Self::Unacknowledged { points, reason } => write!(
                f,
                "{points} points were not acknowledged ({reason}); they are kept for the next export: check the \
                 collector"
            ),
            Self::Rejected { points, reason } => write!(
                f,
                "the collector refused {points} points for good ({reason}); they are dropped: check its \
                 configuration"
            ),
            Self::Stopped => f.write_str("the export thread has panicked; start another exporter"),
        }
    }
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { pending } => {
                write!(f, "the deadline passed with {pending} points in flight; give shutdown a longer one")
            }
            Self::Unacknowledged { points, reason } => write!(
                f,
                "{points} points of the last export were not acknowledged ({reason}); check the collector, or \
                 give shutdown a longer deadline"
            ),
            Self::Rejected { points, reason } => write!(
                f,
                "the collector refused {points} points of the last export for good ({reason}); check its \
                 configuration"
            ),
            Self::Stopped => {
                f.write_str("the export thread had panicked; what came after that is not exported")
            }
        }
    }
}

impl Error for FlushError {}
impl Error for ShutdownError {}
