//! Values that are kept elsewhere, and observed when somebody collects.
//!
//! | file          | what                                                                |
//! |---------------|---------------------------------------------------------------------|
//! | `observer.rs` | what a callback is given to observe with                            |
//! | `kind.rs`     | the kinds of instruments that can be observed                       |
//! | `callback.rs` | a callback, and how often those of an instrument failed             |
//! | `round.rs`    | running the callbacks of a registry on helper threads, for a while  |
//! | `set.rs`      | an observed instrument: its callbacks, and its series               |
//! | `table.rs`    | what was observed last, and what it means for the series            |
//! | `line.rs`     | the series, within the limit                                        |
//!
//! A collection runs the callbacks before it takes the registry's lock to read. What a run observed goes into the
//! table of its instrument when the run ends well, whoever still waits for it; the collection then reads the tables. So
//! a run that panics leaves its instrument as it was, and one that takes too long is seen by the next collection.
//!
//! # Invariants
//!
//! * **ONCE**: a callback is called with its own lock held, and only one collection of a registry hands out callbacks at
//!   a time: so it never runs twice at once.
//! * **WHOLE**: a table changes by whole runs, under its lock, in which no code of the user is called.
//! * **RISING**: the value of a rising series is what its sources rose since it began. It falls for no reader: if a source
//!   falls, its series begins anew under another identity, and the others in it count from where they are.

mod callback;
mod kind;
mod line;
mod observer;
mod round;
mod set;
mod table;

pub use self::{callback::CallbackFailures, observer::Observer};

pub(super) use self::{
    callback::{Callback, Failures},
    kind::Number,
    round::Rounds,
};
pub(crate) use self::{kind::CounterF64, set::ObservedSet};

use std::sync::Arc;

use self::kind::Kind;
use super::{Counter, Gauge, GaugeValue, Instrument, InstrumentBuilder, RegisterError, UpDownCounter};

impl InstrumentBuilder<Counter> {
    /// Registers a callback that observes totals that are kept elsewhere. Every collection calls it, whether a
    /// [snapshot](super::Registry::snapshot), a [`Reader`](super::Reader) or an exporter asks for it.
    ///
    /// The callback gives each total as it is now, not what came to it. It is kept until the instrument is
    /// [unregistered](super::Registry::unregister) or the registry is gone, so let it hold a [`Weak`](std::sync::Weak) of
    /// what it observes; one that holds its own registry keeps it alive. Several callbacks may observe one instrument:
    /// their totals of the same attributes add up. An instrument that is observed has no handles, and one that has
    /// handles cannot be observed.
    ///
    /// *Series:* a series exists while it is observed, and ends when a run leaves it out. When it comes back it is a new
    /// one, which counts from where the old one ended. A total that falls, because its source was reset, begins a new
    /// series too; that one counts from zero, as a total does that was never seen. So the windows that a reader forms,
    /// each from the last point of a series to the next, add up to what the totals rose, as long as the reader sees every
    /// collection before a series ends. Of totals that are gone the latest are remembered, as many as the
    /// [limit](Self::cardinality_limit) allows, but at least 2000. What is over the limit adds up in the series
    /// `otel.metric.overflow`, and so does what a [`View`](super::View) makes equal by taking attributes away.
    /// [`remove_idle_after`](Self::remove_idle_after) changes nothing here.
    ///
    /// What the callback sees happens before the end of the collection that waited for it.
    ///
    /// *Progress:* callbacks run one after the other on a thread for the purpose, called `freewheel-observe`, which holds
    /// no lock of the registry. The collection waits for them up to the
    /// [timeout](super::RegistryBuilder::observe_timeout); those behind one that takes long go on in another thread. A
    /// callback that panics, is not back in time or gets no thread leaves its last values in place, with their time, and
    /// is counted: see [`callback_failures`](super::Registry::callback_failures). Values that come late are in the next
    /// collection. No callback is called before it is back. A collection during another one, such as a snapshot that a
    /// callback takes, calls none, and sees what there is.
    ///
    /// *Cost:* a thread for each collection, and for each value a look-up and some allocations.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// use freewheel::metrics::{Data, KeyValue, Registry};
    ///
    /// #[derive(Default)]
    /// struct Queue {
    ///     waiting: Vec<u64>,
    ///     taken: u64,
    /// }
    ///
    /// let registry = Registry::new();
    /// let queue = Arc::new(Mutex::new(Queue::default()));
    ///
    /// let observed = Arc::downgrade(&queue);
    /// registry.counter("queue.taken").unit("{job}").observe(move |observer| {
    ///     if let Some(queue) = observed.upgrade() {
    ///         observer.observe(queue.lock().unwrap().taken, &[KeyValue::new("queue", "mail")]);
    ///     }
    /// })?;
    /// let observed = Arc::downgrade(&queue);
    /// registry.up_down_counter("queue.length").unit("{job}").observe(move |observer| {
    ///     if let Some(queue) = observed.upgrade() {
    ///         observer.observe(queue.lock().unwrap().waiting.len() as i64, &[KeyValue::new("queue", "mail")]);
    ///     }
    /// })?;
    ///
    /// queue.lock().unwrap().waiting.extend([7, 8, 9]);
    /// queue.lock().unwrap().taken = 4;
    /// let snapshot = registry.snapshot();
    /// let Some(Data::UpDownCounter(lengths)) = snapshot.metric("queue.length").map(|metric| &metric.data) else { panic!() };
    /// assert_eq!(lengths[0].value, 3);
    /// # let Some(Data::Counter(taken)) = snapshot.metric("queue.taken").map(|metric| &metric.data) else { panic!() };
    /// # assert_eq!(taken[0].value, 4);
    ///
    /// drop(queue);
    /// assert!(registry.snapshot().metric("queue.length").is_none());
    /// # Ok::<(), freewheel::metrics::RegisterError>(())
    /// ```
    pub fn observe(
        &self,
        callback: impl FnMut(&mut Observer<u64>) + Send + 'static,
    ) -> Result<(), RegisterError> {
        self.observe_as::<Counter>(callback)
    }

