//! Exemplars: identities in hexadecimal, as OTLP has them in JSON.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::metrics::{Exemplar, Timestamp};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Exemplar", rename_all = "camelCase")]
struct ExemplarForm {
    value: f64,
    #[serde(rename = "timeUnixNano")]
    time: Timestamp,
    #[serde(with = "hex")]
    trace_id: [u8; 16],
    #[serde(with = "hex")]
    span_id: [u8; 8],
}

impl Serialize for Exemplar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ExemplarForm::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Exemplar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let exemplar = ExemplarForm::deserialize(deserializer)?;
        if exemplar.value.is_finite() {
            Ok(exemplar)
        } else {
            Err(de::Error::custom("the value of an exemplar must be finite"))
        }
    }
}

mod hex {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(id: &impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = id.as_ref().iter().map(|byte| format!("{byte:02x}"));
        serializer.serialize_str(&digits.collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let digits: Option<Vec<u8>> =
            text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
        let bytes: Option<Vec<u8>> = digits.map(|digits| {
            digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
        });
        let is_whole = text.len() == 2 * N;
        let id = bytes.filter(|_| is_whole).and_then(|bytes| bytes.try_into().ok());
        id.ok_or_else(|| de::Error::custom(format_args!("{text:?} is not {} hexadecimal digits", 2 * N)))
    }
}
