//! What a collector says of a request that it took.

/// The collector took the request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Points that it rejected all the same.
    pub(super) rejected: u64,
    /// What it had to say; empty if nothing.
    pub(super) message: String,
}
