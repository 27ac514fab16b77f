//! [`Registry`]: instruments by name, and their collection.

use std::{
    any::Any,
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time,
};

use super::{
    CallbackFailures, Counter, Gauge, GaugeValue, Histogram, HistogramValue, Instrument, InstrumentBuilder,
    KeyValue, LastRequest, Reader, RegisterError, RequestMetrics, Snapshot, UpDownCounter, View,
    collection::Collection,
    faults,
    instrument::{Identity, SeriesKey, Settings},
    observe::{Failures, Rounds},
    reader::{Readers, Reading},
    register_error::{check_name, check_unit},
    rejections::Rejections,
    series::{AnySeries, AnySeriesSet, SeriesSet},
    view,
};
use crate::{
    cell::{self, Quiet},
    series::forget_everywhere,
};

/// The instruments of an application, or of a part of it.
///
/// A handle: clones speak of the same registry, and so do builders and exporters made from it. Dropping the last of
/// them ends its series; instruments that are still held go on recording, unseen.
///
/// Any number of registries may exist; they share the per-thread cells.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::{Data, Registry};
///
/// let registry = Registry::new();
/// registry.counter("jobs").build()?.add(1);
/// let snapshot = registry.snapshot();
/// let Some(Data::Counter(points)) = snapshot.metric("jobs").map(|metric| &metric.data) else { panic!() };
/// assert_eq!(points[0].value, 1);
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    state: Arc<Mutex<State>>,
    /// Locked while idle series go, and never after `state`.
    readers: Arc<Mutex<Readers>>,
    views: Arc<[View]>,
    rounds: Arc<Rounds>,
}

/// Makes a [`Registry`]; see [`Registry::builder`].
#[derive(Clone, Debug, Default)]
#[must_use = "a builder makes no registry before `build`"]
pub struct RegistryBuilder {
    views: Vec<View>,
    observe_timeout: Option<time::Duration>,
}

impl RegistryBuilder {
    /// Adds a view: a change to the instruments whose names match a pattern.
    pub fn view(mut self, view: View) -> Self {
        self.views.push(view);
        self
    }

    /// Sets how long a collection waits for [callbacks](InstrumentBuilder::observe), all of them together; one second
    /// unless set. Values that come later are in the next collection. Without any time, none is called.
    pub fn observe_timeout(mut self, timeout: time::Duration) -> Self {
        self.observe_timeout = Some(timeout);
        self
    }

    /// The registry.
    #[must_use]
    pub fn build(self) -> Registry {
        let rounds = Arc::new(self.observe_timeout.map(Rounds::new).unwrap_or_default());
        Registry { views: self.views.into(), rounds, ..Registry::default() }
    }
}

#[derive(Default)]
struct State {
    /// In the order of registration.
    instruments: BTreeMap<u64, Entry>,
    registered: u64,
    /// By name in lower case: the instrument's own, and those that it is exported under.
    by_name: HashMap<String, u64>,
    rejections: Vec<Arc<Rejections>>,
}

/// An instrument with all its series.
struct Entry {
    /// In lower case.
    name: String,
    kind: String,
    identities: Arc<[Identity]>,
    series: Arc<dyn AnySeriesSet>,
    /// Names the series that counts the samples that were not recorded.
    rejected: SeriesKey,
}

/// What a collection needs to know of an instrument.
struct Listed {
    identities: Arc<[Identity]>,
    series: Arc<dyn AnySeries>,
    /// Names the series that counts the samples that were not recorded, and how many they are.
    rejected: (SeriesKey, u64),
}

impl Registry {
    /// A registry without instruments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a registry with [views](View).
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// Describes a [`Counter`].
    pub fn counter(&self, name: impl Into<Cow<'static, str>>) -> InstrumentBuilder<Counter> {
        InstrumentBuilder::new(self.clone(), name.into())
    }

    /// Describes an [`UpDownCounter`].
    pub fn up_down_counter(&self, name: impl Into<Cow<'static, str>>) -> InstrumentBuilder<UpDownCounter> {
        InstrumentBuilder::new(self.clone(), name.into())
    }

