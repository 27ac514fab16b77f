//! Messages between tasks, which wait without blocking their thread.

use std::{sync::LazyLock, time::Instant};

use freewheel::flow::channel;
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc as tokio_mpsc,
};

use super::{
    CAPACITY, Ends, MESSAGES, Shape, Tally,
    ends::{AsyncConsumer, AsyncProducer},
    median,
};
use crate::race::{Contestant, Race};

pub(super) fn races() -> Vec<Race> {
    const NOTE: &str = "nanoseconds a message, from the first task spawned to the last message received; tasks on two workers of tokio";
    let race =
        |case, contestants| Race { threads: &[WORKERS], notes: vec![NOTE], ..Race::new(case, contestants) };
    vec![
        race("async_bounded_1p1c", bounded(Shape::ONE_TO_ONE)),
        race("async_bounded_2p2c", bounded(Shape::TWO_TO_TWO)),
        race("async_bounded_64p4c", bounded(Shape::MANY_TO_FOUR)),
        race("async_unbounded_1p1c", unbounded(Shape::ONE_TO_ONE)),
        race("async_unbounded_2p2c", unbounded(Shape::TWO_TO_TWO)),
        race("async_unbounded_64p4c", unbounded(Shape::MANY_TO_FOUR)),
    ]
}

/// Threads that run tasks.
pub(super) const WORKERS: usize = 2;

/// Where all tasks run.
pub(super) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(WORKERS).build().expect("threads can be started")
});

/// One row; `make` makes the ends of a new channel.
fn contestant<P: AsyncProducer, C: AsyncConsumer>(
    who: &'static str,
    make: impl Fn() -> Ends<P, C> + 'static,
) -> Contestant {
    Contestant::weighed(who, move |_| median(|| RUNTIME.block_on(transfer(make()))))
}

fn bounded(shape: Shape) -> Vec<Contestant> {
    let mut all = vec![
        contestant("freewheel", move || shape.many(channel::bounded(CAPACITY))),
        contestant("flume", move || shape.many(flume::bounded(CAPACITY))),
        contestant("kanal", move || shape.many(kanal::bounded_async(CAPACITY))),
        contestant("async-channel", move || shape.many(async_channel::bounded(CAPACITY))),
    ];
    if shape == Shape::ONE_TO_ONE {
        let crossfire = move || shape.one_to_one(crossfire::spsc::bounded_async(CAPACITY));
        all.push(contestant("crossfire spsc", crossfire));
        all.push(contestant("tokio mpsc", move || shape.to_one(tokio_mpsc::channel(CAPACITY))));
    } else {
        let crossfire = move || shape.many(crossfire::mpmc::bounded_async(CAPACITY));
        all.push(contestant("crossfire mpmc", crossfire));
    }
    all
}

fn unbounded(shape: Shape) -> Vec<Contestant> {
    let mut all = vec![
        contestant("freewheel", move || shape.many(channel::unbounded())),
        contestant("flume", move || shape.many(flume::unbounded())),
        contestant("kanal", move || shape.many(kanal::unbounded_async())),
        contestant("async-channel", move || shape.many(async_channel::unbounded())),
    ];
    if shape == Shape::ONE_TO_ONE {
        let crossfire = move || shape.one_to_one(crossfire::spsc::unbounded_async());
        all.push(contestant("crossfire spsc", crossfire));
        all.push(contestant("tokio mpsc", move || shape.to_one(tokio_mpsc::unbounded_channel())));
    } else {
        let crossfire = move || shape.many(crossfire::mpmc::unbounded_async());
        all.push(contestant("crossfire mpmc", crossfire));
    }
    all
}

/// Nanoseconds for each of [`MESSAGES`]. Every end has a task of its own, and a channel ends with its last producer.
async fn transfer<P: AsyncProducer, C: AsyncConsumer>((producers, consumers): Ends<P, C>) -> f64 {
    let (senders, share) = (producers.len(), MESSAGES / producers.len());
    let begin = Instant::now();
    let producers: Vec<_> = producers.into_iter().map(|end| tokio::spawn(produce(end, share))).collect();
    let consumers: Vec<_> = consumers.into_iter().map(|end| tokio::spawn(consume(end))).collect();
    for task in producers {
        task.await.expect("it does not panic");
    }
    let (mut last, mut tallies) = (begin, Vec::new());
    for task in consumers {
        let (end, tally) = task.await.expect("it does not panic");
        last = last.max(end);
        tallies.push(tally);
    }
    Tally::check(tallies.into_iter(), senders, share);
    (last - begin).as_nanos() as f64 / MESSAGES as f64
}

async fn produce(mut end: impl AsyncProducer, share: usize) {
    for value in 0..share {
        assert!(end.produce(value).await, "the channel is open");
    }
}

/// Says when it got the last message, and what it got.
async fn consume(mut end: impl AsyncConsumer) -> (Instant, Tally) {
    let mut tally = Tally::default();
    while let Some(value) = end.consume().await {
        tally.add(value);
    }
    (Instant::now(), tally)
}