    /// Registers a callback that observes totals in floating-point numbers, as of seconds. In all else it is
    /// [`observe`](Self::observe). A total below zero is not recorded, nor is NaN or an infinity.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Instant;
    ///
    /// use freewheel::metrics::Registry;
    ///
    /// let registry = Registry::new();
    /// let begun = Instant::now();
    /// registry
    ///     .counter("maintenance.time")
    ///     .unit("s")
    ///     .observe_f64(move |observer| observer.observe(begun.elapsed().as_secs_f64(), &[]))?;
    /// # assert!(registry.snapshot().metric("maintenance.time").is_some());
    /// # Ok::<(), freewheel::metrics::RegisterError>(())
    /// ```
    pub fn observe_f64(
        &self,
        callback: impl FnMut(&mut Observer<f64>) + Send + 'static,
    ) -> Result<(), RegisterError> {
        self.observe_as::<CounterF64>(callback)
    }
}

impl InstrumentBuilder<UpDownCounter> {
    /// Registers a callback that observes sums that are kept elsewhere and rise and fall, such as the length of a queue.
    ///
    /// As [`observe`](InstrumentBuilder::<Counter>::observe) of counters, except that a series is the sum that was
    /// observed last, wherever it was before.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn observe(
        &self,
        callback: impl FnMut(&mut Observer<i64>) + Send + 'static,
    ) -> Result<(), RegisterError> {
        self.observe_as::<UpDownCounter>(callback)
    }
}

impl<V: GaugeValue> InstrumentBuilder<Gauge<V>> {
    /// Registers a callback that observes what cannot be added up: a temperature, a ratio, a version.
    ///
    /// As [`observe`](InstrumentBuilder::<Counter>::observe) of counters, except that a series is the value that was
    /// observed last, by whichever callback. NaN and infinities are not recorded.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn observe(
        &self,
        callback: impl FnMut(&mut Observer<V>) + Send + 'static,
    ) -> Result<(), RegisterError> {
        self.observe_as::<Gauge<V>>(callback)
    }
}

impl<I: Instrument> InstrumentBuilder<I> {
    /// The instrument of that description, observed as this kind; without a callback yet if it is new.
    pub(crate) fn observed<K: Kind>(&self) -> Result<Arc<ObservedSet<K>>, RegisterError> {
        self.registry.register_as(
            self,
            |_| K::name(),
            |settings| ObservedSet::new(settings, self.name.clone()),
        )
    }

    fn observe_as<K: Kind>(
        &self,
        callback: impl FnMut(&mut Observer<K::Value>) + Send + 'static,
    ) -> Result<(), RegisterError> {
        self.observed::<K>()?.add(callback);
        Ok(())
    }
}
