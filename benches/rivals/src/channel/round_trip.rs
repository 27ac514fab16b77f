//! Questions and answers, by two channels.

use std::{sync::mpsc, thread, time::Instant};

use freewheel::flow::channel;
use hdrhistogram::Histogram;
use tokio::sync::mpsc as tokio_mpsc;

use super::{
    CAPACITY,
    ends::{AsyncConsumer, AsyncProducer, Consumer, Producer},
    median,
    tasks::{RUNTIME, WORKERS},
};
use crate::{
    pinning::pin_to_core,
    race::{Contestant, Race},
};

/// Questions of one measurement.
const TRIPS: usize = 10_000;

pub(crate) fn races() -> Vec<Race> {
    let race = |case, threads, note, contestants| Race {
        threads,
        notes: vec![note],
        ..Race::new(case, contestants)
    };
    vec![
        race(
            "blocking_p50",
            &[2],
            "from a question to its answer: the median of all trips; two threads, each on a core of its own",
            between_threads(),
        ),
        race(
            "async_mean",
            &[WORKERS],
            "from a question to its answer: the mean of all trips; two tasks on two workers of tokio",
            between_tasks(),
        ),
    ]
}

fn between_threads() -> Vec<Contestant> {
    fn contestant<P: Producer, C: Consumer>(
        who: &'static str,
        make: impl Fn() -> (P, C) + 'static,
    ) -> Contestant {
        Contestant::weighed(who, move |_| median(|| ask_thread(make(), make())))
    }
    vec![
        contestant("freewheel", || channel::bounded(CAPACITY)),
        contestant("crossbeam-channel", || crossbeam_channel::bounded(CAPACITY)),
        contestant("flume", || flume::bounded(CAPACITY)),
        contestant("kanal", || kanal::bounded(CAPACITY)),
        contestant("crossfire spsc", || crossfire::spsc::bounded_blocking(CAPACITY)),
        contestant("async-channel", || async_channel::bounded(CAPACITY)),
        contestant("std mpsc", || mpsc::sync_channel(CAPACITY)),
        contestant("tokio mpsc", || tokio_mpsc::channel(CAPACITY)),
    ]
}

/// The median time of a trip, in nanoseconds.
fn ask_thread<P: Producer, C: Consumer>(
    (mut questions, mut asked): (P, C),
    (mut answers, mut answered): (P, C),
) -> f64 {
    let mut times = Histogram::<u64>::new(3).expect("that is a precision");
    thread::scope(|scope| {
        scope.spawn(move || {
            pin_to_core(1);
            while let Some(question) = asked.consume() {
                assert!(answers.produce(!question), "the channel is open");
            }
        });
        // Not on the thread that all contestants are run by: it would stay pinned.
        let asking = scope.spawn(|| {
            pin_to_core(0);
            for question in 0..TRIPS {
                let begin = Instant::now();
                assert!(questions.produce(question), "the channel is open");
                let answer = answered.consume();
                let time = begin.elapsed();
                assert_eq!(answer, Some(!question), "it is the answer");
                times.record(time.as_nanos() as u64).expect("it grows");
            }
            drop(questions);
        });
        asking.join().expect("it does not panic");
    });
    times.value_at_quantile(0.5) as f64
}

fn between_tasks() -> Vec<Contestant> {
    fn contestant<P: AsyncProducer, C: AsyncConsumer>(
        who: &'static str,
        make: impl Fn() -> (P, C) + 'static,
    ) -> Contestant {
        Contestant::weighed(who, move |_| median(|| RUNTIME.block_on(ask_task(make(), make()))))
    }
    vec![
        contestant("freewheel", || channel::bounded(CAPACITY)),
        contestant("flume", || flume::bounded(CAPACITY)),
        contestant("kanal", || kanal::bounded_async(CAPACITY)),
        contestant("crossfire spsc", || crossfire::spsc::bounded_async(CAPACITY)),
        contestant("async-channel", || async_channel::bounded(CAPACITY)),
        contestant("tokio mpsc", || tokio_mpsc::channel(CAPACITY)),
    ]
}

/// The mean time of a trip, in nanoseconds.
async fn ask_task<P: AsyncProducer, C: AsyncConsumer>(
    (mut questions, mut asked): (P, C),
    (mut answers, mut answered): (P, C),
) -> f64 {
    let answering = tokio::spawn(async move {
        while let Some(question) = asked.consume().await {
            assert!(answers.produce(!question).await, "the channel is open");
        }
    });
    let asking = tokio::spawn(async move {
        let begin = Instant::now();
        for question in 0..TRIPS {
            assert!(questions.produce(question).await, "the channel is open");
            assert_eq!(answered.consume().await, Some(!question), "it is the answer");
        }
        begin.elapsed()
    });
    let time = asking.await.expect("it does not panic");
    answering.await.expect("it does not panic");
    time.as_nanos() as f64 / TRIPS as f64
}
