//! Sequences of operations on families, from several threads in turn, against a model of `std` collections.
//!
//! Where series only go by hand the model knows each of them. Where idle ones go by themselves, when depends on what
//! threads remember; there every reader must have seen, over all identities, exactly what was recorded.
#![no_main]

use std::{
    collections::BTreeMap,
    mem,
    num::{NonZeroU32, NonZeroUsize},
    sync::{Mutex, OnceLock, mpsc},
    thread,
    time::Duration,
};

use arbitrary::Arbitrary;
use freewheel::metrics::{
    Counter, Data, Family, Gauge, InstrumentBuilder, KeyValue, Label, OpenFamily, Outcome, Reader, Registry,
    RequestMetrics, SeriesId, Snapshot, Timestamp, TypedFamily, UpDownCounter, Value, View,
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Val {
    Empty,
    Short,
    Long,
    /// As long as `Long`, with the same ends.
    AsLong,
    One,
    True,
    Nan,
    Zero,
    MinusZero,
}

const LONG: &str = "a text that does not fit into a digest";
const AS_LONG: &str = "a text that does NOT fit into a digest";

impl Val {
    fn value(self, is_owned: bool) -> Value {
        let text = |text: &'static str| if is_owned { text.to_owned().into() } else { Value::from(text) };
        match self {
            Self::Empty => text(""),
            Self::Short => text("1"),
            Self::Long => text(LONG),
            Self::AsLong => text(AS_LONG),
            Self::One => 1.into(),
            Self::True => true.into(),
            Self::Nan => f64::NAN.into(),
            Self::Zero => 0.0.into(),
            Self::MinusZero => (-0.0).into(),
        }
    }
}

/// The value of a key; those that are no texts are out of range.
#[derive(Clone, Copy)]
struct Of<const KEY: char>(Val);

impl Label for Of<'a'> {
    const KEY: &'static str = "a";
    const VALUES: &'static [&'static str] = &["", "1", LONG, AS_LONG];

    fn index(self) -> usize {
        self.0 as usize
    }
}

impl Label for Of<'b'> {
    const KEY: &'static str = "b";
    const VALUES: &'static [&'static str] = <Of<'a'> as Label>::VALUES;

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Counters whose series only go by hand.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Plain,
    Limited,
    /// Of the attributes only `a` is kept.
    Kept,
    Off,
}

