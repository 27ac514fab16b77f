//! A source of values that a test sets, and readings of snapshots.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use freewheel::metrics::{Data, KeyValue, Observer, Point, Registry, SeriesId, Snapshot};

/// Long enough for anything that is to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A registry that waits for its callbacks, however slow the machine is.
pub(crate) fn patient_registry() -> Registry {
    Registry::builder().observe_timeout(PATIENCE).build()
}

/// What a callback observes: a value for each text, as the attribute `of`.
#[derive(Clone, Debug)]
pub(crate) struct Source<V>(Arc<Mutex<Vec<(&'static str, V)>>>);

impl<V: Copy + Send + 'static> Source<V> {
    pub(crate) fn new<const N: usize>(values: [(&'static str, V); N]) -> Self {
        Self(Arc::new(Mutex::new(values.to_vec())))
    }

    pub(crate) fn set<const N: usize>(&self, values: [(&'static str, V); N]) {
        *self.0.lock().unwrap() = values.to_vec();
    }

    pub(crate) fn callback(&self) -> impl FnMut(&mut Observer<V>) + Send + 'static {
        let Self(source) = self.clone();
        move |observer| {
            for (of, value) in source.lock().unwrap().iter() {
                observer.observe(*value, &[KeyValue::new("of", *of)]);
            }
        }
    }
}

/// A point, without what depends on the time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen<V> {
    /// All attributes, as `key=value`.
    pub(crate) attributes: String,
    pub(crate) value: V,
    pub(crate) series: SeriesId,
}

/// Numbers that a metric can have.
pub(crate) trait Number: Copy {
    fn points(data: &Data) -> Option<&[Point<Self>]>;
}

impl Number for u64 {
    fn points(data: &Data) -> Option<&[Point<Self>]> {
        match data {
            Data::Counter(points) => Some(points),
            _ => None,
        }
    }
}

impl Number for i64 {
    fn points(data: &Data) -> Option<&[Point<Self>]> {
        match data {
            Data::UpDownCounter(points) | Data::GaugeI64(points) => Some(points),
            _ => None,
        }
    }
}

impl Number for f64 {
    fn points(data: &Data) -> Option<&[Point<Self>]> {
        match data {
            Data::CounterF64(points) | Data::GaugeF64(points) => Some(points),
            _ => None,
        }
    }
}

/// The points of a metric; none if it is not there.
pub(crate) fn points<'a, V: Number>(snapshot: &'a Snapshot, name: &str) -> &'a [Point<V>] {
    let Some(metric) = snapshot.metric(name) else { return &[] };
    V::points(&metric.data).unwrap_or_else(|| panic!("{name} is {metric:?}"))
}

/// The points of a metric, in their order.
pub(crate) fn seen<V: Number>(snapshot: &Snapshot, name: &str) -> Vec<Seen<V>> {
    let attributes = |point: &Point<V>| {
        let texts: Vec<String> = point.attributes.iter().map(KeyValue::to_string).collect();
        texts.join(",")
    };
    let point =
        |point: &Point<V>| Seen { attributes: attributes(point), value: point.value, series: point.series() };
    points(snapshot, name).iter().map(point).collect()
}

/// The values of a metric by attributes, in the order of its points.
pub(crate) fn values<V: Number>(snapshot: &Snapshot, name: &str) -> Vec<(String, V)> {
    seen(snapshot, name).into_iter().map(|seen| (seen.attributes, seen.value)).collect()
}

/// The value of a metric with a single point.
pub(crate) fn value<V: Number>(snapshot: &Snapshot, name: &str) -> V {
    match points::<V>(snapshot, name) {
        [point] => point.value,
        points => panic!("{name} has {} points", points.len()),
    }
}

pub(crate) fn owned<V: Copy, const N: usize>(values: [(&str, V); N]) -> Vec<(String, V)> {
    values.iter().map(|(text, value)| ((*text).to_owned(), *value)).collect()
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
