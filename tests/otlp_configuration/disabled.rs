//! `OTEL_SDK_DISABLED`.

use std::time::Duration;

use freewheel::otlp::Destination;

use crate::{
    collector::{Collector, PATIENCE},
    exporting::{ENDPOINT, builder, flush, start, warning},
};

const DISABLED: &str = "OTEL_SDK_DISABLED";

#[test]
fn true_in_any_case_switches_everything_off() {
    for value in ["true", "TRUE", "True"] {
        let (main, given) = (Collector::start([]), Collector::start([]));
        let variables = [(ENDPOINT, &*main.url()), (DISABLED, value)];
        let destination = Destination::grpc(given.url());
        let builder = builder(&variables).endpoint(main.url()).destination(destination);
        let exporter = builder.interval(Duration::from_millis(10)).start().unwrap();
        exporter.force_flush(PATIENCE).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(exporter.destinations().count(), 0);
        assert_eq!(exporter.warnings(), []);
        let stats = exporter.shutdown(PATIENCE).unwrap();
        assert_eq!(stats.attempts, 0);
        assert!(main.arrivals().is_empty() && given.arrivals().is_empty(), "{value}");
    }
}

#[test]
fn false_and_nothing_switch_nothing_off() {
    for value in ["false", "FALSE", ""] {
        let collector = Collector::start([]);
        let exporter = start(&[(ENDPOINT, &collector.url()), (DISABLED, value)]);
        assert_eq!(exporter.warnings(), []);
        flush(&collector, &exporter);
    }
}

#[test]
fn anything_else_is_warned_of_and_switches_nothing_off() {
    for value in ["1", "yes", "disabled"] {
        let collector = Collector::start([]);
        let exporter = start(&[(ENDPOINT, &collector.url()), (DISABLED, value)]);
        assert!(warning(&exporter, DISABLED).to_string().contains("true, false"));
        flush(&collector, &exporter);
    }
}
