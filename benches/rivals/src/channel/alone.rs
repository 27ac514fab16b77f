//! Messages that one thread sends and receives at once, so that nobody ever waits.

use std::{hint::black_box, sync::mpsc, time::Instant};

use freewheel::{flow::channel, metrics::Registry};
use tokio::sync::mpsc as tokio_mpsc;

use super::{
    CAPACITY, MESSAGES, Tally,
    ends::{TryConsumer, TryProducer},
    median,
};
use crate::race::{Contestant, Race};

const NOTE: &str = "nanoseconds for a try_send and a try_recv by one thread";

pub(super) fn races() -> Vec<Race> {
    let race = |case, contestants| Race { threads: &[1], notes: vec![NOTE], ..Race::new(case, contestants) };
    vec![
        race("try_pair_bounded", bounded()),
        race("try_pair_unbounded", unbounded()),
        race("try_pair_observed", observed()),
    ]
}

/// One row; `make` makes a new channel.
fn contestant<P: TryProducer, C: TryConsumer>(
    who: &'static str,
    make: impl Fn() -> (P, C) + 'static,
) -> Contestant {
    Contestant::weighed(who, move |_| median(|| pairs(make())))
}

fn bounded() -> Vec<Contestant> {
    vec![
        contestant("freewheel", || channel::bounded(CAPACITY)),
        contestant("crossbeam-channel", || crossbeam_channel::bounded(CAPACITY)),
        contestant("flume", || flume::bounded(CAPACITY)),
        contestant("kanal", || kanal::bounded(CAPACITY)),
        contestant("crossfire spsc", || crossfire::spsc::bounded_blocking(CAPACITY)),
        contestant("crossfire mpmc", || crossfire::mpmc::bounded_blocking(CAPACITY)),
        contestant("async-channel", || async_channel::bounded(CAPACITY)),
        contestant("std mpsc", || mpsc::sync_channel(CAPACITY)),
        contestant("tokio mpsc", || tokio_mpsc::channel(CAPACITY)),
    ]
}

fn unbounded() -> Vec<Contestant> {
    vec![
        contestant("freewheel", channel::unbounded),
        contestant("crossbeam-channel", crossbeam_channel::unbounded),
        contestant("flume", flume::unbounded),
        contestant("kanal", kanal::unbounded),
        contestant("crossfire spsc", crossfire::spsc::unbounded_blocking),
        contestant("crossfire mpmc", crossfire::mpmc::unbounded_blocking),
        contestant("async-channel", async_channel::unbounded),
        contestant("std mpsc", mpsc::channel),
        contestant("tokio mpsc", tokio_mpsc::unbounded_channel),
    ]
}

/// What it costs that a registry knows the channel.
fn observed() -> Vec<Contestant> {
    let registry = Registry::new();
    vec![
        contestant("freewheel", || channel::bounded(CAPACITY)),
        contestant("freewheel, with metrics", move || {
            let builder = channel::builder("pairs").capacity(CAPACITY).metrics(&registry);
            builder.expect("nobody else has the names").build()
        }),
    ]
}

/// Nanoseconds for each of [`MESSAGES`] that are sent and received in turn.
fn pairs((mut producer, mut consumer): (impl TryProducer, impl TryConsumer)) -> f64 {
    let mut tally = Tally::default();
    let begin = Instant::now();
    for value in 0..MESSAGES {
        assert!(producer.try_produce(black_box(value)), "there is room");
        tally.add(consumer.try_consume().expect("it was sent"));
    }
    let time = begin.elapsed();
    Tally::check([tally].into_iter(), 1, MESSAGES);
    time.as_nanos() as f64 / MESSAGES as f64
}
