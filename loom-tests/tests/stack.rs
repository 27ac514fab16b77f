//! Models of `src/stack`: nodes that are pushed, popped, used again and passed on between threads.
#![cfg(freewheel_loom)]

use freewheel::{
    Stack,
    sync::{Arc, thread},
};
use loom_tests::{check, explore};

/// Runs `other` in a second thread and `main` in this one, both on a stack of `values`, of which the last is on top.
fn race<const N: usize, A: Send + 'static, B>(
    values: [u32; N],
    other: impl FnOnce(&Stack<Box<u32>>) -> A + Send + 'static,
    main: impl FnOnce(&Stack<Box<u32>>) -> B,
) -> (A, B, Vec<u32>) {
    let stack = Arc::new(Stack::from_iter(values.map(Box::new)));
    let thread = {
        let stack = Arc::clone(&stack);
        thread::spawn(move || other(&stack))
    };
    let main = main(&stack);
    let other = thread.join().unwrap();
    (other, main, stack.drain().map(|value| *value).collect())
}

fn pop(stack: &Stack<Box<u32>>) -> Option<u32> {
    stack.pop().map(|value| *value)
}

fn push(value: u32) -> impl Fn(&Stack<Box<u32>>) {
    move |stack| stack.push(Box::new(value))
}

#[test]
fn pop_racing_push_gets_the_whole_value_or_nothing() {
    explore(3, [None, Some(7)], || {
        let ((), popped, left) = race([], push(7), pop);
        assert_eq!(left.len(), usize::from(popped.is_none()));
        popped
    });
}

#[test]
fn racing_pops_share_out_the_values() {
    explore(3, [(Some(1), Some(2)), (Some(2), Some(1))], || {
        let (other, main, left) = race([1, 2], pop, pop);
        assert!(left.is_empty());
        (other, main)
    });
}

#[test]
fn pop_racing_pop_and_push_gets_each_value_once() {
    let outcomes = [(Some(2), Some(1), vec![3]), (Some(1), Some(2), vec![3]), (Some(3), Some(2), vec![1])];
    explore(3, outcomes, || {
        race([1, 2], pop, |stack| {
            let popped = pop(stack);
            push(3)(stack);
            popped
        })
    });
}

/// The node of 2 leaves with that of 1 below it, and comes back with 3 in it and nothing below, while the one of 1
/// belongs to the drain: a pop that takes it for what it has seen puts that on top.
#[test]
fn pop_is_not_misled_by_a_node_that_comes_back_with_another_one_below() {
    let outcomes = [(Some(2), vec![1], vec![3]), (Some(3), vec![2, 1], vec![]), (None, vec![2, 1], vec![3])];
    explore(3, outcomes, || {
        race([1, 2], pop, |stack| {
            let mut drain = stack.drain();
            let first = drain.next();
            push(3)(stack);
            first.into_iter().chain(drain).map(|value| *value).collect::<Vec<_>>()
        })
    });
}

#[test]
fn drain_racing_push_leaves_what_it_does_not_take() {
    explore(3, [(vec![1], vec![7]), (vec![7, 1], vec![])], || {
        let drain = |stack: &Stack<Box<u32>>| stack.drain().map(|value| *value).collect::<Vec<_>>();
        let ((), drained, left) = race([1], push(7), drain);
        (drained, left)
    });
}

/// With chains of one node, the third pop in a row passes the first node on.
#[test]
fn free_nodes_that_a_thread_passes_on_are_taken_by_another() {
    explore(2, [vec![4], vec![]], || {
        let pop_three = |stack: &Stack<Box<u32>>| [pop(stack), pop(stack), pop(stack)];
        let (popped, (), left) = race([1, 2, 3], pop_three, push(4));
        assert_eq!(popped.into_iter().flatten().count() + left.len(), 4);
        left.into_iter().filter(|&value| value == 4).collect::<Vec<_>>()
    });
}

#[test]
fn racing_pushes_are_both_there() {
    check(2, || {
        let ((), (), mut left) = race([], push(1), push(2));
        left.sort();
        assert_eq!(left, [1, 2]);
    });
}
