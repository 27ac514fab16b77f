//! From and to the resources of `opentelemetry_sdk`.

use opentelemetry::{Array, KeyValue as SdkKeyValue, Value as SdkValue};
use opentelemetry_sdk::Resource as SdkResource;

use super::{Resource, json};
use crate::metrics::{KeyValue, Value};

/// Takes over all attributes and the schema. Attributes have no arrays here: an array becomes the text of a JSON array,
/// the form that OpenTelemetry prescribes where there are none. An attribute with an empty key is left out, which OTLP
/// does not allow.
impl From<&SdkResource> for Resource {
    fn from(resource: &SdkResource) -> Self {
        let attributes = resource.iter().filter(|(key, _)| !key.as_str().is_empty());
        let attributes =
            attributes.map(|(key, value)| KeyValue::new(key.as_str().to_owned(), from_sdk(value)));
        let schema_url = resource.schema_url().map(|url| url.to_owned().into());
        Self::new(attributes.collect(), schema_url, Vec::new())
    }
}

/// Takes over all attributes and the schema.
impl From<&Resource> for SdkResource {
    fn from(resource: &Resource) -> Self {
        let attribute =
            |attribute: &KeyValue| SdkKeyValue::new(attribute.key.clone(), to_sdk(&attribute.value));
        let attributes = resource.attributes().iter().map(attribute);
        let schema_url = resource.schema_url().unwrap_or_default().to_owned();
        Self::builder_empty().with_schema_url(attributes, schema_url).build()
    }
}

fn from_sdk(value: &SdkValue) -> Value {
    match value {
        SdkValue::Bool(value) => Value::Bool(*value),
        SdkValue::I64(value) => Value::I64(*value),
        SdkValue::F64(value) => Value::F64(*value),
        SdkValue::String(value) => value.as_str().to_owned().into(),
        SdkValue::Array(Array::Bool(values)) => json::array(values.iter().map(bool::to_string)).into(),
        SdkValue::Array(Array::I64(values)) => json::array(values.iter().map(i64::to_string)).into(),
        SdkValue::Array(Array::F64(values)) => json::array(values.iter().map(number)).into(),
        SdkValue::Array(Array::String(values)) => {
            json::array(values.iter().map(|value| json::string(value.as_str()))).into()
        }
        // Kinds to come.
        other => other.to_string().into(),
    }
}

/// JSON has no numbers that are not finite: they are the texts that OTLP's JSON has for them.
fn number(value: &f64) -> String {
    match value {
        value if value.is_finite() => format!("{value:?}"),
        value if value.is_nan() => json::string("NaN"),
        value => json::string(if *value > 0.0 { "Infinity" } else { "-Infinity" }),
    }
}

fn to_sdk(value: &Value) -> SdkValue {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::I64(value) => (*value).into(),
        Value::F64(value) => (*value).into(),
        Value::String(value) => value.clone().into(),
    }
}
