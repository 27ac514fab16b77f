//! [`Recorder`]: from a key to a handle.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use ::metrics::{Key, KeyName, Metadata, SharedString, Unit};

use super::{
    handle::{Handle, Rejecting},
    kept::{DESCRIPTIONS, KeptDescription, KeptKey},
    names::{instrument_name, ucum},
};
use crate::{
    cell::{is_busy, quietly},
    metrics::{KeyValue, RegisterError, Registry, SeriesSet, ValueRef},
    series::{forget_everywhere, generation, remember, with_remembered},
};

/// Records what the macros of the crate `metrics` are given into a [`Registry`]; see the [module](super).
///
/// Give it to all threads with [`install`](Self::install), or to one of them for a while with
/// [`with_local_recorder`](::metrics::with_local_recorder): in tests, above all.
///
/// A handle: clones are the same recorder. Several recorders may share a registry; what they record under the same name
/// and labels is one series.
///
/// # Examples
///
/// ```
/// use freewheel::{facade::Recorder, metrics::Registry};
///
/// fn work() {
///     metrics::counter!("items").increment(2);
/// }
///
/// let registry = Registry::new();
/// metrics::with_local_recorder(&Recorder::new(&registry), work);
/// assert_eq!(registry.snapshot().counter("items", &[]), Some(2));
/// ```
#[derive(Clone)]
#[must_use = "a recorder gets nothing to record before it is installed"]
pub struct Recorder(Arc<Shared>);

struct Shared {
    registry: Registry,
    /// By which the caches tell recorders apart.
    number: u32,
    state: Mutex<State>,
    /// For what an allocator records while its thread is looking up something.
    in_allocator: Arc<Rejecting>,
}

#[derive(Default)]
struct State {
    /// By kind and name in lower case.
    descriptions: HashMap<(&'static str, String), Description>,
    conflicts: Vec<RegisterError>,
}

#[derive(Default)]
struct Description {
    unit: Option<&'static str>,
    text: String,
}

impl Recorder {
    /// A recorder into `registry`.
    pub fn new(registry: &Registry) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let in_allocator = registry.rejections(&[KeyValue::new("recorded_in", "allocator")]);
        Self(Arc::new(Shared {
            registry: registry.clone(),
            number: NEXT.fetch_add(1, Relaxed),
            state: Mutex::default(),
            in_allocator: Arc::new(Rejecting(in_allocator)),
        }))
    }

    /// Makes this the recorder that the macros of all threads use, for the rest of the process.
    ///
    /// What is recorded before is lost, so do this early in `main`.
    ///
    /// # Errors
    ///
    /// [`InstallError`] if there is a global recorder already.
    pub fn install(&self) -> Result<(), InstallError> {
        ::metrics::set_global_recorder(self.clone()).map_err(|_| InstallError(()))
    }

    /// The registry that is recorded into.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Why some names are not recorded, or not as each of the kinds that they are used as; empty if all is well.
    ///
    /// How many samples that concerns is in the metric `freewheel.samples.rejected`, by `instrument` and `used_as`. Of
    /// the attributes there, `recorded_in` is for an allocator that records by itself what it does for a lookup.
    #[must_use]
    pub fn conflicts(&self) -> Vec<RegisterError> {
        quietly(|| self.0.lock().conflicts.clone())
    }
}

impl Shared {
    #[inline]
    fn find<H: Handle>(&self, key: &Key) -> H {
        let hash = KeptKey::hash(self.number, key);
        let is = |kept: &KeptKey| kept.is(self.number, key);
        with_remembered(H::kept(), hash, is, H::clone).unwrap_or_else(|clone| {
            if is_busy() {
                // An allocator that records. It must not allocate, and what it gets is not remembered.
                return H::rejecting(self.in_allocator.clone());
            }
            if H::kept().try_with(|_| ()).is_err() {
                return self.find_late(hash, key);
            }
            remember(H::kept(), hash, || (self.look_up(key), || self.kept_key(key)), clone)
        })
    }

