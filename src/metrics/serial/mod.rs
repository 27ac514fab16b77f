//! Plain data as serde sees it; the form is described at [`Snapshot`].
//!
//! It is written down here and not at the types, so that it stays what it is when they change. Whatever comes in is
//! checked: a value that came out of this module obeys the same rules as one that was collected.
//!
//! | file           | what                                |
//! |----------------|-------------------------------------|
//! | `mod.rs`       | snapshots, metrics, points          |
//! | `attribute.rs` | attributes                          |
//! | `histogram.rs` | histograms of both kinds            |
//! | `request.rs`   | what is told about requests         |

use std::{ops::Not, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    Attributes, Data, Exemplar, ExplicitHistogram, ExponentialHistogram, Metric, Point, SeriesId, Snapshot,
    Timestamp,
};

mod attribute;
mod exemplar;
mod histogram;
mod request;

/// Makes serde treat a type as its form, a private type that lists the same fields.
macro_rules! has_form {
    ($type:ty, $form:ident) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $form::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $form::deserialize(deserializer)
            }
        }
    };
}
use has_form;

has_form!(Snapshot, SnapshotForm);
has_form!(Metric, MetricForm);
has_form!(Data, DataForm);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Snapshot")]
struct SnapshotForm {
    #[serde(rename = "takenAtUnixNano")]
    taken_at: Timestamp,
    metrics: Vec<Metric>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Metric")]
struct MetricForm {
    name: Arc<str>,
    #[serde(default)]
    description: Arc<str>,
    #[serde(default)]
    unit: Arc<str>,
    #[serde(rename = "observed", default, skip_serializing_if = "Not::not")]
    is_observed: bool,
    data: Data,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Data", rename_all = "camelCase")]
enum DataForm {
    Counter(Vec<Point<u64>>),
    CounterF64(Vec<Point<f64>>),
    UpDownCounter(Vec<Point<i64>>),
    GaugeI64(Vec<Point<i64>>),
    GaugeF64(Vec<Point<f64>>),
    #[serde(rename = "exponentialHistogram")]
    Histogram(Vec<Point<ExponentialHistogram>>),
    ExplicitHistogram(Vec<Point<ExplicitHistogram>>),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Point")]
struct PointForm<T> {
    #[serde(default, deserialize_with = "attribute::canonical")]
    attributes: Attributes,
    #[serde(rename = "startTimeUnixNano")]
    start: Timestamp,
    #[serde(rename = "timeUnixNano")]
    time: Timestamp,
    value: T,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exemplars: Vec<Exemplar>,
    series: SeriesId,
}

impl<T: Serialize> Serialize for Point<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PointForm::serialize(self, serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Point<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PointForm::deserialize(deserializer)
    }
}

impl Serialize for SeriesId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SeriesId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_unix_nanos().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self::from_unix_nanos)
    }
}
