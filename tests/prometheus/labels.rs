//! From attributes to labels.

use freewheel::{
    metrics::{KeyValue, Registry},
    prometheus::{Conflict, Encoder, Format},
};
use proptest::prelude::*;

use super::{labels, text};

/// A text without its escapes.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some(escaped @ ('\\' | '"')) => escaped,
                other => panic!("{other:?} is escaped in {text}"),
            },
            '"' | '\n' => panic!("{character:?} is not escaped in {text}"),
            other => other,
        });
    }
    plain
}

#[test]
fn keys_are_made_fit() {
    for (key, expected) in [
        ("http.request.method", "http_request_method"),
        ("a..b__c.-d", "a_b_c_d"),
        ("__name__", "_name_"),
        ("größe", "gr_e"),
        ("1st", "_1st"),
        ("a:b", "a_b"),
        ("quantile", "quantile"),
        ("le", "le"),
        ("freewheel_duplicate", "exported_freewheel_duplicate"),
        ("otel.scope.name", "otel_scope_name"),
        ("日", "_"),
    ] {
        assert_eq!(labels(&Encoder::new(), &[KeyValue::new(key, "x")]), format!("{{{expected}=\"x\"}}"));
    }
}

#[test]
fn values_of_keys_that_become_the_same_are_joined_in_the_order_of_the_keys() {
    let attributes = [
        KeyValue::new("a_b", "last"),
        KeyValue::new("a.b.c", 1),
        KeyValue::new("a.b", "first;\n"),
        KeyValue::new("a/b", true),
    ];
    assert_eq!(labels(&Encoder::new(), &attributes), r#"{a_b="first;\n;true;last",a_b_c="1"}"#);
}

#[test]
fn values_become_text() {
    for (value, expected) in [
        (0.0, "0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e21"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        assert_eq!(labels(&Encoder::new(), &[KeyValue::new("k", value)]), format!("{{k=\"{expected}\"}}"));
    }
    assert_eq!(labels(&Encoder::new(), &[KeyValue::new("k", i64::MIN)]), "{k=\"-9223372036854775808\"}");
    assert_eq!(labels(&Encoder::new(), &[KeyValue::new("k", false)]), "{k=\"false\"}");
}

#[test]
fn a_label_without_a_value_is_left_out() {
    assert_eq!(labels(&Encoder::new(), &[KeyValue::new("k", "")]), "");
    let attributes = [KeyValue::new("a", "x"), KeyValue::new("b", ""), KeyValue::new("c", "y")];
    assert_eq!(labels(&Encoder::new(), &attributes), r#"{a="x",c="y"}"#);
}

#[test]
fn the_labels_of_the_scope_come_first_and_are_nobody_elses() {
    let attributes = [KeyValue::new("a", 1), KeyValue::new("otel.scope.name", "mine")];
    let encoder = Encoder::new().scope("free\"wheel", "1.0");
    let scope = r#"otel_scope_name="free\"wheel",otel_scope_version="1.0""#;
    let expected = format!("{{{scope},a=\"1\",exported_otel_scope_name=\"mine\"}}");
    assert_eq!(labels(&encoder, &attributes), expected);
    assert_eq!(labels(&encoder, &[]), format!("{{{scope}}}"));
    assert_eq!(labels(&Encoder::new().scope("", "2"), &[]), r#"{otel_scope_version="2"}"#);
}

#[test]
fn an_attribute_le_is_not_the_bound_of_a_bucket() {
    let registry = Registry::new();
    let attributes = [KeyValue::new("exported.le", "x"), KeyValue::new("le", "y")];
    registry.histogram::<u64>("h").bind(&attributes).unwrap().record(1);
    let text = text(&registry);
    assert!(text.contains("h_bucket{exported_le=\"x;y\",le=\"1.0\"} 1\n"), "{text}");
    assert!(text.contains("h_count{exported_le=\"x;y\"} 1\n"), "{text}");
}

#[test]
fn series_whose_labels_become_the_same_are_told_apart() {
    let registry = Registry::new();
    for (number, key, value) in [(1, "a.b", "x"), (2, "a_b", "x"), (4, "a_b", "y"), (8, "a-b", "x")] {
        registry.counter("c").bind(&[KeyValue::new(key, value)]).unwrap().add(number);
    }
    for (number, value) in [(1, KeyValue::new("code", 200)), (2, KeyValue::new("code", "200"))] {
        registry.up_down_counter("d").bind(&[value]).unwrap().add(number);
    }
    let expected = r#"# TYPE c_total counter
c_total{a_b="x"} 1
c_total{a_b="x",freewheel_duplicate="2"} 2
c_total{a_b="y"} 4
c_total{a_b="x",freewheel_duplicate="3"} 8
# TYPE d gauge
d{code="200"} 1
d{code="200",freewheel_duplicate="2"} 2
"#;
    assert_eq!(text(&registry), expected);
    let conflicts = Encoder::new().conflicts(&registry.snapshot());
    let series = |metric: &str, labels: &str, duplicate| Conflict::Series {
        metric: metric.into(),
        labels: labels.into(),
        duplicate,
    };
    let expected = [series("c", "a_b=\"x\"", 2), series("c", "a_b=\"x\"", 3), series("d", "code=\"200\"", 2)];
    assert_eq!(conflicts, expected);
    assert!(conflicts[0].to_string().starts_with(r#"a series of "c" with labels {a_b="x"}"#));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_are_read_as_they_were_given(value in "(.|[\n\"\\\\]){1,20}") {
        let labels = labels(&Encoder::new(), &[KeyValue::new("k", value.clone())]);
        let escaped = labels.strip_prefix("{k=\"").unwrap().strip_suffix("\"}").unwrap();
        prop_assert_eq!(unescaped(escaped), value);
    }

    #[test]
    fn descriptions_are_read_as_they_were_given(description in "(.|[\n\"\\\\]){1,20}") {
        let registry = Registry::new();
        registry.counter("c").description(description.clone()).build().unwrap().add(1);
        let text = Encoder::new().format(Format::OpenMetrics).encode(&registry.snapshot());
        let lines: Vec<&str> = text.split('\n').collect();
        let [_, help, _, _, ""] = lines[..] else { panic!("{text}") };
        prop_assert_eq!(unescaped(help.strip_prefix("# HELP c ").unwrap()), description);
    }

    #[test]
    fn keys_become_names_that_prometheus_takes(key in "(.|[._0-9]){1,12}") {
        let labels = labels(&Encoder::new(), &[KeyValue::new(key, "x")]);
        let name = labels.strip_prefix('{').unwrap().strip_suffix("=\"x\"}").unwrap();
        prop_assert!(name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_'));
        prop_assert!(!name.starts_with(|first: char| first.is_ascii_digit()) && !name.contains("__"), "{}", name);
    }
}
