//! The contract of `freewheel::reclaim` with more threads and longer runs than loom affords.

#![cfg(freewheel_shuttle)]

use std::panic;

use freewheel::sync::{Arc, thread};
use loom_tests::{
    message, sample,
    treiber::{Stack, USE_AFTER_FREE},
};

const ITERATIONS: usize = 5_000;
const THREADS: u32 = 4;
const ROUNDS: u32 = 8;

/// Each of four threads pushes eight values of its own and pops after each push.
fn push_and_pop(pop: fn(&Stack<u32>) -> Option<u32>) {
    let stack = Arc::new(Stack::new([]));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let stack = Arc::clone(&stack);
            thread::spawn(move || {
                let push_and_pop = |round| {
                    stack.push(thread * ROUNDS + round);
                    pop(&stack)
                };
                (0..ROUNDS).filter_map(push_and_pop).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut values: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    values.extend(std::iter::from_fn(|| stack.pop()));
    values.sort_unstable();
    assert!(values.into_iter().eq(0..THREADS * ROUNDS), "a value was lost or came twice");
}

#[test]
fn racing_pushes_and_pops_lose_nothing() {
    sample(ITERATIONS, || push_and_pop(Stack::pop));
}

#[test]
fn leaking_pops_are_right() {
    sample(ITERATIONS, || push_and_pop(Stack::pop_leaking));
}

fn assert_caught(wrong_pop: fn(&Stack<u32>) -> Option<u32>) {
    let result = panic::catch_unwind(|| sample(ITERATIONS, move || push_and_pop(wrong_pop)));
    let payload = result.expect_err("a wrong model passed");
    let message = message(&*payload);
    let caught = message.contains("data race") || message.contains(USE_AFTER_FREE);
    assert!(caught, "failed for another reason: {message}");
}

#[test]
fn freeing_at_once_is_caught() {
    assert_caught(Stack::pop_freeing_at_once);
}

#[test]
fn pinning_too_late_is_caught() {
    assert_caught(Stack::pop_pinning_too_late);
}

#[test]
fn retiring_before_unlinking_is_caught() {
    assert_caught(Stack::pop_retiring_too_early);
}
