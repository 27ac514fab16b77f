//! The metrics of the process itself, against what `/proc` says.
#![cfg(all(feature = "process", target_os = "linux"))]

use std::{
    fs::{self, File},
    hint,
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use freewheel::{
    metrics::{Data, RegisterError, Registry, Snapshot, View},
    process,
};

/// Each test of this file changes what the others measure.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn process_registry() -> Registry {
    let registry = Registry::builder().observe_timeout(Duration::from_secs(30)).build();
    process::register(&registry).unwrap();
    registry
}

/// The value of a metric, of the point with this attribute or of its only one.
fn value(snapshot: &Snapshot, name: &str, attribute: Option<&str>) -> f64 {
    let metric = snapshot.metric(name).unwrap_or_else(|| panic!("{name} is missing in {snapshot:?}"));
    let all: Vec<(Vec<String>, f64)> = match &metric.data {
        Data::Counter(points) => points.iter().map(|point| (texts(point), point.value as f64)).collect(),
        Data::CounterF64(points) | Data::GaugeF64(points) => {
            points.iter().map(|point| (texts(point), point.value)).collect()
        }
        Data::UpDownCounter(points) => {
            points.iter().map(|point| (texts(point), point.value as f64)).collect()
        }
        other => panic!("{name} is {other:?}"),
    };
    let of: Vec<f64> = all
        .iter()
        .filter(|(attributes, _)| attributes.iter().map(String::as_str).eq(attribute))
        .map(|(_, value)| *value)
        .collect();
    let [value] = *of else { panic!("{name} has {all:?}") };
    value
}

fn texts<T>(point: &freewheel::metrics::Point<T>) -> Vec<String> {
    point.attributes.iter().map(ToString::to_string).collect()
}

/// A number of `/proc/self/status`, without its unit.
fn status(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// A field of `/proc/self/stat`, numbered as in its manual.
fn stat(field: usize) -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, after_name) = stat.rsplit_once(") ").unwrap();
    after_name.split(' ').nth(field - 3).unwrap().parse().unwrap()
}

fn assert_near(measured: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((measured - expected).abs() <= tolerance, "{what}: {measured} instead of {expected}");
}

#[test]
fn every_metric_says_about_the_same_as_the_system() {
    let _alone = alone();
    const MEBIBYTE: f64 = 1024.0 * 1024.0;
    let registry = process_registry();
    let snapshot = registry.snapshot();
    let resident = value(&snapshot, "process.memory.usage", None);
    assert_near(resident, status("VmRSS") * 1024.0, 16.0 * MEBIBYTE, "resident");
    assert!(resident > MEBIBYTE, "{resident}");
    // The thread that reads comes with a stack and an arena of its own.
    assert_near(
        value(&snapshot, "process.memory.virtual", None),
        status("VmSize") * 1024.0,
        256.0 * MEBIBYTE,
        "virtual",
    );
    assert_near(value(&snapshot, "process.thread.count", None), status("Threads"), 2.0, "threads");
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().count() as f64 - 1.0;
    assert_near(
        value(&snapshot, "process.unix.file_descriptor.count", None),
        descriptors,
        1.0,
        "descriptors",
    );
    for (mode, field) in [("user", 14), ("system", 15)] {
        let seconds = value(&snapshot, "process.cpu.time", Some(&format!("cpu.mode={mode}")));
        // There are a hundred ticks in a second.
        assert_near(seconds, stat(field) / 100.0, 0.3, mode);
    }
    for (kind, field) in [("minor", 10), ("major", 12)] {
        let attribute = format!("system.paging.fault.type={kind}");
        assert_near(value(&snapshot, "process.paging.faults", Some(&attribute)), stat(field), 500.0, kind);
    }
    assert!(value(&snapshot, "process.paging.faults", Some("system.paging.fault.type=minor")) > 0.0);
    assert_eq!(snapshot.metrics.len(), 7);
}

#[test]
fn units_are_those_of_the_conventions() {
    let _alone = alone();
    let snapshot = process_registry().snapshot();
    let units: Vec<(&str, &str)> =
        snapshot.metrics.iter().map(|metric| (&*metric.name, &*metric.unit)).collect();
    let expected = [
        ("process.cpu.time", "s"),
        ("process.memory.usage", "By"),
        ("process.memory.virtual", "By"),
        ("process.thread.count", "{thread}"),
        ("process.unix.file_descriptor.count", "{file_descriptor}"),
        ("process.paging.faults", "{fault}"),
        ("process.uptime", "s"),
    ];
    assert_eq!(units, expected);
    assert!(snapshot.metrics.iter().all(|metric| !metric.description.is_empty()));
}

