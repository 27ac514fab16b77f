//! Whole expositions.

use std::{fmt, time::Duration};

use freewheel::{
    metrics::{Data, KeyValue, Outcome, Registry, Timestamp},
    prometheus::{Encoder, Format},
};

use super::{open_metrics, snapshot_of, text};

/// One of each kind.
fn registry() -> Registry {
    let registry = Registry::new();
    let requests =
        registry.counter("http.requests").unit("{request}").description("Requests, \"all\"\nof them \\");
    requests.bind(&[KeyValue::new("method", "GET"), KeyValue::new("code", 200)]).unwrap().add(7);
    requests.bind(&[KeyValue::new("method", "PUT"), KeyValue::new("code", 500)]).unwrap().add(u64::MAX);
    registry.up_down_counter("queue.size").unit("By").build().unwrap().add(-3);
    registry.gauge::<f64>("load").unit("1").description("Share of time.").build().unwrap().record(0.25);
    registry.gauge::<i64>("level").build().unwrap().record(i64::MIN);
    let wait = registry.histogram::<Duration>("wait").bind(&[KeyValue::new("queue", "a")]).unwrap();
    [0, 1000, 1500, 3000].into_iter().for_each(|millis| wait.record(Duration::from_millis(millis)));
    registry
}

#[test]
fn every_kind_has_its_lines_in_the_text_format() {
    let expected = r#"# HELP http_requests_total Requests, "all"\nof them \\
# TYPE http_requests_total counter
http_requests_total{code="200",method="GET"} 7
http_requests_total{code="500",method="PUT"} 18446744073709551615
# TYPE queue_size_bytes gauge
queue_size_bytes -3
# HELP load_ratio Share of time.
# TYPE load_ratio gauge
load_ratio 0.25
# TYPE level gauge
level -9223372036854775808
# TYPE wait_seconds histogram
wait_seconds_bucket{queue="a",le="0.0"} 1
wait_seconds_bucket{queue="a",le="0.7071067811865476"} 1
wait_seconds_bucket{queue="a",le="1.0"} 2
wait_seconds_bucket{queue="a",le="1.4142135623730951"} 2
wait_seconds_bucket{queue="a",le="2.0"} 3
wait_seconds_bucket{queue="a",le="2.8284271247461903"} 3
wait_seconds_bucket{queue="a",le="4.0"} 4
wait_seconds_bucket{queue="a",le="+Inf"} 4
wait_seconds_sum{queue="a"} 5.5
wait_seconds_count{queue="a"} 4
"#;
    assert_eq!(text(&registry()), expected);
}

#[test]
fn every_kind_has_its_lines_in_open_metrics() {
    let expected = r#"# TYPE http_requests counter
# HELP http_requests Requests, \"all\"\nof them \\
http_requests_total{code="200",method="GET"} 7
http_requests_total{code="500",method="PUT"} 18446744073709551615
# TYPE queue_size_bytes gauge
# UNIT queue_size_bytes bytes
queue_size_bytes -3
# TYPE load_ratio gauge
# UNIT load_ratio ratio
# HELP load_ratio Share of time.
load_ratio 0.25
# TYPE level gauge
level -9223372036854775808
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{queue="a",le="0.0"} 1
wait_seconds_bucket{queue="a",le="0.7071067811865476"} 1
wait_seconds_bucket{queue="a",le="1.0"} 2
wait_seconds_bucket{queue="a",le="1.4142135623730951"} 2
wait_seconds_bucket{queue="a",le="2.0"} 3
wait_seconds_bucket{queue="a",le="2.8284271247461903"} 3
wait_seconds_bucket{queue="a",le="4.0"} 4
wait_seconds_bucket{queue="a",le="+Inf"} 4
wait_seconds_sum{queue="a"} 5.5
wait_seconds_count{queue="a"} 4
# EOF
"#;
    assert_eq!(open_metrics(&registry()), expected);
}

#[test]
fn an_empty_registry_has_an_end_in_open_metrics_only() {
    assert_eq!((text(&Registry::new()), open_metrics(&Registry::new())), (String::new(), "# EOF\n".into()));
}

#[test]
fn a_histogram_without_values_has_its_last_bucket() {
    let registry = Registry::new();
    let _empty = registry.histogram::<u64>("empty").build().unwrap();
    let expected = "# TYPE empty histogram\nempty_bucket{le=\"+Inf\"} 0\nempty_sum 0.0\nempty_count 0\n";
    assert_eq!(text(&registry), expected);
}

