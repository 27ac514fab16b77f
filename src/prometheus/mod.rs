//! The state of a registry as text that Prometheus scrapes.
//!
//! An [`Encoder`] writes a [`Snapshot`](crate::metrics::Snapshot) in the Prometheus text format or in OpenMetrics.
//! Serving it is the caller's: [`Format::from_accept`] reads what the scraper asks for, [`Format::content_type`] says
//! what it gets.
//!
//! Names and types follow the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility", so a dashboard
//! sees what it would see from OpenTelemetry's own exporters.
//!
//! | instrument                                | type                               | lines of a series                                |
//! |-------------------------------------------|------------------------------------|--------------------------------------------------|
//! | counter                                   | `counter`                          | `_total`                                         |
//! | up-down counter, gauge                    | `gauge`                            | one, without a suffix                            |
//! | histogram                                 | `histogram`                        | `_bucket` for each upper bound, `_sum`, `_count` |
//! | [`resource`](Encoder::resource), if given | `info`, in the text format `gauge` | `target_info`                                    |
//!
//! # Names
//!
//! * Characters that a name cannot have become underscores, several in a row become one: `http.server` is
//!   `http_server`. At the end of a metric's name they are dropped.
//! * The unit is appended in words, unless the name ends with it: `s` is `_seconds`, `By/s` is `_bytes_per_second`,
//!   `1` is `_ratio` for gauges and nothing for others, `{request}` is nothing.
//! * Counters end with `_total`, once.
//! * Attributes whose keys become the same label have one, with all their values: `a.b="x"` and `a_b="y"` are
//!   `a_b="x;y"`.
//! * A label that the format uses itself gets another name: an attribute `le` of a histogram is `exported_le`.
//! * Attributes with an empty value are left out, which to Prometheus is the same.
//!
//! What would have the same name all the same is told apart, and nothing is left out: of two metrics the one that was
//! registered later gets a number (`cache_size_2_bytes`), of two series the later gets the label `freewheel_duplicate`.
//! [`Encoder::conflicts`] lists them. The specification has exporters drop such a metric; here it can be seen.
//!
//! # Histograms
//!
//! Neither format has exponential histograms. They are exposed with buckets between powers of `2^(1 / 2^scale)`, where
//! the [scale](Encoder::histogram_scale) is the encoder's and not that of the data: a bound, once exposed, stays where
//! it is while values of any magnitude are recorded, which `rate()` relies on. There are
//! bounds from the lowest to the highest bucket in use, so new ones come at the ends only, and none for what never
//! happened. Should there be more than [160](crate::metrics::ExponentialHistogram::MAX_EXPORTED_BUCKETS) on one side
//! of zero, every other is left out.
//!
//! The default scale of 1 has two buckets to each power of two: twice as many as handwritten bounds usually have, and
//! a latency between 100 µs and 1 s takes 29 lines of them. Powers of two are bounds at every scale from 0 up, so a
//! service level that is one can be read exactly.
//!
//! Instances have the same bounds as far as their values reach, and a bound that comes late begins at what it counts,
//! not at zero. A sum over instances by `le` therefore lacks those whose values all lie below: a high quantile of it
//! can end at the highest bound that all of them have. Where that matters, or where bounds are given from outside, the
//! histogram gets [explicit ones](crate::metrics::Buckets::explicit), which are exposed as they are, all from the start.
//!
//! A value that equals a bound is counted at it. Negative values are an exception, as the buckets of an exponential
//! histogram go by magnitude: one that equals a bound is counted at the next. With negative values there is no `_sum`,
//! as it could fall; OpenMetrics then wants no `_count` either.
//!
//! # Examples
//!
//! A server in a few lines, for scrapers that send a whole request at once:
//!
//! ```no_run
//! use std::{io::{Read, Write}, net::TcpListener};
//! use freewheel::{metrics::Registry, prometheus::{Encoder, Format}};
//!
//! let registry = Registry::new();
//! registry.counter("visits").build()?.add(1);
//! for stream in TcpListener::bind("127.0.0.1:9464")?.incoming() {
//!     let (mut stream, mut request) = (stream?, [0; 4096]);
//!     let length = stream.read(&mut request)?;
//!     let request = String::from_utf8_lossy(&request[..length]);
//!     let accept = request.lines().find_map(|line| line.strip_prefix("Accept: "));
//!     let format = accept.map_or(Format::Text, Format::from_accept);
//!     let body = Encoder::new().format(format).encode(&registry.snapshot());
//!     write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {}\r\n", format.content_type())?;
//!     write!(stream, "Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod buckets;
mod conflict;
mod encoder;
mod exposition;
mod format;
mod labels;
mod names;
mod number;
mod text;
mod unit;

pub use self::{conflict::Conflict, encoder::Encoder, format::Format};
