//! `OTEL_EXPORTER_OTLP_PROTOCOL` and its form for metrics.

use freewheel::otlp::Protocol;

use crate::{
    collector::Collector,
    exporting::{ENDPOINT, PROTOCOL, Variables, arrival, builder, flush, start, warning},
};

const METRICS_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL";
const GRPC: &str = "application/grpc";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The collectors of both protocols, of which one gets a request, and its content type.
fn content_type(variables: Variables<'_>, in_code: Option<Protocol>) -> String {
    // A collector that speaks gRPC and one that speaks HTTP know nothing of each other's requests.
    let over_grpc =
        matches!(in_code, Some(Protocol::Grpc)) || in_code.is_none() && freewheel_speaks_grpc(variables);
    let collector = if over_grpc { Collector::start([]) } else { Collector::http([]) };
    let url = collector.url();
    let variables: Vec<_> = variables.iter().copied().chain([(ENDPOINT, &*url)]).collect();
    let builder = builder(&variables);
    let builder = match in_code {
        Some(protocol) => builder.protocol(protocol),
        None => builder,
    };
    arrival(&collector, builder).content_type
}

/// Whether the default endpoint is that of gRPC.
fn freewheel_speaks_grpc(variables: Variables<'_>) -> bool {
    crate::exporting::target(builder(variables)).ends_with(":4317")
}

#[test]
fn without_a_protocol_it_is_grpc() {
    assert_eq!(content_type(&[], None), GRPC);
    assert_eq!(content_type(&[(PROTOCOL, ""), (METRICS_PROTOCOL, "")], None), GRPC);
}

#[test]
fn each_protocol_is_known_in_any_case() {
    let known = [("grpc", GRPC), ("http/protobuf", PROTOBUF), ("http/json", JSON)];
    for (name, expected) in known {
        for name in [name, &name.to_uppercase(), &format!(" {name} ")] {
            assert_eq!(content_type(&[(PROTOCOL, name)], None), expected, "{name:?}");
            assert_eq!(content_type(&[(METRICS_PROTOCOL, name)], None), expected, "{name:?}");
        }
    }
}

#[test]
fn code_beats_the_protocol_of_metrics_and_that_the_general_one() {
    let both = [(PROTOCOL, "grpc"), (METRICS_PROTOCOL, "http/json")];
    assert_eq!(content_type(&both, None), JSON);
    assert_eq!(content_type(&both, Some(Protocol::HttpProtobuf)), PROTOBUF);
    assert_eq!(content_type(&[(PROTOCOL, "http/json"), (METRICS_PROTOCOL, "")], None), JSON);
}

#[test]
fn a_protocol_of_metrics_that_nobody_knows_leaves_the_general_one() {
    let collector = Collector::http([]);
    let url = collector.url();
    let exporter = start(&[(ENDPOINT, &url), (PROTOCOL, "http/json"), (METRICS_PROTOCOL, "http/xml")]);
    let text = warning(&exporter, METRICS_PROTOCOL).to_string();
    assert!(text.contains("grpc, http/protobuf, http/json"), "{text}");
    assert_eq!(flush(&collector, &exporter).content_type, JSON);
}
