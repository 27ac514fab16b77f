//! Histograms of both kinds.

use std::{borrow::Cow, ops::RangeInclusive};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::has_form;
use crate::metrics::{
    ExplicitHistogram, ExponentialHistogram, HistogramSnapshot, buckets, figures::Figures, side::Side,
};

has_form!(HistogramSnapshot, HistogramSnapshotForm);

#[derive(Serialize, Deserialize)]
#[serde(remote = "HistogramSnapshot", rename_all = "camelCase")]
enum HistogramSnapshotForm {
    Exponential(ExponentialHistogram),
    Explicit(ExplicitHistogram),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExponentialForm<'a> {
    count: u64,
    figures: FiguresForm,
    scale: i32,
    zero_count: u64,
    positive: SideForm<'a>,
    negative: SideForm<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SideForm<'a> {
    offset: i32,
    bucket_counts: Cow<'a, [u64]>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExplicitForm<'a> {
    count: u64,
    figures: FiguresForm,
    explicit_bounds: Cow<'a, [f64]>,
    bucket_counts: Cow<'a, [u64]>,
}

/// The extremes of no values are left out.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum FiguresForm {
    Integers { sum: u64, min: Option<u64>, max: Option<u64>, per_unit: u64 },
    Floats { sum: f64, min: Option<f64>, max: Option<f64> },
}

impl Serialize for ExponentialHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let side = |offset, counts| SideForm { offset, bucket_counts: Cow::Borrowed(counts) };
        let form = ExponentialForm {
            count: self.count(),
            figures: FiguresForm::new(self.figures(), self.count()),
            scale: self.scale(),
            zero_count: self.zero_count(),
            positive: side(self.offset(), self.buckets()),
            negative: side(self.negative_offset(), self.negative_buckets()),
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ExponentialHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = ExponentialForm::deserialize(deserializer)?;
        let ExponentialForm { count, figures, scale, zero_count, positive, negative } = form;
        let (positive, negative) = (positive.read(scale)?, negative.read(scale)?);
        let histogram = Self::new(scale, zero_count, positive, negative, figures.read(count)?);
        check_count(histogram.count(), count)?;
        Ok(histogram)
    }
}

impl Serialize for ExplicitHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = ExplicitForm {
            count: self.count(),
            figures: FiguresForm::new(self.figures(), self.count()),
            explicit_bounds: Cow::Borrowed(self.bounds()),
            bucket_counts: Cow::Borrowed(self.buckets()),
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ExplicitHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = ExplicitForm::deserialize(deserializer)?;
        let ExplicitForm { count, figures, explicit_bounds, bucket_counts } = form;
        if bucket_counts.len() != explicit_bounds.len() + 1 {
            let (counts, bounds) = (bucket_counts.len(), explicit_bounds.len());
            let problem = "there must be one more bucketCounts than explicitBounds";
            return Err(de::Error::custom(format_args!("{problem}, not {counts} and {bounds}")));
        }
        let bounds = buckets::checked(explicit_bounds.iter().copied()).map_err(de::Error::custom)?;
        let histogram = Self::new(bounds, bucket_counts.into_owned(), figures.read(count)?);
        check_count(histogram.count(), count)?;
        Ok(histogram)
    }
}

fn check_count<E: de::Error>(in_buckets: u64, count: u64) -> Result<(), E> {
    if in_buckets == count {
        return Ok(());
    }
    Err(E::custom(format_args!("the count is {count}, but there are {in_buckets} values in the buckets")))
}

/// The scales that there are: at the lowest, one bucket holds all numbers above 1, and one those below.
const SCALES: RangeInclusive<i32> = -11..=8;

impl SideForm<'_> {
    /// Refuses buckets for values that are no floating-point numbers.
    fn read<E: de::Error>(self, scale: i32) -> Result<Side, E> {
        let Self { offset, bucket_counts } = self;
        if !SCALES.contains(&scale) {
            return Err(E::custom(format_args!("scale {scale} is not in {SCALES:?}")));
        }
        // The smallest number is 2^-1074, the upper bound of the bucket before; all are below 2^1024.
        let (lowest, highest) = match scale {
            0.. => ((-1074 << scale) - 1, (1024 << scale) - 1),
            _ => (-1075 >> -scale, 1023 >> -scale),
        };
        let last = i64::from(offset) + bucket_counts.len() as i64 - 1;
        if !bucket_counts.is_empty() && (offset < lowest || last > highest) {
            let problem = format_args!(
                "buckets {offset} to {last} are not in {lowest}..={highest}, where scale {scale} has numbers"
            );
            return Err(E::custom(problem));
        }
        Ok(Side::new(offset, bucket_counts.into_owned()))
    }
}

impl FiguresForm {
    fn new(figures: Figures, count: u64) -> Self {
        match figures {
            Figures::Integers { sum, min, max, per_unit } => Self::Integers {
                sum,
                min: (count > 0 || min != u64::MAX).then_some(min),
                max: (count > 0 || max != 0).then_some(max),
                per_unit,
            },
            Figures::Floats { sum, min, max } => {
                Self::Floats { sum, min: min.is_finite().then_some(min), max: max.is_finite().then_some(max) }
            }
        }
    }

    fn read<E: de::Error>(self, count: u64) -> Result<Figures, E> {
        let (figures, is_whole) = match self {
            Self::Integers { per_unit: 0, .. } => return Err(E::custom("perUnit is zero")),
            Self::Integers { sum, min, max, per_unit } => {
                let is_whole = min.zip(max).is_some_and(|(min, max)| min <= max);
                let (min, max) = (min.unwrap_or(u64::MAX), max.unwrap_or(0));
                (Figures::Integers { sum, min, max, per_unit }, is_whole)
            }
            Self::Floats { sum, min, max } => {
                if ![Some(sum), min, max].iter().flatten().all(|figure| figure.is_finite()) {
                    return Err(E::custom("sum, min or max is not finite"));
                }
                let is_whole = min.zip(max).is_some_and(|(min, max)| min <= max);
                let (min, max) = (min.unwrap_or(f64::INFINITY), max.unwrap_or(f64::NEG_INFINITY));
                (Figures::Floats { sum, min, max }, is_whole)
            }
        };
        if count > 0 && !is_whole {
            return Err(E::custom("there are values, but no min that is at most max"));
        }
        Ok(figures)
    }
}
