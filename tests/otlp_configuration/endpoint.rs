//! `OTEL_EXPORTER_OTLP_ENDPOINT` and its form for metrics, and `OTEL_EXPORTER_OTLP_INSECURE`.

use freewheel::otlp::{Protocol, StartError};

use crate::{
    certificates::{Authority, server_config},
    collector::{Collector, Protocol as Spoken},
    exporting::{
        ENDPOINT, HTTP, METRICS_ENDPOINT, PROTOCOL, arrival, builder, environment, registry, target,
    },
};

const INSECURE: &str = "OTEL_EXPORTER_OTLP_INSECURE";
const METRICS_INSECURE: &str = "OTEL_EXPORTER_OTLP_METRICS_INSECURE";

#[test]
fn without_an_endpoint_the_protocol_decides_where_to_send() {
    assert_eq!(target(builder(&[])), "http://localhost:4317");
    assert_eq!(target(builder(&[(PROTOCOL, "grpc")])), "http://localhost:4317");
    assert_eq!(target(builder(&[HTTP])), "http://localhost:4318/v1/metrics");
    assert_eq!(target(builder(&[(PROTOCOL, "http/json")])), "http://localhost:4318/v1/metrics");
}

#[test]
fn over_http_the_general_endpoint_gets_the_path_of_metrics() {
    let collector = Collector::http([]);
    let cases = [("", "/v1/metrics"), ("/", "/v1/metrics"), ("/base", "/base/v1/metrics")];
    for (path, expected) in cases {
        let url = collector.url() + path;
        let arrival = arrival(&collector, builder(&[HTTP, (ENDPOINT, &url)]));
        assert_eq!(arrival.path, expected, "{path:?}");
    }
    let url = collector.url() + "/base/";
    assert_eq!(arrival(&collector, builder(&[HTTP, (ENDPOINT, &url)])).path, "/base/v1/metrics");
}

#[test]
fn over_http_the_endpoint_of_metrics_is_taken_as_it_is() {
    let collector = Collector::http([]);
    for (path, expected) in [("", "/"), ("/", "/"), ("/v1/metrics", "/v1/metrics"), ("/other/", "/other/")] {
        let url = collector.url() + path;
        let arrival = arrival(&collector, builder(&[HTTP, (METRICS_ENDPOINT, &url)]));
        assert_eq!(arrival.path, expected, "{path:?}");
    }
}

#[test]
fn over_http_an_endpoint_in_code_gets_the_path_of_metrics_if_it_has_none() {
    let collector = Collector::http([]);
    for (path, expected) in [("", "/v1/metrics"), ("/", "/v1/metrics"), ("/other", "/other")] {
        let arrival = arrival(&collector, builder(&[HTTP]).endpoint(collector.url() + path));
        assert_eq!(arrival.path, expected, "{path:?}");
    }
}

#[test]
fn code_beats_the_endpoint_of_metrics_and_that_the_general_one() {
    for spoken in [Spoken::Grpc, Spoken::Http] {
        let protocol = if spoken == Spoken::Grpc { "grpc" } else { "http/protobuf" };
        let [code, metrics, general] = [(); 3].map(|()| Collector::over(spoken).start([]));
        let (general_url, metrics_url) = (general.url(), metrics.url());
        let all = [(PROTOCOL, protocol), (ENDPOINT, &*general_url), (METRICS_ENDPOINT, &*metrics_url)];
        arrival(&general, builder(&all[..2]));
        arrival(&metrics, builder(&all));
        arrival(&code, builder(&all).endpoint(code.url()));
    }
}

#[test]
fn an_empty_endpoint_counts_as_unset() {
    let general = Collector::start([]);
    arrival(&general, builder(&[(ENDPOINT, &general.url()), (METRICS_ENDPOINT, "")]));
    assert_eq!(target(builder(&[(ENDPOINT, ""), (METRICS_ENDPOINT, "")])), "http://localhost:4317");
}

