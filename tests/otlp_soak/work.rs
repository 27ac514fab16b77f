//! What is recorded.

use std::{
    array,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use freewheel::metrics::{
    Buckets, Counter, Family, Histogram, KeyValue, Outcome, Registry, RequestMetrics, UpDownCounter,
};
use serde_json::{Map, Value, json};

const THREADS: usize = 8;
const ROUTES: usize = 12;
/// How many routes have a series of their own.
const KNOWN: usize = 9;
/// How many different values are recorded, and how often a thread records before it rests.
const VALUES: usize = 40;
const BURST: usize = 200;
const REST: Duration = Duration::from_millis(2);
const WAIT: [f64; 4] = [0.0001, 0.001, 0.02, 0.5];
/// How many series there are, gauges included.
pub(crate) const SERIES: u64 = (1 + THREADS + 1 + KNOWN + 1 + 1 + 1 + 3 + 4) as u64;

/// The instruments.
pub(crate) struct Work {
    events: Counter,
    by_thread: [Counter; THREADS],
    routes: Family<Counter, 1>,
    observed: Arc<AtomicU64>,
    depth: UpDownCounter,
    sizes: Histogram<u64>,
    latency: Histogram<Duration>,
    wait: Histogram<Duration>,
    web: RequestMetrics,
}

/// What was recorded: how often each value, by whom.
pub(crate) struct Recorded {
    values: [[u64; VALUES]; THREADS],
}

/// The value of this number, as a size; as a duration, microseconds.
fn value(index: usize) -> u64 {
    let doubling = 1 << (index / 2);
    if index.is_multiple_of(2) { doubling } else { 3 * doubling / 2 + 1 }
}

/// What it does to the depth.
fn change(index: usize) -> i64 {
    if index.is_multiple_of(3) { -2 } else { 1 }
}

impl Work {
    pub(crate) fn new(registry: &Registry) -> Self {
        let thread = |thread: usize| [KeyValue::new("thread", thread as i64)];
        let observed = Arc::new(AtomicU64::new(0));
        let total = Arc::clone(&observed);
        let seconds = registry.counter("seconds").unit("s");
        seconds.observe_f64(move |observer| observer.observe(total.load(Relaxed) as f64 / 8.0, &[])).unwrap();
        let limit = NonZeroUsize::new(KNOWN + 1).unwrap();
        let routes = registry.counter("routes").cardinality_limit(limit).family(["route"]).unwrap();
        (0..KNOWN).for_each(|route| routes.with([route as i64]).add(0));
        let bounds = Buckets::explicit(WAIT).unwrap();
        Self {
            events: registry.counter("events").build().unwrap(),
            by_thread: array::from_fn(|index| registry.counter("threads").bind(&thread(index)).unwrap()),
            routes,
            observed,
            depth: registry.up_down_counter("depth").build().unwrap(),
            sizes: registry.histogram("sizes").build().unwrap(),
            latency: registry.histogram("latency").build().unwrap(),
            wait: registry.histogram("wait").buckets(bounds).build().unwrap(),
            web: registry.requests("web").build().unwrap(),
        }
    }

    pub(crate) fn record_until(&self, ends: Instant) -> Recorded {
        let values = thread::scope(|scope| {
            let threads: [_; THREADS] =
                array::from_fn(|thread| scope.spawn(move || self.record_in(thread, ends)));
            threads.map(|thread| thread.join().unwrap())
        });
        Recorded { values }
    }

    fn record_in(&self, thread: usize, ends: Instant) -> [u64; VALUES] {
        let mut values = [0; VALUES];
        let mut random = fastrand::Rng::new();
        while Instant::now() < ends {
            for _ in 0..BURST {
                let index = random.usize(..VALUES);
                values[index] += 1;
                self.record(thread, index);
            }
            thread::sleep(REST);
        }
        values
    }

    fn record(&self, thread: usize, index: usize) {
        let duration = Duration::from_micros(value(index));
        self.events.add(1);
        self.by_thread[thread].add(value(index));
        self.routes.with([(index % ROUTES) as i64]).add(1);
        self.observed.fetch_add(1, Relaxed);
        self.depth.add(change(index));
        self.sizes.record(value(index));
        self.latency.record(duration);
        self.wait.record(duration);
        self.web.record(duration, if index == 7 { Outcome::Error } else { Outcome::Success });
    }
}

impl Recorded {
    pub(crate) fn records(&self) -> u64 {
        self.values.iter().flatten().sum()
    }

    fn of(&self, index: usize) -> u64 {
        self.values.iter().map(|values| values[index]).sum()
    }

    /// As the checker wants it. Which request was the last, nobody knows.
    pub(crate) fn expected(&self) -> Value {
        let total = self.records();
        let amount =
            |values: &[u64; VALUES]| -> u64 { (0..VALUES).map(|index| values[index] * value(index)).sum() };
        let threads: Map<String, Value> = (0..THREADS)
            .map(|thread| (format!("thread={thread}"), json!(amount(&self.values[thread]))))
            .collect();
        let depth: i64 = (0..VALUES).map(|index| self.of(index) as i64 * change(index)).sum();
        let sizes = self.times(|index| value(index).to_string());
        let durations =
            self.times(|index| format!("{}.{:06}", value(index) / 1_000_000, value(index) % 1_000_000));
        json!({
            "counters": {
                "events": {"": total}, "threads": threads, "routes": self.routes(),
                "seconds": {"": total as f64 / 8.0},
                "web.count": {"": total}, "web.errors": {"": self.of(7)},
            },
            "observed": ["seconds"],
            "up_down_counters": {"depth": {"": depth}},
            "gauges": {"web.last.duration": {"": null}},
            "histograms": {
                "sizes": {"": sizes}, "latency": {"": durations}, "web.duration": {"": durations},
            },
            "bounded": {"wait": {"": durations}},
            "bounds": {"wait": WAIT},
        })
    }

    fn routes(&self) -> Map<String, Value> {
        let of = |route: usize| -> u64 {
            (0..VALUES).filter(|index| index % ROUTES == route).map(|index| self.of(index)).sum()
        };
        let mut routes: Map<String, Value> =
            (0..KNOWN).map(|route| (format!("route={route}"), json!(of(route)))).collect();
        let other: u64 = (KNOWN..ROUTES).map(of).sum();
        routes.insert("otel.metric.overflow=True".into(), json!(other));
        routes
    }

    fn times(&self, text: impl Fn(usize) -> String) -> Map<String, Value> {
        let all = (0..VALUES).filter(|index| self.of(*index) > 0);
        let mut times = Map::new();
        for index in all {
            let before = times.get(&text(index)).and_then(Value::as_u64).unwrap_or(0);
            times.insert(text(index), json!(before + self.of(index)));
        }
        times
    }
}
