//! A destination in code gets nothing of the environment: a key of one collector must not reach another.

use std::time::{Duration, Instant};

use freewheel::otlp::{Destination, Environment};

use crate::{
    certificates::{Authority, demanding_server_config, server_config},
    collector::{Answer, Collector, PATIENCE, Protocol as Spoken, idle_exporter},
    exporting::{environment, flush, name, registry},
    reading::{Kind, of},
    tls::Files,
};

/// All that a destination of the environment would obey, nonsense included.
const ALL: &[(&str, &str)] = &[
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://192.0.2.1:1/base"),
    ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "no endpoint"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
    ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/xml"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2"),
    ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "api-key=hunter2,nonsense"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
    ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "1"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "snappy"),
    ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/authority.pem"),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nowhere/key.pem"),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/nowhere/certificate.pem"),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
    ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram"),
];

fn destination(collector: &Collector) -> Destination {
    if collector.is_grpc() { Destination::grpc(collector.url()) } else { Destination::http(collector.url()) }
}

#[test]
fn a_destination_in_code_sends_as_if_there_were_no_environment() {
    for spoken in [Spoken::Grpc, Spoken::Http] {
        let [with, without] = [environment(ALL), Environment::none()].map(|environment| {
            let collector = Collector::over(spoken).start([Answer::AcceptAfter(Duration::from_millis(50))]);
            let builder = idle_exporter(&registry()).environment(environment);
            let exporter = builder.destination(destination(&collector)).start().unwrap();
            assert_eq!(exporter.warnings(), []);
            assert!(name(&exporter).starts_with(&collector.url()));
            let arrival = flush(&collector, &exporter);
            let kinds: Vec<Kind> =
                of(std::slice::from_ref(&arrival.request), "events").iter().map(|event| event.kind).collect();
            let names: Vec<String> = arrival.headers.keys().map(ToString::to_string).collect();
            (names, kinds, arrival.path, arrival.content_type, arrival.encoding)
        });
        assert_eq!(with, without, "{spoken:?}");
        assert!(!with.0.contains(&"api-key".to_owned()) && with.4.is_none());
        assert_eq!(with.1, [Kind::Sum { delta: false, monotonic: true }]);
    }
}

#[test]
fn a_destination_in_code_without_a_scheme_speaks_tls_whatever_insecure_says() {
    let builder = idle_exporter(&registry()).environment(environment(ALL));
    let exporter = builder.destination(Destination::grpc("127.0.0.1:1")).start().unwrap();
    assert_eq!(name(&exporter), "https://127.0.0.1:1");
}

#[test]
fn a_destination_in_code_neither_trusts_nor_shows_certificates_of_the_environment() {
    let files = Files::new("isolation");
    let authority = Authority::new("ours");
    let client = authority.client();
    let variables = [
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", &*files.file("authority.pem", &authority.certificate)),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &files.file("certificate.pem", &client.certificate)),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &files.file("key.pem", &client.key)),
    ];
    let refused = |collector: &Collector, destination: Destination| {
        let destination = destination.timeout(Duration::from_millis(500));
        let builder = idle_exporter(&registry()).environment(environment(&variables));
        let exporter = builder.destination(destination).start().unwrap();
        let error = exporter.force_flush(PATIENCE).unwrap_err().to_string();
        assert!(collector.arrivals().is_empty(), "{error}");
        error
    };
    for spoken in [Spoken::Grpc, Spoken::Http] {
        let collector = Collector::over(spoken).tls(server_config(&authority.server())).start([]);
        let error = refused(&collector, destination(&collector));
        assert!(error.contains("UnknownIssuer"), "{error}");

        let demanding = demanding_server_config(&authority.server(), &authority);
        let collector = Collector::over(spoken).tls(demanding).start([]);
        let trust = freewheel::otlp::Tls::default().authority(authority.certificate.clone());
        refused(&collector, destination(&collector).tls(trust));
    }
}

#[test]
fn the_timeout_of_the_environment_is_not_that_of_a_destination_in_code() {
    let collector = Collector::start([Answer::Hang]);
    let builder = idle_exporter(&registry()).environment(environment(ALL));
    let exporter = builder.destination(destination(&collector)).start().unwrap();
    let begun = Instant::now();
    // One millisecond, says the environment; ten seconds is the default.
    exporter.force_flush(Duration::from_secs(1)).unwrap_err();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(exporter.stats().failed_attempts, 0);
}

#[test]
fn a_destination_of_the_environment_beside_it_gets_all_of_it() {
    let (given, main) = (Collector::start([]), Collector::start([]));
    let url = main.url();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2")];
    let builder = idle_exporter(&registry()).environment(environment(&variables));
    let builder = builder.destination(destination(&given)).destination(Destination::from_environment());
    builder.start().unwrap().force_flush(PATIENCE).unwrap();
    assert!(main.arrivals()[0].headers.contains_key("api-key"));
    assert!(!given.arrivals()[0].headers.contains_key("api-key"));
}
