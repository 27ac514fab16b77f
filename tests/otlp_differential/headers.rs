//! Headers: OTLP exporter specification, "Specifying headers via environment variables".

use freewheel::otlp::Warning;

use crate::{
    sent::{Recorder, Sent, here, ours},
    theirs::theirs,
};

const GENERAL: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const METRICS: &str = "OTEL_EXPORTER_OTLP_METRICS_HEADERS";
const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://HERE");

/// What both send, and what ours warned of.
fn both(variables: &[(&str, &str)]) -> ([Sent; 2], Vec<Warning>) {
    let recorder = Recorder::start();
    let variables: Vec<_> = [ENDPOINT].into_iter().chain(variables.iter().copied()).collect();
    let variables = here(recorder.address, &variables);
    let (ours, warnings) = ours(&recorder, &variables);
    ([ours.unwrap(), theirs(&variables).unwrap()], warnings)
}

/// Both send the same; ours warns of so many entries.
fn agree(variables: &[(&str, &str)], warned: usize) -> Sent {
    let ([ours, theirs], warnings) = both(variables);
    assert_eq!(ours.clone().anonymous(), theirs.anonymous(), "{variables:?}");
    assert_eq!(warnings.len(), warned, "{variables:?}: {warnings:?}");
    ours
}

#[test]
fn both_send_the_same_of_well_formed_lists() {
    let lists = [
        "",
        ",",
        ",,",
        "a=b",
        "a=b,c=d",
        " a = b , c = d ",
        "a=b,",
        ",a=b",
        "a=b,,c=d",
        "a=b,a=c",
        "A=b,a=c",
        "a=b=c",
        "a==",
        "a=b;c=d",
        "a=%20b",
        "a=b%20c",
        "a=%2C%3D%25",
        "a=%C3%A9",
        "a=é",
        "a=\"quoted\"",
        "a=b+c",
        "authorization=Basic%20dXNlcjpwYXNz",
        "authorization=Bearer token",
        "x-long-name_1.~!#$&'*+^`|=b",
        "a=%e2%82%ac",
        "a=%7E",
        "a=%41%42",
        "a=b\tc",
        "accept=text/plain",
        "traceparent=00-1-2-01",
        "a=<b>",
        "0=1",
        "a=%09",
    ];
    for list in lists {
        for name in [GENERAL, METRICS] {
            agree(&[(name, list)], 0);
        }
    }
}

#[test]
fn both_take_malformed_percent_codes_as_they_stand() {
    for list in
        ["a=100%", "a=%", "a=%4", "a=%zz", "a=%G0", "a=%%", "a=%ff", "a=%C3", "a=%20%zz", "a=%c3%28,b=c"]
    {
        agree(&[(GENERAL, list)], 0);
    }
}

#[test]
fn both_leave_out_what_is_no_header_and_ours_warns_of_it() {
    let lists = [
        ("novalue", 1),
        ("=b", 1),
        ("=", 1),
        ("a b=c", 1),
        ("a:b=c", 1),
        ("a(b)=c,d=e", 1),
        ("é=b", 1),
        ("a=%0A,b=c", 1),
        ("a=%00", 1),
        ("a=%7F", 1),
        ("novalue,a=b,also", 2),
        ("a/b=c,a@b=c,a[b]=c,d=e", 3),
        ("%61=b", 0),
        ("a%20b=c", 0),
    ];
    for (list, warned) in lists {
        agree(&[(GENERAL, list)], warned);
    }
}

#[test]
fn both_send_the_headers_of_metrics_in_place_of_the_general_ones() {
    let sent = agree(&[(GENERAL, "general=1,both=1"), (METRICS, "metrics=2,both=2")], 0);
    assert!(sent.header("general").is_empty());
    assert_eq!(sent.header("both"), ["2"]);
}

#[test]
fn both_send_protobuf_uncompressed() {
    let sent = agree(&[], 0);
    assert_eq!(sent.header("content-type"), ["application/x-protobuf"]);
    assert!(sent.header("content-encoding").is_empty());
}

/// "User-Agent header" of the exporter specification: each says who it is.
#[test]
fn each_says_who_it_is() {
    let ([ours, theirs], _) = both(&[]);
    assert!(ours.header("user-agent")[0].starts_with("freewheel-otlp-exporter-rust/"));
    assert!(theirs.header("user-agent")[0].starts_with("OTel-OTLP-Exporter-Rust/"));
}

/// "Parsing empty value" of the environment variable specification: an empty variable is as one that is not set. They
/// take it for an empty list.
#[test]
fn an_empty_list_for_metrics_leaves_the_general_one() {
    let ([ours, theirs], warnings) = both(&[(GENERAL, "a=b"), (METRICS, "")]);
    assert_eq!(ours.header("a"), ["b"]);
    assert!(theirs.header("a").is_empty() && warnings.is_empty());
}

/// The list is written as W3C baggage, in which values may be empty (as they may in HTTP). They leave those out.
#[test]
fn a_header_may_be_empty() {
    for list in ["a=,b=c", "a= ,b=c"] {
        let ([ours, theirs], warnings) = both(&[(GENERAL, list)]);
        assert_eq!((ours.header("a"), ours.header("b")), (vec![""], vec!["c"]));
        assert_eq!((theirs.header("a"), theirs.header("b")), (vec![], vec!["c"]));
        assert!(warnings.is_empty());
    }
}

/// A percent sign is followed by two hexadecimal digits, and a plus sign is none: RFC 3986, 2.1. They take it, and then
/// have a control character that cannot be sent.
#[test]
fn a_sign_is_no_hexadecimal_digit() {
    let ([ours, theirs], warnings) = both(&[(GENERAL, "a=%+f")]);
    assert_eq!(ours.header("a"), ["%+f"]);
    assert!(theirs.header("a").is_empty() && warnings.is_empty());
}

/// What describes the body, the connection and the sender is not the operator's to say: a wrong `content-type` makes
/// collectors misread what they get. They send it.
#[test]
fn headers_that_the_exporter_sets_itself_are_refused() {
    let names = [
        "content-type",
        "Content-Type",
        "content-encoding",
        "user-agent",
        "te",
        "connection",
        "transfer-encoding",
        "grpc-timeout",
        "grpc-encoding",
    ];
    for name in names {
        let ([ours, theirs], warnings) = both(&[(GENERAL, &format!("{name}=wrong,a=b"))]);
        assert!(!ours.header(&name.to_lowercase()).contains(&"wrong"), "{name}");
        assert_eq!(theirs.header(&name.to_lowercase()), ["wrong"], "{name}");
        assert_eq!(ours.header("a"), ["b"]);
        assert!(warnings[0].to_string().contains("set by the exporter itself, or by gRPC"), "{name}");
    }
    // These decide where the body ends and which host is meant; a transport would not send theirs either.
    for name in ["host", "content-length"] {
        let ([ours, _], warnings) = both(&[(GENERAL, &format!("{name}=1,a=b"))]);
        assert_eq!((ours.header("a"), warnings.len()), (vec!["b"], 1), "{name}");
    }
}

/// Names that end in `-bin` have bytes in them over gRPC, which a list of texts does not tell; one list is for both.
#[test]
fn binary_headers_are_refused() {
    let ([ours, theirs], warnings) = both(&[(GENERAL, "trace-bin=AAAA,a=b")]);
    assert_eq!((ours.header("trace-bin"), ours.header("a")), (vec![], vec!["b"]));
    assert_eq!(theirs.header("trace-bin"), ["AAAA"]);
    assert!(warnings[0].to_string().contains("binary headers are not supported"));
}
