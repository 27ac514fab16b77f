//! Attributes.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::has_form;
use crate::metrics::{Attributes, KeyValue, Value, attributes};

has_form!(KeyValue, KeyValueForm);
has_form!(Value, ValueForm);

#[derive(Serialize, Deserialize)]
#[serde(remote = "KeyValue")]
struct KeyValueForm {
    key: Cow<'static, str>,
    value: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Value")]
enum ValueForm {
    #[serde(rename = "boolValue")]
    Bool(bool),
    #[serde(rename = "intValue")]
    I64(i64),
    #[serde(rename = "doubleValue", serialize_with = "write_float", deserialize_with = "read_float")]
    F64(f64),
    #[serde(rename = "stringValue")]
    String(Cow<'static, str>),
}

/// Reads attributes in any order, and refuses what no series can have.
pub(super) fn canonical<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attributes, D::Error> {
    let attributes = Vec::<KeyValue>::deserialize(deserializer)?;
    attributes::canonical(&attributes).map_err(de::Error::custom)
}

const NAN: &str = "NaN";
const INFINITY: &str = "Infinity";
const NEGATIVE_INFINITY: &str = "-Infinity";

/// Writes what JSON has no numbers for as text, as OTLP does.
fn write_float<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match *value {
        finite if finite.is_finite() || !serializer.is_human_readable() => serializer.serialize_f64(finite),
        f64::INFINITY => serializer.serialize_str(INFINITY),
        f64::NEG_INFINITY => serializer.serialize_str(NEGATIVE_INFINITY),
        _ => serializer.serialize_str(NAN),
    }
}

fn read_float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_any(Float)
    } else {
        deserializer.deserialize_f64(Float)
    }
}

/// Reads a number, or the text for what is none.
struct Float;

impl de::Visitor<'_> for Float {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number, or one of the texts {NAN:?}, {INFINITY:?} and {NEGATIVE_INFINITY:?}")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        match text {
            NAN => Ok(f64::NAN),
            INFINITY => Ok(f64::INFINITY),
            NEGATIVE_INFINITY => Ok(f64::NEG_INFINITY),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}
