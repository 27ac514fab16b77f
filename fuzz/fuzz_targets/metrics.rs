//! Sequences of operations on registries and instruments, from several threads in turn, against a model of `std`
//! collections. What the model holds and what the snapshots say must be the same after each step that looks.
#![no_main]

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, mpsc},
    thread,
    time::Duration,
};

use arbitrary::Arbitrary;
use freewheel::metrics::{
    Buckets, Counter, Data, ExponentialHistogram, Gauge, Histogram, HistogramSnapshot, KeyValue, Outcome,
    Registry, RequestMetrics, SeriesId, Snapshot, Timestamp, UpDownCounter,
};
use libfuzzer_sys::fuzz_target;

/// Which of the few series an operation is about.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Which {
    name: Few,
    attribute: Few,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Few {
    A,
    B,
    C,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    Add(Which, u64),
    AddSigned(Which, i64),
    Set(Which, f64),
    Record(Which, u64),
    /// Into exponential buckets, or into given ones; so often.
    RecordFloat(Which, Split, f64, u8),
    Request(Which, u32, bool),
    Unregister(Kind, Few),
    Look,
    /// Go on with new handles in a registry without series.
    Renew,
    /// Record from another thread from here on: one that stays, or one of its own for each operation.
    Thread(Seat),
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Split {
    Exponential,
    Explicit,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Seat {
    Main,
    Worker,
    ShortLived,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    UpDownCounter,
    Gauge,
    Histogram,
    Exponential,
    Explicit,
    Requests,
}

const BOUNDS: [f64; 5] = [-1e9, -1.0, 0.0, 1e-3, 1e3];

/// Numbers that a histogram holds, in the order of recording.
type Floats = BTreeMap<Which, (Histogram<f64>, Vec<f64>)>;

#[derive(Default)]
struct Model {
    registry: Registry,
    counters: BTreeMap<Which, (Counter, u64)>,
    up_downs: BTreeMap<Which, (UpDownCounter, i64)>,
    gauges: BTreeMap<Which, (Gauge, Option<f64>)>,
    histograms: BTreeMap<Which, (Histogram, Vec<u64>)>,
    exponential: Floats,
    explicit: Floats,
    requests: BTreeMap<Which, (RequestMetrics, Vec<(u32, bool)>)>,
    rejected: BTreeMap<Few, u64>,
    rejected_floats: BTreeMap<(Few, Split), u64>,
    /// A reader of differences: the sum of its windows, by series.
    base: BTreeMap<SeriesId, ExponentialHistogram>,
    windows: BTreeMap<SeriesId, u64>,
    reused: Option<Snapshot>,
}

fn attributes(which: Which) -> [KeyValue; 1] {
    [KeyValue::new("which", which.attribute as i64)]
}

fn name(kind: Kind, name: Few) -> String {
    format!("{kind:?}.{name:?}")
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs `job` on a thread that lives as long as the process.
fn on_worker(job: Job) {
    static WORKER: OnceLock<Mutex<mpsc::Sender<(Job, mpsc::Sender<()>)>>> = OnceLock::new();
    let worker = WORKER.get_or_init(|| {
        let (sender, jobs) = mpsc::channel::<(Job, mpsc::Sender<()>)>();
        thread::spawn(move || {
            for (job, done) in jobs {
                job();
                done.send(()).expect("the caller waits");
            }
        });
        Mutex::new(sender)
    });
    let (done, wait) = mpsc::channel();
    worker.lock().expect("one fuzzer").send((job, done)).expect("the worker lives");
    wait.recv().expect("the worker answers");
}

fn run(seat: Seat, job: impl FnOnce() + Send + 'static) {
    match seat {
        Seat::Main => job(),
        Seat::Worker => on_worker(Box::new(job)),
        Seat::ShortLived => thread::spawn(job).join().expect("recording does not panic"),
    }
}

impl Model {
    fn apply(&mut self, operation: Operation, seat: Seat) {
        match operation {
            Operation::Add(which, n) => {
                let builder = self.registry.counter(name(Kind::Counter, which.name));
                let make = || (builder.bind(&attributes(which)).expect("well-formed"), 0);
                let (counter, total) = self.counters.entry(which).or_insert_with(make);
                *total = total.wrapping_add(n);
                let counter = counter.clone();
                run(seat, move || counter.add(n));
            }
            Operation::AddSigned(which, n) => {
                let builder = self.registry.up_down_counter(name(Kind::UpDownCounter, which.name));
                let make = || (builder.bind(&attributes(which)).expect("well-formed"), 0);
                let (counter, total) = self.up_downs.entry(which).or_insert_with(make);
                *total = total.wrapping_add(n);
                let counter = counter.clone();
                run(seat, move || counter.add(n));
            }
            Operation::Set(which, value) => {
                let builder = self.registry.gauge::<f64>(name(Kind::Gauge, which.name));
                let make = || (builder.bind(&attributes(which)).expect("well-formed"), None);
                let (gauge, last) = self.gauges.entry(which).or_insert_with(make);
                if value.is_finite() {
                    *last = Some(value);
                } else {
                    *self.rejected.entry(which.name).or_default() += 1;
                }
                let gauge = gauge.clone();
                run(seat, move || gauge.record(value));
            }
            Operation::Record(which, value) => {
                let builder = self.registry.histogram::<u64>(name(Kind::Histogram, which.name));
                let make = || (builder.bind(&attributes(which)).expect("well-formed"), Vec::new());
                let (histogram, values) = self.histograms.entry(which).or_insert_with(make);
                values.push(value);
                let histogram = histogram.clone();
                run(seat, move || histogram.record(value));
            }
            Operation::RecordFloat(which, split, value, n) => self.record_float(which, split, value, n, seat),
            Operation::Request(which, nanos, failed) => {
                let builder = self.registry.requests(name(Kind::Requests, which.name));
                let make = || (builder.bind(&attributes(which)).expect("well-formed"), Vec::new());
                let (requests, seen) = self.requests.entry(which).or_insert_with(make);
                seen.push((nanos, failed));
                let (requests, at) = (requests.clone(), Timestamp::from_unix_nanos(seen.len() as u64));
                let outcome = if failed { Outcome::Error } else { Outcome::Success };
                run(seat, move || requests.record_at(Duration::from_nanos(nanos.into()), outcome, at));
            }
            Operation::Unregister(kind, few) => self.unregister(kind, few),
            Operation::Look => self.look(),
            Operation::Renew => *self = Self::default(),
            Operation::Thread(_) => {}
        }
    }

    fn record_float(&mut self, which: Which, split: Split, value: f64, n: u8, seat: Seat) {
        let (kind, buckets, floats) = match split {
            Split::Exponential => (Kind::Exponential, Buckets::default(), &mut self.exponential),
            Split::Explicit => {
                (Kind::Explicit, Buckets::explicit(BOUNDS).expect("they rise"), &mut self.explicit)
            }
        };
        let builder = self.registry.histogram::<f64>(name(kind, which.name)).buckets(buckets);
        let make = || (builder.bind(&attributes(which)).expect("well-formed"), Vec::new());
        let (histogram, values) = floats.entry(which).or_insert_with(make);
        if value.is_finite() {
            values.extend(vec![value; n.into()]);
        } else {
            *self.rejected_floats.entry((which.name, split)).or_default() += u64::from(n);
        }
        let histogram = histogram.clone();
        run(seat, move || match n {
            1 => histogram.record(value),
            2 => histogram.record_all(&[value, value]),
            n => histogram.record_n(value, n.into()),
        });
    }

    fn unregister(&mut self, kind: Kind, few: Few) {
        fn forget<V>(series: &mut BTreeMap<Which, V>, few: Few) -> bool {
            let before = series.len();
            series.retain(|which, _| which.name != few);
            series.len() < before
        }
        let known = match kind {
            Kind::Counter => forget(&mut self.counters, few),
            Kind::UpDownCounter => forget(&mut self.up_downs, few),
            Kind::Gauge => {
                self.rejected.remove(&few);
                forget(&mut self.gauges, few)
            }
            Kind::Histogram => forget(&mut self.histograms, few),
            Kind::Exponential => {
                self.rejected_floats.remove(&(few, Split::Exponential));
                forget(&mut self.exponential, few)
            }
            Kind::Explicit => {
                self.rejected_floats.remove(&(few, Split::Explicit));
                forget(&mut self.explicit, few)
            }
            Kind::Requests => forget(&mut self.requests, few),
        };
        assert_eq!(self.registry.unregister(&name(kind, few)), known);
    }

    fn look(&mut self) {
        let snapshot = self.registry.snapshot();
        for (which, (counter, total)) in &self.counters {
            assert_eq!(counter.total(), *total);
            assert_eq!(point(&snapshot, Kind::Counter, *which), Some(Seen::U64(*total)));
        }
        for (which, (counter, total)) in &self.up_downs {
            assert_eq!(counter.total(), *total);
            assert_eq!(point(&snapshot, Kind::UpDownCounter, *which), Some(Seen::I64(*total)));
        }
        for (which, (gauge, last)) in &self.gauges {
            assert_eq!(gauge.value(), *last);
            assert_eq!(point(&snapshot, Kind::Gauge, *which), last.map(|last| Seen::F64(last.to_bits())));
        }
        for (histogram, values) in self.histograms.values() {
            check(&histogram.snapshot().into_exponential().expect("the default"), values.iter().copied());
        }
        for (histogram, values) in self.exponential.values().chain(self.explicit.values()) {
            check_floats(&histogram.snapshot(), values);
        }
        for (requests, seen) in self.requests.values() {
            let now = requests.snapshot();
            assert_eq!(now.requests, seen.len() as u64);
            assert_eq!(now.errors, seen.iter().filter(|request| request.1).count() as u64);
            assert_eq!(now.durations.count(), now.requests);
            let (nanos, failed) = *seen.last().expect("made with its first request");
            let last = now.last.expect("there is a request");
            assert_eq!(last.duration, Duration::from_nanos(nanos.into()));
            assert_eq!(last.outcome == Outcome::Error, failed);
        }
        let rejected = match snapshot.metric("freewheel.samples.rejected").map(|metric| &metric.data) {
            Some(Data::Counter(points)) => points.iter().map(|point| point.value).sum(),
            _ => 0,
        };
        let expected = self.rejected.values().chain(self.rejected_floats.values());
        assert_eq!(rejected, expected.sum::<u64>());
        self.windows(&snapshot);
        // A snapshot over an earlier one has the same points.
        let reused = self.reused.get_or_insert_with(|| snapshot.clone());
        self.registry.snapshot_into(reused);
        assert_eq!(reused.metrics.len(), snapshot.metrics.len());
        for (ours, theirs) in reused.metrics.iter().zip(&snapshot.metrics) {
            assert_eq!((&ours.name, ours.data.len()), (&theirs.name, theirs.data.len()));
        }
    }

    /// The windows of each histogram add up to its total.
    fn windows(&mut self, snapshot: &Snapshot) {
        for metric in &snapshot.metrics {
            let Data::Histogram(points) = &metric.data else { continue };
            for point in points {
                let window = match self.base.get(&point.series()) {
                    Some(base) => point.value.since(base).count(),
                    None => point.value.count(),
                };
                let sum = self.windows.entry(point.series()).or_default();
                *sum += window;
                assert_eq!(*sum, point.value.count());
                self.base.insert(point.series(), point.value.clone());
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum Seen {
    U64(u64),
    I64(i64),
    F64(u64),
}

fn point(snapshot: &Snapshot, kind: Kind, which: Which) -> Option<Seen> {
    let wanted = attributes(which);
    match &snapshot.metric(&name(kind, which.name))?.data {
        Data::Counter(points) => {
            points.iter().find(|point| *point.attributes == wanted).map(|point| Seen::U64(point.value))
        }
        Data::UpDownCounter(points) => {
            points.iter().find(|point| *point.attributes == wanted).map(|point| Seen::I64(point.value))
        }
        Data::GaugeF64(points) => points
            .iter()
            .find(|point| *point.attributes == wanted)
            .map(|point| Seen::F64(point.value.to_bits())),
        other => panic!("{other:?}"),
    }
}

/// Count, sum and extremes exactly; each quantile that is asked for within the relative error.
fn check(histogram: &ExponentialHistogram, values: impl Iterator<Item = u64>) {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    assert_eq!(histogram.count(), values.len() as u64);
    assert_eq!(histogram.sum(), values.iter().fold(0u64, |sum, value| sum.wrapping_add(*value)) as f64);
    assert_eq!(histogram.min(), values.first().map(|&min| min as f64));
    assert_eq!(histogram.max(), values.last().map(|&max| max as f64));
    assert_eq!(histogram.zero_count(), values.iter().filter(|&&value| value == 0).count() as u64);
    for (i, &value) in values.iter().enumerate() {
        let q = (i as f64 + 0.5) / values.len() as f64;
        let estimate = histogram.quantile(q).expect("there are values");
        assert!((estimate - value as f64).abs() <= 0.0109 * value as f64, "{estimate} for {value}");
    }
    let merged = histogram.clone().with_max_buckets(160);
    assert!(merged.buckets().len() <= 160 && merged.count() == histogram.count());
}

/// Counts and extremes exactly; the value of each rank within the range of its quantile.
fn check_floats(histogram: &HistogramSnapshot, values: &[f64]) {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    assert_eq!(histogram.count(), values.len() as u64);
    assert_eq!(histogram.min(), values.first().copied());
    assert_eq!(histogram.max(), values.last().copied());
    assert!(histogram.sum().is_finite());
    for (i, &value) in values.iter().enumerate() {
        let q = (i as f64 + 0.5) / values.len() as f64;
        let range = histogram.quantile_range(q).expect("there are values");
        // Bounds of exponential buckets are rounded.
        let room = value.abs() * 1e-14 + f64::from_bits(1);
        assert!(range.start() - room <= value && value <= range.end() + room, "{value} in {range:?}");
        assert!(range.contains(&histogram.quantile(q).expect("there are values")));
    }
    if let HistogramSnapshot::Explicit(histogram) = histogram {
        let mut expected = [0; BOUNDS.len() + 1];
        values.iter().for_each(|value| expected[BOUNDS.partition_point(|bound| bound < value)] += 1);
        assert_eq!(histogram.buckets(), expected);
    }
}

fuzz_target!(|operations: Vec<Operation>| {
    let mut model = Model::default();
    let mut seat = Seat::Main;
    for operation in operations {
        if let Operation::Thread(next) = operation {
            seat = next;
        }
        model.apply(operation, seat);
    }
    model.look();
});