#[test]
fn grpc_takes_host_and_port_without_a_scheme_which_insecure_makes_plain() {
    let collector = Collector::start([]);
    let address = collector.url().replace("http://", "");
    let endpoint = (ENDPOINT, &*address);
    arrival(&collector, builder(&[endpoint, (INSECURE, "true")]));
    arrival(&collector, builder(&[endpoint, (INSECURE, "TRUE"), (METRICS_INSECURE, "")]));
    arrival(&collector, builder(&[endpoint, (INSECURE, "false"), (METRICS_INSECURE, "true")]));
    arrival(&collector, builder(&[(INSECURE, "true")]).endpoint(address.clone()));

    let secure = format!("https://{address}");
    assert_eq!(target(builder(&[endpoint])), secure);
    assert_eq!(target(builder(&[endpoint, (INSECURE, "false")])), secure);
    assert_eq!(target(builder(&[endpoint, (INSECURE, "true"), (METRICS_INSECURE, "false")])), secure);
}

#[test]
fn grpc_without_a_scheme_speaks_tls_unless_told_otherwise() {
    let authority = Authority::new("ours");
    let collector = Collector::over(Spoken::Grpc).tls(server_config(&authority.server())).start([]);
    let address = collector.url().replace("https://", "");
    let trust = freewheel::otlp::Tls::default().authority(authority.certificate.clone());
    for insecure in ["", "false"] {
        let variables = [(ENDPOINT, &*address), (INSECURE, insecure)];
        arrival(&collector, builder(&variables).tls(trust.clone()));
    }
}

#[test]
fn insecure_changes_nothing_of_an_endpoint_with_a_scheme() {
    let collector = Collector::start([]);
    arrival(&collector, builder(&[(ENDPOINT, &collector.url()), (INSECURE, "false")]));
    let secure = collector.url().replace("http://", "https://");
    assert_eq!(target(builder(&[(ENDPOINT, &secure), (INSECURE, "true")])), secure);
}

#[test]
fn grpc_takes_a_unix_domain_socket() {
    let folder = std::env::temp_dir().join(format!("freewheel-configuration-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("otlp.sock");
    {
        let collector = Collector::unix(&path, []);
        for url in [format!("unix://{}", path.display()), format!("unix:{}", path.display())] {
            arrival(&collector, builder(&[(ENDPOINT, &url)]));
            arrival(&collector, builder(&[(METRICS_ENDPOINT, &url)]));
            arrival(&collector, builder(&[]).endpoint(url));
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_endpoint_that_cannot_be_used_is_an_error_that_names_its_variable() {
    let cases = [
        (ENDPOINT, "http/protobuf", "collector:4318", "neither http nor https"),
        (ENDPOINT, "http/protobuf", "unix:///run/otlp.sock", "for gRPC only"),
        (ENDPOINT, "grpc", "unix:", "names no file"),
        (METRICS_ENDPOINT, "grpc", "ftp://collector", "neither http nor https"),
        (METRICS_ENDPOINT, "grpc", "http://a host", "not a URL"),
        (METRICS_ENDPOINT, "grpc", "http://host:4317x", "its port is no number"),
        (METRICS_ENDPOINT, "http/protobuf", "/v1/metrics", "names no host"),
    ];
    for (variable, protocol, endpoint, problem) in cases {
        let error = builder(&[(PROTOCOL, protocol), (variable, endpoint)]).start().unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("{endpoint:?} in {variable}")) && text.contains(problem), "{text}");
        assert!(matches!(error, StartError::Endpoint { .. }), "{text}");

        // The same in code names none.
        let environment = environment(&[(PROTOCOL, protocol)]);
        let builder = crate::collector::idle_exporter(&registry()).environment(environment);
        let text = builder.endpoint(endpoint).start().unwrap_err().to_string();
        assert!(!text.contains("OTEL_") && text.contains(problem), "{text}");
    }
}

#[test]
fn a_protocol_in_code_decides_the_default_endpoint() {
    assert_eq!(target(builder(&[HTTP]).protocol(Protocol::Grpc)), "http://localhost:4317");
    assert_eq!(target(builder(&[]).protocol(Protocol::HttpProtobuf)), "http://localhost:4318/v1/metrics");
}
