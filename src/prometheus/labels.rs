//! From attributes to labels.

use std::{fmt, fmt::Write, ops::Range};

use super::text::{sanitize_into, write_escaped};
use crate::metrics::{KeyValue, Value};

/// The label that tells apart series whose labels are the same otherwise.
pub(super) const DUPLICATE: &str = "freewheel_duplicate";
pub(super) const SCOPE_NAME: &str = "otel_scope_name";
pub(super) const SCOPE_VERSION: &str = "otel_scope_version";
/// The label of a bucket's upper bound.
pub(super) const LE: &str = "le";

/// What the name of an attribute's label gets in front if the exposition uses the name itself.
const EXPORTED: &str = "exported_";

/// The labels of one series at a time, as text. Memory is used again from series to series.
#[derive(Debug, Default)]
pub(super) struct Labels {
    /// `name="value"`, separated by commas.
    text: String,
    /// The names for the attributes of the series, one after the other.
    names: String,
    spans: Vec<Range<usize>>,
}

impl Labels {
    /// Renders `attributes`, which are sorted by key, after the labels in `first`. Names in `reserved` are avoided.
    pub(super) fn render(&mut self, first: &str, attributes: &[KeyValue], reserved: &[&str]) -> fmt::Result {
        self.text.clear();
        self.text.push_str(first);
        self.name(attributes, reserved);
        for (at, attribute) in attributes.iter().enumerate() {
            let name = &self.names[self.spans[at].clone()];
            let has_same_name = |span: &Range<usize>| self.names[span.clone()] == *name;
            if self.spans[..at].iter().any(has_same_name) {
                // The first of that name has this value too.
                continue;
            }
            let before = self.text.len();
            start_label(&mut self.text, name);
            let start = self.text.len();
            write_value(&mut self.text, &attribute.value)?;
            for (span, attribute) in self.spans.iter().zip(attributes).skip(at + 1) {
                if has_same_name(span) {
                    self.text.push(';');
                    write_value(&mut self.text, &attribute.value)?;
                }
            }
            if self.text.len() == start {
                // No value and no label are the same to Prometheus.
                self.text.truncate(before);
            } else {
                self.text.push('"');
            }
        }
        Ok(())
    }

    /// Finds the labels' names for `attributes`.
    fn name(&mut self, attributes: &[KeyValue], reserved: &[&str]) {
        self.names.clear();
        self.spans.clear();
        for attribute in attributes {
            let start = self.names.len();
            sanitize_into(&mut self.names, &attribute.key);
            if reserved.contains(&&self.names[start..]) {
                self.names.insert_str(start, EXPORTED);
            }
            self.spans.push(start..self.names.len());
        }
    }

    /// Adds a label whose value needs no escapes.
    pub(super) fn push(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        start_label(&mut self.text, name);
        write!(self.text, "{value}\"")
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

/// The labels of a scope; one that is empty is left out.
pub(super) fn of_scope(name: &str, version: &str) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for (label, value) in [(SCOPE_NAME, name), (SCOPE_VERSION, version)] {
        if !value.is_empty() {
            start_label(&mut text, label);
            write_escaped(&mut text, value)?;
            text.push('"');
        }
    }
    Ok(text)
}

fn start_label(text: &mut String, name: &str) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(name);
    text.push_str("=\"");
}

/// Attributes that are no text become text as in JSON; what JSON has no number for has a name.
fn write_value(out: &mut String, value: &Value) -> fmt::Result {
    match value {
        Value::String(text) => write_escaped(out, text),
        Value::F64(value) if value.is_nan() => out.write_str("NaN"),
        Value::F64(f64::INFINITY) => out.write_str("Infinity"),
        Value::F64(f64::NEG_INFINITY) => out.write_str("-Infinity"),
        Value::F64(value) => match value.abs() {
            0.0 | 1e-6..1e21 => write!(out, "{value}"),
            _ => write!(out, "{value:e}"),
        },
        other => write!(out, "{other}"),
    }
}
