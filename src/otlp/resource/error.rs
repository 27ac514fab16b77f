//! What keeps a resource from being built.

use std::{error::Error, fmt};

/// Why a [`Resource`](super::Resource) could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceError {
    /// An attribute has an empty key. Give it a name, or leave it out.
    EmptyKey,
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyKey => {
                f.write_str("a resource attribute has an empty key; give it a name or leave it out")
            }
        }
    }
}

impl Error for ResourceError {}
