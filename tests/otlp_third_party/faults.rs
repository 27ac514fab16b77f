//! Faults by script: what was accepted adds up to what was recorded, and is never sent again.

use std::{net::SocketAddr, time::Duration};

use freewheel::{
    metrics::Registry,
    otlp::{Stats, Temporality},
};
use tokio::net::TcpSocket;

use crate::{
    case::{Case, PATIENCE, Way, exporter},
    receiver::Setup,
    recording,
};

/// Under delta, where a window that is lost or doubled shows.
const fn over_grpc(name: &'static str, answers: &'static [&'static str]) -> Case {
    Case::new(name, Way::Grpc, Temporality::Delta, answers)
}

const fn over_http(name: &'static str, answers: &'static [&'static str]) -> Case {
    Case::new(name, Way::Protobuf, Temporality::Delta, answers)
}

const SHORT: Duration = Duration::from_millis(1500);

/// How often this has failed, and how often it was tried again at once.
fn failures(stats: &Stats) -> (u64, u64) {
    (stats.failed_attempts, stats.failed_exports)
}

#[test]
fn delta_windows_add_up_after_unavailable() {
    let stats =
        over_grpc("unavailable", &["ok", "UNAVAILABLE", "UNAVAILABLE", "ok", "ok", "UNAVAILABLE"]).run();
    assert_eq!(failures(&stats), (3, 0));
}

#[test]
fn delta_windows_add_up_after_long_unavailability() {
    let case = over_grpc("outage", &["UNAVAILABLE"; 12]);
    let stats = Case { timeout: Duration::from_secs(1), ..case }.run();
    assert_eq!(stats.failed_attempts, 12);
    assert!(stats.failed_exports > 0, "{stats:?}");
}

#[test]
fn delta_windows_add_up_after_hanging() {
    let case = over_grpc("hang", &["ok", "hang", "ok", "ok", "hang"]);
    assert_eq!(failures(&Case { timeout: SHORT, ..case }.run()), (2, 2));
}

#[test]
fn delta_windows_add_up_after_broken_connections() {
    let stats = over_grpc("reset", &["ok", "reset", "ok", "ok", "reset", "reset"]).run();
    assert_eq!(stats.failed_attempts, 3);
}

#[test]
fn delta_windows_add_up_after_throttling() {
    let stats = over_grpc("throttled", &["ok", "RESOURCE_EXHAUSTED:0.3", "ok", "UNAVAILABLE:0.2"]).run();
    assert_eq!(failures(&stats), (2, 0));
}

#[test]
fn cumulative_totals_survive_faults() {
    let answers = &["ok", "UNAVAILABLE", "reset", "partial:0:a warning", "ABORTED"];
    let stats = Case::new("cumulative-faults", Way::Grpc, Temporality::Cumulative, answers).run();
    assert_eq!(stats.failed_attempts, 3);
}

#[test]
fn a_refused_window_is_the_only_one_missing() {
    let case = over_grpc("refused", &["ok", "INVALID_ARGUMENT"]);
    Case { refused: 1, ..case }.run();
}

#[test]
fn an_answer_that_means_nothing_accepts_all_the_same() {
    let answers = &["ok", "garbage", "ok", "garbage"];
    let accepted = &["garbage"];
    let stats = Case { accepted, ..over_grpc("garbage", answers) }.run();
    assert_eq!(failures(&stats), (0, 0));
    let stats = Case { accepted, ..over_http("http-garbage", answers) }.run();
    assert_eq!(failures(&stats), (0, 0));
    let stats = Case { accepted, ..Case::new("json-garbage", Way::Json, Temporality::Delta, answers) }.run();
    assert_eq!(failures(&stats), (0, 0));
}

/// Over gRPC what comes after the message says whether all is well, and is not read either.
#[test]
fn a_window_whose_answer_is_too_big_is_not_sent_again() {
    let answers = &["ok", "big", "ok"];
    Case { last: &["big"], refused: 1, ..over_grpc("big", answers) }.run();
    let accepted = &["big"];
    let stats = Case { accepted, ..over_http("http-big", answers) }.run();
    assert_eq!(failures(&stats), (0, 0));
    let stats = Case { accepted, ..Case::new("json-big", Way::Json, Temporality::Delta, answers) }.run();
    assert_eq!(failures(&stats), (0, 0));
}

#[test]
fn nothing_is_lost_while_the_receiver_is_not_there_yet() {
    for (case, is_grpc) in [(over_grpc("late", &[]), true), (over_http("http-late", &[]), false)] {
        let case = Case { timeout: SHORT, ..case };
        // Taken, so that nobody else gets it, but nobody listens.
        let taken = TcpSocket::new_v4().unwrap();
        taken.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let port = taken.local_addr().unwrap().port();
        let registry = Registry::new();
        let mut receiver = None;
        // The other port does not matter.
        let elsewhere = Setup::new("elsewhere").start();
        let destination = case.destination(&elsewhere).endpoint(format!("http://127.0.0.1:{port}"));
        let exporter = exporter(&registry, [destination]);
        recording::record(&registry, || {
            assert!(exporter.force_flush(PATIENCE).is_err());
            drop(taken);
            let ports = if is_grpc { (port, 0) } else { (0, port) };
            receiver = Some(Setup::new(case.name).ports(ports).start());
        });
        let stats = case.finish(exporter, &receiver.unwrap());
        assert!(stats.failed_exports > 0, "{stats:?}");
    }
}

#[test]
fn delta_windows_add_up_after_statuses_that_pass() {
    let stats = over_http("http-passing", &["ok", "503", "ok", "502", "504", "ok", "429", "503"]).run();
    assert_eq!(failures(&stats), (5, 0));
}

#[test]
fn delta_windows_add_up_after_an_outage_of_http() {
    let case = over_http("http-outage", &["503"; 12]);
    let stats = Case { timeout: Duration::from_secs(1), ..case }.run();
    assert_eq!(stats.failed_attempts, 12);
    assert!(stats.failed_exports > 0, "{stats:?}");
}

/// Whether the receiver was left alone as long as it asked after the answer at `index`.
fn pause_after(case: &Case, index: usize) -> f64 {
    let lines = crate::receiver::lines(&crate::receiver::file(case.name, "received.jsonl"));
    let time = |index: usize| lines[index]["time"].as_f64().unwrap();
    time(index + 1) - time(index)
}

#[test]
fn the_receiver_is_left_alone_as_long_as_it_asks_in_seconds() {
    let case = over_http("http-seconds", &["ok", "429:1", "ok", "503:1"]);
    assert_eq!(failures(&case.run()), (2, 0));
    for index in [1, 3] {
        assert!(pause_after(&case, index) >= 1.0, "came back too early");
    }
}

#[test]
fn the_receiver_is_left_alone_until_the_date_that_it_names() {
    let case = over_http("http-date", &["ok", "429:date:2", "ok"]);
    assert_eq!(failures(&case.run()), (1, 0));
    // A date has whole seconds.
    assert!(pause_after(&case, 1) >= 1.0, "came back too early");
}

#[test]
fn statuses_that_do_not_pass_drop_one_window_each() {
    let case = over_http("http-refused", &["ok", "400", "ok", "401", "404", "ok"]);
    assert_eq!(failures(&Case { refused: 3, ..case }.run()).0, 3);
    let case = Case::new("json-refused", Way::Json, Temporality::Delta, &["400", "ok", "401", "404"]);
    assert_eq!(failures(&Case { refused: 3, ..case }.run()).0, 3);
}

#[test]
fn redirects_are_not_followed() {
    let case = over_http("http-redirect", &["ok", "redirect", "ok"]);
    let stats = Case { refused: 1, ..case }.run();
    assert!(stats.last_error.unwrap().contains("307"));
}

#[test]
fn points_that_the_receiver_rejects_are_counted_and_not_sent_again() {
    for (name, way) in [("partial", Way::Grpc), ("http-partial", Way::Protobuf), ("json-partial", Way::Json)]
    {
        let answers = &["ok", "partial:2:too old", "ok", "partial:0:a warning"];
        let stats = Case::new(name, way, Temporality::Delta, answers).run();
        assert_eq!((stats.points_rejected, failures(&stats)), (2, (0, 0)), "{name}");
        assert!(stats.last_error.unwrap().contains("a warning"), "{name}");
    }
}

#[test]
fn delta_windows_add_up_after_slow_and_missing_answers_of_http() {
    let case = over_http("http-hang", &["slow:0.3", "hang", "ok", "hang", "slow:0.2"]);
    assert_eq!(failures(&Case { timeout: SHORT, ..case }.run()), (2, 2));
    let case = Case::new("json-slow", Way::Json, Temporality::Delta, &["slow:3", "ok", "slow:3"]);
    assert_eq!(failures(&Case { timeout: SHORT, ..case }.run()), (2, 2));
}

#[test]
fn delta_windows_add_up_after_broken_connections_of_http() {
    let case = over_http("http-reset", &["ok", "reset", "ok", "ok", "reset", "reset"]);
    assert_eq!(case.run().failed_attempts, 3);
}

/// The status says that the request was taken.
#[test]
fn half_an_answer_accepts_all_the_same() {
    let case = over_http("http-half", &["ok", "reset-mid-body", "ok", "reset-mid-body"]);
    let stats = Case { accepted: &["reset-mid-body"], ..case }.run();
    assert_eq!(failures(&stats), (0, 0));
    assert!(stats.last_error.unwrap().contains("unreadable answer"));
}
