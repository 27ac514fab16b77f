use std::{
    thread,
    time::{Duration, Instant},
};

use freewheel::flow::{Context, context::ContextError};

const LONG: Duration = Duration::from_secs(3600);

fn in_the_past() -> Instant {
    Instant::now().checked_sub(Duration::from_millis(1)).unwrap()
}

#[test]
fn a_context_ends_at_its_deadline() {
    let context = Context::background().with_deadline(in_the_past());
    assert!(context.is_done());
    assert_eq!(context.err(), Some(ContextError::DeadlineExceeded));
    assert_eq!(context.cause().unwrap().to_string(), "the deadline of the context has passed");
}

#[test]
fn a_context_does_not_end_before_its_deadline() {
    let context = Context::background().with_timeout(LONG);
    assert_eq!((context.is_done(), context.err()), (false, None));
    let begin = Instant::now();
    let short = Context::background().with_timeout(Duration::from_millis(20));
    while !short.is_done() {
        thread::yield_now();
    }
    assert!(begin.elapsed() >= Duration::from_millis(20));
}

#[test]
fn the_earlier_deadline_counts() {
    let soon = Instant::now() + Duration::from_secs(1000);
    let parent = Context::background().with_deadline(soon);
    assert_eq!(parent.with_timeout(LONG).deadline(), Some(soon));
    assert_eq!(parent.with_cancel().0.with_value(1).deadline(), Some(soon));
    let sooner = soon - Duration::from_secs(1);
    assert_eq!(parent.with_deadline(sooner).deadline(), Some(sooner));
}

#[test]
fn a_timeout_beyond_the_end_of_time_is_none() {
    let context = Context::background().with_timeout(Duration::MAX);
    assert_eq!((context.deadline(), context.is_done()), (None, false));
}

#[test]
fn a_deadline_has_the_cause_that_it_was_given() {
    let context = Context::background().with_deadline_cause(in_the_past(), "the customer gave up");
    assert_eq!(context.err(), Some(ContextError::DeadlineExceeded));
    assert_eq!(context.cause().unwrap().to_string(), "the customer gave up");
}

/// Three levels: the one in the middle has the deadline; the others have later ones.
#[test]
fn the_cause_is_that_of_the_deadline_that_passed() {
    let outer = Context::background().with_deadline_cause(Instant::now() + LONG, "outer");
    let middle = outer.with_deadline_cause(in_the_past(), "middle");
    let inner = middle.with_deadline_cause(Instant::now() + LONG, "inner");
    let innermost = inner.with_cancel().0;
    assert!(innermost.is_done());
    for context in [&middle, &inner, &innermost] {
        assert_eq!(context.err(), Some(ContextError::DeadlineExceeded));
        assert_eq!(context.cause().unwrap().to_string(), "middle");
    }
    assert!(!outer.is_done());
}

#[test]
fn who_was_cancelled_before_its_deadline_was_cancelled() {
    let (parent, handle) = Context::background().with_timeout(Duration::from_millis(10)).with_cancel();
    handle.cancel();
    thread::sleep(Duration::from_millis(20));
    assert_eq!(parent.err(), Some(ContextError::Cancelled));
}

#[test]
fn whose_deadline_has_passed_is_not_cancelled_any_more() {
    let (context, handle) = Context::background().with_deadline(in_the_past()).with_cancel();
    assert!(context.is_done());
    handle.cancel_with("too late");
    assert_eq!(context.err(), Some(ContextError::DeadlineExceeded));
}

/// Whoever looked or not.
#[test]
fn who_is_cancelled_after_its_deadline_has_missed_that() {
    let (context, handle) = Context::background().with_deadline(in_the_past()).with_cancel();
    handle.cancel_with("too late");
    assert_eq!(context.err(), Some(ContextError::DeadlineExceeded));
}
