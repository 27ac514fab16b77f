//! Messages between threads that block.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Instant,
};

use freewheel::flow::channel;
use tokio::sync::mpsc as tokio_mpsc;

use super::{
    CAPACITY, Ends, MESSAGES, Shape, Tally,
    ends::{Consumer, Producer},
    median,
};
use crate::{
    pinning::pin_to_core,
    race::{Contestant, Race},
};

/// Messages of a transfer where each of them waits for the other side.
const FEW: usize = 20_000;

const NOTE: &str = "nanoseconds a message, from the first one sent to the last one received; threads block";

pub(super) fn races() -> Vec<Race> {
    const ONE_CORE: &str =
        "all threads on one core; crossfire could be told so for the whole process, and is not";
    let race = |case, threads, notes, contestants| Race { threads, notes, ..Race::new(case, contestants) };
    vec![
        race("bounded_1p1c", &[2], vec![NOTE], bounded(Shape::ONE_TO_ONE)),
        race("bounded_2p1c", &[3], vec![NOTE], bounded(Shape::TWO_TO_ONE)),
        race("bounded_2p2c", &[4], vec![NOTE], bounded(Shape::TWO_TO_TWO)),
        race("unbounded_1p1c", &[2], vec![NOTE], unbounded(Shape::ONE_TO_ONE)),
        race("unbounded_2p1c", &[3], vec![NOTE], unbounded(Shape::TWO_TO_ONE)),
        race("unbounded_2p2c", &[4], vec![NOTE], unbounded(Shape::TWO_TO_TWO)),
        race("rendezvous_1p1c", &[2], vec![NOTE], rendezvous()),
        race(
            "one_core_bounded_1p1c",
            &[2],
            vec![NOTE, ONE_CORE],
            of_many_ends(Shape::ONE_TO_ONE, Place::OneCore),
        ),
        race(
            "one_core_bounded_2p2c",
            &[4],
            vec![NOTE, ONE_CORE],
            of_many_ends(Shape::TWO_TO_TWO, Place::OneCore),
        ),
        race("bounded_4p4c", &[8], vec![NOTE], of_many_ends(Shape::FOUR_TO_FOUR, Place::Anywhere)),
    ]
}

/// Where threads run.
#[derive(Clone, Copy)]
enum Place {
    Anywhere,
    OneCore,
}

/// One row; `make` makes the ends of a new channel.
fn contestant<P: Producer, C: Consumer>(
    who: &'static str,
    make: impl Fn() -> Ends<P, C> + 'static,
) -> Contestant {
    Contestant::weighed(who, move |_| median(|| transfer(make(), MESSAGES, Place::Anywhere)))
}

fn bounded(shape: Shape) -> Vec<Contestant> {
    let mut all = vec![
        contestant("freewheel", move || shape.many(channel::bounded(CAPACITY))),
        contestant("crossbeam-channel", move || shape.many(crossbeam_channel::bounded(CAPACITY))),
        contestant("flume", move || shape.many(flume::bounded(CAPACITY))),
        contestant("kanal", move || shape.many(kanal::bounded(CAPACITY))),
        crossfire_bounded(shape),
        contestant("async-channel", move || shape.many(async_channel::bounded(CAPACITY))),
    ];
    if shape.consumers == 1 {
        all.push(contestant("std mpsc", move || shape.to_one(mpsc::sync_channel(CAPACITY))));
        all.push(contestant("tokio mpsc", move || shape.to_one(tokio_mpsc::channel(CAPACITY))));
    }
    all
}

/// The most special of its channels that fits.
fn crossfire_bounded(shape: Shape) -> Contestant {
    use crossfire::{mpmc, mpsc, spsc};
    match (shape.producers, shape.consumers) {
        (1, 1) => contestant("crossfire spsc", move || shape.one_to_one(spsc::bounded_blocking(CAPACITY))),
        (_, 1) => contestant("crossfire mpsc", move || shape.to_one(mpsc::bounded_blocking(CAPACITY))),
        _ => contestant("crossfire mpmc", move || shape.many(mpmc::bounded_blocking(CAPACITY))),
    }
}

fn unbounded(shape: Shape) -> Vec<Contestant> {
    let mut all = vec![
        contestant("freewheel", move || shape.many(channel::unbounded())),
        contestant("crossbeam-channel", move || shape.many(crossbeam_channel::unbounded())),
        contestant("flume", move || shape.many(flume::unbounded())),
        contestant("kanal", move || shape.many(kanal::unbounded())),
        crossfire_unbounded(shape),
        contestant("async-channel", move || shape.many(async_channel::unbounded())),
    ];
    if shape.consumers == 1 {
        all.push(contestant("std mpsc", move || shape.to_one(mpsc::channel())));
        all.push(contestant("tokio mpsc", move || shape.to_one(tokio_mpsc::unbounded_channel())));
    }
    all
}

