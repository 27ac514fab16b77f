//! What is recorded, into instruments of all kinds, and what the checker is to find of it.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use freewheel::metrics::{
    Buckets, Counter, Family, Gauge, Histogram, KeyValue, Outcome, Registry, RequestMetrics, Timestamp,
    UpDownCounter,
};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use serde_json::{Map, Value, json};

const THREADS: u64 = 4;
const RECORDED: u64 = 6000;
/// How many users have a series of their own, and how many there are.
const KNOWN: u64 = 3;
const USERS: u64 = 8;
/// Of the last request of all.
const LAST: Duration = Duration::from_millis(1500);
/// Bounds of histograms; some values equal some of them.
const WAIT: [f64; 6] = [0.000001, 0.00005, 0.001, 0.075, 0.3, 0.9];
const DEBT: [f64; 5] = [-40.0, -0.5, 0.0, 0.125, 1024.0];
/// The span that some of it is recorded in.
const TRACE: [u8; 16] = [0x7f; 16];
const SPAN: [u8; 8] = [0x9a; 8];

/// The instruments of one registry.
struct Instruments {
    events: Counter,
    halves: [Counter; 2],
    users: Family<Counter, 1>,
    /// What `seconds` observes, in quarters.
    quarters: Arc<AtomicU64>,
    depth: UpDownCounter,
    load: Gauge<f64>,
    level: Gauge<i64>,
    sizes: Histogram<u64>,
    latency: Histogram<Duration>,
    balance: Histogram<f64>,
    wait: Histogram<Duration>,
    debt: Histogram<f64>,
    web: RequestMetrics,
}

impl Instruments {
    fn new(registry: &Registry) -> Self {
        let half = |odd| [KeyValue::new("side", "left"), KeyValue::new("odd", odd)];
        let bounds = |bounds: &[f64]| Buckets::explicit(bounds.iter().copied()).unwrap();
        let quarters = Arc::new(AtomicU64::new(0));
        let observed = Arc::clone(&quarters);
        let observe = move || observed.load(Relaxed) as f64 / 4.0;
        let seconds = registry.counter("seconds").unit("s");
        seconds.observe_f64(move |observer| observer.observe(observe(), &[])).unwrap();
        let limit = NonZeroUsize::new(KNOWN as usize + 1).unwrap();
        Self {
            events: registry.counter("events").unit("{event}").build().unwrap(),
            halves: [false, true].map(|odd| registry.counter("halves").bind(&half(odd)).unwrap()),
            users: registry.counter("users").cardinality_limit(limit).family(["user"]).unwrap(),
            quarters,
            depth: registry.up_down_counter("depth").build().unwrap(),
            load: registry.gauge("load").build().unwrap(),
            level: registry.gauge("level").build().unwrap(),
            sizes: registry.histogram("sizes").unit("By").build().unwrap(),
            latency: registry.histogram("latency").build().unwrap(),
            balance: registry.histogram("balance").build().unwrap(),
            wait: registry.histogram("wait").buckets(bounds(&WAIT)).build().unwrap(),
            debt: registry.histogram("debt").buckets(bounds(&DEBT)).build().unwrap(),
            web: registry.requests("web").build().unwrap(),
        }
    }

    fn record(&self, index: u64) {
        let latency = Duration::from_nanos(nanos(index));
        self.events.add(1);
        self.halves[index as usize % 2].add(1);
        self.users.with([(index % USERS) as i64]).add(1);
        self.quarters.fetch_add(1, Relaxed);
        self.depth.add(-1);
        self.sizes.record(size(index));
        self.latency.record(latency);
        self.wait.record(latency);
        self.balance.record(balance(index));
        self.debt.record(balance(index));
        self.web.record(latency, if fails(index) { Outcome::Error } else { Outcome::Success });
    }
}

