use std::time::Duration;

use freewheel::flow::{Context, context::ContextError};
use tokio_util::sync::CancellationToken;

#[test]
fn a_context_ends_when_its_token_is_cancelled_and_not_the_other_way_round() {
    let token = CancellationToken::new();
    let (context, handle) = Context::from(&token).with_cancel();
    handle.cancel();
    assert!(!token.is_cancelled());
    let context = context.detach().with_token(&token);
    assert!(!context.is_done());
    token.cancel();
    assert_eq!(context.err(), Some(ContextError::Cancelled));
    assert!(Context::from(&token).is_done());
}

#[test]
fn a_context_of_a_token_ends_with_its_parent() {
    let (parent, handle) = Context::background().with_cancel();
    let child = parent.with_token(&CancellationToken::new());
    handle.cancel();
    assert!(child.is_done());
}

#[test]
fn a_token_is_cancelled_when_its_context_ends_and_not_the_other_way_round() {
    let (context, handle) = Context::background().with_cancel();
    let token = context.token();
    context.token().cancel();
    assert!(!context.is_done() && !token.is_cancelled());
    handle.cancel();
    assert!(token.is_cancelled() && context.token().is_cancelled());
}

#[tokio::test]
async fn tasks_wait_for_either() {
    let (context, handle) = Context::background().with_cancel();
    let waits = tokio::spawn(context.done());
    let token = context.token();
    let too = tokio::spawn(async move { token.cancelled().await });
    tokio::task::yield_now().await;
    handle.cancel();
    assert_eq!(waits.await.unwrap(), ContextError::Cancelled);
    too.await.unwrap();
}

#[test]
fn a_token_is_cancelled_though_nobody_has_its_context() {
    let (parent, handle) = Context::background().with_cancel();
    let token = parent.with_cancel().0.token();
    assert!(!token.is_cancelled());
    handle.cancel();
    assert!(token.is_cancelled());
}

#[tokio::test]
async fn a_token_is_cancelled_at_the_deadline_though_nobody_has_its_context() {
    let soon = Duration::from_millis(10);
    Context::background().with_timeout(soon).with_cancel().0.token().cancelled().await;
    Context::background().with_timeout(soon).token().cancelled().await;
}
