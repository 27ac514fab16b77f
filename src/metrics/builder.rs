//! [`InstrumentBuilder`]: from a name to an instrument.

use std::{
    borrow::Cow,
    fmt,
    marker::PhantomData,
    num::{NonZeroU32, NonZeroUsize},
};

use super::{
    Buckets, Family, Histogram, HistogramValue, Instrument, KeyValue, Labels, OpenFamily, RegisterError,
    Registry, TypedFamily, attributes, instrument::Settings,
};

/// Describes an instrument and registers series of it; made by [`Registry::counter`] and its like.
///
/// The builder is not used up, so that one description serves many series.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::{Counter, KeyValue, Registry};
///
/// let registry = Registry::new();
/// let orders = registry.counter("orders").unit("{order}").description("Orders received.");
/// let [buy, sell]: [Counter; 2] = [
///     orders.bind(&[KeyValue::new("side", "buy")])?,
///     orders.bind(&[KeyValue::new("side", "sell")])?,
/// ];
/// buy.add(2);
/// sell.add(1);
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[must_use = "a builder registers nothing before `build` or `bind`"]
pub struct InstrumentBuilder<I> {
    pub(super) registry: Registry,
    pub(super) name: Cow<'static, str>,
    pub(super) unit: Option<Cow<'static, str>>,
    pub(super) description: Cow<'static, str>,
    pub(super) settings: Settings,
    takes_any_unit: bool,
    instrument: PhantomData<fn() -> I>,
}

impl<I: Instrument> InstrumentBuilder<I> {
    pub(super) fn new(registry: Registry, name: Cow<'static, str>) -> Self {
        Self {
            registry,
            name,
            unit: None,
            description: "".into(),
            settings: Settings::default(),
            takes_any_unit: false,
            instrument: PhantomData,
        }
    }

    /// Sets the unit, in UCUM notation: `By`, `{request}`, `1`. Durations have the unit `s` by themselves.
    pub fn unit(mut self, unit: impl Into<Cow<'static, str>>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// Sets the description. If an instrument is registered twice, its first description stays.
    pub fn description(mut self, description: impl Into<Cow<'static, str>>) -> Self {
        self.description = description.into();
        self
    }

    /// Sets how many series the instrument may have, 2000 unless set; the first registration decides. One of them is the
    /// series `otel.metric.overflow = true`, which takes what has no series of its own any more.
    pub fn cardinality_limit(mut self, series: NonZeroUsize) -> Self {
        self.settings.cardinality_limit = Some(series);
        self
    }

    /// Removes a series that did not change over so many [collections](Registry::snapshot), whichever reader asked for
    /// them. Never unless set; the first registration decides.
    ///
    /// A series with a handle that somebody still holds stays, and so does an up-down counter that is not zero.
    pub fn remove_idle_after(mut self, collections: NonZeroU32) -> Self {
        self.settings.idle_after = Some(collections);
        self
    }

    /// Registers the series without attributes, or returns another handle on it if it is registered.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if name or unit are not well-formed, or the name is registered as something else.
    pub fn build(&self) -> Result<I, RegisterError> {
        Ok(self.registry.register(self)?.find([].into_iter()))
    }

    /// Registers the series with these attributes, or returns another handle on it if it is registered. The order of
    /// attributes does not matter.
    ///
    /// Do this once and keep the handle: recording through it costs the same as without attributes.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if a key is empty or given twice, and as [`build`](Self::build).
    pub fn bind(&self, attributes: &[KeyValue]) -> Result<I, RegisterError> {
        attributes::check(attributes)?;
        Ok(self.registry.register(self)?.find(attributes.iter().map(KeyValue::as_ref)))
    }

    /// Whether an instrument of this name and kind that has this unit is the one described.
    pub(super) fn has_unit(&self, unit: &str) -> bool {
        let asked = self.unit.as_deref().or(I::PARTS[0].unit);
        let is_open = self.takes_any_unit && (asked.is_none() || unit.is_empty());
        is_open || asked.unwrap_or("") == unit
    }
}

#[cfg(feature = "metrics-facade")]
impl<I: Instrument> InstrumentBuilder<I> {
    /// Takes the instrument with whatever unit it has, unless it and the builder have different ones.
    pub(crate) fn any_unit(mut self) -> Self {
        self.takes_any_unit = true;
        self
    }

    /// Registers the instrument, and returns all its series.
    pub(crate) fn series(&self) -> Result<std::sync::Arc<super::SeriesSet<I>>, RegisterError> {
        self.registry.register(self)
    }
}

impl<I: Instrument> InstrumentBuilder<I> {
    /// Registers a family: series by the values of these keys, given when a value is recorded.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if a key is empty or given twice, and as [`build`](Self::build).
    pub fn family<K: Into<Cow<'static, str>>, const N: usize>(
        &self,
        keys: [K; N],
    ) -> Result<Family<I, N>, RegisterError> {
        let keys = keys.map(K::into);
        attributes::check_keys(keys.iter())?;
        Ok(Family::new(keys, self.registry.register(self)?))
    }

    /// Registers a family: series by any attributes, given when a value is recorded.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn open_family(&self) -> Result<OpenFamily<I>, RegisterError> {
        Ok(OpenFamily::new(self.registry.register(self)?))
    }

    /// Registers a family: series by the values of enums.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if a key is empty or given twice, and as [`build`](Self::build).
    pub fn typed_family<L: Labels>(&self) -> Result<TypedFamily<I, L>, RegisterError> {
        let keys: Vec<_> = TypedFamily::<I, L>::keys().iter().map(|key| Cow::from(*key)).collect();
        attributes::check_keys(keys.iter())?;
        Ok(TypedFamily::new(self.registry.register(self)?))
    }
}

impl<V: HistogramValue> InstrumentBuilder<Histogram<V>> {
    /// Sets the buckets, exponential ones at scale 5 unless set. All series of an instrument have the same; a
    /// [`View`](super::View) goes before what is set here.
    pub fn buckets(mut self, buckets: Buckets) -> Self {
        self.settings.buckets = Some(buckets);
        self
    }
}

impl<I> Clone for InstrumentBuilder<I> {
    fn clone(&self) -> Self {
        let (registry, name) = (self.registry.clone(), self.name.clone());
        let (unit, description) = (self.unit.clone(), self.description.clone());
        let (settings, takes_any_unit) = (self.settings.clone(), self.takes_any_unit);
        Self { registry, name, unit, description, settings, takes_any_unit, instrument: PhantomData }
    }
}

impl<I> fmt::Debug for InstrumentBuilder<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstrumentBuilder")
            .field("name", &self.name)
            .field("unit", &self.unit)
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}
