//! Families while threads record, readers read, and series come and go, all at once: nothing is lost.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use freewheel::metrics::{
    Counter, Data, Family, InstrumentBuilder, KeyValue, OpenFamily, Outcome, Reader, Registry, SeriesId,
    Snapshot, Timestamp, UpDownCounter,
};

/// How long threads race, each time.
const RACE: Duration = Duration::from_millis(1200);

/// What somebody saw last of each series of a counter or a gauge of integers.
#[derive(Default)]
struct LastSeen(HashMap<SeriesId, i64>);

impl LastSeen {
    fn look(&mut self, snapshot: &Snapshot, name: &str) {
        match snapshot.metric(name).map(|metric| &metric.data) {
            Some(Data::Counter(points)) => {
                let seen = points.iter().map(|point| (point.series(), point.value.cast_signed()));
                self.0.extend(seen);
            }
            Some(Data::UpDownCounter(points) | Data::GaugeI64(points)) => {
                self.0.extend(points.iter().map(|point| (point.series(), point.value)));
            }
            None => {}
            other => panic!("{name} is {other:?}"),
        }
    }

    fn sum(&self) -> i64 {
        self.0.values().sum()
    }
}

/// Reads until everything is over, and then once more.
fn read(reader: &mut Reader, is_over: &AtomicBool, name: &str, pause: Duration) -> LastSeen {
    let mut seen = LastSeen::default();
    loop {
        let is_last = is_over.load(Relaxed);
        seen.look(&reader.snapshot(), name);
        if is_last {
            return seen;
        }
        thread::sleep(pause);
    }
}

/// A source of numbers, different ones for each seed.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % limit
    }
}

/// Runs `record` over and over on some threads, and once each on short-lived ones, while `readers` readers read.
/// Returns what each of them saw.
fn race(registry: &Registry, name: &str, readers: u64, record: impl Fn(&mut Noise) + Sync) -> Vec<LastSeen> {
    let is_over = AtomicBool::new(false);
    let start = Instant::now();
    let goes_on = || start.elapsed() < RACE;
    thread::scope(|scope| {
        let readers: Vec<_> = (0..readers)
            .map(|number| {
                let (mut reader, is_over) = (registry.reader(), &is_over);
                let pause = Duration::from_micros(number * 50);
                scope.spawn(move || read(&mut reader, is_over, name, pause))
            })
            .collect();
        let recorders: Vec<_> = (0..3)
            .map(|seed| {
                let (record, goes_on) = (&record, &goes_on);
                scope.spawn(move || {
                    let mut noise = Noise(seed);
                    while goes_on() {
                        if seed > 0 {
                            record(&mut noise);
                        } else {
                            let mut noise = Noise(noise.below(u64::MAX));
                            thread::scope(|scope| {
                                let short_lived = scope.spawn(|| (0..20).for_each(|_| record(&mut noise)));
                                short_lived.join().expect("recording does not panic");
                            });
                        }
                    }
                })
            })
            .collect();
        recorders.into_iter().for_each(|recorder| recorder.join().expect("recording does not panic"));
        is_over.store(true, Relaxed);
        readers.into_iter().map(|reader| reader.join().expect("reading does not panic")).collect()
    })
}

fn rounds(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("it is not zero")
}

/// Adds to a counter through families of all kinds, and checks that every reader sees all of it.
fn race_on_counter(counter: &InstrumentBuilder<Counter>, registry: &Registry, readers: u64, keys: u64) {
    let family: Family<Counter, 1> = counter.family(["k"]).unwrap();
    let open: OpenFamily<Counter> = counter.open_family().unwrap();
    let added = AtomicU64::new(0);
    let unique = AtomicU64::new(keys);
    let seen = race(registry, "c", readers, |noise| {
        let (k, n) = (noise.below(keys) as i64, 1 + noise.below(9));
        match noise.below(8) {
            0 => counter.bind(&[KeyValue::new("k", k)]).unwrap().add(n),
            1 => open.with(&[KeyValue::new("k", k)]).add(n),
            2 => family.with([k]).bind().add(n),
            // Of each of these there is one record in all.
            3 => family.with([unique.fetch_add(1, Relaxed) as i64]).add(n),
            4 => {
                thread::yield_now();
                family.with([k]).add(n);
            }
            _ => family.with([k]).add(n),
        }
        added.fetch_add(n, Relaxed);
    });
    let added = added.into_inner() as i64;
    let (identities, sums): (Vec<_>, Vec<_>) = seen.iter().map(|seen| (seen.0.len(), seen.sum())).unzip();
    assert!(sums.iter().all(|&sum| sum == added), "{added} added; seen {sums:?} in {identities:?} series");
}

