//! Spans of channels. The tracer provider is one for the whole process, so all channels have names of their own here.

#[path = "waiting/mod.rs"]
mod waiting;

use std::{sync::OnceLock, thread};

use freewheel::flow::{
    Select,
    channel::{self, Receiver, Sender, SpanPolicy},
};
use opentelemetry::{
    Context, global,
    trace::{
        SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    },
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

use crate::waiting::{Task, eventually, join};

/// The spans of a channel, in the order they ended.
fn spans_of(name: &str) -> Vec<SpanData> {
    let all = exporter().get_finished_spans().unwrap();
    all.into_iter().filter(|span| span.name.split_once(' ').is_some_and(|(_, of)| of == name)).collect()
}

fn exporter() -> &'static InMemorySpanExporter {
    static EXPORTER: OnceLock<InMemorySpanExporter> = OnceLock::new();
    EXPORTER.get_or_init(|| {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        global::set_tracer_provider(provider);
        exporter
    })
}

fn make(name: &'static str, capacity: usize, spans: SpanPolicy) -> (Sender<u32>, Receiver<u32>) {
    exporter();
    channel::builder(name).capacity(capacity).spans(spans).build()
}

/// Runs it within a span of somebody else.
fn within<R>(id: u8, flags: TraceFlags, run: impl FnOnce() -> R) -> R {
    let (trace, span) = (TraceId::from_bytes([id; 16]), SpanId::from_bytes([id; 8]));
    let parent = SpanContext::new(trace, span, flags, true, TraceState::default());
    let _attached = Context::new().with_remote_span_context(parent).attach();
    run()
}

fn result(span: &SpanData) -> String {
    let of_channel = |key| span.attributes.iter().find(|attribute| attribute.key.as_str() == key);
    assert!(of_channel("freewheel.channel.name").is_some());
    of_channel("freewheel.channel.result").expect("it has one").value.as_str().into_owned()
}

/// That they are the send and the receive of one message.
#[track_caller]
fn assert_pair(send: &SpanData, receive: &SpanData) {
    assert!(send.name.starts_with("send ") && receive.name.starts_with("receive "));
    assert_eq!((&send.span_kind, &receive.span_kind), (&SpanKind::Producer, &SpanKind::Consumer));
    assert_eq!(receive.parent_span_id, send.span_context.span_id());
    assert_eq!(receive.span_context.trace_id(), send.span_context.trace_id());
    assert_ne!(receive.span_context.span_id(), send.span_context.span_id());
    assert!(receive.start_time >= send.start_time && receive.end_time >= receive.start_time);
    assert_eq!((result(send).as_str(), &send.status), ("sent", &Status::Unset));
}

#[test]
fn without_a_policy_there_is_none() {
    for (name, policy) in [("off", SpanPolicy::Off), ("default", SpanPolicy::default())] {
        let (sender, receiver) = make(name, 4, policy);
        within(1, TraceFlags::SAMPLED, || sender.send(1)).unwrap();
        let message = receiver.recv_message().unwrap();
        assert!(message.sender().is_none() && *message.value() == 1 && message.into_inner() == 1);
        assert!(spans_of(name).is_empty());
    }
}

#[test]
fn by_all_each_message_has_a_send_span_and_below_it_a_receive_span() {
    let (sender, receiver) = make("all", 4, SpanPolicy::All);
    sender.send(1).unwrap();
    within(2, TraceFlags::SAMPLED, || sender.send(2)).unwrap();
    assert_eq!([receiver.recv(), receiver.recv()], [Ok(1), Ok(2)]);
    let [first, second, first_received, second_received] = &spans_of("all")[..] else {
        panic!("not four spans")
    };
    assert_pair(first, first_received);
    assert_pair(second, second_received);
    assert_eq!(first.parent_span_id, SpanId::INVALID);
    assert_eq!(second.parent_span_id, SpanId::from_bytes([2; 8]));
    assert_eq!(second.span_context.trace_id(), TraceId::from_bytes([2; 16]));
    assert_ne!(first.span_context.trace_id(), second.span_context.trace_id());
}

