//! Metrics about the metrics: what was not recorded, by instrument.

use super::{
    Data, Point,
    collection::Collection,
    instrument::{Identity, SeriesKey},
    observe::Failures,
};

/// The name of the metric that counts samples that were not recorded, by instrument.
pub(super) const REJECTED: &str = "freewheel.samples.rejected";

/// The name of the metric that counts callbacks that panicked, by instrument.
pub(super) const CALLBACK_PANICS: &str = "freewheel.callback.panics";

/// The name of the metric that counts callbacks that a collection could not wait for, by instrument.
pub(super) const CALLBACK_TIMEOUTS: &str = "freewheel.callback.timeouts";

/// Reports the samples that were not recorded, if there are any.
pub(super) fn collect_rejected<'a>(
    counts: impl Iterator<Item = (&'a SeriesKey, u64)>,
    collection: &mut Collection<'_>,
) {
    collect(REJECTED, "{sample}", "Samples that were not recorded, by instrument.", counts, collection);
}

/// Reports the callbacks that failed, if any did.
pub(super) fn collect_failures<'a>(
    failures: impl Iterator<Item = &'a Failures> + Clone,
    collection: &mut Collection<'_>,
) {
    let panics = failures.clone().map(|failures| failures.panics.get());
    collect(CALLBACK_PANICS, "{panic}", "Callbacks that panicked, by instrument.", panics, collection);
    let timeouts = failures.map(|failures| failures.timeouts.get());
    let description = "Callbacks that a collection could not wait for, by instrument.";
    collect(CALLBACK_TIMEOUTS, "{timeout}", description, timeouts, collection);
}

/// Reports those counts that are not zero.
fn collect<'a>(
    name: &str,
    unit: &str,
    description: &str,
    counts: impl Iterator<Item = (&'a SeriesKey, u64)>,
    collection: &mut Collection<'_>,
) {
    let time = collection.taken_at();
    let points = counts.filter(|&(_, count)| count > 0).map(|(key, value)| Point {
        attributes: key.attributes.clone(),
        start: key.start,
        time,
        value,
        exemplars: Vec::new(),
        series: key.id,
    });
    let identity = Identity { name: name.into(), unit: unit.into(), description: description.into() };
    collection.push(&identity, Data::Counter(points.collect()));
}
