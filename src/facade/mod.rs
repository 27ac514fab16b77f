//! A recorder for the macros of the crate [`metrics`]: `counter!`, `gauge!`, `histogram!`.
//!
//! Code that is instrumented with those macros, one's own or a library's, records into a
//! [`Registry`](crate::metrics::Registry) once a [`Recorder`] is installed: into cells of the recording thread, next to
//! the instruments that the application registers itself, and exported with them.
//!
//! | macros                                  | instrument                                          |
//! |-----------------------------------------|-----------------------------------------------------|
//! | `counter!`: `increment`, `absolute`     | [`Counter`](crate::metrics::Counter)                |
//! | `gauge!`: `set`, `increment`, `decrement` | [`Gauge<f64>`](crate::metrics::Gauge)             |
//! | `histogram!`: `record`, `record_many`   | [`Histogram<f64>`](crate::metrics::Histogram)       |
//! | `describe_*!`, `description:`, `unit:`  | description and unit                                |
//! | labels                                  | attributes, all of them texts                       |
//! | `level:`, `target:`, the module path    | ignored                                             |
//!
//! # What a call costs
//!
//! `counter!("hits", "tier" => "disk").increment(1)` looks its handle up each time. Each thread remembers up to 8192 of
//! them for each kind, with a handle of its own, so that a call that was made before allocates nothing and writes to no
//! memory of other threads, as long as its labels are literals: for other labels the macro itself allocates. Other
//! calls take a lock. A handle that is kept, `let hits = counter!("hits");`, saves the lookup.
//!
//! What the handle does then costs what it costs with the instrument. Only `absolute` is more: it raises the sum over all
//! threads to at least the value, and reads that sum for it, one call after the other. It is meant for sums that
//! something else keeps, read now and then. Labels that end in one series, by a limit or a view, have one sum.
//!
//! # Names
//!
//! OpenTelemetry allows names of ASCII letters, digits, `_`, `.`, `-` and `/`, that begin with a letter and have at most
//! 255 characters. In others each character that is not allowed becomes `_`, then `metric_` goes before what does not
//! begin with a letter, and the end of what is too long is cut off: `db::pool size` is exported as `db__pool_size`, and
//! `_up` as `metric__up`. Names that become the same, and names that differ in ASCII case only, are one instrument.
//!
//! A name is of one kind. What is recorded under it as another kind, or as what the registry cannot make, is counted
//! in the metric `freewheel.samples.rejected`, and [`Recorder::conflicts`] says why.
//!
//! # Labels
//!
//! Of labels with the same key the last one counts, and those with an empty key do not. The
//! [limit](crate::metrics::InstrumentBuilder::cardinality_limit) of series applies: beyond it all other labels are the
//! series `otel.metric.overflow = true`. Limits, buckets and whatever else there is to choose are set with a
//! [`View`](crate::metrics::View).
//!
//! A series that a view [removes when idle](crate::metrics::View::remove_idle_after) stays while the application keeps
//! a handle on it, or a thread remembers it that has looked up nothing since.
//!
//! # Units
//!
//! | `Unit`                  | exported as | `Unit`                                 | exported as              |
//! |-------------------------|-------------|----------------------------------------|--------------------------|
//! | `Seconds`               | `s`         | `Bytes`                                | `By`                     |
//! | `Milliseconds`          | `ms`        | `Kibibytes`, `Mebibytes`               | `KiBy`, `MiBy`           |
//! | `Microseconds`          | `us`        | `Gibibytes`, `Tebibytes`               | `GiBy`, `TiBy`           |
//! | `Nanoseconds`           | `ns`        | `BitsPerSecond`, `KilobitsPerSecond`   | `bit/s`, `kbit/s`        |
//! | `Percent`               | `%`         | `MegabitsPerSecond`, `GigabitsPerSecond` | `Mbit/s`, `Gbit/s`     |
//! | `Count`                 | `{count}`   | `TerabitsPerSecond`                    | `Tbit/s`                 |
//! | `CountPerSecond`        | `{count}/s` |                                        |                          |
//!
//! Values are exported as they were recorded. The unit counts that an instrument is described with before it is first
//! used; the first description counts, also if it comes later.
//!
//! # Examples
//!
//! ```
//! use freewheel::{facade::Recorder, metrics::{KeyValue, Registry}};
//! use metrics::{counter, describe_counter, gauge, histogram};
//!
//! let registry = Registry::new();
//! Recorder::new(&registry).install()?;
//!
//! describe_counter!("requests", "Requests answered.");
//! counter!("requests", "method" => "GET").increment(1);
//! gauge!("queue.depth").increment(3);
//! histogram!("request.duration").record(std::time::Duration::from_millis(20));
//!
//! let snapshot = registry.snapshot();
//! assert_eq!(snapshot.counter("requests", &[KeyValue::new("method", "GET")]), Some(1));
//! assert_eq!(snapshot.gauge_f64("queue.depth", &[]), Some(3.0));
//! assert_eq!(snapshot.histogram("request.duration", &[]).map(|durations| durations.max()), Some(Some(0.02)));
//! # Ok::<(), freewheel::facade::InstallError>(())
//! ```
#![forbid(unsafe_code)]

mod handle;
mod kept;
mod names;
mod recorder;

pub use self::recorder::{InstallError, Recorder};
