//! The OTLP exporter against a receiver that shares no code with it, in Python; see `tests/third_party/`.
//!
//! Not part of a plain `cargo test`, as it needs a virtual environment: run `ci/otlp-third-party`, which makes one.
#![cfg(feature = "otlp")]

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    num::NonZeroUsize,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use freewheel::{
    metrics::{Buckets, KeyValue, Registry},
    otlp::{Exporter, FlushError, Temporality},
};
use tokio::net::TcpSocket;

const PATIENCE: Duration = Duration::from_secs(60);
const THREADS: u64 = 4;
const RECORDED: u64 = 6000;

fn python() -> Command {
    let python = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: run ci/otlp-third-party, which makes it", python.display());
    Command::new(python)
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/third_party").join(name)
}

/// The receiver; ends when dropped.
struct Receiver {
    process: Child,
    url: String,
    received: PathBuf,
}

impl Receiver {
    fn start(name: &str, port: u16, answers: &[&str]) -> Self {
        let received = file(name, "received.jsonl");
        let mut command = python();
        command.arg(script("receiver.py")).args(["--port", &port.to_string()]).arg(&received).args(answers);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.strip_prefix("listening ").expect("the receiver must come up").trim();
        Self { process, url: format!("http://127.0.0.1:{port}"), received }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn file(name: &str, kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{kind}"))
}

/// How one test goes.
struct Case {
    name: &'static str,
    temporality: Temporality,
    answers: &'static [&'static str],
    timeout: Duration,
    refused: u32,
}

impl Case {
    fn new(name: &'static str, temporality: Temporality, answers: &'static [&'static str]) -> Self {
        Self { name, temporality, answers, timeout: Duration::from_secs(10), refused: 0 }
    }

    /// Records from several threads, flushing meanwhile, and has the checker compare.
    fn run(self) {
        let receiver = Receiver::start(self.name, 0, self.answers);
        let registry = Registry::new();
        let exporter = self.exporter(&registry, &receiver.url);
        record(&registry, || {
            for _ in 0..6 {
                let _ = exporter.force_flush(PATIENCE);
                thread::sleep(Duration::from_millis(3));
            }
        });
        self.finish(exporter, &receiver);
    }

    fn exporter(&self, registry: &Registry, url: &str) -> Exporter {
        let builder = Exporter::builder(registry.clone()).endpoint(url).temporality(self.temporality);
        let resource = [KeyValue::new("service.name", "third-party"), KeyValue::new("shard", 7)];
        builder
            .resource(resource)
            .timeout(self.timeout)
            .max_points(NonZeroUsize::new(5).unwrap())
            .start()
            .unwrap()
    }

    fn finish(&self, exporter: Exporter, receiver: &Receiver) {
        while let Err(error) = exporter.force_flush(PATIENCE) {
            assert!(
                matches!(error, FlushError::Unacknowledged { .. } | FlushError::Rejected { .. }),
                "{error}"
            );
        }
        assert_eq!(exporter.stats().dropped_windows, u64::from(self.refused));
        exporter.shutdown(PATIENCE).unwrap();

        let expected = file(self.name, "expected.json");
        fs::write(&expected, self.expected()).unwrap();
        let output = python().arg(script("check.py")).args([&receiver.received, &expected]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        println!("{}: {text}", self.name);
    }

    /// What [`record`] records, as the checker wants it.
    fn expected(&self) -> String {
        let temporality = if self.temporality == Temporality::Delta { "delta" } else { "cumulative" };
        let refused = self.refused;
        let sizes = json(|index| size(index).to_string());
        let latencies = json(|index| format!("0.{:09}", nanos(index)));
        // All its digits.
        let balances = json(|index| format!("{:.60}", balance(index)));
        let odd = RECORDED / 2;
        format!(
            r#"{{"temporality": "{temporality}", "refused": {refused},
"resource": {{"service.name": "third-party", "shard": "7"}},
"counters": {{"events": {{"": {RECORDED}}}, "halves": {{"odd=False,side=left": {odd}, "odd=True,side=left": {odd}}}}},
"up_down_counters": {{"depth": {{"": -{RECORDED}}}}},
"gauges": {{"load": {{"": 0.75}}, "level": {{"": -3}}}},
"histograms": {{"sizes": {{"": {sizes}}}, "latency": {{"": {latencies}}}, "balance": {{"": {balances}}}}},
"bounded": {{"wait": {{"": {latencies}}}, "debt": {{"": {balances}}}}},
"bounds": {{"wait": {WAIT:?}, "debt": {DEBT:?}}}}}"#
        )
    }
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

/// Bounds of histograms; some values equal some of them.
const WAIT: [f64; 6] = [0.000001, 0.00005, 0.001, 0.075, 0.3, 0.9];
const DEBT: [f64; 5] = [-40.0, -0.5, 0.0, 0.125, 1024.0];

/// How often each value is recorded.
fn json(value: impl Fn(u64) -> String) -> String {
    let mut times = BTreeMap::new();
    (0..RECORDED).for_each(|index| *times.entry(value(index)).or_insert(0) += 1);
    let entries: Vec<String> = times.iter().map(|(value, times)| format!("\"{value}\": {times}")).collect();
    format!("{{{}}}", entries.join(", "))
}

/// Records what [`Case::expected`] says, while `meanwhile` runs.
fn record(registry: &Registry, meanwhile: impl FnOnce()) {
    let events = registry.counter("events").unit("{event}").build().unwrap();
    let halves = [false, true].map(|odd| {
        let attributes = [KeyValue::new("side", "left"), KeyValue::new("odd", odd)];
        registry.counter("halves").bind(&attributes).unwrap()
    });
    let depth = registry.up_down_counter("depth").build().unwrap();
    registry.gauge::<f64>("load").build().unwrap().record(0.75);
    registry.gauge::<i64>("level").build().unwrap().record(-3);
    let sizes = registry.histogram::<u64>("sizes").unit("By").build().unwrap();
    let latency = registry.histogram::<Duration>("latency").build().unwrap();
    let balances = registry.histogram::<f64>("balance").build().unwrap();
    let bounds = |bounds: &[f64]| Buckets::explicit(bounds.iter().copied()).unwrap();
    let wait = registry.histogram::<Duration>("wait").buckets(bounds(&WAIT)).build().unwrap();
    let debt = registry.histogram::<f64>("debt").buckets(bounds(&DEBT)).build().unwrap();
    thread::scope(|scope| {
        for first in 0..THREADS {
            let (events, halves, depth, sizes, latency) = (&events, &halves, &depth, &sizes, &latency);
            let (balances, wait, debt) = (&balances, &wait, &debt);
            scope.spawn(move || {
                for index in (first..RECORDED).step_by(THREADS as usize) {
                    events.add(1);
                    halves[index as usize % 2].add(1);
                    depth.add(-1);
                    sizes.record(size(index));
                    latency.record(Duration::from_nanos(nanos(index)));
                    wait.record(Duration::from_nanos(nanos(index)));
                    balances.record(balance(index));
                    debt.record(balance(index));
                    if index % 200 < THREADS {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
        meanwhile();
    });
}

#[test]
fn cumulative_totals_are_read_as_recorded() {
    Case::new("cumulative", Temporality::Cumulative, &[]).run();
}

#[test]
fn delta_windows_are_read_as_recorded() {
    Case::new("delta", Temporality::Delta, &[]).run();
}

#[test]
fn delta_windows_add_up_after_unavailable() {
    let answers = &["ok", "UNAVAILABLE", "UNAVAILABLE", "ok", "ok", "UNAVAILABLE"];
    Case::new("unavailable", Temporality::Delta, answers).run();
}

#[test]
fn delta_windows_add_up_after_long_unavailability() {
    let case = Case::new("outage", Temporality::Delta, &["ok"; 1]);
    Case { answers: &["UNAVAILABLE"; 12], timeout: Duration::from_secs(1), ..case }.run();
}

#[test]
fn delta_windows_add_up_after_hanging() {
    let case = Case::new("hang", Temporality::Delta, &["ok", "hang", "ok", "ok", "hang"]);
    Case { timeout: Duration::from_millis(1500), ..case }.run();
}

#[test]
fn delta_windows_add_up_after_broken_connections() {
    Case::new("reset", Temporality::Delta, &["ok", "reset", "ok", "ok", "reset", "reset"]).run();
}

#[test]
fn delta_windows_add_up_after_throttling() {
    Case::new("throttled", Temporality::Delta, &["ok", "RESOURCE_EXHAUSTED:0.3", "ok", "UNAVAILABLE:0.2"])
        .run();
}

#[test]
fn cumulative_totals_survive_faults() {
    let answers = &["ok", "UNAVAILABLE", "reset", "partial:0:a warning", "ABORTED"];
    Case::new("cumulative-faults", Temporality::Cumulative, answers).run();
}

#[test]
fn a_refused_window_is_the_only_one_missing() {
    let case = Case::new("refused", Temporality::Delta, &["ok", "INVALID_ARGUMENT"]);
    Case { refused: 1, ..case }.run();
}

#[test]
fn nothing_is_lost_while_the_receiver_is_not_there_yet() {
    let case = Case::new("late", Temporality::Delta, &[]);
    let case = Case { timeout: Duration::from_millis(1500), ..case };
    // Taken, so that nobody else gets it, but nobody listens.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let port = taken.local_addr().unwrap().port();
    let registry = Registry::new();
    let exporter = case.exporter(&registry, &format!("http://127.0.0.1:{port}"));
    let mut receiver = None;
    record(&registry, || {
        assert!(exporter.force_flush(PATIENCE).is_err());
        drop(taken);
        receiver = Some(Receiver::start(case.name, port, case.answers));
    });
    case.finish(exporter, &receiver.unwrap());
}
