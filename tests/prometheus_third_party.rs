//! Expositions for Prometheus against parsers that share no code with the encoder, in Python; see `tests/third_party/`.
//!
//! Not part of a plain `cargo test`, as it needs a virtual environment: run `ci/prometheus-third-party`, which makes one.
#![cfg(feature = "prometheus")]

use std::{fs, path::PathBuf, process::Command, time::Duration};

use freewheel::{
    metrics::{Buckets, Data, KeyValue, Outcome, Registry, Snapshot},
    prometheus::{Encoder, Format},
};
use serde_json::{Map, Value, json};

/// What the parsers are to find; see `tests/third_party/exposition.py`.
#[derive(Default)]
struct Expected {
    text: Map<String, Value>,
    open_metrics: Map<String, Value>,
    samples: Vec<Value>,
    histograms: Vec<Value>,
    created: u64,
}

impl Expected {
    /// A metric that has the same type in both formats.
    fn family(&mut self, name: &str, kind: &str, unit: &str, description: &str) {
        let total = if kind == "counter" { "_total" } else { "" };
        self.text.insert(format!("{name}{total}"), json!([kind, description]));
        self.open_metrics.insert(name.into(), json!([kind, unit, description]));
    }

    fn sample(&mut self, name: &str, labels: Value, value: impl ToString) {
        self.samples.push(json!([name, labels, value.to_string()]));
    }

    fn counter(&mut self, name: &str, labels: Value, value: impl ToString) {
        self.sample(&format!("{name}_total"), labels, value);
        self.created += 1;
    }

    /// A histogram that was given each of `values` once.
    fn histogram(&mut self, name: &str, labels: Value, scale: i32, values: &[impl ToString]) {
        let values: Vec<Value> = values.iter().map(|value| json!([value.to_string(), 1])).collect();
        self.histograms.push(json!({"name": name, "labels": labels, "scale": scale, "values": values}));
        self.created += 1;
    }

    fn json(self) -> String {
        let Self { text, open_metrics, samples, histograms, created } = self;
        json!({
            "text": text, "open_metrics": open_metrics,
            "samples": samples, "histograms": histograms, "created": created,
        })
        .to_string()
    }
}

/// Has the parsers read what `encoder` writes.
fn check(name: &str, encoder: Encoder, snapshot: &Snapshot, expected: Expected) {
    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = repository.join(".venv/bin/python");
    assert!(
        python.exists(),
        "{} is missing: run ci/prometheus-third-party, which makes it",
        python.display()
    );
    let encode = |format| encoder.clone().created().format(format).encode(snapshot);
    let files = [
        ("txt", encode(Format::Text)),
        ("openmetrics", encode(Format::OpenMetrics)),
        ("json", expected.json()),
    ];
    let mut command = Command::new(python);
    command.arg(repository.join("tests/third_party/exposition.py"));
    for (kind, content) in files {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("exposition-{name}.{kind}"));
        fs::write(&path, content).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    println!("{name}: {text}");
}

#[test]
fn every_kind_of_instrument_is_read_as_recorded() {
    let (registry, mut expected) = (Registry::new(), Expected::default());
    let requests = registry.counter("http.server.requests").unit("{request}").description("Requests so far.");
    for (method, code, count) in [("GET", 200, u64::MAX), ("GET", 500, (1 << 53) + 1), ("PUT", 200, 0)] {
        let attributes = [KeyValue::new("http.method", method), KeyValue::new("http.status_code", code)];
        requests.bind(&attributes).unwrap().add(count);
        let labels = json!({"http_method": method, "http_status_code": code.to_string()});
        expected.counter("http_server_requests", labels, count);
    }
    expected.family("http_server_requests", "counter", "", "Requests so far.");

    registry.up_down_counter("queue.size").unit("KiBy").build().unwrap().add(i64::MIN);
    expected.family("queue_size_kibibytes", "gauge", "kibibytes", "");
    expected.sample("queue_size_kibibytes", json!({}), i64::MIN);

    registry.gauge::<i64>("level").build().unwrap().record(i64::MAX);
    expected.family("level", "gauge", "", "");
    expected.sample("level", json!({}), i64::MAX);

    let share = registry.gauge::<f64>("cpu.utilization").unit("1").description("Share of time.");
    for value in [0.0, 1.0, 0.1, 1e-300, -1e300, 123_456_789.0, 5e-324, f64::MAX] {
        let name = format!("{value:?}");
        share.bind(&[KeyValue::new("of", name.clone())]).unwrap().record(value);
        expected.sample("cpu_utilization_ratio", json!({"of": name}), format!("{value:?}"));
    }
    expected.family("cpu_utilization_ratio", "gauge", "ratio", "Share of time.");

    let rpc = registry.requests("rpc.server").build().unwrap();
    rpc.record(Duration::from_millis(250), Outcome::Error);
    expected.family("rpc_server_count", "counter", "", "Requests that ended.");
    expected.counter("rpc_server_count", json!({}), 1);
    expected.family("rpc_server_errors", "counter", "", "Requests that ended with an error.");
    expected.counter("rpc_server_errors", json!({}), 1);
    expected.family("rpc_server_duration_seconds", "histogram", "seconds", "");
    expected.histogram("rpc_server_duration_seconds", json!({}), 1, &["0.25"]);
    expected.family("rpc_server_last_duration_seconds", "gauge", "seconds", "Duration of the last request.");
    expected.sample("rpc_server_last_duration_seconds", json!({}), "0.25");

    let resource = [KeyValue::new("service.name", "third-party"), KeyValue::new("shard", 7)];
    expected.text.insert("target_info".into(), json!(["gauge", "Target metadata"]));
    expected.open_metrics.insert("target".into(), json!(["info", "", "Target metadata"]));
    expected.sample("target_info", json!({"service_name": "third-party", "shard": "7"}), 1);
    check("kinds", Encoder::new().resource(resource), &registry.snapshot(), expected);
}

