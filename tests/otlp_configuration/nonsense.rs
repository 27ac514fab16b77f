//! Whatever stands in the variables, an exporter starts or says why not.

use freewheel::otlp::Environment;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{collector::idle_exporter, exporting::registry};

const VARIABLES: [&str; 16] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
    "OTEL_SDK_DISABLED",
];

/// Texts that look like something, cut and mixed, and any text.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "http://",
        "https://",
        "unix:",
        "localhost",
        ":4317",
        ":99999999",
        "/",
        "/v1/metrics",
        "?a=b",
        "#",
        "@",
        "[::1]",
        "grpc",
        "http/json",
        "gzip",
        "true",
        "delta",
        "1",
        "0",
        "-1",
        "1e9",
        "18446744073709551616",
        " ",
        "%",
        "%2",
        "%20",
        "%ff",
        "=",
        ",",
        "key",
        "k=v",
        "\u{e4}",
        "\0",
        "\n",
    ];
    prop_oneof![vec(select(pieces.to_vec()), 0..6).prop_map(|pieces| pieces.concat()), any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn an_exporter_starts_or_says_why_not(variables in vec((select(VARIABLES.to_vec()), text()), 0..8)) {
        let environment = Environment::from_variables(variables.clone());
        let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
        match idle_exporter(&registry()).environment(environment).start() {
            Ok(exporter) => {
                for warning in exporter.warnings() {
                    prop_assert!(names.contains(&&*warning.variable), "{warning}");
                    prop_assert!(!warning.problem.is_empty());
                }
                // The last export is not waited for: nobody listens there, or somebody who is not ours.
                std::mem::forget(exporter);
            }
            Err(error) => {
                let text = error.to_string();
                let blamed = names.iter().any(|name| text.contains(name));
                prop_assert!(blamed, "it names the variable: {text}");
            }
        }
    }
}
