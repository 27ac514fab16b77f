//! Endpoints: OTLP exporter specification, "Endpoint URLs for OTLP/HTTP".

use crate::{
    sent::{Recorder, Sent, here, ours},
    theirs::theirs,
};

const GENERAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const METRICS: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";

/// What both send.
fn both(variables: &[(&str, &str)]) -> [Result<Sent, String>; 2] {
    let recorder = Recorder::start();
    let variables = here(recorder.address, variables);
    let strip = |sent: Result<Sent, String>| {
        sent.map(|sent| {
            let url = sent.url.replace(&recorder.address.to_string(), crate::sent::HERE);
            Sent { url, ..sent }.anonymous()
        })
    };
    [strip(ours(&recorder, &variables).0), strip(theirs(&variables))]
}

fn urls(variables: &[(&str, &str)]) -> [Result<String, String>; 2] {
    both(variables).map(|sent| sent.map(|sent| sent.url))
}

#[test]
fn both_post_to_the_same_url() {
    let paths = [
        "",
        "/",
        "//",
        "/base",
        "/base/",
        "/base//",
        "/a/b",
        "/a/b/",
        "/v1/metrics",
        "/v1/metrics/",
        "/v1/traces",
        "/with%20space",
        "/with%2Fslash",
        "/dots/./../here",
        "/semi;colon=1",
        "/a:b@c",
        "/plus+and&",
        "/~user",
    ];
    for path in paths {
        let endpoint = format!("http://HERE{path}");
        for name in [GENERAL, METRICS] {
            let [ours, theirs] = both(&[(name, &endpoint)]);
            assert!(ours.is_ok(), "{name}={endpoint}: {ours:?}");
            assert_eq!(ours, theirs, "{name}={endpoint}");
        }
    }
}

#[test]
fn both_take_an_endpoint_of_metrics_with_its_query() {
    for path in ["?a=b", "/?a=b", "/base?a=b&c=d", "/base/?a=%20", "/base?", "/base?a=/b/"] {
        let endpoint = format!("http://HERE{path}");
        let [ours, theirs] = urls(&[(METRICS, &endpoint)]);
        assert!(ours.is_ok(), "{endpoint}: {ours:?}");
        assert_eq!(ours, theirs, "{endpoint}");
    }
}

#[test]
fn both_prefer_the_endpoint_of_metrics_and_take_an_empty_one_for_unset() {
    let cases: [&[(&str, &str)]; 3] = [
        &[(GENERAL, "http://192.0.2.1:1/general"), (METRICS, "http://HERE/metrics")],
        &[(GENERAL, "http://HERE/general"), (METRICS, "")],
        &[(GENERAL, ""), (METRICS, "http://HERE/metrics")],
    ];
    for variables in cases {
        let [ours, theirs] = both(variables);
        assert!(ours.is_ok(), "{variables:?}: {ours:?}");
        assert_eq!(ours, theirs, "{variables:?}");
    }
}

#[test]
fn both_take_schemes_in_any_case_and_drop_fragments() {
    for endpoint in ["HTTP://HERE/base", "Http://HERE", "http://HERE/base#fragment", "http://HERE#fragment"] {
        let [ours, theirs] = both(&[(METRICS, endpoint)]);
        assert!(ours.is_ok(), "{endpoint}: {ours:?}");
        assert_eq!(ours, theirs, "{endpoint}");
    }
}

#[test]
fn neither_starts_with_what_is_no_url() {
    let bad = [
        "HERE/v1/metrics",
        "http//HERE",
        "http:/HERE",
        "http://a host/",
        "http://[::1/",
        "unix:///run/otlp.sock",
    ];
    for endpoint in bad {
        for name in [GENERAL, METRICS] {
            let [ours, theirs] = urls(&[(name, endpoint)]);
            assert!(ours.is_err() && theirs.is_err(), "{name}={endpoint}: {ours:?} {theirs:?}");
            assert!(ours.unwrap_err().contains(name));
        }
    }
}

/// A URL without a host is none: RFC 9110, 4.2.1. They put the path where the host is missing.
#[test]
fn an_endpoint_without_a_host_gets_none_from_the_path() {
    let [ours, theirs] = urls(&[(GENERAL, "http://")]);
    assert!(ours.unwrap_err().contains("it is not a URL"));
    assert_eq!(theirs.unwrap(), "v1/metrics");
}

/// "Relative to" a base URL with a query: the path is what is appended to. They append to the query.
#[test]
fn the_path_of_metrics_goes_before_a_query() {
    let [ours, theirs] = urls(&[(GENERAL, "http://HERE/base?a=b")]);
    assert_eq!(ours.unwrap(), "HERE/base/v1/metrics?a=b");
    assert_eq!(theirs.unwrap(), "HERE/base?a=b/v1/metrics");
}

/// The same with a fragment, which is never sent: they append to that, and post to the base.
#[test]
fn the_path_of_metrics_goes_before_a_fragment() {
    let [ours, theirs] = urls(&[(GENERAL, "http://HERE/base#fragment")]);
    assert_eq!(ours.unwrap(), "HERE/base/v1/metrics");
    assert_eq!(theirs.unwrap(), "HERE/base");
}

/// White space comes from files that variables are read from, and is never meant. They refuse it.
#[test]
fn white_space_around_an_endpoint_is_not_part_of_it() {
    for endpoint in [" http://HERE/base", "http://HERE/base ", "http://HERE/base\n"] {
        let [ours, theirs] = urls(&[(METRICS, endpoint)]);
        assert_eq!(ours.unwrap(), "HERE/base", "{endpoint:?}");
        assert!(theirs.is_err(), "{endpoint:?}: {theirs:?}");
    }
}

/// "MUST be a valid URL, with scheme (http or https) and host": what is none is refused at the start here, and there
/// handed to the client, which may or may not refuse it with each export.
#[test]
fn what_no_request_can_be_sent_to_is_refused_at_the_start() {
    for endpoint in ["HERE", "localhost", ":4318", "ftp://HERE/", "http://HEREx/", "/v1/metrics"] {
        let [ours, theirs] = urls(&[(METRICS, endpoint)]);
        let error = ours.unwrap_err();
        assert!(error.contains(METRICS), "{endpoint}: {error}");
        assert!(theirs.is_ok(), "{endpoint}: {theirs:?}");
    }
}

/// User name and password in a URL are what clients drop (and HTTP has no place for): RFC 9110, 4.2.4. Whoever wrote
/// them expects them to count, so here it is an error, which says to send a header.
#[test]
fn a_user_name_in_a_url_is_refused() {
    let [ours, theirs] = urls(&[(METRICS, "http://user:password@HERE/")]);
    let error = ours.unwrap_err();
    assert!(error.contains("send a header instead") && !error.contains("password@"), "{error}");
    assert_eq!(theirs.unwrap(), "user:password@HERE/");
}