#[test]
fn histograms_are_read_as_recorded() {
    // At higher scales, more buckets would be in use than are exposed.
    for scale in [-2, 0, 1, 2] {
        let (registry, mut expected) = (Registry::new(), Expected::default());
        let sizes: Vec<u64> =
            (0..200).chain((0..33).flat_map(|power| [1 << power, (1 << power) + 1])).collect();
        for half in sizes.chunks(120) {
            let part = half[0].to_string();
            let histogram = registry.histogram::<u64>("message.size").unit("By");
            histogram.bind(&[KeyValue::new("part", part.clone())]).unwrap().record_all(half);
            expected.histogram("message_size_bytes", json!({"part": part}), scale, half);
        }
        expected.family("message_size_bytes", "histogram", "bytes", "");

        let wait = registry.histogram::<Duration>("wait").description("Time in the queue.").build().unwrap();
        let nanos: Vec<u64> = (0..9).flat_map(|digit| [10_u64.pow(digit), 7 * 10_u64.pow(digit)]).collect();
        nanos.iter().for_each(|nanos| wait.record(Duration::from_nanos(*nanos)));
        let seconds: Vec<String> = nanos.iter().map(|nanos| format!("{nanos}e-9")).collect();
        expected.family("wait_seconds", "histogram", "seconds", "Time in the queue.");
        expected.histogram("wait_seconds", json!({}), scale, &seconds);

        // All of them exact in binary and in decimal.
        let values = [-1000.0, -4.5, -4.0, -0.25, 0.0, 0.125, 0.75, 1.0, 4.0, 1048576.0];
        let deviation = registry.histogram::<f64>("deviation").unit("m").build().unwrap();
        deviation.record_all(&values);
        expected.family("deviation_meters", "histogram", "meters", "");
        expected.histogram("deviation_meters", json!({}), scale, &values);

        let _ = registry.histogram::<f64>("none").build().unwrap();
        expected.family("none", "histogram", "", "");
        expected.histogram("none", json!({}), scale, &[] as &[f64]);
        let encoder = Encoder::new().histogram_scale(scale);
        check(&format!("scale{scale}"), encoder, &registry.snapshot(), expected);
    }
}

#[test]
fn given_bounds_are_read_as_given() {
    let (registry, mut expected) = (Registry::new(), Expected::default());
    let cases: [(&[f64], &[&str], &[f64]); 4] = [
        (&[0.0, 0.5, 2.5, 10.0, 1e6], &["0.0", "0.5", "2.5", "10.0", "1e+06"], &[0.0, 0.25, 2.5, 11.0, 2e6]),
        (&[-1.0, 1.0], &["-1.0", "1.0"], &[-1.0, 0.5, 1.0]),
        (&[1e-5, 1e-4], &["1e-05", "0.0001"], &[-2.0, 1.0]),
        (&[], &[], &[3.0]),
    ];
    for (number, (bounds, texts, values)) in cases.into_iter().enumerate() {
        let name = format!("given_{number}");
        let buckets = Buckets::explicit(bounds.iter().copied()).unwrap();
        let histogram = registry.histogram::<f64>(name.clone()).buckets(buckets).build().unwrap();
        histogram.record_all(values);
        expected.family(&name, "histogram", "", "");
        expected.histogram(&name, json!({}), 0, values);
        let written = expected.histograms.last_mut().unwrap().as_object_mut().unwrap();
        written.insert("bounds".into(), json!(texts));
    }
    check("given", Encoder::new(), &registry.snapshot(), expected);
}

