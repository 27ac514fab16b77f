//! What goes through a channel: a value, and with it what is known of its sender.

#![cfg_attr(not(feature = "trace"), allow(unreachable_pub, reason = "a message is public with the feature"))]

use std::borrow::Cow;

#[cfg(feature = "trace")]
pub(super) use super::trace::SendSpan;
#[cfg(feature = "trace")]
use super::trace::{self, Origin, SpanPolicy};

/// A value, and where it comes from.
#[derive(Debug)]
pub struct Message<T> {
    value: T,
    #[cfg(feature = "trace")]
    pub(super) origin: Option<Box<Origin>>,
}

impl<T> Message<T> {
    /// The value alone.
    #[inline]
    pub fn into_inner(self) -> T {
        self.value
    }
}

#[cfg(feature = "trace")]
impl<T> Message<T> {
    /// The value.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }
}

/// What is said of a channel wherever it is observed.
#[derive(Debug)]
pub(in crate::flow) struct Label {
    pub(super) name: Cow<'static, str>,
    #[cfg(feature = "trace")]
    pub(super) spans: SpanPolicy,
}

/// What a sender has to end.
#[cfg(not(feature = "trace"))]
#[derive(Debug)]
pub(super) struct SendSpan;

#[cfg(not(feature = "trace"))]
impl SendSpan {
    pub(super) fn end(self, _result: &'static str) {}
}

impl Label {
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        Self {
            name,
            #[cfg(feature = "trace")]
            spans: SpanPolicy::default(),
        }
    }

    /// A message with that value, and the span of its sending.
    #[inline]
    pub(super) fn pack<T>(&self, value: T) -> (Message<T>, SendSpan) {
        #[cfg(feature = "trace")]
        let (origin, span) =
            if self.spans == SpanPolicy::Off { (None, SendSpan::none()) } else { trace::begin(self) };
        #[cfg(not(feature = "trace"))]
        let span = SendSpan;
        let message = Message {
            value,
            #[cfg(feature = "trace")]
            origin,
        };
        (message, span)
    }

    /// The value of a message that was received, now.
    #[inline]
    pub(in crate::flow) fn unpack<T>(&self, message: Message<T>) -> T {
        self.received(&message);
        message.into_inner()
    }

    /// Says that a message was received, now.
    #[inline]
    pub(super) fn received<T>(&self, _message: &Message<T>) {
        #[cfg(feature = "trace")]
        if let Some(origin) = &_message.origin {
            trace::receive(self, origin);
        }
    }
}
