//! `OTEL_EXPORTER_OTLP_COMPRESSION` and its form for metrics.

use freewheel::otlp::Compression;

use crate::{
    collector::{Collector, Protocol as Spoken},
    exporting::{ENDPOINT, HTTP, PROTOCOL, Variables, arrival, builder, flush, start, warning},
};

const COMPRESSION: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";
const METRICS_COMPRESSION: &str = "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION";

/// The encoding of a request by each protocol, which has to be the same.
fn encoding(variables: Variables<'_>, in_code: Option<Compression>) -> Option<String> {
    let [grpc, http] = [Spoken::Grpc, Spoken::Http].map(|spoken| {
        let collector = Collector::over(spoken).start([]);
        let protocol = if spoken == Spoken::Grpc { (PROTOCOL, "grpc") } else { HTTP };
        let url = collector.url();
        let first = [protocol, (ENDPOINT, &*url)];
        let variables: Vec<_> = first.into_iter().chain(variables.iter().copied()).collect();
        let builder = builder(&variables);
        let builder = match in_code {
            Some(compression) => builder.compression(compression),
            None => builder,
        };
        arrival(&collector, builder).encoding
    });
    assert_eq!(grpc, http);
    http
}

#[test]
fn without_a_compression_there_is_none() {
    assert_eq!(encoding(&[], None), None);
    assert_eq!(encoding(&[(COMPRESSION, ""), (METRICS_COMPRESSION, "")], None), None);
}

#[test]
fn each_compression_is_known_in_any_case() {
    let known = [("none", None), ("gzip", Some("gzip")), ("zstd", Some("zstd"))];
    for (name, expected) in known {
        for name in [name, &name.to_uppercase()] {
            assert_eq!(encoding(&[(COMPRESSION, name)], None).as_deref(), expected, "{name}");
            assert_eq!(encoding(&[(METRICS_COMPRESSION, name)], None).as_deref(), expected, "{name}");
        }
    }
}

#[test]
fn code_beats_the_compression_of_metrics_and_that_the_general_one() {
    let both = [(COMPRESSION, "gzip"), (METRICS_COMPRESSION, "zstd")];
    assert_eq!(encoding(&both, None).as_deref(), Some("zstd"));
    assert_eq!(encoding(&both, Some(Compression::Gzip)).as_deref(), Some("gzip"));
    assert_eq!(encoding(&both, Some(Compression::None)), None);
    assert_eq!(encoding(&[(COMPRESSION, "gzip"), (METRICS_COMPRESSION, "none")], None), None);
}

#[test]
fn an_unknown_compression_leaves_the_general_one() {
    let collector = Collector::start([]);
    let url = collector.url();
    let exporter = start(&[(ENDPOINT, &url), (METRICS_COMPRESSION, "snappy"), (COMPRESSION, "gzip")]);
    let text = warning(&exporter, METRICS_COMPRESSION).to_string();
    assert!(text.contains("none, gzip, zstd"), "{text}");
    assert_eq!(flush(&collector, &exporter).encoding.as_deref(), Some("gzip"));
}
