//! What contexts are for, end to end.

use std::{
    error::Error,
    fmt,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use freewheel::flow::{
    Context,
    context::{Cause, ContextError},
};

/// Which tier had no time any more.
#[derive(Debug, PartialEq)]
struct Slow(&'static str);

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was too slow", self.0)
    }
}

impl Error for Slow {}

/// Answers after a while, unless the context ends before.
fn tier(context: &Context, takes: Duration, answer: &'static str) -> Result<&'static str, Cause> {
    match context.wait_timeout(takes) {
        None => Ok(answer),
        Some(_) => Err(context.cause().expect("it has ended")),
    }
}

const NOT_YET: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(10);

fn in_time(context: &Context, time: Duration, name: &'static str) -> Context {
    context.with_deadline_cause(Instant::now() + time, Slow(name))
}

fn look_up(request: &Context, cache: Duration, database: Duration) -> Result<&'static str, Cause> {
    // The cache may fail; the database may not.
    tier(&in_time(request, SOON, "the cache"), cache, "cached")
        .or_else(|_| tier(&in_time(request, SOON * 3, "the database"), database, "stored"))
}

#[test]
fn a_slow_cache_is_tolerated_and_a_slow_database_is_not() {
    let request = Context::background().with_timeout(NOT_YET);
    assert_eq!(look_up(&request, Duration::ZERO, NOT_YET).unwrap(), "cached");
    assert_eq!(look_up(&request, NOT_YET, Duration::ZERO).unwrap(), "stored");
    let cause = look_up(&request, NOT_YET, NOT_YET).unwrap_err();
    assert_eq!(cause.downcast_ref(), Some(&Slow("the database")));
    // The request goes on, and says so.
    assert!(!request.is_done());
}

#[test]
fn a_broken_service_level_is_recorded_with_its_cause() {
    let (recorded, records) = mpsc::channel();
    let request = in_time(&Context::background(), SOON, "the service");
    let of_end = request.clone();
    let record = move |error| recorded.send((error, of_end.cause().unwrap())).unwrap();
    request.after(record).detach();
    let answer = tier(&request, NOT_YET, "never");
    assert!(answer.is_err());
    let (error, cause) = records.recv().unwrap();
    assert_eq!((error, cause.downcast_ref()), (ContextError::DeadlineExceeded, Some(&Slow("the service"))));
}

#[test]
fn a_timeout_at_the_top_stops_work_three_levels_down() {
    fn controller(context: &Context) -> ContextError {
        service(&context.with_timeout(NOT_YET))
    }
    fn service(context: &Context) -> ContextError {
        let (context, _handle) = context.with_cancel();
        repository(&context.with_value("select"))
    }
    fn repository(context: &Context) -> ContextError {
        context.wait()
    }
    assert_eq!(controller(&Context::background().with_timeout(SOON)), ContextError::DeadlineExceeded);
}

#[test]
fn work_in_the_background_outlives_its_request_and_keeps_its_trace_id() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct TraceId(u128);

    let (request, handle) = Context::background().with_value(TraceId(7)).with_cancel();
    let audit = {
        let context = request.detach();
        thread::spawn(move || {
            assert_eq!(context.wait_timeout(SOON * 2), None);
            context.value::<TraceId>().copied()
        })
    };
    handle.cancel();
    assert!(request.is_done());
    assert_eq!(audit.join().unwrap(), Some(TraceId(7)));
}

#[cfg(feature = "trace")]
#[test]
fn the_opentelemetry_context_goes_with_it_also_when_it_is_detached() {
    use opentelemetry::{
        Context as Trace,
        trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
    };
    let span = SpanContext::new(
        TraceId::from_bytes([7; 16]),
        SpanId::from_bytes([1; 8]),
        TraceFlags::SAMPLED,
        false,
        TraceState::default(),
    );
    let request = Context::background().with_trace(Trace::new().with_remote_span_context(span.clone()));
    let detached = request.with_timeout(NOT_YET).detach();
    assert_eq!(detached.trace().unwrap().span().span_context(), &span);
    assert!(Context::background().trace().is_none());
}
