//! What can be done with snapshots: windows, merging, looking up, printing, and as text for other programs.

mod looking;
mod merging;
#[cfg(feature = "serde")]
mod nonsense;
#[cfg(feature = "serde")]
mod serial;
mod windows;

use freewheel::metrics::{Data, Point, Snapshot};

/// The snapshot with metrics by name and points by attributes.
fn sorted(mut snapshot: Snapshot) -> Snapshot {
    fn sort<T>(points: &mut [Point<T>]) {
        points.sort_by_key(|point| point.attributes.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    for metric in &mut snapshot.metrics {
        match &mut metric.data {
            Data::Counter(points) => sort(points),
            Data::CounterF64(points) | Data::GaugeF64(points) => sort(points),
            Data::UpDownCounter(points) | Data::GaugeI64(points) => sort(points),
            Data::Histogram(points) => sort(points),
            Data::ExplicitHistogram(points) => sort(points),
            other => panic!("{other:?}"),
        }
    }
    snapshot.metrics.sort_by(|a, b| a.name.cmp(&b.name));
    snapshot
}
