//! [`Encoder`]: from a snapshot to a text.

use std::fmt;

use super::{Conflict, Format, exposition};
use crate::metrics::{KeyValue, Snapshot};

/// Turns snapshots into text for Prometheus; see the [module](super) for what becomes of what.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use freewheel::{metrics::{KeyValue, Registry}, prometheus::{Encoder, Format}};
///
/// let registry = Registry::new();
/// let hits = registry.counter("cache.hits").unit("{hit}").bind(&[KeyValue::new("cache.tier", "disk")])?;
/// let waits = registry.histogram::<Duration>("queue.wait").build()?;
/// hits.add(3);
/// waits.record(Duration::from_millis(1500));
///
/// let encoder = Encoder::new().format(Format::OpenMetrics);
/// let text = encoder.encode(&registry.snapshot());
/// assert!(text.contains("cache_hits_total{cache_tier=\"disk\"} 3\n"));
/// // Units become words, and are part of the name.
/// assert!(text.contains("queue_wait_seconds_bucket{le=\"2.0\"} 1\n"));
/// // A good place to look for what had to be renamed is a test of the service.
/// assert!(encoder.conflicts(&registry.snapshot()).is_empty());
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an encoder does nothing until it encodes"]
pub struct Encoder {
    pub(super) format: Format,
    pub(super) histogram_scale: i32,
    pub(super) has_created: bool,
    /// Sorted by key.
    pub(super) resource: Vec<KeyValue>,
    /// Name and version.
    pub(super) scope: (String, String),
}

impl Encoder {
    /// An encoder for [`Format::Text`] without what can be added.
    pub const fn new() -> Self {
        Self {
            format: Format::Text,
            histogram_scale: Self::DEFAULT_HISTOGRAM_SCALE,
            has_created: false,
            resource: Vec::new(),
            scope: (String::new(), String::new()),
        }
    }

    /// The scale of exponential histograms unless another is set: two buckets to each power of two.
    pub const DEFAULT_HISTOGRAM_SCALE: i32 = 1;

    /// Sets the format.
    pub const fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Sets how finely exponential histograms are exposed: with `2^scale` buckets to each power of two, or as finely
    /// as they are if that is less. Limited to `-4..=8`; [`DEFAULT_HISTOGRAM_SCALE`](Self::DEFAULT_HISTOGRAM_SCALE)
    /// unless set.
    ///
    /// Each step doubles the lines and halves the error of a quantile: 33 % at scale 0, 17 % at 1, 9 % at 2.
    /// Prometheus keeps a series for each line.
    pub fn histogram_scale(mut self, scale: i32) -> Self {
        self.histogram_scale = scale.clamp(-4, 8);
        self
    }

    /// Adds attributes of the resource, of the service that reports: the labels of the metric `target_info`. Of several
    /// values for one key the last stays.
    pub fn resource(mut self, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        for attribute in attributes {
            match self.resource.binary_search_by(|known| known.key.cmp(&attribute.key)) {
                Ok(at) => self.resource[at] = attribute,
                Err(at) => self.resource.insert(at, attribute),
            }
        }
        self
    }

    /// Gives each series the labels `otel_scope_name` and `otel_scope_version`; one that is empty is left out.
    ///
    /// They tell metrics of one name apart that come from different libraries. The metrics of a registry have different
    /// names, so there is no such label unless asked for.
    pub fn scope(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.scope = (name.into(), version.into());
        self
    }

    /// Adds a line for the time at which each series of a counter or histogram began, `_created`. Only OpenMetrics has
    /// it.
    ///
    /// A server that does not know the name keeps it as one more series for each counter, so it is left out unless
    /// asked for.
    pub const fn created(mut self) -> Self {
        self.has_created = true;
        self
    }

    /// The exposition of `snapshot`.
    ///
    /// *Cost:* linear in the lines of the text; memory is allocated for the text and for each metric, not for each
    /// line.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a string takes any text")]
    pub fn encode(&self, snapshot: &Snapshot) -> String {
        let mut text = String::new();
        self.encode_into(snapshot, &mut text).expect("writing to a string does not fail");
        text
    }

    /// Appends the exposition of `snapshot` to `out`: to a `String` that is used again, or to what sends it on its way.
    ///
    /// # Errors
    ///
    /// The error of `out`, if it has one. Part of the text may have been written then.
    pub fn encode_into(&self, snapshot: &Snapshot, out: &mut impl fmt::Write) -> fmt::Result {
        exposition::write(self, snapshot, out).map(drop)
    }

    /// What could not be called by its own name, in the order of the exposition: nothing, if the instruments are named
    /// well. All of it is in the exposition, under other names.
    ///
    /// *Cost:* that of [`encode`](Self::encode), but for the memory of the text.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "nowhere takes any text")]
    pub fn conflicts(&self, snapshot: &Snapshot) -> Vec<Conflict> {
        exposition::write(self, snapshot, &mut Nowhere).expect("writing to nowhere does not fail")
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes any text, and forgets it.
struct Nowhere;

impl fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}