#[test]
fn uptime_goes_as_fast_as_time() {
    let _alone = alone();
    let registry = process_registry();
    let uptime = |snapshot: &Snapshot| value(snapshot, "process.uptime", None);
    let before = (Instant::now(), uptime(&registry.snapshot()));
    thread::sleep(Duration::from_millis(300));
    let passed = uptime(&registry.snapshot()) - before.1;
    assert!(before.1 >= 0.0);
    assert!(passed >= 0.28 && passed <= before.0.elapsed().as_secs_f64() + 0.02, "{passed} seconds passed");
}

#[test]
fn cpu_time_rises_with_work_and_not_with_sleep() {
    let _alone = alone();
    let registry = process_registry();
    let user = || value(&registry.snapshot(), "process.cpu.time", Some("cpu.mode=user"));
    let before = user();
    let begun = Instant::now();
    let mut work = 1_u64;
    while user() - before < 0.3 {
        (0..1_000_000_u64).for_each(|number| work = hint::black_box(work.wrapping_mul(31) ^ number));
        assert!(begun.elapsed() < Duration::from_secs(60), "{} seconds of work in a minute", user() - before);
    }
    let (worked, rested) = (begun.elapsed().as_secs_f64(), user());
    thread::sleep(Duration::from_millis(300));
    assert_near(user(), rested, 0.1, "after a sleep");
    let cores = thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    assert!(rested - before <= worked * cores + 0.1, "{} seconds of work in {worked}", rested - before);
}

#[test]
fn open_files_and_threads_are_counted() {
    let _alone = alone();
    const MORE: usize = 20;
    let registry = process_registry();
    let before = registry.snapshot();
    let files: Vec<File> = (0..MORE).map(|_| File::open("/dev/null").unwrap()).collect();
    let (release, threads) = (0..MORE)
        .map(|_| {
            let (release, wait_for) = mpsc::channel::<()>();
            (release, thread::spawn(move || wait_for.recv()))
        })
        .unzip::<_, _, Vec<_>, Vec<_>>();
    let during = registry.snapshot();
    drop((files, release));
    threads.into_iter().for_each(|thread| assert!(thread.join().unwrap().is_err()));
    let after = registry.snapshot();

    // The harness of the tests has threads, and so have they.
    for (name, others) in [("process.unix.file_descriptor.count", 0.0), ("process.thread.count", 8.0)] {
        let [before, during, after] = [&before, &during, &after].map(|snapshot| value(snapshot, name, None));
        assert_near(during - before, MORE as f64, others, name);
        assert_near(after, before, others, name);
    }
}

#[test]
fn memory_that_is_used_is_seen() {
    let _alone = alone();
    const SIZE: usize = 64 << 20;
    let registry = process_registry();
    let before = registry.snapshot();
    let block = hint::black_box(vec![1_u8; SIZE]);
    let during = registry.snapshot();
    drop(block);
    for name in ["process.memory.usage", "process.memory.virtual"] {
        let more = value(&during, name, None) - value(&before, name, None);
        assert!(more > SIZE as f64 * 0.75, "{name} rose by {more}");
    }
    let attribute = Some("system.paging.fault.type=minor");
    let faults = value(&during, "process.paging.faults", attribute);
    assert!(faults > value(&before, "process.paging.faults", attribute));
}

#[test]
fn registering_again_changes_nothing() {
    let _alone = alone();
    let registry = process_registry();
    process::register(&registry).unwrap();
    let threads = value(&registry.snapshot(), "process.thread.count", None);
    assert_near(threads, status("Threads"), 8.0, "threads");
    assert!(registry.unregister("process.thread.count"));
    assert_eq!(registry.snapshot().metrics.len(), 6);
    process::register(&registry).unwrap();
    assert_eq!(registry.snapshot().metrics.len(), 7);
}

#[test]
fn a_name_that_is_taken_is_refused_and_nothing_is_collected() {
    let _alone = alone();
    let registry = Registry::new();
    registry.counter("process.uptime").build().unwrap().add(1);
    let error = process::register(&registry).unwrap_err();
    assert!(matches!(&error, RegisterError::Conflict { name, .. } if name == "process.uptime"), "{error}");
    let snapshot = registry.snapshot();
    let names: Vec<&str> = snapshot.metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names, ["process.uptime"]);
}

#[test]
fn views_leave_metrics_out() {
    let _alone = alone();
    let registry = Registry::builder()
        .observe_timeout(Duration::from_secs(30))
        .view(View::new("process.paging.*").off())
        .view(View::new("process.cpu.*").keep_attributes(["none"]))
        .build();
    process::register(&registry).unwrap();
    let snapshot = registry.snapshot();
    assert!(snapshot.metric("process.paging.faults").is_none());
    let Data::CounterF64(points) = &snapshot.metric("process.cpu.time").unwrap().data else { panic!() };
    assert_eq!(points.len(), 1, "both modes together");
}
