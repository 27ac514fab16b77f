//! Timeouts of requests and exports, and the interval.

use std::{
    thread,
    time::{Duration, Instant},
};

use freewheel::otlp::{Exporter, ExporterBuilder, Undelivered};

use crate::{
    collector::{Answer, Collector, PATIENCE},
    exporting::{ENDPOINT, Variables, builder, environment, registry, start, warning},
};

const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
const METRICS_TIMEOUT: &str = "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT";
const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";
const EXPORT_TIMEOUT: &str = "OTEL_METRIC_EXPORT_TIMEOUT";
/// Shorter than any default, longer than a request takes.
const SHORT: &str = "300";
/// What no test waits for.
const LONG: &str = "3600000";

/// How long a flush takes that nobody answers, but for the one of `wait`.
fn patience_with_a_hanging_collector(
    collector: &Collector,
    builder: ExporterBuilder,
    wait: Duration,
) -> bool {
    collector.follow([Answer::Hang]);
    let exporter = builder.start().unwrap();
    assert_eq!(exporter.warnings(), []);
    let begun = Instant::now();
    let error = exporter.force_flush(wait).unwrap_err();
    match error.cause() {
        Undelivered::Unacknowledged { points: 1, reason } => {
            assert_eq!(reason, "no answer within the timeout");
            assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
            true
        }
        Undelivered::Deadline { .. } => false,
        other => panic!("{other}"),
    }
}

/// Whether an exporter of these settings gives up soon.
fn is_short(variables: Variables<'_>, change: impl FnOnce(ExporterBuilder) -> ExporterBuilder) -> bool {
    let collector = Collector::start([]);
    let url = collector.url();
    let variables: Vec<_> = [(ENDPOINT, &*url)].into_iter().chain(variables.iter().copied()).collect();
    patience_with_a_hanging_collector(&collector, change(builder(&variables)), Duration::from_secs(3))
}

fn as_it_is(builder: ExporterBuilder) -> ExporterBuilder {
    builder
}

#[test]
fn the_timeout_is_that_of_code_or_of_metrics_or_the_general_one() {
    assert!(is_short(&[(TIMEOUT, SHORT)], as_it_is));
    assert!(is_short(&[(TIMEOUT, LONG), (METRICS_TIMEOUT, SHORT)], as_it_is));
    assert!(is_short(&[(TIMEOUT, SHORT), (METRICS_TIMEOUT, "")], as_it_is));
    let short = Duration::from_millis(300);
    assert!(is_short(&[(TIMEOUT, LONG), (METRICS_TIMEOUT, LONG)], |builder| builder.timeout(short)));
    assert!(!is_short(&[(TIMEOUT, SHORT), (METRICS_TIMEOUT, LONG)], as_it_is));
}

#[test]
fn the_default_timeout_is_ten_seconds() {
    let collector = Collector::start([Answer::Hang]);
    let exporter = start(&[(ENDPOINT, &collector.url())]);
    let begun = Instant::now();
    exporter.force_flush(PATIENCE).unwrap_err();
    let taken = begun.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(14)).contains(&taken), "{taken:?}");
}

#[test]
fn the_export_timeout_is_that_of_code_or_of_the_environment() {
    assert!(is_short(&[(EXPORT_TIMEOUT, SHORT), (TIMEOUT, LONG)], as_it_is));
    let short = Duration::from_millis(300);
    let long = [(EXPORT_TIMEOUT, LONG), (TIMEOUT, LONG)];
    assert!(is_short(&long, |builder| builder.export_timeout(short)));
    assert!(!is_short(&long, as_it_is));
}

/// How many exports there are within a second and a half.
fn exports(variables: Variables<'_>, in_code: Option<Duration>) -> usize {
    let collector = Collector::start([]);
    let url = collector.url();
    let variables: Vec<_> = [(ENDPOINT, &*url)].into_iter().chain(variables.iter().copied()).collect();
    let builder = Exporter::builder(registry()).environment(environment(&variables));
    let exporter = match in_code {
        Some(interval) => builder.interval(interval),
        None => builder,
    };
    let exporter = exporter.start().unwrap();
    if in_code.is_some_and(|interval| interval < Duration::from_secs(1))
        || variables.contains(&(INTERVAL, SHORT))
    {
        collector.wait_for_arrivals(2);
    } else {
        thread::sleep(Duration::from_millis(1500));
    }
    let arrivals = collector.arrivals().len();
    drop(exporter);
    arrivals
}

#[test]
fn the_interval_is_that_of_code_or_of_the_environment_or_a_minute() {
    assert!(exports(&[(INTERVAL, SHORT)], None) >= 2);
    assert!(exports(&[(INTERVAL, LONG)], Some(Duration::from_millis(300))) >= 2);
    assert_eq!(exports(&[(INTERVAL, "3600001")], Some(Duration::from_secs(3600))), 0);
    assert_eq!(exports(&[(INTERVAL, LONG)], None), 0);
    assert_eq!(exports(&[(INTERVAL, "")], None), 0);
    assert_eq!(exports(&[], None), 0);
}

#[test]
fn no_number_of_milliseconds_is_no_duration() {
    for variable in [TIMEOUT, METRICS_TIMEOUT, EXPORT_TIMEOUT] {
        for value in ["0", "-1", "1.5", "10s", "ten", "99999999999999999999"] {
            let exporter = start(&[(variable, value)]);
            let text = warning(&exporter, variable).to_string();
            assert!(text.contains("a whole number of milliseconds above zero"), "{value:?}: {text}");
        }
    }
    // Of the interval as well, which these tests otherwise give in code.
    let exporter =
        Exporter::builder(registry()).environment(environment(&[(INTERVAL, "0")])).start().unwrap();
    assert!(warning(&exporter, INTERVAL).to_string().contains("above zero"));
}

#[test]
fn a_bad_timeout_of_metrics_leaves_the_general_one() {
    let collector = Collector::start([Answer::Hang]);
    let url = collector.url();
    let exporter = start(&[(ENDPOINT, &url), (METRICS_TIMEOUT, "soon"), (TIMEOUT, SHORT)]);
    warning(&exporter, METRICS_TIMEOUT);
    let begun = Instant::now();
    exporter.force_flush(PATIENCE).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn the_longest_times_are_as_good_as_for_ever() {
    let collector = Collector::start([]);
    let (url, longest) = (collector.url(), u64::MAX.to_string());
    let variables =
        [(ENDPOINT, &*url), (TIMEOUT, &longest), (INTERVAL, &longest), (EXPORT_TIMEOUT, &longest)];
    let exporter = Exporter::builder(registry()).environment(environment(&variables)).start().unwrap();
    assert_eq!(exporter.warnings(), []);
    crate::exporting::flush(&collector, &exporter);
}
