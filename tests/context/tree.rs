use std::sync::Barrier;
use std::thread;

use freewheel::flow::{Context, context::ContextError};

#[test]
fn the_background_never_ends() {
    let background = Context::background();
    assert!(!background.is_done());
    assert_eq!((background.err(), background.deadline()), (None, None));
    assert!(background.cause().is_none());
    assert_eq!(background.check(), Ok(()));
}

#[test]
fn a_cancelled_context_says_so() {
    let (context, handle) = Context::background().with_cancel();
    assert_eq!((context.is_done(), context.err()), (false, None));
    handle.cancel();
    assert_eq!((context.is_done(), context.err()), (true, Some(ContextError::Cancelled)));
    assert_eq!(context.check(), Err(ContextError::Cancelled));
    assert_eq!(context.cause().unwrap().to_string(), "the context was cancelled");
}

#[test]
fn children_end_with_their_parent_and_for_its_reason() {
    let (parent, handle) = Context::background().with_cancel();
    let (child, _child_handle) = parent.with_cancel();
    let grandchild = child.with_value(1).with_cancel().0;
    handle.cancel_with("out of disk");
    for context in [&parent, &child, &grandchild] {
        assert_eq!(context.err(), Some(ContextError::Cancelled));
        assert_eq!(context.cause().unwrap().to_string(), "out of disk");
    }
}

#[test]
fn a_parent_does_not_end_with_its_child() {
    let (parent, _handle) = Context::background().with_cancel();
    let (child, handle) = parent.with_cancel();
    let sibling = parent.with_cancel().0;
    handle.cancel();
    assert!(child.is_done());
    assert!(!parent.is_done() && !sibling.is_done());
}

#[test]
fn a_child_of_one_that_has_ended_has_ended() {
    let (parent, handle) = Context::background().with_cancel();
    handle.cancel_with("too late");
    let child = parent.with_cancel().0;
    assert!(child.is_done());
    assert_eq!(child.cause().unwrap().to_string(), "too late");
}

#[test]
fn the_first_cause_counts() {
    let (parent, handle) = Context::background().with_cancel();
    let (child, child_handle) = parent.with_cancel();
    child_handle.cancel_with("the child's own");
    handle.cancel_with("the parent's");
    handle.cancel_with("a second one");
    assert_eq!(child.cause().unwrap().to_string(), "the child's own");
    assert_eq!(parent.cause().unwrap().to_string(), "the parent's");
}

#[test]
fn a_cause_keeps_its_type() {
    let (context, handle) = Context::background().with_cancel();
    handle.cancel_with(std::io::Error::other("disk"));
    assert!(context.cause().unwrap().downcast_ref::<std::io::Error>().is_some());
}

#[test]
fn clones_are_the_same_context() {
    let (context, handle) = Context::background().with_cancel();
    let clone = context.clone();
    drop(context);
    handle.clone().cancel();
    assert!(clone.is_done());
}

#[test]
fn a_guard_cancels_on_each_way_out_unless_it_is_disarmed() {
    let (context, handle) = Context::background().with_cancel();
    let guard = handle.cancel_on_drop();
    assert!(!context.is_done());
    drop(guard);
    assert!(context.is_done());

    let (context, handle) = Context::background().with_cancel();
    let handle = handle.cancel_on_drop().disarm().unwrap();
    assert!(!context.is_done());
    handle.cancel();
    assert!(context.is_done());
}

/// Whoever comes second returns when the first one is through.
#[test]
fn when_cancel_returns_everybody_has_ended() {
    for _ in 0..300 {
        let (parent, handle) = Context::background().with_cancel();
        let children: Vec<_> = (0..20).map(|_| parent.with_cancel().0.with_cancel().0).collect();
        let begin = Barrier::new(2);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    begin.wait();
                    handle.cancel();
                    assert!(children.iter().all(Context::is_done));
                });
            }
        });
    }
}

#[test]
fn children_that_are_made_while_their_parent_ends_end_too() {
    for _ in 0..300 {
        let (parent, handle) = Context::background().with_cancel();
        let begin = Barrier::new(2);
        let children = thread::scope(|scope| {
            let makes = scope.spawn(|| {
                begin.wait();
                (0..50).map(|_| parent.with_cancel().0).collect::<Vec<_>>()
            });
            begin.wait();
            handle.cancel();
            makes.join().unwrap()
        });
        assert!(children.iter().all(Context::is_done));
    }
}

#[test]
fn children_come_and_go_while_their_parent_ends() {
    for _ in 0..100 {
        let (parent, handle) = Context::background().with_cancel();
        let begin = Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    begin.wait();
                    (0..100).for_each(|_| drop(parent.with_cancel().0.with_cancel()));
                });
            }
            begin.wait();
            handle.cancel();
        });
        assert!(parent.is_done());
    }
}

#[test]
fn a_long_line_of_contexts_ends_and_is_dropped_without_ado() {
    let (first, handle) = Context::background().with_cancel();
    let mut last = first.clone();
    for _ in 0..100_000 {
        last = last.with_cancel().0.with_value(1);
    }
    let never_ended = last.detach();
    handle.cancel();
    assert!(last.is_done() && !never_ended.is_done());
    drop(last);
    let mut context = Context::background();
    (0..100_000).for_each(|_| context = context.with_cancel().0);
    drop(context);
}
