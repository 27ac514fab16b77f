use std::sync::Arc;

use freewheel::flow::Context;

#[derive(Debug, PartialEq)]
struct User(&'static str);

#[derive(Debug, PartialEq)]
struct Attempt(u32);

#[test]
fn a_value_is_found_by_its_type() {
    let context = Context::background().with_value(User("ann")).with_value(Attempt(2));
    assert_eq!(context.value(), Some(&User("ann")));
    assert_eq!(context.value(), Some(&Attempt(2)));
    assert_eq!(context.value::<String>(), None);
}

#[test]
fn the_last_value_of_a_type_hides_the_others_and_not_in_the_parent() {
    let parent = Context::background().with_value(Attempt(1));
    let child = parent.with_value(Attempt(2));
    assert_eq!((parent.value(), child.value()), (Some(&Attempt(1)), Some(&Attempt(2))));
}

#[test]
fn values_go_with_every_context_that_is_made() {
    let context = Context::background().with_value(User("ann")).with_cancel().0;
    assert_eq!(context.with_timeout(std::time::Duration::MAX).value(), Some(&User("ann")));
}

#[test]
fn a_detached_context_keeps_values_and_nothing_else() {
    let (context, handle) = Context::background().with_value(User("ann")).with_cancel();
    let detached = context.detach();
    handle.cancel();
    assert!(context.is_done() && !detached.is_done());
    assert_eq!((detached.value(), detached.deadline()), (Some(&User("ann")), None));
}

#[test]
fn values_are_dropped_with_the_last_context() {
    let value = Arc::new(());
    let context = Context::background().with_value(Arc::clone(&value));
    let child = context.with_value(1).with_cancel().0;
    drop(context);
    assert_eq!(Arc::strong_count(&value), 2);
    drop(child);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn debug_names_the_types_and_not_the_values() {
    let text = format!("{:?}", Context::background().with_value(User("secret")));
    assert!(text.contains("User") && !text.contains("secret"), "{text}");
}
