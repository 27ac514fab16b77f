//! What metrics are called.

use freewheel::{
    metrics::{KeyValue, Registry},
    prometheus::{Conflict, Encoder, Format},
};

use super::{open_metrics, text};

/// The names in the type lines, with the types.
fn types(exposition: &str) -> Vec<(&str, &str)> {
    exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect()
}

#[test]
fn units_are_words_at_the_end_of_the_name() {
    for (name, unit, expected) in [
        ("http.server.active-requests", "{request}", "http_server_active_requests"),
        ("a/b..c_.d", "", "a_b_c_d"),
        ("trailing.", "s", "trailing_seconds"),
        ("trailing_", "", "trailing"),
        ("time", "s", "time_seconds"),
        ("time.seconds", "s", "time_seconds"),
        ("seconds", "s", "seconds"),
        ("seconds.before", "s", "seconds_before_seconds"),
        ("milliseconds", "s", "milliseconds_seconds"),
        ("size", "By", "size_bytes"),
        ("size", "KiBy", "size_kibibytes"),
        ("speed", "By/s", "speed_bytes_per_second"),
        ("speed", "m/s", "speed_meters_per_second"),
        ("speed.bytes.per.second", "By/s", "speed_bytes_per_second"),
        ("speed", "{packet}/s", "speed_per_second"),
        ("speed", "1/min", "speed_per_minute"),
        ("share", "By/{request}", "share_bytes"),
        ("share", "By{used}", "share_bytes"),
        ("acceleration", "m/s/s", "acceleration_meters_per_second_per_second"),
        ("acceleration", "m/s2", "acceleration_meters_per_s2"),
        ("load", "1", "load_ratio"),
        ("load.ratio", "1", "load_ratio"),
        ("load", "%", "load_percent"),
        ("heat", "Cel", "heat_celsius"),
        ("odd", "requests", "odd_requests"),
        ("odd", "{a{b}c}x", "odd_x"),
        ("odd", "[in_i'H2O]", "odd_in_i_H2O"),
    ] {
        let registry = Registry::new();
        registry.gauge::<f64>(name).unit(unit).build().unwrap().record(1.0);
        assert_eq!(
            text(&registry),
            format!("# TYPE {expected} gauge\n{expected} 1.0\n"),
            "{name:?} in {unit:?}"
        );
        for line in open_metrics(&registry).lines().filter(|line| line.starts_with("# UNIT")) {
            let (name, unit) = line["# UNIT ".len()..].split_once(' ').unwrap();
            assert_eq!(name, expected);
            assert!(name.ends_with(&format!("_{unit}")), "{line}");
        }
    }
}

#[test]
fn counters_end_with_total_once_and_after_the_unit() {
    for (name, unit, expected) in [
        ("requests", "{request}", "requests"),
        ("requests.total", "", "requests"),
        ("requests_total", "1", "requests"),
        ("total", "", "total"),
        ("cpu", "s", "cpu_seconds"),
        ("cpu.total", "s", "cpu_seconds"),
        ("cpu.seconds.total", "s", "cpu_seconds"),
        ("cpu_seconds", "s", "cpu_seconds"),
    ] {
        let registry = Registry::new();
        registry.counter(name).unit(unit).build().unwrap().add(1);
        assert_eq!(text(&registry), format!("# TYPE {expected}_total counter\n{expected}_total 1\n"));
        let unit = if unit == "s" { format!("# UNIT {expected} seconds\n") } else { String::new() };
        let expected = format!("# TYPE {expected} counter\n{unit}{expected}_total 1\n# EOF\n");
        assert_eq!(open_metrics(&registry), expected);
    }
}

#[test]
fn only_gauges_are_ratios() {
    let registry = Registry::new();
    registry.up_down_counter("a").unit("1").build().unwrap().add(1);
    registry.histogram::<u64>("b").unit("1").build().unwrap().record(1);
    registry.gauge::<i64>("c").unit("1").build().unwrap().record(1);
    let text = text(&registry);
    assert_eq!(types(&text), [("a", "gauge"), ("b", "histogram"), ("c_ratio", "gauge")]);
}

