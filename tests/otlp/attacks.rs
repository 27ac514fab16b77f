//! Collectors, writers and callers that do what nobody should.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use freewheel::{
    metrics::Registry,
    otlp::{Destination, Retry, Temporality, Undelivered},
};
use tonic::Code;

use crate::{
    collector::{Answer, Collector, PATIENCE, idle_exporter, url},
    reading::sum_of_windows,
};

/// Much less than what a call would take that waits for what hangs, much more than its deadline.
const SOON: Duration = Duration::from_secs(10);

fn registry_with_one_event() -> Registry {
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    registry
}

/// A server of HTTP that reads a request from each connection, answers with `answer` and goes on with `after`. Tells of
/// each request.
fn raw_http(answer: &'static str, after: fn(TcpStream)) -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url(listener.local_addr().unwrap());
    let (arrived, arrivals) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, arrived) = (stream.unwrap(), arrived.clone());
            thread::spawn(move || {
                if read_request(&mut stream) && arrived.send(()).is_ok() {
                    stream.write_all(answer.as_bytes()).unwrap();
                    after(stream);
                }
            });
        }
    });
    (url, arrivals)
}

/// Reads head and body; false if the client has left.
fn read_request(stream: &mut TcpStream) -> bool {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let head = String::from_utf8_lossy(&text).to_lowercase();
        if let Some((head, _)) = head.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if text.len() >= head.len() + 4 + length.trim().parse::<usize>().unwrap() {
                return true;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return false,
            Ok(count) => text.extend_from_slice(&buffer[..count]),
        }
    }
}

fn keep_open(stream: TcpStream) {
    thread::sleep(PATIENCE);
    drop(stream);
}

#[test]
fn an_acceptance_whose_body_never_ends_is_one() {
    let (url, arrivals) = raw_http("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", keep_open);
    let registry = registry_with_one_event();
    let destination =
        Destination::http(url).temporality(Temporality::Delta).timeout(Duration::from_millis(500));
    let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let stats = exporter.stats();
    assert_eq!((stats.points_accepted, stats.pending_points), (1, 0));
    assert!(stats.last_error.unwrap().contains("unreadable"), "it is a remark");
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(arrivals.try_iter().count(), 1, "what was accepted is not sent again");
}

#[test]
fn a_refusal_whose_body_never_ends_is_one() {
    let (url, arrivals) = raw_http("HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n", keep_open);
    let destination = Destination::http(url).timeout(Duration::from_millis(500));
    let exporter = idle_exporter(&registry_with_one_event()).destination(destination).start().unwrap();
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::Rejected { points: 1, .. }), "{error}");
    assert_eq!(arrivals.try_iter().count(), 1);
}

#[test]
fn a_connection_that_the_server_closes_between_exports_is_replaced_without_notice() {
    let (url, arrivals) = raw_http("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", drop);
    let registry = registry_with_one_event();
    let events = registry.counter("events").build().unwrap();
    let destination = Destination::http(url).temporality(Temporality::Delta).retry(Retry::never());
    let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
    for _ in 0..5 {
        events.add(1);
        exporter.force_flush(PATIENCE).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!((arrivals.try_iter().count(), exporter.stats().failed_attempts), (5, 0));
}

#[test]
fn a_pause_beyond_the_clock_stops_nothing() {
    let collector = Collector::http([Answer::RetryAfter(503, u64::MAX.to_string())]);
    let retry = Retry::default().longest_throttle(Duration::MAX);
    let destination = Destination::http(collector.url()).retry(retry);
    let exporter = idle_exporter(&registry_with_one_event()).destination(destination).start().unwrap();
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::Unacknowledged { points: 1, .. }), "{error}");
    exporter.shutdown(PATIENCE).unwrap();
}

#[test]
fn endless_pauses_between_retries_are_allowed() {
    let collector = Collector::start([Answer::Fail(Code::Unavailable)]);
    let retry = Retry::default().first_pause(Duration::MAX).longest_pause(Duration::MAX);
    let destination = Destination::grpc(collector.url()).retry(retry);
    let exporter = idle_exporter(&registry_with_one_event()).destination(destination).start().unwrap();
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::Unacknowledged { points: 1, .. }), "{error}");
}

#[test]
fn no_pause_at_all_is_no_storm() {
    let collector = Collector::start(vec![Answer::Fail(Code::Unavailable); 100_000]);
    let retry = Retry::default().first_pause(Duration::ZERO);
    let destination = Destination::grpc(collector.url()).retry(retry).timeout(Duration::from_millis(1000));
    let exporter = idle_exporter(&registry_with_one_event()).destination(destination).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap_err();
    let attempts = exporter.stats().attempts;
    assert!((2..20).contains(&attempts), "{attempts} attempts");
}

#[test]
fn flushes_one_upon_the_other_are_no_storm() {
    let collector = Collector::start(vec![Answer::Fail(Code::Unavailable); 100_000]);
    let exporter =
        collector.exporter(&registry_with_one_event()).timeout(Duration::from_secs(2)).start().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1) {
        exporter.force_flush(Duration::from_millis(1)).unwrap_err();
    }
    let attempts = exporter.stats().attempts;
    assert!((2..20).contains(&attempts), "{attempts} attempts");
}

#[test]
fn a_shutdown_in_the_pause_that_the_collector_asked_for_waits_for_its_end() {
    let pause = Duration::from_secs(2);
    let collector = Collector::start([Answer::Throttle(Code::Unavailable, pause)]);
    let registry = registry_with_one_event();
    let destination = Destination::grpc(collector.url()).retry(Retry::never());
    let exporter = idle_exporter(&registry).destination(destination).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap_err();
    // This one sits the pause out, until the shutdown cuts it short.
    exporter.force_flush(Duration::from_millis(100)).unwrap_err();
    exporter.shutdown(Duration::from_secs(3)).unwrap();
    let arrivals = collector.arrivals();
    assert_eq!(arrivals.len(), 2);
    assert!(arrivals[1].at - arrivals[0].at >= pause, "{:?}", arrivals[1].at - arrivals[0].at);
}

