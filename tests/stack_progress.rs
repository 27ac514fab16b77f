//! The stack is lock-free: wherever a thread stops in it, the others go on, and see either all of what it does or nothing.
//!
//! Only in the chaos world can a thread be stopped at a chosen step: `RUSTFLAGS="--cfg freewheel_chaos"`.
#![cfg(freewheel_chaos)]

mod stopped;

use std::{iter, thread};

use freewheel::Stack;

use crate::stopped::{Stops, at_each_two_steps, stages};

/// Nodes in a chain of free ones; a thread keeps two chains at most.
const CHAIN: u32 = 32;

/// What was done to a stack that holds 1 and 2.
struct Past {
    /// By others, before these were pushed.
    others: fn(&Stack<u32>),
    /// By the thread that is stopped later.
    own: fn(&Stack<u32>),
}

const PASTS: [Past; 5] = [
    // It is the thread's first use.
    Past { others: |_| (), own: |_| () },
    // The same, and there is a chain of free nodes that others have passed on.
    Past { others: |stack| use_nodes(stack, 4 * CHAIN), own: |_| () },
    // The thread has a node that it has used.
    Past { others: |_| (), own: |stack| use_nodes(stack, 1) },
    // The thread has no free node any more.
    Past { others: |_| (), own: |stack| lose_nodes(stack, CHAIN) },
    // The thread has two chains of free nodes, so that it passes one on if it gets a node more.
    Past { others: |_| (), own: |stack| use_nodes(stack, 2 * CHAIN) },
];

/// Uses so many nodes, which the calling thread has afterwards, or passes on.
fn use_nodes(stack: &Stack<u32>, nodes: u32) {
    (0..nodes).for_each(|value| stack.push(value));
    (0..nodes).rev().for_each(|value| assert_eq!(stack.pop(), Some(value)));
}

/// Uses so many nodes, which another thread has afterwards.
fn lose_nodes(stack: &Stack<u32>, nodes: u32) {
    (0..nodes).for_each(|value| stack.push(value));
    on_another_thread(|| (0..nodes).rev().for_each(|value| assert_eq!(stack.pop(), Some(value))));
}

fn on_another_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

fn all(stack: &Stack<u32>) -> Vec<u32> {
    iter::from_fn(|| stack.pop()).collect()
}

/// Stops `operation` on a stack that holds 1 and 2, and returns what it gets, what others find meanwhile, and what is
/// left.
fn stopped_in<R: Send>(
    stops: &Stops,
    past: &Past,
    operation: impl FnOnce(&Stack<u32>) -> R + Send,
) -> (R, Vec<u32>, Vec<u32>) {
    let stack = Stack::new();
    on_another_thread(|| {
        (past.others)(&stack);
        stack.push(1);
        stack.push(2);
    });
    let others = || {
        // Enough to need more memory, and to pass on chains.
        use_nodes(&stack, 4 * CHAIN);
        let found = all(&stack);
        assert!(stack.is_empty());
        stack.push(0);
        assert_eq!(stack.drain().collect::<Vec<_>>(), [0]);
        found
    };
    let (result, found) = stops.during(|| (past.own)(&stack), || operation(&stack), others);
    (result, found, all(&stack))
}

#[test]
fn a_thread_stopped_while_it_pushes_is_in_nobodys_way() {
    for past in PASTS {
        let stages = stages(|stops| stopped_in(stops, &past, |stack| stack.push(9)));
        assert_eq!(stages, [((), vec![2, 1], vec![9]), ((), vec![9, 2, 1], vec![])]);
    }
}

#[test]
fn a_thread_stopped_while_it_pops_is_in_nobodys_way() {
    for past in PASTS {
        let stages = stages(|stops| stopped_in(stops, &past, Stack::pop));
        assert_eq!(stages, [(None, vec![2, 1], vec![]), (Some(2), vec![1], vec![])]);
    }
}

#[test]
fn a_thread_stopped_while_it_drains_is_in_nobodys_way() {
    for past in PASTS {
        let stages = stages(|stops| stopped_in(stops, &past, |stack| stack.drain().collect::<Vec<_>>()));
        assert_eq!(stages, [(vec![], vec![2, 1], vec![]), (vec![2, 1], vec![], vec![])]);
    }
}

#[test]
fn a_thread_stopped_while_it_pops_notices_that_others_have_used_the_node_again() {
    let stages = stages(|stops| {
        let stack = Stack::from_iter([1, 2, 3]);
        let others = || {
            // The node goes back on top of another one than before, which the thread may take for the next.
            let first = stack.pop();
            let second = on_another_thread(|| stack.pop());
            stack.push(4);
            (first, second)
        };
        let (popped, found) = stops.during(|| (), || stack.pop(), others);
        (popped, found, all(&stack))
    });
    assert_eq!(stages, [(Some(4), (Some(3), Some(2)), vec![1]), (Some(3), (Some(2), Some(1)), vec![4])]);
}

#[test]
fn a_thread_stopped_twice_in_any_operation_loses_nothing() {
    type Operation = fn(&Stack<u32>) -> Vec<u32>;
    let push: Operation = |stack| {
        stack.push(4);
        vec![]
    };
    let pop: Operation = |stack| stack.pop().into_iter().collect();
    let drain: Operation = |stack| stack.drain().collect();
    for (operation, first) in [(push, 5), (pop, 4), (drain, 4)] {
        at_each_two_steps(|stops| {
            let stack = Stack::from_iter([1, 2, 3]);
            let (mut next, mut found) = (first, vec![]);
            let others = || {
                found.extend(stack.pop());
                stack.push(next);
                next += 1;
            };
            let (mut values, ()) = stops.during(|| (), || operation(&stack), others);
            values.append(&mut found);
            values.extend(all(&stack));
            values.sort_unstable();
            assert!(values.into_iter().eq(1..next));
        });
    }
}