#[test]
fn idle_series_take_nothing_with_them_that_the_reader_has_not_seen() {
    let registry = Registry::new();
    race_on_counter(&registry.counter("c").remove_idle_after(rounds(1)), &registry, 1, 200);
}

#[test]
fn idle_series_take_nothing_with_them_that_one_of_the_readers_has_not_seen() {
    for patience in [1, 2] {
        let registry = Registry::new();
        race_on_counter(&registry.counter("c").remove_idle_after(rounds(patience)), &registry, 3, 200);
    }
}

#[test]
fn idle_series_take_nothing_with_them_where_the_limit_is_reached_all_the_time() {
    let registry = Registry::new();
    let counter = registry.counter("c").cardinality_limit(NonZeroUsize::new(12).unwrap());
    race_on_counter(&counter.remove_idle_after(rounds(1)), &registry, 2, 40);
    assert!(registry.overflowed("c") > 0);
}

#[test]
fn series_that_never_go_lose_nothing_either() {
    let registry = Registry::new();
    let limit = NonZeroUsize::new(100).unwrap();
    race_on_counter(&registry.counter("c").cardinality_limit(limit), &registry, 1, 80);
}

#[test]
fn an_up_down_counter_of_short_lived_things_adds_up() {
    let registry = Registry::new();
    let depth = registry.up_down_counter("c").remove_idle_after(rounds(1));
    let family: Family<UpDownCounter, 1> = depth.family(["k"]).unwrap();
    let net = AtomicI64::new(0);
    let seen = race(&registry, "c", 1, |noise| {
        // What is taken away is mostly of what another one added.
        let (k, n) = (noise.below(100) as i64, noise.below(5) as i64 - 2);
        family.with([k]).add(n);
        net.fetch_add(n, Relaxed);
    });
    assert_eq!(seen[0].sum(), net.into_inner());
}

#[test]
fn requests_of_idle_series_are_all_seen() {
    let registry = Registry::new();
    let family = registry.requests("c").remove_idle_after(rounds(1)).family(["k"]).unwrap();
    let requests = AtomicI64::new(0);
    let seen = race(&registry, "c.count", 2, |noise| {
        let (duration, at) = (Duration::from_nanos(noise.below(1000)), Timestamp::from_unix_nanos(1));
        family.with([noise.below(30) as i64]).record_at(duration, Outcome::Success, at);
        requests.fetch_add(1, Relaxed);
    });
    let requests = requests.into_inner();
    assert!(seen.iter().all(|seen| seen.sum() == requests));
}

#[test]
fn the_last_value_of_each_gauge_is_seen_before_it_goes() {
    const KEYS: usize = 50;
    let registry = Registry::new();
    let family = registry.gauge::<i64>("c").remove_idle_after(rounds(1)).family(["k"]).unwrap();
    let is_over = AtomicBool::new(false);
    let (last, seen) = thread::scope(|scope| {
        let (mut reader, is_over) = (registry.reader(), &is_over);
        let recorder = scope.spawn(|| {
            let (mut noise, mut last, start) = (Noise(1), [0; KEYS], Instant::now());
            while start.elapsed() < RACE {
                let k = noise.below(KEYS as u64) as usize;
                last[k] += 1;
                family.with([k as i64]).record(last[k]);
                if noise.below(20) == 0 {
                    thread::sleep(Duration::from_micros(100));
                }
            }
            last
        });
        let reader = scope.spawn(move || {
            let (mut seen, mut identities) = (HashMap::new(), LastSeen::default());
            loop {
                let is_last = is_over.load(Relaxed);
                let snapshot = reader.snapshot();
                identities.look(&snapshot, "c");
                if let Some(Data::GaugeI64(points)) = snapshot.metric("c").map(|metric| &metric.data) {
                    seen.extend(points.iter().map(|point| (point.attributes[0].to_string(), point.value)));
                }
                if is_last {
                    return (seen, identities.0.len());
                }
            }
        });
        let last = recorder.join().unwrap();
        is_over.store(true, Relaxed);
        (last, reader.join().unwrap())
    });
    let (seen, identities) = seen;
    assert!(identities > KEYS, "no series ever went");
    for (k, last) in last.into_iter().enumerate() {
        assert_eq!(seen[&format!("k={k}")], last);
    }
}

