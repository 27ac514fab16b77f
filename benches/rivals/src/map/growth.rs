//! What a reader and a writer notice while the map grows.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{Key, Mix, maps::Map, numbers, with_words};
use crate::{
    opaque::consume,
    pinning::{pin_to_core, preemptions},
    race::Race,
};

/// How many keys are stored.
const KEYS: u64 = 4_000_000;
/// An operation that takes longer than that may have been preempted.
const LONG: Duration = Duration::from_micros(10);

pub(crate) fn races() -> Vec<Race> {
    const THREADS: &str = "one thread stores four million new keys, another one gets some that are there";
    let race =
        |case, notes, pick| Race { threads: &[2], notes, ..Race::new(case, with_words(Mix::Growing(pick))) };
    vec![
        race("get_p999", vec![THREADS, "the time that one get in 1000 takes, or more"], |seen| seen.get_p999),
        race("store_max", vec![THREADS, "the longest store"], |seen| seen.store_max),
    ]
}

/// What the threads saw.
pub(super) struct Seen {
    get_p999: Duration,
    store_max: Duration,
}

/// Each thread has a core of its own; what it did when it was preempted does not count.
pub(super) fn grow<K: Key, M: Map<K>>() -> Seen {
    let map = M::new();
    let stored = AtomicU64::new(1);
    let begin = Barrier::new(2);
    map.store(&K::of(0), 1);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            pin_to_core(1);
            begin.wait();
            read::<K, M>(&map, &stored)
        });
        let writer = scope.spawn(|| {
            pin_to_core(0);
            begin.wait();
            write::<K, M>(&map, &stored)
        });
        let store_max = writer.join().expect("it does not panic");
        Seen { store_max, get_p999: reader.join().expect("it does not panic") }
    })
}

fn write<K: Key, M: Map<K>>(map: &M, stored: &AtomicU64) -> Duration {
    let mut clock = Clock::new();
    let mut longest = Duration::ZERO;
    for number in 1..KEYS {
        map.store(&K::of(number), 1);
        if let Some(time) = clock.undisturbed_lap() {
            longest = longest.max(time);
        }
        stored.store(number + 1, Relaxed);
    }
    longest
}

fn read<K: Key, M: Map<K>>(map: &M, stored: &AtomicU64) -> Duration {
    let mut times = Histogram::<u64>::new(3).expect("that is a precision");
    let mut numbers = numbers(1);
    let mut clock = Clock::new();
    loop {
        let there = stored.load(Relaxed);
        if there == KEYS {
            return Duration::from_nanos(times.value_at_quantile(0.999));
        }
        let key = K::of(numbers.below(there));
        clock.restart();
        consume(map.get(&key).expect("it is there"));
        if let Some(time) = clock.undisturbed_lap() {
            times.record(time.as_nanos() as u64).expect("it grows");
        }
    }
}

/// Times laps, and notices if the kernel took the core away meanwhile.
struct Clock {
    begin: Instant,
    preemptions: i64,
}

impl Clock {
    fn new() -> Self {
        Self { begin: Instant::now(), preemptions: preemptions() }
    }

    #[inline(always)]
    fn restart(&mut self) {
        self.begin = Instant::now();
    }

    /// How long the last lap took, unless it was disturbed; the next one begins.
    #[inline(always)]
    fn undisturbed_lap(&mut self) -> Option<Duration> {
        let time = self.begin.elapsed();
        let disturbed = time > LONG && self.was_preempted();
        self.restart();
        (!disturbed).then_some(time)
    }

    #[cold]
    fn was_preempted(&mut self) -> bool {
        let preemptions = preemptions();
        std::mem::replace(&mut self.preemptions, preemptions) != preemptions
    }
}
