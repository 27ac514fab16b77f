//! Concurrency for services: work that can be cancelled, and channels.
//!
//! | | |
//! |---|---|
//! | [`Context`] | says when work is to be given up, and why, and carries what belongs to a request |
//! | [`channel`] | passes values between threads and tasks |
//! | [`select`](mod@select) | waits for several channels at once |

#![forbid(unsafe_code)]

mod budget;
pub mod channel;
#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub mod context;
pub mod select;
mod until;

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
pub use self::context::Context;
pub use self::select::Select;
pub use crate::wait::WaitStrategy;