#[test]
fn awkward_names_and_values_are_read_as_they_were_given() {
    let (registry, mut expected) = (Registry::new(), Expected::default());
    let values = [
        "\"",
        "\\",
        "\n",
        "\\n",
        "\\\\",
        "\\\"",
        "a\"b\\c\nd",
        "}",
        "{a=\"b\"} 1",
        ",",
        "=",
        " ",
        " # {} 1",
        "日本語",
        "\u{1f980}",
        "\r",
        "\r\n",
        "\0",
        "\u{2028}",
        "# EOF",
    ];
    let description = "Quotes \" and \"more\", \\ and \\n and\nlines, { } , = # EOF 日本語";
    let counter = registry.counter("awkward.values").description(description);
    for (number, value) in values.into_iter().enumerate() {
        let attributes = [KeyValue::new("number", number as i64), KeyValue::new("value", value)];
        counter.bind(&attributes).unwrap().add(number as u64);
        expected.counter("awkward_values", json!({"number": number.to_string(), "value": value}), number);
    }
    expected.family("awkward_values", "counter", "", description);

    let attributes = [
        KeyValue::new("le", "x"),
        KeyValue::new("a.b", "1"),
        KeyValue::new("a_b", 2),
        KeyValue::new("1st", true),
        KeyValue::new("größe", 1.5),
        KeyValue::new("otel.scope.name", "mine"),
        KeyValue::new("empty", ""),
    ];
    let histogram =
        registry.histogram::<u64>("awkward//names-.").unit("By/{thing}").bind(&attributes).unwrap();
    histogram.record_all(&[1, 2, 3]);
    let labels = json!({
        "exported_le": "x", "a_b": "1;2", "_1st": "true", "gr_e": "1.5",
        "exported_otel_scope_name": "mine",
    });
    expected.family("awkward_names_bytes", "histogram", "bytes", "");
    expected.histogram("awkward_names_bytes", labels, 1, &[1, 2, 3]);
    let samples = expected.samples.iter_mut().map(|sample| &mut sample[1]);
    for labels in samples.chain(expected.histograms.iter_mut().map(|histogram| &mut histogram["labels"])) {
        labels["otel_scope_name"] = json!("sco\"pe");
        labels["otel_scope_version"] = json!("1.0");
    }
    check("awkward", Encoder::new().scope("sco\"pe", "1.0"), &registry.snapshot(), expected);
}

#[test]
fn numbers_that_no_instrument_takes_are_read_all_the_same() {
    let (registry, mut expected) = (Registry::new(), Expected::default());
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for number in 0..values.len() {
        registry.gauge::<f64>("gauge").bind(&[KeyValue::new("k", number as i64)]).unwrap().record(0.0);
    }
    registry.gauge::<f64>("sum").build().unwrap().record(0.1);
    let mut snapshot = registry.snapshot();
    let Data::GaugeF64(points) = &mut snapshot.metrics[0].data else { panic!("{snapshot:?}") };
    for (number, point) in points.iter_mut().enumerate() {
        point.value = values[number];
    }
    for (number, value) in ["NaN", "+Inf", "-Inf"].into_iter().enumerate() {
        expected.sample("gauge", json!({"k": number.to_string()}), value);
    }
    expected.family("gauge", "gauge", "", "");
    let Data::GaugeF64(points) = snapshot.metrics[1].data.clone() else { panic!("{snapshot:?}") };
    snapshot.metrics[1].data = Data::CounterF64(points);
    expected.family("sum", "counter", "", "");
    expected.counter("sum", json!({}), "0.1");
    check("special", Encoder::new(), &snapshot, expected);
}

#[test]
fn nothing_is_lost_where_names_meet() {
    let (registry, mut expected) = (Registry::new(), Expected::default());
    // As registered, as exposed; each has its position as its value.
    let gauges = [
        ("a.b", "a_b"),
        ("a_b", "a_b_2"),
        ("a/b", "a_b_3"),
        ("a.b.2", "a_b_2_2"),
        ("h.count", "h_count"),
        ("target.info", "target_info_2"),
        ("c.total", "c_total"),
        ("d.created", "d_created"),
    ];
    for (number, (name, exposed)) in gauges.into_iter().enumerate() {
        registry.gauge::<i64>(name).build().unwrap().record(number as i64);
        expected.family(exposed, "gauge", "", "");
        expected.sample(exposed, json!({}), number);
    }
    registry.histogram::<u64>("h").build().unwrap().record(1);
    expected.family("h_2", "histogram", "", "");
    expected.histogram("h_2", json!({}), 1, &[1]);
    registry.counter("c").build().unwrap().add(1);
    expected.family("c_2", "counter", "", "");
    expected.counter("c_2", json!({}), 1);
    // Of these, OpenMetrics cannot have the bare name or the time of the begin.
    for (name, exposed) in [("a-b", "a_b"), ("d", "d"), ("target", "target")] {
        registry.counter(name).build().unwrap().add(5);
        expected.sample(&format!("{exposed}_total"), json!({}), 5);
        expected.text.insert(format!("{exposed}_total"), json!(["counter", ""]));
        expected.open_metrics.insert(format!("{exposed}_total"), json!(["unknown", "", ""]));
    }
    let snapshot = registry.snapshot();
    expected.text.insert("target_info".into(), json!(["gauge", "Target metadata"]));
    expected.open_metrics.insert("target".into(), json!(["info", "", "Target metadata"]));
    expected.sample("target_info", json!({"k": "v"}), 1);
    check("conflicts", Encoder::new().resource([KeyValue::new("k", "v")]), &snapshot, expected);
}

#[test]
fn an_empty_registry_is_read_as_empty() {
    check("empty", Encoder::new(), &Registry::new().snapshot(), Expected::default());
}
