//! Queues: a push and a pop by one thread, and messages from one half of the threads to the other.

use std::{hint::black_box, sync::Arc, thread, time::Instant};

use concurrent_queue::ConcurrentQueue;
use crossbeam_queue::{ArrayQueue, SegQueue};
use crossbeam_utils::Backoff;
use freewheel::queue::{Bounded, Spsc, Unbounded};

use crate::{
    race::{Contestant, Race},
    transfer::{MESSAGES, messages, operations},
};

const CAPACITY: usize = 1024;

pub(crate) fn races() -> Vec<Race> {
    vec![
        Race { threads: &[1, 2, 4], notes: vec![NOTE], ..Race::new("bounded", bounded()) },
        Race { threads: &[1, 2, 4], notes: vec![NOTE], ..Race::new("unbounded", unbounded()) },
        Race { threads: &[1, 2], notes: vec![NOTE], ..Race::new("spsc", one_to_one()) },
    ]
}

const NOTE: &str =
    "nanoseconds a message: pushed and popped by one thread, or from one half of the threads to the other";

fn bounded() -> Vec<Contestant> {
    vec![
        contestant(
            "freewheel Bounded",
            Bounded::new(CAPACITY),
            |q, v| q.try_push(v).is_ok(),
            |q| q.try_pop().is_ok(),
        ),
        contestant(
            "crossbeam ArrayQueue",
            ArrayQueue::new(CAPACITY),
            |q, v| q.push(v).is_ok(),
            |q| q.pop().is_some(),
        ),
        contestant(
            "concurrent-queue bounded",
            ConcurrentQueue::bounded(CAPACITY),
            |q, v| q.push(v).is_ok(),
            |q| q.pop().is_ok(),
        ),
        contestant(
            "parking_lot Mutex<VecDeque>",
            parking_lot::Mutex::new(std::collections::VecDeque::with_capacity(CAPACITY)),
            |q, v| {
                let mut queue = q.lock();
                let room = queue.len() < CAPACITY;
                if room {
                    queue.push_back(v);
                }
                room
            },
            |q| q.lock().pop_front().is_some(),
        ),
    ]
}

fn unbounded() -> Vec<Contestant> {
    vec![
        contestant(
            "freewheel Unbounded",
            Unbounded::new(),
            |q, v| q.push(v).is_ok(),
            |q| q.try_pop().is_ok(),
        ),
        contestant(
            "crossbeam SegQueue",
            SegQueue::new(),
            |q, v| {
                q.push(v);
                true
            },
            |q| q.pop().is_some(),
        ),
        contestant(
            "concurrent-queue unbounded",
            ConcurrentQueue::unbounded(),
            |q, v| q.push(v).is_ok(),
            |q| q.pop().is_ok(),
        ),
    ]
}

fn contestant<Q: Sync + 'static>(
    who: &'static str,
    queue: Q,
    push: impl Fn(&Q, usize) -> bool + Sync + 'static,
    pop: impl Fn(&Q) -> bool + Sync + 'static,
) -> Contestant {
    let queue = Arc::new(queue);
    Contestant::weighed(who, move |threads| {
        let queue = &*queue;
        if threads > 1 {
            return messages(threads, &|value| push(queue, value), &|| pop(queue));
        }
        operations(1, &|_| {
            for value in 0..MESSAGES {
                black_box(push(queue, value));
                black_box(pop(queue));
            }
        })
    })
}

fn one_to_one() -> Vec<Contestant> {
    vec![
        Contestant::weighed("freewheel Spsc", |threads| {
            let (mut producer, mut consumer) = Spsc::new(CAPACITY).split();
            pass(threads, move |value| producer.try_push(value).is_ok(), move || consumer.try_pop().is_ok())
        }),
        Contestant::weighed("rtrb", |threads| {
            let (mut producer, mut consumer) = rtrb::RingBuffer::new(CAPACITY);
            pass(threads, move |value| producer.push(value).is_ok(), move || consumer.pop().is_ok())
        }),
    ]
}

/// As `messages`, for ends that one thread has alone.
fn pass(
    threads: usize,
    mut push: impl FnMut(usize) -> bool + Send,
    mut pop: impl FnMut() -> bool + Send,
) -> f64 {
    let begin = Instant::now();
    if threads == 1 {
        for value in 0..MESSAGES {
            black_box(push(value));
            black_box(pop());
        }
    } else {
        thread::scope(|scope| {
            scope.spawn(|| (0..MESSAGES).for_each(|value| until(|| push(value))));
            (0..MESSAGES).for_each(|_| until(&mut pop));
        });
    }
    begin.elapsed().as_nanos() as f64 / MESSAGES as f64
}

fn until(mut succeeds: impl FnMut() -> bool) {
    let backoff = Backoff::new();
    while !succeeds() {
        backoff.snooze();
    }
}
