//! The kinds of instruments that can be observed.

use std::{borrow::Cow, fmt};

use crate::metrics::{Counter, Data, Gauge, GaugeValue, Point, UpDownCounter};

/// What is observed.
pub trait Number: Copy + PartialOrd + fmt::Debug + Send + Sync + 'static {
    /// Nothing.
    const ZERO: Self;
    /// The sum, or the nearest number that there is.
    #[must_use]
    fn plus(self, other: Self) -> Self;
    /// The difference, or the nearest number that there is.
    #[must_use]
    fn minus(self, other: Self) -> Self;
    /// Whether it is neither NaN nor infinite.
    #[must_use]
    fn is_finite(self) -> bool;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Number for $integer {
            const ZERO: Self = 0;

            fn plus(self, other: Self) -> Self {
                self.saturating_add(other)
            }

            fn minus(self, other: Self) -> Self {
                self.saturating_sub(other)
            }

            fn is_finite(self) -> bool {
                true
            }
        }
    )*};
}
integers!(u64, i64);

impl Number for f64 {
    const ZERO: Self = 0.0;

    fn plus(self, other: Self) -> Self {
        (self + other).clamp(Self::MIN, Self::MAX)
    }

    fn minus(self, other: Self) -> Self {
        (self - other).clamp(Self::MIN, Self::MAX)
    }

    fn is_finite(self) -> bool {
        Self::is_finite(self)
    }
}

/// What becomes of several values for one series, and of one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Totals that only rise: they add up.
    Rising,
    /// Sums: they add up.
    Sum,
    /// The last one counts.
    Last,
}

/// A kind of instrument that can be observed.
pub(crate) trait Kind: Send + Sync + 'static {
    /// What is observed.
    type Value: Number;

    /// What becomes of several values.
    const RULE: Rule;

    /// The kind in words, as errors name it.
    fn name() -> Cow<'static, str>;

    /// Names the kind of data.
    fn data(points: Vec<Point<Self::Value>>) -> Data;

    /// The points, if the data is of this kind.
    fn points(data: &mut Data) -> Option<&mut Vec<Point<Self::Value>>>;

    /// Whether such a value can be recorded.
    fn is_valid(value: Self::Value) -> bool {
        value.is_finite() && (Self::RULE != Rule::Rising || value >= Self::Value::ZERO)
    }
}

impl Kind for Counter {
    type Value = u64;

    const RULE: Rule = Rule::Rising;

    fn name() -> Cow<'static, str> {
        "observed counter".into()
    }

    fn data(points: Vec<Point<u64>>) -> Data {
        Data::Counter(points)
    }

    fn points(data: &mut Data) -> Option<&mut Vec<Point<u64>>> {
        match data {
            Data::Counter(points) => Some(points),
            _ => None,
        }
    }
}

/// A counter of floating-point numbers.
#[derive(Debug)]
pub(crate) struct CounterF64;

impl Kind for CounterF64 {
    type Value = f64;

    const RULE: Rule = Rule::Rising;

    fn name() -> Cow<'static, str> {
        "observed counter of f64".into()
    }

    fn data(points: Vec<Point<f64>>) -> Data {
        Data::CounterF64(points)
    }

    fn points(data: &mut Data) -> Option<&mut Vec<Point<f64>>> {
        match data {
            Data::CounterF64(points) => Some(points),
            _ => None,
        }
    }
}

impl Kind for UpDownCounter {
    type Value = i64;

    const RULE: Rule = Rule::Sum;

    fn name() -> Cow<'static, str> {
        "observed up-down counter".into()
    }

    fn data(points: Vec<Point<i64>>) -> Data {
        Data::UpDownCounter(points)
    }

    fn points(data: &mut Data) -> Option<&mut Vec<Point<i64>>> {
        match data {
            Data::UpDownCounter(points) => Some(points),
            _ => None,
        }
    }
}

impl<V: GaugeValue> Kind for Gauge<V> {
    type Value = V;

    const RULE: Rule = Rule::Last;

    fn name() -> Cow<'static, str> {
        format!("observed {}", V::KIND).into()
    }

    fn data(points: Vec<Point<V>>) -> Data {
        V::data(points)
    }

    fn points(data: &mut Data) -> Option<&mut Vec<Point<V>>> {
        V::points(data)
    }
}