fn crossfire_unbounded(shape: Shape) -> Contestant {
    use crossfire::{mpmc, mpsc, spsc};
    match (shape.producers, shape.consumers) {
        (1, 1) => contestant("crossfire spsc", move || shape.one_to_one(spsc::unbounded_blocking())),
        (_, 1) => contestant("crossfire mpsc", move || shape.to_one(mpsc::unbounded_blocking())),
        _ => contestant("crossfire mpmc", move || shape.many(mpmc::unbounded_blocking())),
    }
}

fn rendezvous() -> Vec<Contestant> {
    fn contestant<P: Producer, C: Consumer>(
        who: &'static str,
        make: impl Fn() -> (P, C) + 'static,
    ) -> Contestant {
        Contestant::weighed(who, move |_| {
            median(|| transfer(Shape::ONE_TO_ONE.one_to_one(make()), FEW, Place::Anywhere))
        })
    }
    vec![
        contestant("freewheel", channel::rendezvous),
        contestant("crossbeam-channel", || crossbeam_channel::bounded(0)),
        contestant("flume", || flume::bounded(0)),
        contestant("kanal", || kanal::bounded(0)),
        contestant("std mpsc", || mpsc::sync_channel(0)),
    ]
}

/// Those whose ends can all be cloned.
fn of_many_ends(shape: Shape, place: Place) -> Vec<Contestant> {
    fn contestant<P: Producer + Clone, C: Consumer + Clone>(
        (shape, place): (Shape, Place),
        who: &'static str,
        make: impl Fn() -> (P, C) + 'static,
    ) -> Contestant {
        Contestant::weighed(who, move |_| median(|| transfer(shape.many(make()), MESSAGES, place)))
    }
    let how = (shape, place);
    vec![
        contestant(how, "freewheel", || channel::bounded(CAPACITY)),
        contestant(how, "crossbeam-channel", || crossbeam_channel::bounded(CAPACITY)),
        contestant(how, "flume", || flume::bounded(CAPACITY)),
        contestant(how, "kanal", || kanal::bounded(CAPACITY)),
        contestant(how, "crossfire mpmc", || crossfire::mpmc::bounded_blocking(CAPACITY)),
        contestant(how, "async-channel", || async_channel::bounded(CAPACITY)),
    ]
}

/// Nanoseconds for each of so many messages. Every end has a thread of its own, and a channel ends with its last producer.
fn transfer<P: Producer, C: Consumer>(
    (producers, consumers): Ends<P, C>,
    messages: usize,
    place: Place,
) -> f64 {
    let (senders, share) = (producers.len(), messages / producers.len());
    let start = &Start { place, missing: AtomicUsize::new(senders + consumers.len()) };
    let (sent, received): (Vec<_>, Vec<_>) = thread::scope(|scope| {
        let producers: Vec<_> =
            producers.into_iter().map(|end| scope.spawn(move || produce(end, share, start))).collect();
        let consumers: Vec<_> =
            consumers.into_iter().map(|end| scope.spawn(move || consume(end, start))).collect();
        let sent = producers.into_iter().map(|thread| thread.join().expect("it does not panic"));
        let received = consumers.into_iter().map(|thread| thread.join().expect("it does not panic"));
        (sent.collect(), received.collect())
    });
    Tally::check(received.iter().map(|(_, tally)| *tally), senders, share);
    let begin = sent.into_iter().min().expect("there is a producer");
    let end = received.into_iter().map(|(end, _)| end).max().expect("there is a consumer");
    (end - begin).as_nanos() as f64 / messages as f64
}

/// Where threads wait for each other before they begin.
struct Start {
    place: Place,
    missing: AtomicUsize,
}

impl Start {
    fn line_up(&self) {
        if let Place::OneCore = self.place {
            pin_to_core(0);
        }
        self.missing.fetch_sub(1, SeqCst);
        while self.missing.load(SeqCst) > 0 {
            thread::yield_now();
        }
    }
}

/// Says when it began.
fn produce(mut end: impl Producer, share: usize, start: &Start) -> Instant {
    start.line_up();
    let begin = Instant::now();
    for value in 0..share {
        assert!(end.produce(value), "the channel is open");
    }
    begin
}

/// Says when it got the last message, and what it got.
fn consume(mut end: impl Consumer, start: &Start) -> (Instant, Tally) {
    start.line_up();
    let mut tally = Tally::default();
    while let Some(value) = end.consume() {
        tally.add(value);
    }
    (Instant::now(), tally)
}
