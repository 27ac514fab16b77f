//! One error per operation; each says what to do about it.

use std::{error::Error, fmt, io, path::PathBuf, sync::Arc};

use super::Stats;
use crate::metrics::RegisterError;

/// Why an exporter could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The endpoint cannot be used. It is given without user name, password and query.
    Endpoint {
        /// The offending URL.
        endpoint: String,
        /// The variable that it stands in, if it comes from the environment.
        variable: Option<&'static str>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// What was asked for is behind a feature of this crate that is not enabled.
    NotCompiled {
        /// The feature.
        feature: &'static str,
    },
    /// A header cannot be sent. Its value is not shown.
    Header {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The user agent has characters that no header can have.
    UserAgent,
    /// A certificate or key cannot be used.
    Tls {
        /// What it was to be: an authority, a certificate, a key, or the name of a server.
        what: &'static str,
        /// Where it comes from.
        source: String,
        /// The variable that names the file, if it comes from the environment.
        variable: Option<&'static str>,
        /// What is wrong with it.
        problem: String,
    },
    /// The file that lines of JSON were to go to could not be opened.
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The export interval is zero.
    ZeroInterval,
    /// The request timeout, or that of whole exports, is zero.
    ZeroTimeout,
    /// The metrics of the exporter itself could not be registered: something else has their names.
    SelfMetrics(RegisterError),
    /// The operating system refused a thread, or what the runtime in it needs.
    Thread(io::Error),
}

impl StartError {
    pub(super) fn not_compiled(feature: &'static str) -> Self {
        Self::NotCompiled { feature }
    }

    #[cfg(feature = "otlp-tls")]
    pub(super) fn tls(what: &'static str, source: &str, problem: &str) -> Self {
        Self::Tls { what, source: source.into(), variable: None, problem: problem.into() }
    }

    /// The same, of what stands in this variable.
    pub(super) fn of(mut self, name: &'static str) -> Self {
        if let Self::Endpoint { variable, .. } | Self::Tls { variable, .. } = &mut self {
            *variable = Some(name);
        }
        self
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint { endpoint, variable: None, problem } => {
                write!(f, "endpoint {endpoint:?} cannot be used: {problem}")
            }
            Self::Endpoint { endpoint, variable: Some(variable), problem } => {
                write!(f, "endpoint {endpoint:?} in {variable} cannot be used: {problem}")
            }
            Self::NotCompiled { feature } => {
                write!(f, "this needs the feature `{feature}` of freewheel; enable it in Cargo.toml")
            }
            Self::Header { name, problem } => {
                write!(f, "header {name:?} cannot be sent: {problem}; give another, or leave it out")
            }
            Self::UserAgent => {
                f.write_str("the user agent has characters that no header can have; use visible ASCII")
            }
            Self::Tls { what, source, variable: None, problem } => {
                write!(f, "the TLS {what} {source:?} cannot be used: {problem}")
            }
            Self::Tls { what, source, variable: Some(variable), problem } => {
                write!(f, "the TLS {what} {source:?} in {variable} cannot be used: {problem}")
            }
            Self::File { path, error } => {
                write!(
                    f,
                    "the file {path:?} cannot be appended to: {error}; check the folder and its permissions"
                )
            }
            Self::ZeroInterval => f.write_str("the export interval is zero; give one of a second or more"),
            Self::ZeroTimeout => f.write_str("a timeout is zero; give one of a second or more"),
            Self::SelfMetrics(error) => {
                write!(f, "the metrics of the exporter itself are in the way: {error}")
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
            Self::SelfMetrics(error) => Some(error),
            Self::Thread(error) | Self::File { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Why points are not known to have arrived at a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undelivered {
    /// The deadline passed first. After a flush the export goes on behind; what it cannot deliver is in the next one.
    Deadline {
        /// Points of the export under way that are not acknowledged; 0 if it has not begun.
        pending: u64,
    },
    /// The export ended without an acknowledgement. After a flush, what it held is in the next one: nothing is lost.
    Unacknowledged {
        /// Points that nobody acknowledged.
        points: u64,
        /// What the last attempt ended with.
        reason: String,
    },
    /// The collector refused points for good; see [`Stats::dropped_points`].
    Rejected {
        /// Points that were refused.
        points: u64,
        /// What the collector said.
        reason: String,
    },
    /// All was acknowledged, but the figures of an SDK in it are not its newest; see the module `sdk`.
    SdkLate {
        /// Why not.
        reason: String,
    },
    /// What exports to the destination has panicked.
    Stopped,
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { pending } => {
                write!(f, "the deadline passed with {pending} points in flight: give a longer one")
            }
            Self::Unacknowledged { points, reason } => {
                write!(f, "{points} points were not acknowledged ({reason}): check the collector")
            }
            Self::Rejected { points, reason } => write!(
                f,
                "the collector refused {points} points for good ({reason}), and they are dropped: check its \
                 configuration"
            ),
            Self::SdkLate { reason } => write!(
                f,
                "opentelemetry_sdk has not collected ({reason}), and what it knew before was sent: check the \
                 callbacks of its observable instruments, or give it more time"
            ),
            Self::Stopped => f.write_str("the exporter has panicked: start another one"),
        }
    }
}

/// A destination at which points are not known to have arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedDestination {
    /// What it is called.
    pub name: Arc<str>,
    /// What happened.
    pub cause: Undelivered,
}

/// Returned by [`Exporter::force_flush`](super::Exporter::force_flush) if it did not end well everywhere. At the
/// destinations that are not named, it did.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::{metrics::Registry, otlp::{Destination, Exporter, Undelivered}};
///
/// let registry = Registry::new();
/// registry.counter("orders").build()?.add(1);
/// # #[cfg(feature = "otlp-grpc")] {
/// // Nobody listens on port 1.
/// let nobody = Destination::grpc("http://127.0.0.1:1").timeout(Duration::from_millis(50));
/// let exporter = Exporter::builder(registry).destination(nobody).start()?;
/// let Err(error) = exporter.force_flush(Duration::from_secs(5)) else { panic!("nobody listens") };
/// let [failed] = error.failures() else { panic!("there is one destination") };
/// assert_eq!(&*failed.name, "http://127.0.0.1:1");
/// assert!(matches!(failed.cause, Undelivered::Unacknowledged { points: 1, .. }));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlushError {
    pub(super) failures: Vec<FailedDestination>,
}

impl FlushError {
    /// The destinations at which points are not known to have arrived; at least one.
    #[must_use]
    pub fn failures(&self) -> &[FailedDestination] {
        &self.failures
    }

    /// What happened at the first of them: all there is to know of an exporter with one destination.
    #[must_use]
    pub fn cause(&self) -> &Undelivered {
        &self.failures[0].cause
    }
}

/// Returned by [`Exporter::shutdown`](super::Exporter::shutdown) if it did not end well everywhere. The exporter is gone
/// all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutdownError {
    pub(super) failures: Vec<FailedDestination>,
    pub(super) stats: Box<Stats>,
}

impl ShutdownError {
    /// The destinations at which points are not known to have arrived; at least one.
    #[must_use]
    pub fn failures(&self) -> &[FailedDestination] {
        &self.failures
    }

    /// What happened at the first of them: all there is to know of an exporter with one destination.
    #[must_use]
    pub fn cause(&self) -> &Undelivered {
        &self.failures[0].cause
    }

    /// What the exporter has done, at all destinations together.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}

fn list(f: &mut fmt::Formatter<'_>, failures: &[FailedDestination]) -> fmt::Result {
    for (at, FailedDestination { name, cause }) in failures.iter().enumerate() {
        write!(f, "{}{name}: {cause}", if at > 0 { "; " } else { "" })?;
    }
    Ok(())
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not all metrics are known to have arrived: ")?;
        list(f, &self.failures)
    }
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not all metrics of the last export are known to have arrived: ")?;
        list(f, &self.failures)
    }
}

impl Error for Undelivered {}
impl Error for FlushError {}
impl Error for ShutdownError {}