#[test]
fn of_two_metrics_of_one_name_the_later_gets_a_number() {
    let registry = Registry::new();
    registry.gauge::<i64>("queue.size").unit("By").build().unwrap().record(1);
    registry.counter("queue_size_bytes").build().unwrap().add(2);
    registry.up_down_counter("queue-size").unit("By").build().unwrap().add(3);
    registry.gauge::<i64>("queue/size").unit("By").build().unwrap().record(4);
    registry.gauge::<i64>("queue.size.2.bytes").build().unwrap().record(5);
    let expected = [
        ("queue_size_bytes", "gauge"),
        ("queue_size_bytes_total", "counter"),
        ("queue_size_2_bytes", "gauge"),
        ("queue_size_3_bytes", "gauge"),
        ("queue_size_2_bytes_2", "gauge"),
    ];
    let text = text(&registry);
    assert_eq!(types(&text), expected);
    assert!(text.contains("\nqueue_size_2_bytes 3\n") && text.contains("\nqueue_size_3_bytes 4\n"), "{text}");
    let renamed = |metric: &str, holder: &str, wanted: &str, given: &str| Conflict::Name {
        metric: metric.into(),
        holder: holder.into(),
        wanted: wanted.into(),
        given: given.into(),
    };
    let conflicts = Encoder::new().conflicts(&registry.snapshot());
    assert_eq!(
        conflicts,
        [
            renamed("queue-size", "queue.size", "queue_size_bytes", "queue_size_2_bytes"),
            renamed("queue/size", "queue.size", "queue_size_bytes", "queue_size_3_bytes"),
            renamed("queue.size.2.bytes", "queue-size", "queue_size_2_bytes", "queue_size_2_bytes_2"),
        ]
    );
    let message = "metric \"queue-size\" is exposed as \"queue_size_2_bytes\": \"queue_size_bytes\" is taken by \
                   \"queue.size\"; rename one of them";
    assert_eq!(conflicts[0].to_string(), message);
}

#[test]
fn names_of_samples_do_not_meet() {
    let registry = Registry::new();
    registry.histogram::<u64>("a").build().unwrap().record(1);
    registry.counter("b").build().unwrap().add(1);
    registry.gauge::<i64>("a.bucket").build().unwrap().record(1);
    registry.gauge::<i64>("a.created").build().unwrap().record(1);
    registry.gauge::<i64>("b.total").build().unwrap().record(1);
    registry.gauge::<i64>("c.count").build().unwrap().record(1);
    registry.histogram::<u64>("c").build().unwrap().record(1);
    let text = text(&registry);
    let expected = [
        ("a", "histogram"),
        ("b_total", "counter"),
        ("a_bucket_2", "gauge"),
        ("a_created_2", "gauge"),
        ("b_total_2", "gauge"),
        ("c_count", "gauge"),
        ("c_2", "histogram"),
    ];
    assert_eq!(types(&text), expected);
}

#[test]
fn a_counter_whose_bare_name_is_taken_has_the_same_samples_and_no_type_in_open_metrics() {
    let registry = Registry::new();
    registry.counter("a").unit("s").description("Counts.").build().unwrap().add(1);
    registry.gauge::<i64>("a").unit("s").build().unwrap_err();
    registry.gauge::<i64>("a.seconds").build().unwrap().record(2);
    registry.counter("b").build().unwrap().add(3);
    registry.counter("b.created").build().unwrap().add(4);
    let snapshot = registry.snapshot();
    let expected = [("a_seconds_total", "counter"), ("a_seconds", "gauge"), ("b_total", "counter")];
    assert_eq!(types(&text(&registry))[..3], expected);
    assert_eq!(Encoder::new().conflicts(&snapshot), []);

    let encoder = Encoder::new().format(Format::OpenMetrics).created();
    let text = encoder.encode(&snapshot);
    let expected = [
        ("a_seconds_total", "unknown"),
        ("a_seconds", "gauge"),
        ("b", "counter"),
        ("b_created_total", "unknown"),
    ];
    assert_eq!(types(&text), expected);
    assert!(
        text.starts_with(
            "# TYPE a_seconds_total unknown\n# HELP a_seconds_total Counts.\na_seconds_total 1\n"
        )
    );
    assert!(text.contains("\nb_created_total 4\n") && !text.contains("b_created_created"), "{text}");
    let conflict =
        Conflict::Type { metric: "a".into(), holder: "a.seconds".into(), name: "a_seconds".into() };
    assert_eq!(encoder.conflicts(&snapshot)[0], conflict);
    assert!(conflict.to_string().contains("without a type"));
}

#[test]
fn the_resource_keeps_its_name() {
    let registry = Registry::new();
    registry.gauge::<i64>("target.info").build().unwrap().record(1);
    registry.counter("target").build().unwrap().add(1);
    assert_eq!(types(&text(&registry)), [("target_info", "gauge"), ("target_total", "counter")]);
    let encoder = Encoder::new().resource([KeyValue::new("a", "b")]).format(Format::OpenMetrics);
    let text = encoder.encode(&registry.snapshot());
    assert_eq!(types(&text), [("target", "info"), ("target_info_2", "gauge"), ("target_total", "unknown")]);
}
