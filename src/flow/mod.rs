//! Concurrency for services: work that can be cancelled.
//!
//! | | |
//! |---|---|
//! | [`Context`] | says when work is to be given up, and why, and carries what belongs to a request |

#![forbid(unsafe_code)]

pub mod context;

pub use self::context::Context;
