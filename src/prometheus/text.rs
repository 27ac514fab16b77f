//! Names and texts made fit for the exposition.

use std::{fmt, fmt::Write};

/// Appends `name` to `out` with each run of characters that a name cannot have, and each run of underscores, as one
/// underscore. A digit that comes first gets an underscore before it.
pub(super) fn sanitize_into(out: &mut String, name: &str) {
    let mut after_underscore = false;
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        out.push('_');
    }
    for character in name.chars() {
        let is_underscore = !character.is_ascii_alphanumeric();
        if !is_underscore {
            out.push(character);
        } else if !after_underscore {
            out.push('_');
        }
        after_underscore = is_underscore;
    }
}

/// Writes `text` with a backslash before each backslash and each double quote, and line feeds as `\n`.
pub(super) fn write_escaped(out: &mut impl Write, text: &str) -> fmt::Result {
    write_replaced(out, text, &['\\', '"', '\n'])
}

/// As [`write_escaped`], but leaves double quotes as they are.
pub(super) fn write_escaped_but_quotes(out: &mut impl Write, text: &str) -> fmt::Result {
    write_replaced(out, text, &['\\', '\n'])
}

fn write_replaced(out: &mut impl Write, text: &str, special: &[char]) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(special) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'\n' => r"\n",
            b'"' => r#"\""#,
            _ => r"\\",
        })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)
}