/// What goes when it is idle.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Idle {
    Counter,
    LimitedCounter,
    UpDownCounter,
    Gauge,
    Requests,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Way {
    Bind,
    Family,
    Reversed,
    Open {
        is_owned: bool,
    },
    OpenReversed,
    /// With keys that do not count.
    OpenRepeated(Val),
    OpenWithout,
    Typed,
    Overflow,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    Add {
        name: Name,
        way: Way,
        a: Val,
        b: Val,
        n: u8,
    },
    Keep {
        name: Name,
        way: Way,
        a: Val,
        b: Val,
    },
    AddKept {
        which: u8,
        n: u8,
    },
    DropKept {
        which: u8,
    },
    Remove {
        name: Name,
        a: Val,
        b: Val,
    },
    Unregister(Name),
    Idle {
        idle: Idle,
        is_open: bool,
        a: Val,
        n: i8,
    },
    KeepIdle {
        is_limited: bool,
        a: Val,
    },
    AddKeptIdle {
        which: u8,
        n: u8,
    },
    DropKeptIdle {
        which: u8,
    },
    BeginReader,
    Read(u8),
    EndReader(u8),
    Look,
    Renew,
    /// Record from another thread from here on: one that stays, or one of its own for each operation.
    Thread(Seat),
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Seat {
    Main,
    Worker,
    ShortLived,
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

/// Attributes as they make a series.
type Attributes = BTreeMap<&'static str, Val>;

fn key_values(attributes: &Attributes) -> Vec<KeyValue> {
    attributes.iter().map(|(key, val)| KeyValue::new(*key, val.value(false))).collect()
}

fn overflow() -> Vec<KeyValue> {
    vec![KeyValue::new("otel.metric.overflow", true)]
}

/// A counter and what the model knows of it. Series are numbers of totals in [`Model::totals`].
struct Known {
    builder: InstrumentBuilder<Counter>,
    family: Family<Counter, 2>,
    reversed: Family<Counter, 2>,
    open: OpenFamily<Counter>,
    typed: TypedFamily<Counter, (Of<'a'>, Of<'b'>)>,
    series: BTreeMap<Attributes, usize>,
    limit: usize,
    overflow: usize,
    is_overflow_used: bool,
    /// The series that the typed family has for good.
    selected: BTreeMap<(Val, Val), usize>,
}

impl Known {
    fn new(registry: &Registry, name: Name, overflow: usize) -> Self {
        let limit = if name == Name::Limited { 3 } else { 2000 };
        let limited = NonZeroUsize::new(limit).expect("it is not zero");
        let builder = registry.counter(format!("{name:?}")).cardinality_limit(limited);
        Self {
            family: builder.family(["a", "b"]).expect("well-formed"),
            reversed: builder.family(["b", "a"]).expect("well-formed"),
            open: builder.open_family().expect("well-formed"),
            typed: builder.typed_family().expect("well-formed"),
            builder,
            series: BTreeMap::new(),
            limit,
            overflow,
            is_overflow_used: false,
            selected: BTreeMap::new(),
        }
    }

    /// Calls `act` with the counter that this way leads to.
    fn with(&self, way: Way, a: Val, b: Val, act: impl FnOnce(&Counter) + Send + 'static, seat: Seat) {
        let [value_a, value_b] = [a, b].map(|val| val.value(matches!(way, Way::Open { is_owned: true })));
        let pairs = |pairs: Vec<(&'static str, Value)>| -> Vec<KeyValue> {
            pairs.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect()
        };
        let attributes = match way {
            Way::Family => {
                let family = self.family.clone();
                return run(seat, move || act(&family.with([&value_a, &value_b]).bind()));
            }
            Way::Reversed => {
                let family = self.reversed.clone();
                return run(seat, move || act(&family.with([value_b, value_a]).bind()));
            }
            Way::Typed => {
                let family = self.typed.clone();
                return run(seat, move || act(family.with((Of(a), Of(b)))));
            }
            Way::Bind => {
                let builder = self.builder.clone();
                let attributes = pairs(vec![("b", value_b), ("a", value_a)]);
                return run(seat, move || act(&builder.bind(&attributes).expect("well-formed")));
            }
            Way::Open { .. } => pairs(vec![("a", value_a), ("b", value_b)]),
            Way::OpenReversed => pairs(vec![("b", value_b), ("a", value_a)]),
            Way::OpenRepeated(other) => {
                let other = || other.value(false);
                pairs(vec![("a", other()), ("", other()), ("b", other()), ("b", value_b), ("a", value_a)])
            }
            Way::OpenWithout => pairs(vec![("a", value_a)]),
            Way::Overflow => overflow(),
        };
        let open = self.open.clone();
        run(seat, move || act(&open.with(&attributes).bind()));
    }

    /// The series that this way leads to.
    fn find(&mut self, name: Name, way: Way, a: Val, b: Val, totals: &mut Vec<u64>) -> usize {
        let is_out_of_range = matches!(way, Way::Typed) && (a > Val::AsLong || b > Val::AsLong);
        let is_asked_for = matches!(way, Way::Overflow) && name != Name::Kept;
        if is_out_of_range || is_asked_for {
            self.is_overflow_used = true;
            return self.overflow;
        }
        if let (Way::Typed, Some(selected)) = (way, self.selected.get(&(a, b))) {
            return *selected;
        }
        let attributes = canonical(name, way, a, b);
        let is_full = self.series.len() + 1 >= self.limit;
        let found = match self.series.get(&attributes) {
            Some(found) => *found,
            None if is_full => {
                self.is_overflow_used = true;
                self.overflow
            }
            None => {
                totals.push(0);
                self.series.insert(attributes, totals.len() - 1);
                totals.len() - 1
            }
        };
        if let Way::Typed = way {
            self.selected.insert((a, b), found);
        }
        found
    }
}

fn canonical(name: Name, way: Way, a: Val, b: Val) -> Attributes {
    let mut attributes = Attributes::from([("a", a), ("b", b)]);
    if matches!(way, Way::OpenWithout) || name == Name::Kept {
        attributes.remove("b");
    }
    if matches!(way, Way::Overflow) {
        attributes.clear();
    }
    attributes
}

/// What one reader saw last of each series, and the sum of the windows that it formed.
#[derive(Default)]
struct Seen {
    last: BTreeMap<(Idle, SeriesId), i64>,
    /// What went before it began.
    missed: BTreeMap<Idle, i64>,
    windows: BTreeMap<Idle, i64>,
    /// The last values of gauges; those of later identities later.
    levels: BTreeMap<String, i64>,
}

impl Seen {
    fn look(&mut self, snapshot: &Snapshot) {
        use Idle::{Counter, LimitedCounter, Requests};
        for metric in &snapshot.metrics {
            let idle = match &*metric.name {
                "idle" => Counter,
                "idle.limited" => LimitedCounter,
                "idle.requests.count" => Requests,
                "idle.depth" => Idle::UpDownCounter,
                "idle.level" => Idle::Gauge,
                _ => continue,
            };
            match &metric.data {
                Data::Counter(points) => points.iter().for_each(|point| {
                    let (id, now) = (point.series(), point.value as i64);
                    let before = self.last.insert((idle, id), now).unwrap_or(0);
                    assert!(before <= now, "a counter rises");
                    *self.windows.entry(idle).or_default() += now - before;
                }),
                Data::UpDownCounter(points) => points.iter().for_each(|point| {
                    let (id, now) = (point.series(), point.value);
                    let before = self.last.insert((idle, id), now).unwrap_or(0);
                    *self.windows.entry(idle).or_default() += now - before;
                }),
                Data::GaugeI64(points) => points.iter().for_each(|point| {
                    self.levels.insert(format!("{:?}", point.attributes), point.value);
                }),
                other => panic!("{other:?}"),
            }
        }
    }
}

struct Model {
    registry: Registry,
    totals: Vec<u64>,
    known: BTreeMap<Name, Known>,
    kept: Vec<(Counter, usize)>,
    idle: IdleFamilies,
    kept_idle: Vec<(Counter, Idle)>,
    recorded: BTreeMap<Idle, i64>,
    levels: BTreeMap<String, i64>,
    readers: Vec<(Reader, Seen)>,
    /// Handles of registries that are gone, and their totals.
    orphans: Vec<(Counter, u64)>,
}

struct IdleFamilies {
    counter: InstrumentBuilder<Counter>,
    limited: InstrumentBuilder<Counter>,
    depth: InstrumentBuilder<UpDownCounter>,
    level: InstrumentBuilder<Gauge<i64>>,
    requests: InstrumentBuilder<RequestMetrics>,
}

/// Selects by the value of `a`, through a family of either kind, and records on a seat.
macro_rules! record {
    ($builder:expr, $is_open:expr, $a:expr, $seat:expr, |$selected:ident| $record:expr) => {{
        if $is_open {
            let (family, attributes) =
                ($builder.open_family().expect("well-formed"), [KeyValue::new("a", $a.value(true))]);
            run($seat, move || {
                let $selected = family.with(&attributes);
                $record;
            });
        } else {
            let (family, value) = ($builder.family(["a"]).expect("well-formed"), $a.value(false));
            run($seat, move || {
                let $selected = family.with([&value]);
                $record;
            });
        }
    }};
}

impl Model {
    fn new() -> Self {
        let registry = Registry::builder()
            .view(View::new("KEPT").keep_attributes(["a"]))
            .view(View::new("?ff").off())
            .view(View::new("idle*").remove_idle_after(NonZeroU32::MIN))
            .view(View::new("*.limited").cardinality_limit(NonZeroUsize::new(4).expect("it is not zero")))
            .build();
        Self {
            totals: Vec::new(),
            known: BTreeMap::new(),
            kept: Vec::new(),
            idle: IdleFamilies {
                counter: registry.counter("idle"),
                limited: registry.counter("idle.limited"),
                depth: registry.up_down_counter("idle.depth"),
                level: registry.gauge("idle.level"),
                requests: registry.requests("idle.requests"),
            },
            kept_idle: Vec::new(),
            recorded: BTreeMap::new(),
            levels: BTreeMap::new(),
            readers: Vec::new(),
            orphans: Vec::new(),
            registry,
        }
    }

    /// The counter of that name, made if there is none, and the series that this way leads to.
    fn find(&mut self, name: Name, way: Way, a: Val, b: Val) -> (&Known, usize) {
        let Self { registry, totals, known, .. } = self;
        let known = known.entry(name).or_insert_with(|| {
            totals.push(0);
            Known::new(registry, name, totals.len() - 1)
        });
        let found = known.find(name, way, a, b, totals);
        (known, found)
    }

    fn apply(&mut self, operation: Operation, seat: Seat) {
        match operation {
            Operation::Add { name, way, a, b, n } => {
                let (known, found) = self.find(name, way, a, b);
                known.with(way, a, b, move |counter| counter.add(n.into()), seat);
                self.totals[found] += u64::from(n);
            }
            Operation::Keep { name, way, a, b } => {
                let (known, found) = self.find(name, way, a, b);
                let (send, receive) = mpsc::channel();
                known.with(
                    way,
                    a,
                    b,
                    move |counter| send.send(counter.clone()).expect("the model waits"),
                    seat,
                );
                self.kept.push((receive.recv().expect("there is one"), found));
            }
            Operation::AddKept { which, n } => {
                if let Some((counter, found)) = at(&self.kept, which) {
                    self.totals[*found] += u64::from(n);
                    let counter = counter.clone();
                    run(seat, move || counter.add(n.into()));
                }
            }
            Operation::DropKept { which } => drop_one(&mut self.kept, which),
            Operation::Remove { name, a, b } => {
                let attributes = canonical(name, Way::Bind, a, b);
                let series = self.known.get_mut(&name).filter(|_| name != Name::Off);
                let is_known = series.is_some_and(|known| known.series.remove(&attributes).is_some());
                let is_removed = self.registry.remove_series(&format!("{name:?}"), &key_values(&attributes));
                assert_eq!(is_removed, is_known);
            }
            Operation::Unregister(name) => {
                let is_known = self.known.remove(&name).is_some();
                assert_eq!(self.registry.unregister(&format!("{name:?}")), is_known);
            }
            Operation::Idle { idle, is_open, a, n } => self.record_idle(idle, is_open, a, n, seat),
            Operation::KeepIdle { is_limited, a } => {
                let (builder, idle) = match is_limited {
                    true => (&self.idle.limited, Idle::LimitedCounter),
                    false => (&self.idle.counter, Idle::Counter),
                };
                let attributes = [KeyValue::new("a", a.value(false))];
                self.kept_idle.push((builder.bind(&attributes).expect("well-formed"), idle));
            }
            Operation::AddKeptIdle { which, n } => {
                if let Some((counter, idle)) = at(&self.kept_idle, which) {
                    *self.recorded.entry(*idle).or_default() += i64::from(n);
                    let counter = counter.clone();
                    run(seat, move || counter.add(n.into()));
                }
            }
            Operation::DropKeptIdle { which } => drop_one(&mut self.kept_idle, which),
            Operation::BeginReader => self.begin_reader(),
            Operation::Read(which) => self.read(which),
            Operation::EndReader(which) => drop_one(&mut self.readers, which),
            Operation::Look => self.look(),
            Operation::Renew => self.renew(),
            Operation::Thread(_) => {}
        }
    }

    fn record_idle(&mut self, idle: Idle, is_open: bool, a: Val, n: i8, seat: Seat) {
        let (amount, count) = (i64::from(n), u64::from(n.unsigned_abs()));
        let IdleFamilies { counter, limited, depth, level, requests } = &self.idle;
        let recorded = match idle {
            Idle::Counter => {
                record!(counter, is_open, a, seat, |selected| selected.add(count));
                count as i64
            }
            Idle::LimitedCounter => {
                record!(limited, is_open, a, seat, |selected| selected.add(count));
                count as i64
            }
            Idle::UpDownCounter => {
                record!(depth, is_open, a, seat, |selected| selected.add(amount));
                amount
            }
            Idle::Gauge => {
                record!(level, is_open, a, seat, |selected| selected.record(amount));
                let attributes = [KeyValue::new("a", a.value(false))];
                self.levels.insert(format!("{attributes:?}"), amount);
                0
            }
            Idle::Requests => {
                let (duration, at) = (Duration::from_nanos(count), Timestamp::from_unix_nanos(1));
                record!(requests, is_open, a, seat, |selected| {
                    selected.record_at(duration, Outcome::Success, at)
                });
                1
            }
        };
        *self.recorded.entry(idle).or_default() += recorded;
    }

    fn begin_reader(&mut self) {
        if self.readers.len() < 3 {
            let (reader, mut seen) = (self.registry.reader(), Seen::default());
            // What is gone by now it never sees. There is a reader, so this snapshot makes nothing go.
            seen.look(&self.registry.snapshot());
            for (idle, recorded) in &self.recorded {
                let visible = seen.windows.get(idle).copied().unwrap_or(0);
                seen.missed.insert(*idle, recorded - visible);
            }
            seen.levels = self.levels.clone();
            self.readers.push((reader, seen));
        }
    }

    fn read(&mut self, which: u8) {
        let count = self.readers.len().max(1);
        let Some((reader, seen)) = self.readers.get_mut(usize::from(which) % count) else { return };
        seen.look(&reader.snapshot());
        for (idle, recorded) in &self.recorded {
            let last = seen.last.iter().filter(|((of, _), _)| of == idle).map(|(_, last)| last);
            let of_idle = |all: &BTreeMap<Idle, i64>| all.get(idle).copied().unwrap_or(0);
            let expected = recorded - of_idle(&seen.missed);
            assert_eq!((last.sum::<i64>(), of_idle(&seen.windows)), (expected, expected), "{idle:?}");
        }
        assert_eq!(seen.levels, self.levels);
    }

    fn look(&mut self) {
        let snapshot = self.registry.snapshot();
        for (name, known) in &self.known {
            let mut expected: BTreeMap<String, u64> = known
                .series
                .iter()
                .map(|(attributes, at)| (format!("{:?}", key_values(attributes)), self.totals[*at]))
                .collect();
            if known.is_overflow_used {
                expected.insert(format!("{:?}", overflow()), self.totals[known.overflow]);
            }
            let seen = match snapshot.metric(&format!("{name:?}")).map(|metric| &metric.data) {
                Some(Data::Counter(points)) => {
                    points.iter().map(|point| (format!("{:?}", point.attributes), point.value)).collect()
                }
                None => BTreeMap::new(),
                other => panic!("{other:?}"),
            };
            if *name == Name::Off {
                assert!(seen.is_empty());
            } else {
                assert_eq!(seen, expected, "{name:?}");
            }
            assert!(known.series.len() < known.limit);
        }
        for (counter, at) in &self.kept {
            // Handles on an instrument that is off have no total.
            assert!([0, self.totals[*at]].contains(&counter.total()));
        }
        for (counter, total) in &self.orphans {
            assert_eq!(counter.total(), *total, "others must not record into its cells");
        }
    }

    /// Goes on with a registry without series; some handles outlive theirs.
    fn renew(&mut self) {
        let before = mem::replace(self, Self::new());
        let orphans = before.kept.into_iter().map(|(counter, _)| (counter.total(), counter));
        self.orphans.extend(before.orphans);
        self.orphans.extend(orphans.map(|(total, counter)| (counter, total)));
        self.orphans.drain(..self.orphans.len().saturating_sub(20));
    }

    /// Whatever nobody holds or remembers any more, goes.
    fn end(mut self) {
        (0..3).for_each(|which| self.read(which));
        self.look();
        self.kept_idle.clear();
        let other = Registry::new();
        for seat in [Seat::Main, Seat::Worker] {
            // One lookup of each kind, so that the threads forget.
            let mut other = IdleFamilies {
                counter: other.counter("c"),
                limited: other.counter("l"),
                depth: other.up_down_counter("d"),
                level: other.gauge("g"),
                requests: other.requests("r"),
            };
            (0..3).for_each(|_| drop(self.registry.snapshot()));
            for _ in 0..3 {
                (0..self.readers.len() as u8).for_each(|which| self.read(which));
            }
            mem::swap(&mut other, &mut self.idle);
            let recorded = (self.recorded.clone(), self.levels.clone());
            for idle in [Idle::Counter, Idle::UpDownCounter, Idle::Gauge, Idle::Requests] {
                self.record_idle(idle, false, Val::One, 1, seat);
            }
            (self.recorded, self.levels) = recorded;
            mem::swap(&mut other, &mut self.idle);
        }
        self.readers.clear();
        (0..3).for_each(|_| drop(self.registry.snapshot()));
        for metric in &self.registry.snapshot().metrics {
            let left: Vec<String> = match &metric.data {
                _ if !metric.name.starts_with("idle") => continue,
                Data::Counter(points) => {
                    points.iter().map(|point| format!("{:?}", point.attributes)).collect()
                }
                Data::UpDownCounter(points) => {
                    assert!(points.iter().all(|point| point.value != 0));
                    continue;
                }
                other => panic!("{other:?}"),
            };
            assert!(left.iter().all(|left| *left == format!("{:?}", overflow())), "{left:?}");
        }
    }
}

fn at<T>(all: &[T], which: u8) -> Option<&T> {
    all.get(usize::from(which) % all.len().max(1))
}

fn drop_one<T>(all: &mut Vec<T>, which: u8) {
    if !all.is_empty() {
        all.swap_remove(usize::from(which) % all.len());
    }
}

fuzz_target!(|operations: Vec<Operation>| {
    let mut model = Model::new();
    let mut seat = Seat::Main;
    for operation in operations {
        if let Operation::Thread(next) = operation {
            seat = next;
        }
        model.apply(operation, seat);
    }
    model.end();
});
