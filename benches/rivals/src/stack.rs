//! Pushing a value on a stack and popping one.

use std::hint::black_box;

use crossbeam_queue::SegQueue;
use freewheel::Stack;

use crate::{
    race::{Contestant, Race},
    transfer::{MESSAGES, operations},
};

/// So many values are there at any time, so that no pop finds the stack empty.
const FILL: usize = 64;

pub(crate) fn races() -> Vec<Race> {
    let ours = Stack::from_iter(0..FILL);
    let std = std::sync::Mutex::new(Vec::from_iter(0..FILL));
    let parking_lot = parking_lot::Mutex::new(Vec::from_iter(0..FILL));
    let queue = SegQueue::new();
    (0..FILL).for_each(|value| queue.push(value));
    let contestants = vec![
        pairs("freewheel Stack", move |value| {
            ours.push(value);
            ours.pop()
        }),
        pairs("std Mutex<Vec>", move |value| {
            std.lock().expect("nobody panics").push(value);
            std.lock().expect("nobody panics").pop()
        }),
        pairs("parking_lot Mutex<Vec>", move |value| {
            parking_lot.lock().push(value);
            parking_lot.lock().pop()
        }),
        pairs("crossbeam SegQueue (first in, first out)", move |value| {
            queue.push(value);
            queue.pop()
        }),
    ];
    let notes = vec![
        "nanoseconds for a push and a pop, all threads together: half of it with twice the threads is perfect",
    ];
    vec![Race { threads: &[1, 2, 4], notes, ..Race::new("push_pop", contestants) }]
}

fn pairs(who: &'static str, pair: impl Fn(usize) -> Option<usize> + Sync + 'static) -> Contestant {
    Contestant::weighed(who, move |threads| {
        operations(threads, &|_| {
            for value in 0..MESSAGES / threads {
                black_box(pair(value));
            }
        })
    })
}
