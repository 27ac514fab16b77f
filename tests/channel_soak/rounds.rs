//! A round: two channels, and everybody who uses them.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fastrand::Rng;
use freewheel::flow::{
    Context,
    channel::{self, Receiver, Sender},
};
use tokio::runtime::Builder;

use crate::{
    fates::{Fates, Value},
    receiving::Consumer,
    sending::Producer,
    waiting::LONG,
};

/// Of each that sends.
const VALUES: usize = 100;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How a round ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// All values were sent.
    Sent,
    /// The channels are closed amid that.
    Closed,
    /// The receivers leave.
    Left,
}

fn make(random: &mut Rng) -> (Sender<Value>, Receiver<Value>) {
    match random.u8(..4) {
        0 => channel::bounded(1),
        1 => channel::bounded(16),
        2 => channel::unbounded(),
        _ => channel::rendezvous(),
    }
}

/// Runs a round; returns how many values were received.
pub(crate) fn run(seed: u64) -> usize {
    let mut random = Rng::with_seed(seed);
    let ending = [Ending::Sent, Ending::Closed, Ending::Left][random.usize(..3)];
    let (senders, receivers): (Vec<_>, Vec<_>) = [make(&mut random), make(&mut random)].into_iter().unzip();
    let senders: [Sender<Value>; 2] = senders.try_into().expect("there are two");
    let fates = Fates::new(4 * VALUES);
    let (context, handle) = Context::background().with_cancel();

    let mut threads = spawn_producers(&senders, &fates, &context, &mut random);
    threads.extend(spawn_consumers(&receivers, &context, &mut random, ending));
    let capacities = senders.each_ref().map(Sender::capacity);
    let closes = (ending == Ending::Closed).then(|| senders.clone());
    drop((senders, receivers));
    thread::sleep(Duration::from_micros(random.u64(..3000)));
    handle.cancel();
    if let Some(senders) = closes {
        senders.iter().for_each(|sender| {
            sender.close();
        });
    }
    let begin = Instant::now();
    while let Some(thread) = threads.pop() {
        while !thread.is_finished() {
            assert!(begin.elapsed() < LONG, "FREEWHEEL_SEED={seed} hangs: {ending:?}, {capacities:?}");
            thread::sleep(Duration::from_micros(50));
        }
        assert!(thread.join().is_ok(), "FREEWHEEL_SEED={seed} panics: {ending:?}, {capacities:?}");
    }
    println!("FREEWHEEL_SEED={seed}: {ending:?}, {capacities:?}");
    fates.check(ending == Ending::Left)
}

fn spawn_producers(
    senders: &[Sender<Value>; 2],
    fates: &Arc<Fates>,
    context: &Context,
    random: &mut Rng,
) -> Vec<JoinHandle<()>> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut threads = Vec::new();
    for number in 0..4 {
        let producer = Producer {
            senders: senders.clone(),
            fates: Arc::clone(fates),
            random: random.fork(),
            context: context.clone(),
            selects: true,
        };
        let values = number * VALUES..(number + 1) * VALUES;
        if number < 2 {
            threads.push(thread::spawn(|| producer.run(values)));
        } else {
            jobs.push(Box::pin(producer.run_as_task(values)));
        }
    }
    threads.push(spawn_tasks(jobs, random));
    threads
}

/// One thread and one task for each channel, and one of each for both.
fn spawn_consumers(
    receivers: &[Receiver<Value>],
    context: &Context,
    random: &mut Rng,
    ending: Ending,
) -> Vec<JoinHandle<()>> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut threads = Vec::new();
    for share in [&receivers[..1], &receivers[1..], receivers] {
        for is_task in [false, true] {
            let turns = if ending == Ending::Left { random.usize(..40) } else { usize::MAX };
            let consumer = Consumer {
                receivers: share.to_vec(),
                random: random.fork(),
                context: context.clone(),
                turns,
            };
            if is_task {
                jobs.push(Box::pin(consumer.run_as_task()));
            } else {
                threads.push(thread::spawn(|| consumer.run()));
            }
        }
    }
    threads.push(spawn_tasks(jobs, random));
    threads
}

fn spawn_tasks(jobs: Vec<Job>, random: &mut Rng) -> JoinHandle<()> {
    let has_threads = random.bool();
    thread::spawn(move || {
        let mut builder =
            if has_threads { Builder::new_multi_thread() } else { Builder::new_current_thread() };
        let runtime = builder.worker_threads(2).enable_time().build().unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = jobs.into_iter().map(tokio::spawn).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    })
}
