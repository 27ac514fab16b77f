//! The variable `OTEL_RESOURCE_ATTRIBUTES`.

use percent_encoding::percent_decode_str;

use crate::{
    metrics::KeyValue,
    otlp::{Environment, environment::Warnings},
};

const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// Its attributes: all of them, or none and a warning.
pub(super) fn attributes(environment: &Environment, warnings: &mut Warnings) -> Vec<KeyValue> {
    let Some(list) = environment.read(NAME, warnings) else { return Vec::new() };
    // A comma too many separates nothing, which says nothing.
    let members = list.split(',').map(str::trim).enumerate().filter(|(_, member)| !member.is_empty());
    let attributes = members.map(|(at, member)| attribute(member).map_err(|problem| (at + 1, problem)));
    attributes.collect::<Result<_, _>>().unwrap_or_else(|(at, problem)| {
        let problem = format!(
            "attribute {at} {problem}; write key1=value1,key2=value2, and percent-encode commas and percent signs"
        );
        warnings.add(NAME, problem);
        Vec::new()
    })
}

fn attribute(member: &str) -> Result<KeyValue, &'static str> {
    let (key, value) = member.split_once('=').ok_or("has no equals sign")?;
    let (key, value) = (decode(key.trim())?, decode(value.trim())?);
    if key.is_empty() {
        return Err("has no key");
    }
    Ok(KeyValue::new(key, value))
}

fn decode(text: &str) -> Result<String, &'static str> {
    // The library leaves a percent sign alone that does not begin a code.
    let codes = || text.split('%').skip(1).map(str::as_bytes);
    if codes().any(|code| code.len() < 2 || !code[..2].iter().all(u8::is_ascii_hexdigit)) {
        return Err("has a percent sign without two hexadecimal digits behind it");
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| "has percent-encoded bytes that are not UTF-8")
}
