//! Attributes, as `KeyValue` messages.

use prost::encoding::{bool, double, int64};

use super::wire::{self, any_value, key_value};
use crate::metrics::{KeyValue, Value};

/// Writes attributes into the message that has them in this field.
pub(super) fn write(field: u32, attributes: &[KeyValue], out: &mut Vec<u8>) {
    for KeyValue { key, value } in attributes {
        let value_length = value_length(value);
        let key_length = if key.is_empty() { 0 } else { wire::length_of(key_value::KEY, key.len()) };
        wire::begin(field, key_length + wire::length_of(key_value::VALUE, value_length), out);
        wire::text(key_value::KEY, key, out);
        wire::begin(key_value::VALUE, value_length, out);
        write_value(value, out);
    }
}

/// One of these is always written, even if it is zero: it says of what type the value is.
fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => bool::encode(any_value::BOOL, value, out),
        Value::I64(value) => int64::encode(any_value::INT, value, out),
        Value::F64(value) => double::encode(any_value::DOUBLE, value, out),
        Value::String(value) => wire::bytes(any_value::STRING, value.as_bytes(), out),
    }
}

fn value_length(value: &Value) -> usize {
    match value {
        Value::Bool(value) => bool::encoded_len(any_value::BOOL, value),
        Value::I64(value) => int64::encoded_len(any_value::INT, value),
        Value::F64(value) => double::encoded_len(any_value::DOUBLE, value),
        Value::String(value) => wire::length_of(any_value::STRING, value.len()),
    }
}
