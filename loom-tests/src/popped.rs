//! What a pop came to, as an outcome of a model.

use freewheel::queue::TryPopError;

/// The value, or why there was none.
pub type Popped = Result<u32, &'static str>;

/// There was nothing yet.
pub const EMPTY: Popped = Err("empty");
/// There will be nothing any more.
pub const CLOSED: Popped = Err("closed");

/// Unwraps what a `try_pop` has returned.
///
/// # Errors
/// [`EMPTY`] and [`CLOSED`].
pub fn popped(value: Result<Box<u32>, TryPopError>) -> Popped {
    match value {
        Ok(value) => Ok(*value),
        Err(TryPopError::Empty) => EMPTY,
        Err(TryPopError::Closed) => CLOSED,
    }
}