#[test]
fn a_pause_that_leaves_the_last_export_no_time_is_not_sat_out() {
    let collector = Collector::start([Answer::Throttle(Code::Unavailable, Duration::from_secs(2))]);
    let destination = Destination::grpc(collector.url()).retry(Retry::never());
    let exporter = idle_exporter(&registry_with_one_event()).destination(destination).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap_err();
    let begun = collector.arrivals()[0].at;
    // The end of the pause is a moment before that of the work.
    let work = Duration::from_millis(2010) - begun.elapsed();
    exporter.shutdown(work + Duration::from_millis(50)).unwrap();
    assert_eq!(collector.arrivals().len(), 2);
}

/// Waits for a word before it goes.
struct Lingers(mpsc::Receiver<()>);

impl Write for Lingers {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Lingers {
    fn drop(&mut self) {
        let _ = self.0.recv_timeout(PATIENCE);
    }
}

#[test]
fn a_writer_that_does_not_go_holds_up_no_shutdown() {
    let collector = Collector::start([Answer::AcceptAfter(Duration::from_millis(300))]);
    let (_word, waits) = mpsc::channel();
    let exporter = idle_exporter(&registry_with_one_event())
        .destination(Destination::json_writer(Lingers(waits)))
        .destination(Destination::grpc(collector.url()))
        .start()
        .unwrap();
    let begun = Instant::now();
    exporter.shutdown(Duration::from_secs(5)).unwrap();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(collector.accepted().len(), 1, "nor the destination beside it");
}

#[test]
fn a_shutdown_closes_the_writer() {
    struct Tells(mpsc::Sender<()>);
    impl Write for Tells {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            Ok(text.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Drop for Tells {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(100));
            let _ = self.0.send(());
        }
    }
    let (tells, told) = mpsc::channel();
    let destination = Destination::json_writer(Tells(tells));
    let exporter = idle_exporter(&registry_with_one_event()).destination(destination).start().unwrap();
    exporter.shutdown(PATIENCE).unwrap();
    assert_eq!(told.try_recv(), Ok(()), "it is gone by then");
}

#[test]
fn a_server_that_never_speaks_tls_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = url(silent.local_addr().unwrap()).replace("http:", "https:");
    for destination in [Destination::grpc(&endpoint), Destination::http(&endpoint)] {
        let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
        let destination = destination
            .tls(freewheel::otlp::Tls::default().authority(authority))
            .timeout(Duration::from_millis(300));
        let exporter = idle_exporter(&registry_with_one_event()).destination(destination).start().unwrap();
        let begun = Instant::now();
        let error = exporter.force_flush(PATIENCE).unwrap_err();
        assert!(matches!(error.cause(), Undelivered::Unacknowledged { points: 1, .. }), "{error}");
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

#[test]
fn a_callback_that_hangs_holds_up_no_deadline() {
    let registry = Registry::builder().observe_timeout(Duration::from_secs(20)).build();
    registry.up_down_counter("stuck").observe(|_| thread::sleep(Duration::from_secs(20))).unwrap();
    let collector = Collector::start([]);
    let exporter = collector.exporter(&registry).start().unwrap();
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        exporter.force_flush_async(Duration::from_millis(200)).await.unwrap_err();
        assert!(begun.elapsed() < SOON, "the flush took {:?}", begun.elapsed());
        exporter.shutdown_async(Duration::from_millis(400)).await.unwrap_err();
    });
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn windows_add_up_while_flushes_and_shutdowns_are_dropped() {
    let script = (0..200).map(|number| match number % 4 {
        0 => Answer::Fail(Code::Unavailable),
        1 => Answer::Reset,
        _ => Answer::AcceptAfter(Duration::from_millis(15)),
    });
    let collector = Collector::start(script);
    let registry = registry_with_one_event();
    let events = registry.counter("events").build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let exporter = collector.exporter(&registry).temporality(Temporality::Delta).start().unwrap();
    for number in 0..40 {
        events.add(1);
        let patience = Duration::from_millis(number % 13);
        runtime.block_on(async {
            let _ = tokio::time::timeout(patience, exporter.force_flush_async(PATIENCE)).await;
        });
    }
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(sum_of_windows(&collector.accepted(), "events"), 41);
}

#[test]
fn flushes_that_were_given_up_do_not_pile_up() {
    let collector = Collector::start([Answer::AcceptAfter(Duration::from_millis(600))]);
    let exporter = collector.exporter(&registry_with_one_event()).start().unwrap();
    thread::scope(|scope| {
        let patient = scope.spawn(|| exporter.force_flush(PATIENCE));
        collector.wait_for_arrivals(1);
        for _ in 0..5 {
            exporter.force_flush(Duration::from_millis(10)).unwrap_err();
        }
        patient.join().unwrap().unwrap();
    });
    thread::sleep(Duration::from_millis(300));
    // All five share one export.
    assert_eq!((collector.arrivals().len(), exporter.stats().exports), (2, 2));
}

#[test]
fn a_shutdown_that_failed_leaves_no_connection_behind() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = url(listener.local_addr().unwrap());
    let exporter =
        idle_exporter(&registry_with_one_event()).endpoint(endpoint).timeout(PATIENCE).start().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.read_to_end(&mut Vec::new())
    });
    exporter.shutdown(Duration::from_millis(500)).unwrap_err();
    server.join().unwrap().expect("the exporter has gone, and its connection with it");
}
