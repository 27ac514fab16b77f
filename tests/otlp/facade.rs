//! What the macros of the crate `metrics` record arrives.

use freewheel::{facade::Recorder, metrics::Registry};
use metrics::{Unit, counter, describe_counter, gauge, histogram, with_local_recorder};

use crate::{
    collector::{Collector, PATIENCE},
    reading::last_total,
};

#[test]
fn what_the_macros_record_arrives() {
    let collector = Collector::start([]);
    let registry = Registry::new();
    let exporter = collector.exporter(&registry).start().unwrap();
    with_local_recorder(&Recorder::new(&registry), || {
        describe_counter!("db::rows", Unit::Count, "Rows read.");
        for rows in 1..=10 {
            counter!("db::rows", "table" => "orders").increment(rows);
            histogram!("db::time").record(0.25);
        }
        gauge!("db::pool").increment(3);
    });
    exporter.force_flush(PATIENCE).unwrap();
    let accepted = collector.accepted();
    assert_eq!(last_total(&accepted, "db__rows"), 55);
    assert_eq!(last_total(&accepted, "db__time"), 10);
    let request = accepted.last().unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let rows = metrics.iter().find(|metric| metric.name == "db__rows").unwrap();
    assert_eq!((&*rows.description, &*rows.unit), ("Rows read.", "{count}"));
    assert!(metrics.iter().any(|metric| metric.name == "db__pool"));
}