    /// Describes a [`Gauge`] of `f64` or `i64`.
    pub fn gauge<V: GaugeValue + 'static>(
        &self,
        name: impl Into<Cow<'static, str>>,
    ) -> InstrumentBuilder<Gauge<V>> {
        InstrumentBuilder::new(self.clone(), name.into())
    }

    /// Describes a [`Histogram`] of `u64`, [`Duration`](std::time::Duration) or `f64`.
    pub fn histogram<V: HistogramValue>(
        &self,
        name: impl Into<Cow<'static, str>>,
    ) -> InstrumentBuilder<Histogram<V>> {
        InstrumentBuilder::new(self.clone(), name.into())
    }

    /// Describes [`RequestMetrics`]. `name` is what the names of the exported metrics begin with.
    pub fn requests(&self, name: impl Into<Cow<'static, str>>) -> InstrumentBuilder<RequestMetrics> {
        InstrumentBuilder::new(self.clone(), name.into())
    }

    /// Describes a [`LastRequest`].
    pub fn last_request(&self, name: impl Into<Cow<'static, str>>) -> InstrumentBuilder<LastRequest> {
        InstrumentBuilder::new(self.clone(), name.into())
    }

    /// The state of every series.
    ///
    /// *Progress:* takes a lock that registering takes too, but recording does not. Where there are
    /// [callbacks](InstrumentBuilder::observe), waits for them up to the
    /// [timeout](RegistryBuilder::observe_timeout).
    /// *Cost:* for each counter series a load per recording thread; for each histogram series a pass over its
    /// buckets in use per recording thread; a thread to run the callbacks, if there are any.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.snapshot_into(&mut snapshot);
        snapshot
    }

    /// Takes a snapshot in place of an earlier one, in its memory: where the series are the same, only times and
    /// values are written. For readers that come again and again.
    pub fn snapshot_into(&self, snapshot: &mut Snapshot) {
        self.collect(snapshot);
        self.end_collection(None);
    }

    /// Begins a reader: one that takes snapshots again and again, and that [idle
    /// series](InstrumentBuilder::remove_idle_after) wait for.
    pub fn reader(&self) -> Reader {
        let id = lock(&self.readers).begin();
        Reader::new(self.clone(), id)
    }

    pub(super) fn collect(&self, snapshot: &mut Snapshot) {
        // What they call is not ours, so it is called without the lock.
        let callbacks = self.lock().instruments.values().flat_map(|entry| entry.series.callbacks()).collect();
        self.rounds.run(callbacks);
        let listed: Vec<Listed> = self.lock().instruments.values().map(Entry::list).collect();
        cell::store().begin_collection();
        // Listed after all the leases that will be summed were taken.
        let slabs = cell::store().slabs();
        let totals = slabs.totals();
        let mut collection = Collection::new(snapshot, &totals);
        for Listed { identities, series, .. } in &listed {
            series.collect(identities, &mut collection);
        }
        let rejections = self.lock().rejections.clone();
        let rejected = listed.iter().map(|listed| (&listed.rejected.0, listed.rejected.1));
        let rejected =
            rejected.chain(rejections.iter().map(|rejections| (&rejections.key, rejections.get())));
        faults::collect_rejected(rejected, &mut collection);
        let failures = listed.iter().filter_map(|listed| listed.series.failures());
        faults::collect_failures(failures, &mut collection);
        collection.finish();
    }

    /// The present round of readings.
    pub(super) fn round(&self) -> u64 {
        lock(&self.readers).round()
    }

    /// Says that a reader, or somebody who is none, has what it collected. When all have, a round is over, and series
    /// that are idle since some rounds go.
    pub(super) fn end_collection(&self, reading: Option<Reading>) {
        lock(&self.readers).note(reading, || {
            let sets: Vec<_> = self.lock().instruments.values().map(|entry| entry.series.clone()).collect();
            sets.iter().for_each(|series| series.sweep());
        });
    }

    pub(super) fn end_reader(&self, reader: u64) {
        lock(&self.readers).end(reader);
    }

    /// Removes an instrument and all its series; false if there is none of that name. What it is exported as ends
    /// with the snapshot before. Handles that are still held go on recording, unseen.
    #[expect(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn unregister(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let removed = {
            let mut state = self.lock();
            let number = state.by_name.get(&name).copied();
            // Names of what another instrument is exported as are not its own.
            let number = number.filter(|number| state.instruments[number].name == name);
            state.by_name.retain(|_, of| Some(*of) != number);
            number.and_then(|number| state.instruments.remove(&number))
        };
        forget_everywhere();
        // Counts as a collection, so that ids are used again also where nobody ever collects.
        cell::store().begin_collection();
        removed.is_some()
    }

    /// Removes one series of an instrument; false if there is none with these attributes. It ends with the snapshot
    /// before. Handles that are still held go on recording, unseen; looked up again, the attributes have a new series.
    #[expect(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn remove_series(&self, name: &str, attributes: &[KeyValue]) -> bool {
        self.instrument(name).is_some_and(|series| series.remove(attributes))
    }

    /// How many lookups of series of this instrument ended in the series `otel.metric.overflow`, because there were as
    /// many others as its [limit](InstrumentBuilder::cardinality_limit) allows; zero if there is no instrument of that
    /// name. A thread that remembers where a lookup ended does not look it up again.
    #[must_use]
    pub fn overflowed(&self, name: &str) -> u64 {
        self.instrument(name).map_or(0, |series| series.overflowed())
    }

    /// How often the [callbacks](InstrumentBuilder::observe) of this instrument panicked or took too long; never if
    /// there is no instrument of that name. The metrics `freewheel.callback.panics` and `freewheel.callback.timeouts`
    /// say the same for every instrument.
    #[must_use]
    pub fn callback_failures(&self, name: &str) -> CallbackFailures {
        let series = self.instrument(name).map(|series| series.list().0);
        series.as_ref().and_then(|series| series.failures()).map(Failures::get).unwrap_or_default()
    }

    /// How many series are registered.
    #[must_use]
    pub fn series(&self) -> usize {
        self.lock().instruments.values().map(|entry| entry.series.len()).sum()
    }

    /// The series of the instrument with that name of its own.
    fn instrument(&self, name: &str) -> Option<Arc<dyn AnySeriesSet>> {
        let name = name.to_ascii_lowercase();
        let state = self.lock();
        let entry = &state.instruments[state.by_name.get(&name)?];
        (entry.name == name).then(|| entry.series.clone())
    }

    /// The series of the instrument of that description.
    pub(super) fn register<I: Instrument>(
        &self,
        description: &InstrumentBuilder<I>,
    ) -> Result<Arc<SeriesSet<I>>, RegisterError> {
        self.register_as(description, I::kind, SeriesSet::new)
    }

    /// The series of the instrument of that description, as another kind of instrument perhaps.
    pub(super) fn register_as<I: Instrument, S: AnySeriesSet>(
        &self,
        description: &InstrumentBuilder<I>,
        kind: impl FnOnce(&Settings) -> Cow<'static, str>,
        make: impl FnOnce(Settings) -> S,
    ) -> Result<Arc<S>, RegisterError> {
        check(description)?;
        let settings = view::apply(&self.views, &description.name, &description.settings);
        let kind = kind(&settings);
        let mut state = self.lock();
        let entry = state.entry(description, &kind, || Arc::new(make(settings)))?;
        let series: Arc<dyn Any + Send + Sync> = entry.series.clone();
        series.downcast().map_err(|_| conflict(description, &kind, entry))
    }

    fn lock(&self) -> Locked<'_> {
        let quiet = Quiet::begin();
        // Nothing under this lock leaves the state half-changed, so a panic elsewhere does not spoil it.
        Locked { state: self.state.lock().unwrap_or_else(PoisonError::into_inner), _quiet: quiet }
    }
}

