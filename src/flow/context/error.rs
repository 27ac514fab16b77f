//! Why a context has ended.

use std::{error::Error, fmt, sync::Arc};

/// What led to the end of a context.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a context has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContextError {
    /// Somebody cancelled it, or one that it was made from.
    Cancelled,
    /// Its deadline has passed, or that of one that it was made from.
    DeadlineExceeded,
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "the context was cancelled",
            Self::DeadlineExceeded => "the deadline of the context has passed",
        })
    }
}

impl Error for ContextError {}
