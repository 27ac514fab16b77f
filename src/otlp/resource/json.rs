//! Arrays as text: attributes here have no arrays, and OpenTelemetry writes them as JSON where that is so.

use std::fmt::Write;

/// The text of a JSON array whose `elements` are JSON already.
pub(super) fn array<T: AsRef<str>>(elements: impl IntoIterator<Item = T>) -> String {
    let mut text = String::from("[");
    for (at, element) in elements.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(element.as_ref());
    }
    text.push(']');
    text
}

/// The text of a JSON string.
pub(super) fn string(content: &str) -> String {
    let mut text = String::from('"');
    for character in content.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            control if control < ' ' => {
                write!(text, "\\u{:04x}", u32::from(control)).expect("a String takes everything");
            }
            other => text.push(other),
        }
    }
    text.push('"');
    text
}
