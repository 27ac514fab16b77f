//! `OTEL_EXPORTER_OTLP_HEADERS` and its form for metrics.

use freewheel::otlp::{Exporter, StartError};

use crate::{
    collector::{Arrival, Collector, Protocol as Spoken},
    exporting::{ENDPOINT, PROTOCOL, Variables, arrival, builder, flush, start},
};

const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const METRICS_HEADERS: &str = "OTEL_EXPORTER_OTLP_METRICS_HEADERS";

fn collectors() -> [(Collector, &'static str); 2] {
    [Spoken::Grpc, Spoken::Http].map(|spoken| {
        let protocol = if spoken == Spoken::Grpc { "grpc" } else { "http/protobuf" };
        (Collector::over(spoken).start([]), protocol)
    })
}

/// The values of this header.
fn values(arrival: &Arrival, name: &str) -> Vec<String> {
    let values = arrival.headers.get_all(name).iter();
    values.map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// With protocol and endpoint before them.
fn with_all(variables: Variables<'_>, check: impl Fn(&dyn Fn(Variables<'_>) -> Arrival)) {
    for (collector, protocol) in collectors() {
        let url = collector.url();
        let send = |more: Variables<'_>| {
            let first = [(PROTOCOL, protocol), (ENDPOINT, &*url)];
            let all = first.into_iter().chain(variables.iter().copied()).chain(more.iter().copied());
            arrival(&collector, builder(&all.collect::<Vec<_>>()))
        };
        check(&send);
    }
}

#[test]
fn headers_are_percent_decoded_and_trimmed() {
    let list = "Api-Key=a%20b%2Cc%3D%25, x-plain = a=b ,x-empty=,,x-unicode=%C3%A9";
    with_all(&[(HEADERS, list)], |send| {
        let arrival = send(&[]);
        assert_eq!(values(&arrival, "api-key"), ["a b,c=%"]);
        assert_eq!(values(&arrival, "x-plain"), ["a=b"]);
        assert_eq!(values(&arrival, "x-empty"), [""]);
        assert_eq!(arrival.headers["x-unicode"].as_bytes(), "é".as_bytes());
    });
}

#[test]
fn malformed_percent_codes_are_meant_as_they_stand() {
    with_all(&[(HEADERS, "one=100%,two=%zz%20,three=%ff")], |send| {
        let arrival = send(&[]);
        assert_eq!(values(&arrival, "one"), ["100%"]);
        assert_eq!(values(&arrival, "two"), ["%zz%20"]);
        assert_eq!(values(&arrival, "three"), ["%ff"]);
    });
}

#[test]
fn the_last_of_several_headers_of_a_name_stays() {
    with_all(&[(HEADERS, "key=1,other=2,KEY=3")], |send| {
        assert_eq!(values(&send(&[]), "key"), ["3"]);
    });
}

#[test]
fn the_headers_of_metrics_stand_in_place_of_the_general_ones() {
    with_all(&[(HEADERS, "general=1,both=1")], |send| {
        let arrival = send(&[(METRICS_HEADERS, "metrics=2,both=2")]);
        assert_eq!(values(&arrival, "both"), ["2"]);
        assert_eq!(values(&arrival, "metrics"), ["2"]);
        assert!(values(&arrival, "general").is_empty());
        assert_eq!(values(&send(&[(METRICS_HEADERS, "")]), "general"), ["1"]);
    });
}

#[test]
fn headers_in_code_join_those_of_the_environment_and_beat_them() {
    let collector = Collector::start([]);
    let builder = builder(&[(ENDPOINT, &collector.url()), (HEADERS, "key=environment,other=environment")]);
    let arrival = arrival(&collector, builder.header("Key", "code"));
    assert_eq!(values(&arrival, "key"), ["code"]);
    assert_eq!(values(&arrival, "other"), ["environment"]);
}

#[test]
fn a_bad_entry_is_warned_of_by_its_number_and_the_others_are_sent() {
    let bad = [
        ("nothing", "has no `=`"),
        ("=value", "its name"),
        ("a name=value", "its name"),
        ("naïve=value", "its name"),
        ("key=%0A", "its value"),
        ("Content-Type=text/plain", "set by the exporter itself"),
        ("grpc-timeout=1S", "or by gRPC"),
        ("trace-bin=AAAA", "binary"),
    ];
    for (entry, problem) in bad {
        let collector = Collector::http([]);
        let list = format!("first=1,,{entry},last=2");
        let url = collector.url();
        let exporter = start(&[(PROTOCOL, "http/protobuf"), (ENDPOINT, &url), (METRICS_HEADERS, &list)]);
        let text = crate::exporting::warning(&exporter, METRICS_HEADERS).to_string();
        assert!(text.contains("entry 3: ") && text.contains(problem), "{text}");
        assert!(text.contains("write key=value,key=value, percent-encoded"), "{text}");
        let arrival = flush(&collector, &exporter);
        assert_eq!(
            (values(&arrival, "first"), values(&arrival, "last")),
            (vec!["1".into()], vec!["2".into()])
        );
        assert_eq!(arrival.content_type, "application/x-protobuf");
    }
}

#[test]
fn a_bad_header_in_code_is_an_error() {
    let start = |name: &str, value: &str| -> Result<Exporter, StartError> {
        builder(&[]).header(name, value).start()
    };
    for (name, value) in [("a name", "value"), ("key", "a\nb"), ("te", "trailers"), ("x-bin", "AAAA")] {
        let error = start(name, value).unwrap_err();
        assert!(matches!(&error, StartError::Header { name: shown, .. } if shown == name), "{error}");
        assert!(error.to_string().contains("give another, or leave it out"), "{error}");
    }
}
