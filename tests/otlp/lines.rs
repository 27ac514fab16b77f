//! OTLP as lines of JSON, in a file or elsewhere.

use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    time::{Duration, Instant},
};

use freewheel::{
    metrics::{KeyValue, Registry},
    otlp::{Destination, StartError, Temporality, Undelivered},
};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;

use crate::{
    collector::{Collector, PATIENCE, idle_exporter},
    reading::{last_total, sum_of_windows},
};

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("freewheel-{name}-{}.jsonl", std::process::id()))
}

fn read(text: &str) -> Vec<ExportMetricsServiceRequest> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn a_file_gets_one_line_for_each_request_and_keeps_what_is_in_it() {
    let path = file("append");
    for count in 1..=2 {
        let registry = Registry::new();
        let attributes = [KeyValue::new("text", "two\nlines and \"quotes\"")];
        let events = registry.counter("events").bind(&attributes).unwrap();
        let destination = Destination::json_file(&path);
        let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
        assert_eq!(exporter.destinations().next().unwrap().0, path.display().to_string());
        events.add(count);
        exporter.force_flush(PATIENCE).unwrap();
        events.add(count);
        exporter.shutdown(PATIENCE).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count() as u64, 2 * count);
        let requests = read(&text);
        let own = &requests[requests.len() - 2..];
        assert_eq!(last_total(own, "events").cast_unsigned(), 2 * count);
    }
    // 64-bit integers are texts, as protobuf's JSON has them.
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(r#""asInt":"2""#) && text.contains(r#""timeUnixNano":""#), "{text}");
    fs::remove_file(path).unwrap();
}

#[test]
fn a_file_that_cannot_be_opened_is_refused_at_the_start() {
    let destination = Destination::json_file("/nowhere/metrics.jsonl");
    let error = idle_exporter(&Registry::new()).destination(destination).start().unwrap_err();
    assert!(matches!(error, StartError::File { .. }));
    assert!(error.to_string().contains("/nowhere/metrics.jsonl"), "{error}");
}

/// Takes half of a text, then says that the disk is full, while it is.
#[derive(Clone, Default)]
struct Disk {
    is_full: Arc<AtomicBool>,
    content: Arc<Mutex<Vec<u8>>>,
}

impl io::Write for Disk {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut content = self.content.lock().unwrap();
        if self.is_full.load(SeqCst) {
            content.extend_from_slice(&text[..text.len() / 2]);
            return Err(io::ErrorKind::StorageFull.into());
        }
        content.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_loses_no_window_and_tears_only_its_own_line() {
    let disk = Disk::default();
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    let destination = Destination::json_writer(disk.clone())
        .temporality(Temporality::Delta)
        .timeout(Duration::from_millis(100));
    let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
    for is_full in [false, true, true, false] {
        disk.is_full.store(is_full, SeqCst);
        events.add(1);
        assert_eq!(exporter.force_flush(PATIENCE).is_err(), is_full);
    }
    assert!(exporter.stats().last_error.unwrap().contains("no storage space"), "{exporter:?}");
    let text = String::from_utf8(disk.content.lock().unwrap().clone()).unwrap();
    assert_eq!(sum_of_windows(&read(&text), "events"), 4);
}

/// Waits for a word before each write.
struct Stuck(mpsc::Receiver<()>);

impl io::Write for Stuck {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_hangs_delays_nothing_else() {
    let collector = Collector::start([]);
    let (_word, waits) = mpsc::channel();
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = idle_exporter(&registry)
        .destination(Destination::json_writer(Stuck(waits)).name("stuck"))
        .destination(Destination::grpc(collector.url()))
        .start()
        .unwrap();
    let begun = Instant::now();
    let error = exporter.force_flush(Duration::from_millis(300)).unwrap_err();
    assert_eq!(error.failures().len(), 1, "{error}");
    assert_eq!(*error.cause(), Undelivered::Deadline { pending: 1 });
    assert_eq!(collector.arrivals().len(), 1);
    assert!(exporter.shutdown(Duration::from_millis(500)).is_err());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_line_that_came_too_late_takes_no_other_with_it() {
    /// Takes long for its first line.
    struct Slow(Disk, Duration);
    impl io::Write for Slow {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            std::thread::sleep(std::mem::take(&mut self.1));
            self.0.write(text)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let disk = Disk::default();
    let registry = Registry::new();
    let events = registry.counter("events").build().unwrap();
    let destination = Destination::json_writer(Slow(disk.clone(), Duration::from_secs(1)))
        .timeout(Duration::from_millis(700));
    let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
    events.add(1);
    exporter.force_flush(PATIENCE).unwrap_err();
    events.add(1);
    exporter.force_flush(PATIENCE).unwrap();
    let text = String::from_utf8(disk.content.lock().unwrap().clone()).unwrap();
    assert_eq!((read(&text).len(), last_total(&read(&text), "events")), (2, 2));
}

#[test]
fn a_writer_that_panics_is_reported_and_stops_nothing_else() {
    struct Panics;
    impl io::Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("as planned")
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let collector = Collector::start([]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = idle_exporter(&registry)
        .destination(Destination::json_writer(Panics).name("panics").timeout(Duration::from_millis(300)))
        .destination(Destination::grpc(collector.url()))
        .start()
        .unwrap();
    for _ in 0..2 {
        let error = exporter.force_flush(PATIENCE).unwrap_err();
        let [failed] = error.failures() else { panic!("{error}") };
        assert_eq!(&*failed.name, "panics");
    }
    assert_eq!(collector.arrivals().len(), 2);
}