#[cfg(feature = "metrics-facade")]
impl Registry {
    /// What counts the samples that were not recorded of something with these attributes, which is no instrument.
    pub(crate) fn rejections(&self, attributes: &[KeyValue]) -> Arc<Rejections> {
        let mut state = self.lock();
        if let Some(same) = state.rejections.iter().find(|other| *other.key.attributes == *attributes) {
            return same.clone();
        }
        let rejections = Arc::new(Rejections::new(attributes.into()));
        state.rejections.push(rejections.clone());
        rejections
    }

    /// Gives the instrument of that name and kind this description, if it has none.
    pub(crate) fn describe<I: Instrument>(&self, name: &str, description: &str) {
        let name = name.to_ascii_lowercase();
        let mut state = self.lock();
        let Some(number) = state.by_name.get(&name).copied() else { return };
        let Some(entry) = state.instruments.get_mut(&number) else { return };
        let series: &dyn Any = &*entry.series;
        if let [Identity { name, unit, description: none }] = &*entry.identities
            && none.is_empty()
            && series.is::<SeriesSet<I>>()
        {
            // In a place of its own: by that of the name a snapshot knows that nothing is new.
            let name = Arc::from(&**name);
            entry.identities =
                [Identity { name, unit: unit.clone(), description: description.into() }].into();
        }
    }
}

