//! `freewheel::Stack` with more threads and longer runs than loom affords.

#![cfg(freewheel_shuttle)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use freewheel::{
    Stack,
    sync::{Arc, thread},
};
use loom_tests::sample;

const ITERATIONS: usize = 3_000;
const THREADS: usize = 4;
const ROUNDS: usize = 6;

/// Runs `script` on four threads, and returns what each has popped.
fn on_four_threads<R: Send + 'static>(
    stack: &Arc<Stack<R>>,
    script: impl Fn(usize, &Stack<R>) -> Vec<R> + Send + Sync + 'static,
) -> Vec<Vec<R>> {
    let script = Arc::new(script);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (stack, script) = (Arc::clone(stack), Arc::clone(&script));
            thread::spawn(move || script(thread, &stack))
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn assert_all_once(stack: &Stack<usize>, popped: Vec<Vec<usize>>) {
    let mut values: Vec<_> = popped.into_iter().flatten().chain(stack.drain()).collect();
    values.sort_unstable();
    assert!(values.into_iter().eq(0..THREADS * ROUNDS), "a value was lost or came twice");
}

/// Whether each thread's values come with the newest first.
fn newest_first(values: &[usize]) -> bool {
    let of = |thread| values.iter().copied().filter(move |value| value / ROUNDS == thread);
    (0..THREADS).all(|thread| of(thread).is_sorted_by(|upper, lower| upper > lower))
}

#[test]
fn racing_pushes_and_pops_lose_nothing() {
    sample(ITERATIONS, || {
        let stack = Arc::new(Stack::new());
        let popped = on_four_threads(&stack, |thread, stack| {
            let push_and_pop = |round| {
                stack.push(thread * ROUNDS + round);
                stack.pop()
            };
            (0..ROUNDS).filter_map(push_and_pop).collect()
        });
        assert_all_once(&stack, popped);
    });
}

/// Free nodes come to those who pop, and are wanted by those who push.
#[test]
fn nodes_that_are_passed_on_hold_one_value_at_a_time() {
    sample(ITERATIONS, || {
        let stack = Arc::new(Stack::new());
        let popped = on_four_threads(&stack, |thread, stack| {
            // The pairs of a thread are pushed on, then popped, so chains of free nodes go both ways.
            let pairs = (0..ROUNDS).step_by(2).flat_map(|round| {
                stack.push(thread * ROUNDS + round);
                stack.push(thread * ROUNDS + round + 1);
                let taken = if thread % 2 == 0 { 4 } else { 1 };
                (0..taken).filter_map(|_| stack.pop()).collect::<Vec<_>>()
            });
            pairs.collect()
        });
        assert_all_once(&stack, popped);
    });
}

#[test]
fn drains_take_what_is_there_at_once() {
    sample(ITERATIONS, || {
        let stack = Arc::new(Stack::new());
        let popped = on_four_threads(&stack, |thread, stack| {
            let push_and_take = |round| {
                stack.push(thread * ROUNDS + round);
                if thread == 0 || round % 3 != 2 {
                    return stack.pop().into_iter().collect();
                }
                let drained: Vec<_> = stack.drain().collect();
                assert!(newest_first(&drained), "not the newest first: {drained:?}");
                drained
            };
            (0..ROUNDS).flat_map(push_and_take).collect()
        });
        assert_all_once(&stack, popped);
    });
}

/// Says when it is dropped.
#[derive(Debug)]
struct Counted(Arc<[AtomicUsize]>, usize);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0[self.1].fetch_add(1, Relaxed);
    }
}

#[test]
fn drains_that_are_dropped_drop_each_value_once() {
    sample(ITERATIONS, || {
        let drops: Arc<[AtomicUsize]> = (0..THREADS * ROUNDS).map(|_| AtomicUsize::new(0)).collect();
        let stack = Arc::new(Stack::new());
        let counts = Arc::clone(&drops);
        let popped = on_four_threads(&stack, move |thread, stack| {
            let push_and_take = |round| {
                stack.push(Counted(Arc::clone(&counts), thread * ROUNDS + round));
                if round % 3 == 2 { stack.drain().next() } else { stack.pop() }
            };
            (0..ROUNDS).filter_map(push_and_take).collect()
        });
        drop((popped, stack));
        assert!(drops.iter().all(|count| count.load(Relaxed) == 1), "not dropped once: {drops:?}");
    });
}
