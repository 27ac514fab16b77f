//! Other forms and other ways: explicit buckets for all, a Unix domain socket.

use std::{env, time::Duration};

use freewheel::{
    metrics::Registry,
    otlp::{HistogramAggregation, Temporality},
};
use serde_json::json;

use crate::{
    case::{Case, PATIENCE, Way, exporter, flush_now_and_then},
    receiver::Setup,
    recording::{self, seconds, times},
};

/// What the specification and the semantic conventions have by default.
const DEFAULT: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1e3, 2.5e3, 5e3, 7.5e3, 1e4];
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Further from the bounds than the error of the conversion reaches.
const SIZES: [u64; 10] = [0, 1, 3, 7, 18, 60, 190, 400, 3300, 20_000];
const MILLIS: [u64; 6] = [1, 7, 18, 330, 3300, 20_000];

#[test]
fn exponential_histograms_have_the_default_bounds_where_explicit_buckets_are_wanted() {
    for (name, temporality) in
        [("explicit-cumulative", Temporality::Cumulative), ("explicit-delta", Temporality::Delta)]
    {
        let case = Case::new(name, Way::Protobuf, temporality, &[]);
        let receiver = Setup::new(name).start();
        let registry = Registry::new();
        let sizes = registry.histogram::<u64>("sizes").unit("By").build().unwrap();
        let latency = registry.histogram::<Duration>("latency").build().unwrap();
        let destination = case.destination(&receiver).histograms(HistogramAggregation::ExplicitBucket);
        let exporter = exporter(&registry, [destination]);
        for _ in 0..3 {
            sizes.record_all(&SIZES);
            MILLIS.into_iter().for_each(|millis| latency.record(Duration::from_millis(millis)));
            exporter.force_flush(PATIENCE).unwrap();
        }
        let size = |index: u64| SIZES[index as usize % SIZES.len()].to_string();
        let duration = |index: u64| seconds(MILLIS[index as usize % MILLIS.len()] * 1_000_000);
        let recorded = json!({
            "counters": {}, "up_down_counters": {}, "gauges": {}, "histograms": {},
            "bounded": {
                "sizes": {"": times(3 * SIZES.len() as u64, size)},
                "latency": {"": times(3 * MILLIS.len() as u64, duration)},
            },
            "bounds": {"sizes": DEFAULT, "latency": SECONDS},
        });
        case.check(&exporter.shutdown(PATIENCE).unwrap(), &receiver, recorded);
    }
}

#[test]
fn delta_windows_are_read_as_recorded_through_a_unix_domain_socket() {
    let path = env::temp_dir().join(format!("freewheel-third-party-{}", std::process::id()));
    let path = path.to_str().unwrap();
    let case = Case::new("unix", Way::Grpc, Temporality::Delta, &[]);
    let receiver = Setup::new(case.name).option(&["--unix", path]).start();
    let registry = Registry::new();
    let destination = case.destination(&receiver).endpoint(format!("unix://{path}"));
    let exporter = exporter(&registry, [destination]);
    recording::record(&registry, || flush_now_and_then(&exporter));
    case.finish(exporter, &receiver);
    std::fs::remove_file(path).unwrap();
}