#[test]
fn request_metrics_need_no_new_names() {
    let registry = Registry::new();
    registry.requests("rpc").build().unwrap().record(Duration::from_millis(2), Outcome::Error);
    let snapshot = registry.snapshot();
    for format in [Format::Text, Format::OpenMetrics] {
        assert_eq!(Encoder::new().format(format).conflicts(&snapshot), []);
    }
    let text = text(&registry);
    for line in ["rpc_count_total 1\n", "rpc_errors_total 1\n", "rpc_duration_seconds_count 1\n"] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn floating_point_numbers_are_exact_and_of_the_canonical_form() {
    for (value, expected) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (100_000.0, "100000.0"),
        (999_999.875, "999999.875"),
        (1_000_000.0, "1e+06"),
        (-1_234_567.0, "-1.234567e+06"),
        (1e23, "1e+23"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        (-5e-324, "-5e-324"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
        (-f64::NAN, "NaN"),
    ] {
        let text = Encoder::new().encode(&snapshot_of(value));
        assert_eq!(text, format!("# TYPE gauge gauge\ngauge {expected}\n"));
        assert!(value.is_nan() || expected.parse::<f64>().unwrap().to_bits() == value.to_bits());
    }
}

#[test]
fn counters_of_floating_point_numbers_are_counters() {
    let mut snapshot = snapshot_of(2.5);
    let Data::GaugeF64(points) = snapshot.metrics[0].data.clone() else { panic!("{snapshot:?}") };
    snapshot.metrics[0].data = Data::CounterF64(points);
    assert_eq!(Encoder::new().encode(&snapshot), "# TYPE gauge_total counter\ngauge_total 2.5\n");
}

#[test]
fn the_resource_is_a_metric_of_its_own() {
    let attributes = [
        KeyValue::new("service.name", "first"),
        KeyValue::new("host.id", 7),
        KeyValue::new("service.name", "last"),
    ];
    let encoder = Encoder::new().resource(attributes);
    let labels = r#"{host_id="7",service_name="last"} 1"#;
    let expected =
        format!("# HELP target_info Target metadata\n# TYPE target_info gauge\ntarget_info{labels}\n");
    assert_eq!(encoder.encode(&Registry::new().snapshot()), expected);
    let encoder = encoder.format(Format::OpenMetrics);
    let expected = format!("# TYPE target info\n# HELP target Target metadata\ntarget_info{labels}\n# EOF\n");
    assert_eq!(encoder.encode(&Registry::new().snapshot()), expected);
}

#[test]
fn begins_are_told_in_open_metrics_if_asked_for() {
    let mut snapshot = registry().snapshot();
    for metric in &mut snapshot.metrics {
        match &mut metric.data {
            Data::Counter(points) => points[0].start = Timestamp::from_unix_nanos(1_520_430_000_000_000_123),
            Data::Histogram(points) => points[0].start = Timestamp::from_unix_nanos(7),
            _ => {}
        }
    }
    let encoder = Encoder::new().created();
    assert!(!encoder.encode(&snapshot).contains("_created"));
    let text = encoder.format(Format::OpenMetrics).encode(&snapshot);
    let created: Vec<&str> = text.lines().filter(|line| line.contains("_created")).collect();
    assert_eq!(created.len(), 3, "{text}");
    assert_eq!(created[0], r#"http_requests_created{code="200",method="GET"} 1520430000.000000123"#);
    assert_eq!(created[2], r#"wait_seconds_created{queue="a"} 0.000000007"#);
}

#[test]
fn a_destination_that_fails_ends_the_exposition() {
    struct Short(usize);
    impl fmt::Write for Short {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let snapshot = registry().snapshot();
    let whole = Encoder::new().encode(&snapshot).len();
    assert_eq!(Encoder::new().encode_into(&snapshot, &mut Short(whole)), Ok(()));
    for room in 0..whole {
        assert_eq!(
            Encoder::new().encode_into(&snapshot, &mut Short(room)),
            Err(fmt::Error),
            "{room} of {whole}"
        );
    }
}

#[test]
fn encode_into_appends() {
    let mut text = String::from("# before\n");
    Encoder::new().encode_into(&snapshot_of(1.0), &mut text).unwrap();
    assert_eq!(text, "# before\n# TYPE gauge gauge\ngauge 1.0\n");
}
