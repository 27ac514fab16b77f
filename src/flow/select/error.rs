//! Why a select has done nothing.

use std::{error::Error, fmt};

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
use crate::flow::context::ContextError;

/// Why a select has done nothing. All values that it was to send are where they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// The channels of all branches are closed; or there is no branch.
    Closed,
    /// Nothing was ready in time; or now, with [`try_wait`](super::Select::try_wait).
    Timeout,
    /// The context has ended before something was ready.
    #[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
    Ended(ContextError),
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("all channels are closed"),
            Self::Timeout => f.write_str("nothing was ready in time"),
            #[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
            Self::Ended(error) => error.fmt(f),
        }
    }
}

impl Error for SelectError {}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl From<ContextError> for SelectError {
    fn from(error: ContextError) -> Self {
        Self::Ended(error)
    }
}

#[cfg(any(freewheel_loom, freewheel_shuttle))]
impl From<std::convert::Infallible> for SelectError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