#[test]
fn a_series_removed_by_hand_takes_at_most_what_is_recorded_meanwhile() {
    const KEYS: i64 = 30;
    let registry = Registry::new();
    let counter = registry.counter("c").cardinality_limit(NonZeroUsize::new(20).unwrap());
    let family = counter.family(["k"]).unwrap();
    let mut kept = LastSeen::default();
    let rounds = Barrier::new(3);
    thread::scope(|scope| {
        for seed in 0..2 {
            let (family, rounds) = (&family, &rounds);
            scope.spawn(move || {
                let mut noise = Noise(seed);
                for _ in 0..300 {
                    rounds.wait();
                    (0..100).for_each(|_| family.with([noise.below(KEYS as u64) as i64]).add(1));
                    rounds.wait();
                    // Nobody removes anything now, and nobody may remember what was removed before.
                    (0..KEYS).for_each(|k| family.with([k]).add(1));
                    rounds.wait();
                }
            });
        }
        let mut noise = Noise(7);
        let mut before = 0;
        for _ in 0..300 {
            rounds.wait();
            for _ in 0..10 {
                kept.look(&registry.snapshot(), "c");
                registry.remove_series("c", &[KeyValue::new("k", noise.below(KEYS as u64) as i64)]);
                assert!(registry.series() <= 20);
            }
            kept.look(&registry.snapshot(), "c");
            let seen = kept.sum();
            rounds.wait();
            rounds.wait();
            kept.look(&registry.snapshot(), "c");
            let (least, most) = (seen + 2 * KEYS, before + 200 + 2 * KEYS);
            assert!((least..=most).contains(&kept.sum()), "{} of {least}..={most}", kept.sum());
            before = kept.sum();
        }
    });
}

/// Records when it is dropped.
struct AtExit<F: Fn()>(F);

impl<F: Fn()> Drop for AtExit<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

type Recorder = Box<dyn Fn()>;

#[test]
fn a_thread_that_ends_may_record_through_families() {
    thread_local! {
        // Destroyed before or after the thread's caches, depending on which is used first.
        static EARLY: RefCell<Option<AtExit<Recorder>>> = const { RefCell::new(None) };
        static LATE: RefCell<Option<AtExit<Recorder>>> = const { RefCell::new(None) };
    }
    let registry = Registry::new();
    let counter = registry.counter("c");
    let (family, open) = (counter.family(["k"]).unwrap(), counter.open_family().unwrap());
    let requests = registry.requests("r").family(["k"]).unwrap();
    for round in 0..20i64 {
        let (family, open, requests) = (family.clone(), open.clone(), requests.clone());
        let ended = thread::spawn(move || {
            let recorder = || {
                let (family, open, requests) = (family.clone(), open.clone(), requests.clone());
                Some(AtExit(Box::new(move || {
                    // Some that the thread has looked up before, and one that nobody has.
                    for k in [0, 1, 1000 + round] {
                        family.with([k]).add(1);
                        open.with(&[KeyValue::new("k", k)]).add(1);
                        requests.with([k]).record(Duration::ZERO, Outcome::Success);
                    }
                }) as Recorder))
            };
            EARLY.set(recorder());
            if round % 2 == 0 {
                family.with([0]).add(0);
                drop(requests.with([1]).bind());
            }
            LATE.set(recorder());
        });
        ended.join().unwrap();
    }
    let snapshot = registry.snapshot();
    let sum = |name: &str| {
        let mut seen = LastSeen::default();
        seen.look(&snapshot, name);
        (seen.0.len(), seen.sum())
    };
    assert_eq!(sum("c"), (22, 20 * 2 * 3 * 2));
    assert_eq!(sum("r.count"), (22, 20 * 2 * 3));
}

#[test]
fn what_is_recorded_as_a_value_of_an_attribute_is_asked_for_is_recorded() {
    use freewheel::metrics::{AttributeValue, ValueRef};
    struct Counted<'a>(&'a Family<Counter, 1>, Cell<u64>);
    impl AttributeValue for Counted<'_> {
        fn value(&self) -> ValueRef<'_> {
            self.1.set(self.1.get() + 1);
            self.0.with(["a text that is longer than its digest, so that it is compared"]).add(1);
            ValueRef::Str("another text that is longer than its digest, and compared too")
        }
    }
    let registry = Registry::new();
    let family = registry.counter("c").family(["k"]).unwrap();
    let value = Counted(&family, Cell::new(0));
    (0..10).for_each(|_| family.with([&value]).add(100));
    let mut seen = LastSeen::default();
    seen.look(&registry.snapshot(), "c");
    assert_eq!((seen.0.len(), seen.sum()), (2, 1000 + value.1.get() as i64));
}