#[test]
fn by_sampled_only_what_is_sent_within_a_sampled_span_has_some() {
    let (sender, receiver) = make("sampled", 4, SpanPolicy::Sampled);
    sender.send(1).unwrap();
    within(3, TraceFlags::default(), || sender.send(2)).unwrap();
    within(4, TraceFlags::SAMPLED, || sender.send(3)).unwrap();
    let messages: Vec<_> = (0..3).map(|_| receiver.try_recv_message().unwrap()).collect();
    assert!(messages[0].sender().is_none() && messages[1].sender().is_none());
    let [send, receive] = &spans_of("sampled")[..] else { panic!("not two spans") };
    assert_pair(send, receive);
    assert_eq!(messages[2].sender(), Some(&send.span_context));
    assert_eq!(send.parent_span_id, SpanId::from_bytes([4; 8]));
}

#[test]
fn what_the_sampler_leaves_out_has_none() {
    // The parent decides.
    let (sender, receiver) = make("left out", 4, SpanPolicy::All);
    within(5, TraceFlags::default(), || sender.send(1)).unwrap();
    assert!(receiver.recv_message().unwrap().sender().is_none());
    assert!(spans_of("left out").is_empty());
}

#[test]
fn spans_of_the_callers_own_tracer_are_parents_too() {
    let (sender, receiver) = make("own", 4, SpanPolicy::Sampled);
    let tracer = global::tracer("test");
    let parent = tracer.in_span("request", |context| {
        sender.send(1).unwrap();
        context.span().span_context().clone()
    });
    let received = thread::spawn(move || receiver.recv_message().unwrap());
    let sender_of = join(received).sender().cloned().unwrap();
    let [send, receive] = &spans_of("own")[..] else { panic!("not two spans") };
    assert_pair(send, receive);
    assert_eq!((send.parent_span_id, &send.span_context), (parent.span_id(), &sender_of));
    assert_eq!(send.span_context.trace_id(), parent.trace_id());
}

#[test]
fn tasks_permits_and_selects_have_spans_as_well() {
    let (sender, receiver) = make("every way", 8, SpanPolicy::All);
    assert!(Task::new(sender.send_async(1)).poll().is_ready());
    sender.try_reserve().unwrap().send(2).unwrap();
    Select::new().send(&sender, &mut Some(3), || ()).wait().unwrap();
    sender.send_timeout(4, waiting::LONG).unwrap();
    assert!(Task::new(receiver.recv_async()).poll().is_ready());
    Select::new().recv(&receiver, drop).wait().unwrap();
    assert!(
        Task::new(receiver.recv_message_async()).poll().map(|got| got.unwrap().sender().is_some()).is_ready()
    );
    receiver.recv_many(&mut Vec::new(), 8).unwrap();
    let spans = spans_of("every way");
    let (sends, receives) = spans.split_at(4);
    assert_eq!(receives.len(), 4);
    sends.iter().zip(receives).for_each(|(send, receive)| assert_pair(send, receive));
}

#[test]
fn a_send_span_lasts_as_long_as_the_sender_waits() {
    for (name, capacity) in [("waits", 1), ("offers", 0)] {
        let (sender, receiver) = make(name, capacity, SpanPolicy::All);
        if capacity == 1 {
            sender.send(0).unwrap();
        }
        let before = spans_of(name).len();
        let sends = thread::spawn(move || sender.send(1));
        eventually(|| receiver.stats().waiting_senders + receiver.len() == 1 + capacity);
        assert_eq!(spans_of(name).len(), before);
        (0..=capacity).for_each(|_| assert!(receiver.recv().is_ok()));
        join(sends).unwrap();
        let spans = spans_of(name);
        let of = |verb: &str| {
            let mut spans: Vec<_> = spans.iter().filter(|span| span.name.starts_with(verb)).collect();
            spans.sort_by_key(|span| span.start_time);
            spans
        };
        let (sends, receives) = (of("send "), of("receive "));
        assert_eq!((sends.len(), receives.len()), (capacity + 1, capacity + 1));
        sends.iter().zip(receives).for_each(|(send, receive)| assert_pair(send, receive));
    }
}

#[test]
fn what_was_not_sent_has_a_span_that_says_why() {
    let (sender, receiver) = make("unsent", 1, SpanPolicy::All);
    sender.send(0).unwrap();
    assert!(sender.try_send(1).is_err());
    assert!(sender.send_timeout(2, std::time::Duration::from_millis(1)).is_err());
    drop(Task::waiting(sender.send_async(3)));
    receiver.close();
    assert!(sender.send(4).is_err());
    let spans = spans_of("unsent");
    let results: Vec<_> = spans.iter().map(result).collect();
    assert_eq!(results, ["sent", "full", "cancelled", "cancelled", "closed"]);
    assert!(spans[1..].iter().all(|span| matches!(span.status, Status::Error { .. })));
}
