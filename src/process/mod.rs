//! Metrics of the process itself, by the semantic conventions of OpenTelemetry.
//!
//! | metric                               | kind            | unit                | attribute                  |
//! |--------------------------------------|-----------------|---------------------|----------------------------|
//! | `process.cpu.time`                   | counter         | `s`                 | `cpu.mode`                 |
//! | `process.memory.usage`               | up-down counter | `By`                |                            |
//! | `process.memory.virtual`             | up-down counter | `By`                |                            |
//! | `process.thread.count`               | up-down counter | `{thread}`          |                            |
//! | `process.unix.file_descriptor.count` | up-down counter | `{file_descriptor}` |                            |
//! | `process.paging.faults`              | counter         | `{fault}`           | `system.paging.fault.type` |
//! | `process.uptime`                     | gauge           | `s`                 |                            |
//!
//! `cpu.mode` is `user` or `system`, `system.paging.fault.type` is `minor` or `major`. CPU time and uptime are as fine as
//! the system tells them, mostly hundredths of a second. The thread that reads, `freewheel-observe`, is one of those that
//! are counted. What the system does not tell is left out, and on systems other than Linux that is everything.
//!
//! A [`View`](crate::metrics::View) switches off what is not wanted: `View::new("process.paging.*").off()`.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, PoisonError};

use crate::metrics::{
    Counter, CounterF64, Gauge, KeyValue, ObservedSet, Observer, RegisterError, Registry, UpDownCounter,
};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;

/// Registers the metrics of this process. They are read once for each collection. Registering them again changes nothing.
///
/// *Cost:* for each collection, a thread for a moment, and the reading of three files of `/proc`.
///
/// # Errors
///
/// [`RegisterError::Conflict`] if one of the names is registered as something else. None of the metrics is collected
/// then, unless it was before.
///
/// # Examples
///
/// ```
/// use freewheel::{metrics::Registry, process};
///
/// let registry = Registry::new();
/// process::register(&registry)?;
/// # #[cfg(target_os = "linux")]
/// assert!(registry.snapshot().metric("process.memory.usage").is_some());
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
pub fn register(registry: &Registry) -> Result<(), RegisterError> {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        Instruments::register(registry)?.observe();
    }
    Ok(())
}

/// The instruments, so far without callbacks: if one cannot be had, none is observed.
struct Instruments {
    cpu: Arc<ObservedSet<CounterF64>>,
    resident: Arc<ObservedSet<UpDownCounter>>,
    mapped: Arc<ObservedSet<UpDownCounter>>,
    threads: Arc<ObservedSet<UpDownCounter>>,
    descriptors: Arc<ObservedSet<UpDownCounter>>,
    faults: Arc<ObservedSet<Counter>>,
    uptime: Arc<ObservedSet<Gauge<f64>>>,
}

impl Instruments {
    fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let counter = |name, unit, description| registry.counter(name).unit(unit).description(description);
        let sum = |name, unit, description| {
            registry.up_down_counter(name).unit(unit).description(description).observed()
        };
        let uptime = registry.gauge::<f64>("process.uptime").unit("s");
        Ok(Self {
            cpu: counter("process.cpu.time", "s", "CPU time that was used, by mode.").observed()?,
            resident: sum("process.memory.usage", "By", "Physical memory in use.")?,
            mapped: sum("process.memory.virtual", "By", "Virtual memory in use.")?,
            threads: sum("process.thread.count", "{thread}", "Threads of the process.")?,
            descriptors: sum(
                "process.unix.file_descriptor.count",
                "{file_descriptor}",
                "File descriptors in use.",
            )?,
            faults: counter("process.paging.faults", "{fault}", "Page faults, by type.").observed()?,
            uptime: uptime.description("Time since the process was started.").observed()?,
        })
    }

    fn observe(self) {
        let readings = Arc::new(Readings::default());
        self.cpu.add_first(readings.observe_usage(|usage, observer| {
            observer.observe(usage.user_seconds, &[KeyValue::new("cpu.mode", "user")]);
            observer.observe(usage.system_seconds, &[KeyValue::new("cpu.mode", "system")]);
        }));
        self.resident.add_first(readings.observe_usage(|usage, observer| {
            observer.observe(signed(usage.resident_bytes), &[]);
        }));
        self.mapped.add_first(readings.observe_usage(|usage, observer| {
            observer.observe(signed(usage.virtual_bytes), &[]);
        }));
        self.threads
            .add_first(readings.observe_usage(|usage, observer| observer.observe(usage.threads, &[])));
        self.faults.add_first(readings.observe_usage(|usage, observer| {
            observer.observe(usage.minor_faults, &[KeyValue::new("system.paging.fault.type", "minor")]);
            observer.observe(usage.major_faults, &[KeyValue::new("system.paging.fault.type", "major")]);
        }));
        self.descriptors.add_first(readings.observe(|reading, observer| {
            reading.descriptors.into_iter().for_each(|count| observer.observe(signed(count), &[]));
        }));
        self.uptime.add_first(readings.observe(|reading, observer| {
            reading.uptime.into_iter().for_each(|seconds| observer.observe(seconds, &[]));
        }));
    }
}

/// What was read, as far as the system told.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    usage: Option<Usage>,
    descriptors: Option<u64>,
    /// In seconds.
    uptime: Option<f64>,
}

/// What the process has used, and uses.
#[derive(Clone, Copy, Debug)]
struct Usage {
    user_seconds: f64,
    system_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    threads: i64,
    minor_faults: u64,
    major_faults: u64,
}

/// One reading for all that the same collection asks.
#[derive(Debug, Default)]
struct Readings {
    /// The last reading, and the number of its collection.
    last: Mutex<Option<(u64, Reading)>>,
}

impl Readings {
    fn observe<V>(
        self: &Arc<Self>,
        observe: impl Fn(&Reading, &mut Observer<V>) + Send + 'static,
    ) -> impl FnMut(&mut Observer<V>) + Send + 'static {
        let readings = self.clone();
        move |observer| observe(&readings.of(observer.collection()), observer)
    }

    fn observe_usage<V>(
        self: &Arc<Self>,
        observe: impl Fn(&Usage, &mut Observer<V>) + Send + 'static,
    ) -> impl FnMut(&mut Observer<V>) + Send + 'static {
        self.observe(move |reading, observer| {
            if let Some(usage) = &reading.usage {
                observe(usage, observer);
            }
        })
    }

    /// The reading for that collection.
    fn of(&self, collection: u64) -> Reading {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match *last {
            Some((of, reading)) if of == collection => reading,
            _ => last.insert((collection, read())).1,
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use linux::read;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn read() -> Reading {
    Reading::default()
}

/// What is above 2^63 - 1 is that.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
