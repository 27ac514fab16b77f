//! [`Gauge`]: the last value.

use std::{borrow::Cow, fmt, sync::Arc};

use super::{
    Data, Point,
    collection::{Collection, Points},
    digest::Kept,
    instrument::{Identity, Part, Series, Settings, define_cache, sealed::Sealed},
    observe::Number,
};
use crate::{cell::GaugeCell, series::LocalCache};

/// The last value of something: a temperature, a ratio, a version. `V` is `f64` or `i64`.
///
/// A handle: clones share the value. The default, like [`unregistered`](Self::unregistered), ignores values.
/// What can be *counted* (connections, items) is better an [`UpDownCounter`](super::UpDownCounter), which threads
/// do not share.
#[derive(Clone)]
#[must_use = "a gauge does nothing unless values are recorded"]
pub struct Gauge<V = f64> {
    cell: Option<Arc<GaugeCell>>,
    value: std::marker::PhantomData<fn(V)>,
}

/// A number that a [`Gauge`] can hold: `f64` or `i64`. Sealed.
pub trait GaugeValue: value::Sealed {}

impl GaugeValue for f64 {}
impl GaugeValue for i64 {}

impl<V: GaugeValue> Gauge<V> {
    /// A gauge that ignores values.
    pub const fn unregistered() -> Self {
        Self { cell: None, value: std::marker::PhantomData }
    }

    /// Replaces the value. Of values recorded by several threads at once, one stays.
    ///
    /// NaN and infinities are not recorded; [`rejected`](Self::rejected) counts them.
    ///
    /// *Progress:* wait-free. *Cost:* one store to memory shared by the threads that record this series.
    #[inline]
    pub fn record(&self, value: V) {
        if let Some(cell) = &self.cell {
            match value.to_finite_bits() {
                Some(bits) => cell.store(bits),
                None => cell.count_rejected(),
            }
        }
    }

    /// Adds `value`, which may be negative, to the last value, or to zero if there is none. Nothing of what several
    /// threads add at once is lost. A sum that is out of range becomes the nearest number that there is.
    ///
    /// NaN and infinities are not added; [`rejected`](Self::rejected) counts them.
    ///
    /// *Progress:* lock-free. *Cost:* one compare-exchange on memory shared by the threads that record this series, and
    /// another one each time that a thread was faster. An [`UpDownCounter`](super::UpDownCounter) has no such memory.
    #[inline]
    pub fn add(&self, value: V) {
        if let Some(cell) = &self.cell {
            match value.to_finite_bits() {
                // A sum is finite too.
                Some(_) => {
                    cell.update(|bits| V::from_bits(bits).plus(value).to_finite_bits().unwrap_or(bits))
                }
                None => cell.count_rejected(),
            }
        }
    }

    /// The last value, if any was recorded.
    #[must_use]
    pub fn value(&self) -> Option<V> {
        self.cell.as_ref()?.load().map(V::from_bits)
    }

    /// How many values were not recorded, because they were NaN or infinite.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.cell.as_ref().map_or(0, |cell| cell.rejected())
    }
}

impl<V: GaugeValue + 'static> Sealed for Gauge<V> {
    const PARTS: &'static [Part] = &[Part::WHOLE];

    fn kind(_: &Settings) -> Cow<'static, str> {
        V::KIND.into()
    }

    fn register(_: &Settings) -> Self {
        Self { cell: Some(Arc::new(GaugeCell::new())), ..Self::unregistered() }
    }

    fn unregistered() -> Self {
        Self::unregistered()
    }

    fn cache() -> &'static LocalCache<Kept, Self> {
        V::cache()
    }

    fn is_only_handle(&mut self) -> bool {
        self.cell.as_mut().is_none_or(|cell| Arc::get_mut(cell).is_some())
    }

    fn activity(&self) -> Option<[u64; 2]> {
        let cell = self.cell.as_ref()?;
        Some([cell.activity(), cell.load().unwrap_or(0)])
    }

    fn collect(series: &[Series<Self>], identities: &[Identity], collection: &mut Collection<'_>) {
        let before = collection.reuse(&identities[0]).and_then(V::points);
        let mut points = Points::over(before);
        for Series { key, handle } in series {
            if let Some(value) = handle.value() {
                points.push(key, collection.taken_at(), value);
            }
        }
        collection.push(&identities[0], V::data(points.finish()));
    }

    fn rejected(&self) -> u64 {
        self.rejected()
    }
}

impl<V: GaugeValue> Default for Gauge<V> {
    fn default() -> Self {
        Self::unregistered()
    }
}

impl<V> fmt::Debug for Gauge<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauge").field("registered", &self.cell.is_some()).finish()
    }
}

mod value {
    use super::{Data, Gauge, Kept, LocalCache, Number, Point, define_cache};

    /// Behind [`GaugeValue`](super::GaugeValue).
    pub trait Sealed: Number {
        /// The kind in words, as errors name it.
        const KIND: &'static str;

        /// The calling thread's cache of gauges.
        fn cache() -> &'static LocalCache<Kept, Gauge<Self>>;

        /// The bits of the value, unless it is NaN or infinite.
        fn to_finite_bits(self) -> Option<u64>;
        /// The value with those bits.
        fn from_bits(bits: u64) -> Self;
        /// Names the kind of data.
        fn data(points: Vec<Point<Self>>) -> Data;
        /// The points, if the data is of this kind.
        fn points(data: &mut Data) -> Option<&mut Vec<Point<Self>>>;
    }

    impl Sealed for f64 {
        const KIND: &'static str = "gauge of f64";

        define_cache!(Gauge<f64>);

        #[inline(always)]
        fn to_finite_bits(self) -> Option<u64> {
            self.is_finite().then(|| self.to_bits())
        }

        fn from_bits(bits: u64) -> Self {
            Self::from_bits(bits)
        }

        fn data(points: Vec<Point<Self>>) -> Data {
            Data::GaugeF64(points)
        }

        fn points(data: &mut Data) -> Option<&mut Vec<Point<Self>>> {
            match data {
                Data::GaugeF64(points) => Some(points),
                _ => None,
            }
        }
    }

    impl Sealed for i64 {
        const KIND: &'static str = "gauge of i64";

        define_cache!(Gauge<i64>);

        #[inline(always)]
        fn to_finite_bits(self) -> Option<u64> {
            Some(self.cast_unsigned())
        }

        fn from_bits(bits: u64) -> Self {
            bits.cast_signed()
        }

        fn data(points: Vec<Point<Self>>) -> Data {
            Data::GaugeI64(points)
        }

        fn points(data: &mut Data) -> Option<&mut Vec<Point<Self>>> {
            match data {
                Data::GaugeI64(points) => Some(points),
                _ => None,
            }
        }
    }
}