/// The state, locked. What an allocator records meanwhile must not come back here.
struct Locked<'a> {
    // Unlocked first.
    state: MutexGuard<'a, State>,
    _quiet: Quiet,
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks leaves the state half-changed, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks names and unit as they will be exported.
fn check<I: Instrument>(description: &InstrumentBuilder<I>) -> Result<(), RegisterError> {
    for part in I::PARTS {
        check_name(&format!("{}{}", description.name, part.suffix))?;
        if let Some(unit) = &description.unit {
            check_unit(unit, part.unit)?;
        }
    }
    Ok(())
}

fn conflict<I: Instrument>(description: &InstrumentBuilder<I>, kind: &str, entry: &Entry) -> RegisterError {
    let with_unit = |kind: &str, unit: &str| format!("{kind} with unit {unit:?}");
    let unit = I::PARTS[0].unit.unwrap_or(description.unit.as_deref().unwrap_or(""));
    RegisterError::Conflict {
        name: description.name.clone().into_owned(),
        registered: with_unit(&entry.kind, &entry.identities[0].unit),
        requested: with_unit(kind, unit),
    }
}

impl State {
    /// The instrument of that description, made if the name is free.
    fn entry<I: Instrument>(
        &mut self,
        description: &InstrumentBuilder<I>,
        kind: &str,
        series: impl FnOnce() -> Arc<dyn AnySeriesSet>,
    ) -> Result<&mut Entry, RegisterError> {
        let own_name = description.name.to_ascii_lowercase();
        let names = || I::PARTS.iter().map(|part| format!("{own_name}{}", part.suffix));
        if let Some(number) = self.by_name.get(&own_name).copied() {
            let entry = self.instruments.get_mut(&number).expect("names are of instruments that exist");
            let same = entry.name == own_name && description.has_unit(&entry.identities[0].unit);
            let same = same && entry.kind == kind;
            return if same { Ok(entry) } else { Err(conflict(description, kind, entry)) };
        }
        if let Some(number) = names().find_map(|name| self.by_name.get(&name)) {
            return Err(conflict(description, kind, &self.instruments[number]));
        }
        let number = self.registered;
        self.registered += 1;
        self.by_name.extend(names().chain([own_name.clone()]).map(|name| (name, number)));
        Ok(self.instruments.entry(number).or_insert_with(|| Entry::new(description, kind, series())))
    }
}

impl Entry {
    fn new<I: Instrument>(
        description: &InstrumentBuilder<I>,
        kind: &str,
        series: Arc<dyn AnySeriesSet>,
    ) -> Self {
        let identities = I::PARTS.iter().map(|part| Identity {
            name: format!("{}{}", description.name, part.suffix).into(),
            unit: part.unit.or(description.unit.as_deref()).unwrap_or("").into(),
            description: part.description.unwrap_or(&description.description).into(),
        });
        Self {
            name: description.name.to_ascii_lowercase(),
            kind: kind.to_owned(),
            identities: identities.collect(),
            series,
            rejected: SeriesKey::of_instrument(description.name.clone()),
        }
    }

    fn list(&self) -> Listed {
        let (series, rejected) = self.series.list();
        Listed { identities: self.identities.clone(), series, rejected: (self.rejected.clone(), rejected) }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        forget_everywhere();
        // Counts as a collection, so that ids are used again also where nobody ever collects.
        cell::store().begin_collection();
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("series", &self.series()).finish_non_exhaustive()
    }
}
