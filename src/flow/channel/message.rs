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
    /// From nowhere.
    fn new(value: T) -> Self {
        Self {
            value,
            #[cfg(feature = "trace")]
            origin: None,
        }
    }

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
    pub(super) fn none() -> Self {
        Self
    }

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
        if self.spans != SpanPolicy::Off {
            let (origin, span) = trace::begin(self);
            return (Message { value, origin }, span);
        }
        (Message::new(value), SendSpan::none())
    }

    /// Sends that value by `send`, and within a span if the channel makes some; `say` tells it what went wrong.
    #[inline]
    pub(super) fn send<T, E>(
        &self,
        value: T,
        send: impl FnOnce(Message<T>) -> Result<(), E>,
        say: impl FnOnce(&E) -> &'static str,
    ) -> Result<(), E> {
        #[cfg(feature = "trace")]
        if self.spans != SpanPolicy::Off {
            return self.send_in_span(value, send, say);
        }
        let _ = say;
        send(Message::new(value))
    }

    #[cfg(feature = "trace")]
    #[cold]
    #[inline(never)]
    fn send_in_span<T, E>(
        &self,
        value: T,
        send: impl FnOnce(Message<T>) -> Result<(), E>,
        say: impl FnOnce(&E) -> &'static str,
    ) -> Result<(), E> {
        let (message, span) = self.pack(value);
        let sent = send(message);
        span.end(sent.as_ref().map_or_else(say, |()| "sent"));
        sent
    }

    /// The value of a message that was received, now.
    #[inline]
    pub(in crate::flow) fn unpack<T>(&self, message: Message<T>) -> T {
        #[cfg(feature = "trace")]
        if let Some(origin) = message.origin {
            trace::unpacked(self, origin);
        }
        message.value
    }

    /// Says that a message was received, now.
    #[cfg(feature = "trace")]
    pub(super) fn received<T>(&self, message: &Message<T>) {
        if let Some(origin) = &message.origin {
            trace::receive(self, origin);
        }
    }
}