/// Records what [`expected`] says, from several threads, while `meanwhile` runs.
pub(crate) fn record(registry: &Registry, meanwhile: impl FnOnce()) {
    let instruments = Instruments::new(registry);
    // Whoever comes first has a series of his own.
    (0..KNOWN).for_each(|user| instruments.users.with([user as i64]).add(0));
    instruments.load.record(0.75);
    instruments.level.record(-3);
    thread::scope(|scope| {
        for first in 0..THREADS {
            let instruments = &instruments;
            scope.spawn(move || {
                let _span = (first == 0).then(sampled_span);
                for index in (first..RECORDED).step_by(THREADS as usize) {
                    instruments.record(index);
                    if index % 200 < THREADS {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
        meanwhile();
    });
    instruments.web.record_at(LAST, Outcome::Success, Timestamp::now());
}

fn sampled_span() -> opentelemetry::ContextGuard {
    let (trace, span) = (TraceId::from_bytes(TRACE), SpanId::from_bytes(SPAN));
    let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default());
    Context::new().with_remote_span_context(span).attach()
}

/// What [`record`] records, as the checker wants it.
pub(crate) fn expected() -> Value {
    let odd = RECORDED / 2;
    let latencies = times(RECORDED, |index| seconds(nanos(index)));
    // All its digits.
    let balances = times(RECORDED, |index| format!("{:.60}", balance(index)));
    let mut durations = latencies.clone();
    durations.insert(seconds(LAST.as_nanos() as u64), json!(1));
    let errors = (0..RECORDED).filter(|index| fails(*index)).count();
    let histograms = ["sizes", "latency", "balance", "wait", "debt", "web.duration"];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    json!({
        "counters": {
            "events": {"": RECORDED},
            "halves": {"odd=False,side=left": odd, "odd=True,side=left": odd},
            "users": users(),
            "seconds": {"": RECORDED as f64 / 4.0},
            "web.count": {"": RECORDED + 1}, "web.errors": {"": errors},
        },
        "observed": ["seconds"],
        "up_down_counters": {"depth": {"": -(RECORDED as i64)}},
        "gauges": {"load": {"": 0.75}, "level": {"": -3}, "web.last.duration": {"": LAST.as_secs_f64()}},
        "histograms": {
            "sizes": {"": times(RECORDED, |index| size(index).to_string())},
            "latency": {"": latencies}, "balance": {"": balances}, "web.duration": {"": durations},
        },
        "bounded": {"wait": {"": latencies}, "debt": {"": balances}},
        "bounds": {"wait": WAIT, "debt": DEBT},
        "exemplars": {"trace": hex(&TRACE), "span": hex(&SPAN), "metrics": histograms},
    })
}

fn users() -> Value {
    let of = |user: u64| (0..RECORDED).filter(|index| index % USERS == user).count();
    let mut users: Map<String, Value> =
        (0..KNOWN).map(|user| (format!("user={user}"), json!(of(user)))).collect();
    users.insert("otel.metric.overflow=True".into(), json!((KNOWN..USERS).map(of).sum::<usize>()));
    users.into()
}

/// How often each of `count` values is recorded.
pub(crate) fn times(count: u64, value: impl Fn(u64) -> String) -> Map<String, Value> {
    let mut times = BTreeMap::new();
    (0..count).for_each(|index| *times.entry(value(index)).or_insert(0) += 1);
    times.into_iter().map(|(value, times)| (value, json!(times))).collect()
}

/// As a decimal.
pub(crate) fn seconds(nanos: u64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

/// The values of the histogram of sizes: zeros, small ones, powers of two and their neighbours.
fn size(index: u64) -> u64 {
    match index % 3 {
        0 => index / 3 % 40,
        1 => 1 << (index / 3 % 33),
        _ => (1 << (index / 3 % 33)) + 1,
    }
}

/// The values of the histogram of latencies, in nanoseconds: all magnitudes below a second.
fn nanos(index: u64) -> u64 {
    10_u64.pow((index % 9) as u32) * (index / 9 % 9 + 1) + index % 7
}

/// The values of the histograms of floating-point numbers: dyadic fractions of both signs, zeros, and some that are far
/// from one.
fn balance(index: u64) -> f64 {
    match index % 10 {
        0 => 0.0,
        1 => (index as f64).exp2().min(2f64.powi(60)),
        2 => 2f64.powi(-40),
        3 => -(2f64.powi((index % 90) as i32 - 45)),
        _ => (index as f64 - 3000.0) / 64.0,
    }
}

/// Which requests fail.
fn fails(index: u64) -> bool {
    index % 11 == 5
}
