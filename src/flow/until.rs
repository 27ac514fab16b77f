//! When a wait is given up.

#[cfg(any(freewheel_loom, freewheel_shuttle))]
use std::marker::PhantomData;
use std::time::Instant;

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
use super::{Context, context::ContextError};
use crate::wait::WaitList;

/// When a wait is given up: at a deadline, or when a context ends.
#[derive(Clone, Copy, Default)]
pub(super) struct Until<'a> {
    pub(super) deadline: Option<Instant>,
    #[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
    pub(super) context: Option<&'a Context>,
    #[cfg(any(freewheel_loom, freewheel_shuttle))]
    context: PhantomData<&'a ()>,
}

impl Until<'_> {
    pub(super) fn deadline(deadline: Option<Instant>) -> Self {
        Self { deadline, ..Self::default() }
    }
}

#[cfg(not(any(freewheel_loom, freewheel_shuttle)))]
impl<'a> Until<'a> {
    pub(super) fn context(context: &'a Context) -> Self {
        Self { context: Some(context), ..Self::default() }
    }

    /// When it is time at the latest.
    pub(super) fn latest(self) -> Option<Instant> {
        let context = self.context.and_then(Context::deadline);
        context.into_iter().chain(self.deadline).min()
    }

    /// Where to wait for the end of the context.
    pub(super) fn line(self) -> Option<&'a WaitList> {
        self.context?.waiters()
    }

    /// Why the context has ended, if it has.
    pub(super) fn end(self) -> Option<ContextError> {
        self.context?.check().err()
    }
}

/// There are no contexts in the checkers' worlds.
#[cfg(any(freewheel_loom, freewheel_shuttle))]
impl<'a> Until<'a> {
    pub(super) fn latest(self) -> Option<Instant> {
        self.deadline
    }

    pub(super) fn line(self) -> Option<&'a WaitList> {
        None
    }

    pub(super) fn end(self) -> Option<std::convert::Infallible> {
        None
    }
}