    /// Finds the handle for a thread that has no thread-locals any more.
    #[cold]
    fn find_late<H: Handle>(&self, hash: u64, key: &Key) -> H {
        let kept = || H::kept_late().lock().unwrap_or_else(PoisonError::into_inner);
        let generation = generation();
        let is = |kept: &KeptKey| kept.is(self.number, key);
        if let Some(handle) = quietly(|| kept().find(hash, generation, is).cloned()) {
            return handle;
        }
        let handle = self.look_up::<H>(key);
        quietly(|| kept().insert(hash, generation, self.kept_key(key), handle.clone()));
        handle
    }

    fn look_up<H: Handle>(&self, key: &Key) -> H {
        match quietly(|| self.series::<H>(key)) {
            Ok(series) => {
                let labels = key.labels().map(|label| (label.key(), ValueRef::Str(label.value())));
                // Not quietly: whom it takes for an allocator does not get a series.
                let instrument = series.find(labels);
                quietly(|| H::over(instrument, &self.in_allocator))
            }
            Err(error) => quietly(|| self.reject::<H>(key, error)),
        }
    }

    fn kept_key(&self, key: &Key) -> KeptKey {
        KeptKey { recorder: self.number, key: key.clone() }
    }

    /// All series of the instrument of that name.
    fn series<H: Handle>(&self, key: &Key) -> Result<Arc<SeriesSet<H::Instrument>>, RegisterError> {
        let name = instrument_name(key.name());
        // Locked to the end: who describes the instrument meanwhile must not miss it.
        let state = self.lock();
        let described = state.descriptions.get(&(H::KIND, name.to_ascii_lowercase()));
        let mut builder = H::builder(&self.registry, name).any_unit();
        if let Some(Description { unit, text }) = described {
            builder = builder.description(text.clone());
            builder = unit.iter().fold(builder, |builder, unit| builder.unit(*unit));
        }
        builder.series()
    }

    /// A handle for what cannot be registered.
    fn reject<H: Handle>(&self, key: &Key, error: RegisterError) -> H {
        let name = KeyValue::new("instrument", instrument_name(key.name()));
        let rejections = self.registry.rejections(&[name, KeyValue::new("used_as", H::KIND)]);
        let mut state = self.lock();
        if !state.conflicts.contains(&error) {
            state.conflicts.push(error);
        }
        H::rejecting(Arc::new(Rejecting(rejections)))
    }

    fn describe<H: Handle>(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        if is_busy() {
            // An allocator that records; it describes it again.
            return;
        }
        let given = KeptDescription { recorder: self.number, kind: H::KIND, name, unit, description };
        let is_given = |kept: &KeptDescription| *kept == given;
        if let Err(nothing) = with_remembered(&DESCRIPTIONS, given.hash(), is_given, |()| ()) {
            let apply = || {
                quietly(|| self.apply::<H>(&given));
                ((), || given.clone())
            };
            remember(&DESCRIPTIONS, given.hash(), apply, nothing);
        }
    }

    /// Adds to what is known of the instrument what was not.
    fn apply<H: Handle>(&self, given: &KeptDescription) {
        let name = instrument_name(given.name.as_str());
        let mut state = self.lock();
        let known = state.descriptions.entry((H::KIND, name.to_ascii_lowercase())).or_default();
        known.unit = known.unit.or(given.unit.map(ucum));
        if known.text.is_empty() {
            known.text.push_str(&given.description);
            self.registry.describe::<H::Instrument>(&name, &known.text);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ::metrics::Recorder for Recorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.0.describe::<::metrics::Counter>(name, unit, description);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.0.describe::<::metrics::Gauge>(name, unit, description);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.0.describe::<::metrics::Histogram>(name, unit, description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> ::metrics::Counter {
        self.0.find(key)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> ::metrics::Gauge {
        self.0.find(key)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> ::metrics::Histogram {
        self.0.find(key)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        forget_everywhere();
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}

/// Returned by [`Recorder::install`] when the macros have a global recorder already. Install this one before the other,
/// or leave the other out: the first stays until the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstallError(());

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the macros of the crate `metrics` have a global recorder already, which stays; install only one, or use \
             `metrics::with_local_recorder`",
        )
    }
}

impl Error for InstallError {}
