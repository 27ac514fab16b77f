//! [`ObservedSet`]: an observed instrument.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{Callback, Failures, Observer, kind::Kind, observer::AttributeSet, table::Table};
use crate::metrics::{
    KeyValue, Timestamp,
    collection::Collection,
    instrument::{Identity, Settings},
    series::{AnySeries, AnySeriesSet},
};

/// The callbacks of an observed instrument, and its series. With it go the callbacks that are not being called.
pub(crate) struct ObservedSet<K: Kind> {
    shared: Arc<Shared<K>>,
    callbacks: Mutex<Vec<Arc<Callback>>>,
}

/// What callbacks observe into.
struct Shared<K: Kind> {
    settings: Settings,
    table: Mutex<Table<K>>,
    rejected: AtomicU64,
    failures: Arc<Failures>,
}

impl<K: Kind> ObservedSet<K> {
    pub(super) fn new(settings: Settings, instrument: Cow<'static, str>) -> Self {
        let shared = Shared {
            table: Mutex::new(Table::new(&settings)),
            settings,
            rejected: AtomicU64::new(0),
            failures: Arc::new(Failures::new(instrument)),
        };
        Self { shared: Arc::new(shared), callbacks: Mutex::default() }
    }

    /// Adds a callback.
    pub(crate) fn add(&self, callback: impl FnMut(&mut Observer<K::Value>) + Send + 'static) {
        // A view may have switched the instrument off.
        if !self.shared.settings.is_off {
            self.add_to(&mut self.callbacks(), callback);
        }
    }

    /// Adds a callback, if there is none yet.
    #[cfg(feature = "process")]
    pub(crate) fn add_first(&self, callback: impl FnMut(&mut Observer<K::Value>) + Send + 'static) {
        let mut callbacks = self.callbacks();
        if callbacks.is_empty() && !self.shared.settings.is_off {
            self.add_to(&mut callbacks, callback);
        }
    }

    fn add_to(
        &self,
        callbacks: &mut Vec<Arc<Callback>>,
        mut callback: impl FnMut(&mut Observer<K::Value>) + Send + 'static,
    ) {
        let (shared, number) = (self.shared.clone(), self.shared.table().add_callback(Timestamp::now()));
        let observe = move |round| {
            let mut observer = Observer::new::<K>(round, &shared.settings);
            callback(&mut observer);
            let (observed, rejected) = observer.finish();
            shared.rejected.fetch_add(rejected, Relaxed);
            shared.table().take(number, observed, Timestamp::now());
        };
        callbacks.push(Arc::new(Callback::new(observe, self.shared.failures.clone())));
    }

    fn callbacks(&self) -> MutexGuard<'_, Vec<Arc<Callback>>> {
        self.callbacks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Kind> Shared<K> {
    fn table(&self) -> MutexGuard<'_, Table<K>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Kind> AnySeriesSet for ObservedSet<K> {
    fn list(&self) -> (Arc<dyn AnySeries>, u64) {
        (self.shared.clone(), self.shared.rejected.load(Relaxed))
    }

    fn len(&self) -> usize {
        self.shared.table().len()
    }

    fn remove(&self, attributes: &[KeyValue]) -> bool {
        self.shared.table().remove(&AttributeSet::new(attributes, None))
    }

    /// What is idle is what is not observed, and that is gone.
    fn sweep(&self) {}

    fn overflowed(&self) -> u64 {
        self.shared.table().overflowed()
    }

    fn callbacks(&self) -> Vec<Weak<Callback>> {
        Self::callbacks(self).iter().map(Arc::downgrade).collect()
    }
}

impl<K: Kind> AnySeries for Shared<K> {
    fn collect(&self, identities: &[Identity], collection: &mut Collection<'_>) {
        self.table().collect(&identities[0], collection);
    }

    fn failures(&self) -> Option<&Failures> {
        Some(&self.failures)
    }
}

impl<K: Kind> fmt::Debug for ObservedSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedSet").field("callbacks", &self.callbacks().len()).finish_non_exhaustive()
    }
}
