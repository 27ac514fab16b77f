//! What scrapers ask for, and what they are told they get.

use freewheel::prometheus::Format::{self, OpenMetrics, Text};

#[test]
fn the_accept_header_chooses_the_format() {
    for (accept, expected) in [
        ("", Text),
        ("*/*", Text),
        ("text/html, application/xhtml+xml, image/webp, */*;q=0.8", Text),
        ("application/openmetrics-text", OpenMetrics),
        ("Application/OpenMetrics-Text; Version=1.0.0; Charset=utf-8", OpenMetrics),
        ("application/openmetrics-text; version=\"1.0.0\"", OpenMetrics),
        ("application/openmetrics-text; version=0.0.1", Text),
        ("application/openmetrics-text; version=2.0.0", Text),
        ("application/*", OpenMetrics),
        ("application/openmetrics-text;q=0.5,text/plain;version=0.0.4;q=0.5", Text),
        ("application/openmetrics-text;q=0.3,text/plain;version=0.0.4;q=0.4", Text),
        ("application/openmetrics-text;q=0.5,*/*;q=0.9", Text),
        // The more precise range counts, wherever it stands and whatever the other's weight is.
        ("*/*, text/plain;q=0", OpenMetrics),
        ("text/plain;q=0.1, text/*;q=0.9, application/openmetrics-text;q=0.5", OpenMetrics),
        ("application/openmetrics-text;q=nonsense, text/plain;q=0.1", Text),
        ("nonsense", Text),
        // Prometheus 2 and 3.
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OpenMetrics,
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OpenMetrics,
        ),
        ("text/plain;version=0.0.4;q=0.6,*/*;q=0.5", Text),
    ] {
        assert_eq!(Format::from_accept(accept), expected, "{accept}");
    }
}

#[test]
fn the_content_type_of_a_format_asks_for_that_format() {
    for format in [Text, OpenMetrics] {
        assert_eq!(Format::from_accept(format.content_type()), format);
        assert!(format.content_type().ends_with("; charset=utf-8"));
    }
    assert_eq!(Format::default(), Text);
}
