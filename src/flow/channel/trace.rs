//! Spans of channels.

use std::time::SystemTime;

use opentelemetry::{
    Context, KeyValue,
    global::{self, BoxedSpan, BoxedTracer},
    trace::{Span, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer},
};

use super::{Message, message::Label};

/// For which messages of a channel spans are made.
///
/// With each of these messages its sender's span context goes through the channel. There is a span `send <name>` of the kind
/// *producer*, which lasts as long as the sender waits for room, and as its child a span `receive <name>` of the kind
/// *consumer*, which lasts from then until the message is received. They come from the global tracer provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpanPolicy {
    /// None. Nothing is carried, and nothing is looked for.
    #[default]
    Off,
    /// Those that are sent within a span that is sampled.
    Sampled,
    /// All, unless the sampler of the tracer provider decides otherwise.
    All,
}

/// What goes with a message.
#[derive(Debug)]
pub(super) struct Origin {
    sender: SpanContext,
    sent_at: SystemTime,
}

/// The span of a sender.
#[derive(Debug)]
pub(super) struct SendSpan(Option<Box<BoxedSpan>>);

impl SendSpan {
    #[inline]
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// Ends it; `result` says how.
    #[inline]
    pub(super) fn end(self, result: &'static str) {
        if let Some(span) = self.0 {
            end(*span, result);
        }
    }
}

#[cold]
fn end(mut span: BoxedSpan, result: &'static str) {
    span.set_attribute(KeyValue::new("freewheel.channel.result", result));
    if result != "sent" {
        span.set_status(Status::error(result));
    }
    span.end();
}

fn tracer() -> BoxedTracer {
    global::tracer("freewheel")
}

fn builder(verb: &str, kind: SpanKind, label: &Label) -> SpanBuilder {
    SpanBuilder::from_name(format!("{verb} {}", label.name))
        .with_kind(kind)
        .with_attributes([KeyValue::new("freewheel.channel.name", label.name.clone())])
}

/// Begins to send a message, within the current context.
#[cold]
pub(super) fn begin(label: &Label) -> (Option<Box<Origin>>, SendSpan) {
    let context = Context::current();
    if label.spans == SpanPolicy::Sampled && !context.span().span_context().is_sampled() {
        return (None, SendSpan::none());
    }
    let span = tracer().build_with_context(builder("send", SpanKind::Producer, label), &context);
    let sender = span.span_context().clone();
    if !sender.is_sampled() {
        return (None, SendSpan::none());
    }
    (Some(Box::new(Origin { sender, sent_at: SystemTime::now() })), SendSpan(Some(Box::new(span))))
}

/// As [`receive`], where nobody wants the origin any more.
#[cold]
#[allow(
    clippy::boxed_local,
    reason = "so that it is dropped here, and not on the way of messages that have none"
)]
pub(super) fn unpacked(label: &Label, origin: Box<Origin>) {
    receive(label, &origin);
}

/// Says that the message has been received.
#[cold]
pub(super) fn receive(label: &Label, origin: &Origin) {
    let context = Context::new().with_remote_span_context(origin.sender.clone());
    let builder = builder("receive", SpanKind::Consumer, label).with_start_time(origin.sent_at);
    tracer().build_with_context(builder, &context).end();
}

impl<T> Message<T> {
    /// The span of the sender, for spans that are its children or linked to it; none if it was not sampled, or the channel's
    /// [`SpanPolicy`] is `Off`.
    #[must_use]
    pub fn sender(&self) -> Option<&SpanContext> {
        self.origin.as_ref().map(|origin| &origin.sender)
    }
}
