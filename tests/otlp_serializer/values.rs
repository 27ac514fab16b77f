//! What stands in a request.

use freewheel::{metrics::KeyValue, otlp::Serializer};
use proptest::prelude::*;

use crate::{expected, metrics, requests, snapshots::snapshots};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_snapshot_holds_arrives(snapshot in snapshots()) {
        let expected = expected::totals(&snapshot);
        prop_assert_eq!(metrics(&mut Serializer::new([]), snapshot), expected);
    }

    #[test]
    fn a_second_snapshot_does_not_show_that_there_was_a_first(first in snapshots(), second in snapshots()) {
        let mut serializer = Serializer::new([]).without_exemplars();
        let _ = serializer.requests(first);
        let alone = Serializer::new([]).without_exemplars().requests(second.clone());
        prop_assert_eq!(serializer.requests(second), alone);
    }
}

#[test]
fn every_request_has_the_resource_and_the_scope() {
    let registry = freewheel::metrics::Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let resource = [KeyValue::new("service.name", "shop"), KeyValue::new("host.cpu.count", 2)];
    let request =
        requests(&mut Serializer::new(resource.clone()), registry.snapshot()).pop().expect("one request");
    let [of_resource] = &request.resource_metrics[..] else { panic!("{request:?}") };
    assert_eq!(of_resource.resource.as_ref().unwrap().attributes, expected::attributes(&resource));
    let [of_scope] = &of_resource.scope_metrics[..] else { panic!("{request:?}") };
    let scope = of_scope.scope.as_ref().unwrap();
    assert_eq!((scope.name.as_str(), scope.version.as_str()), ("freewheel", env!("CARGO_PKG_VERSION")));
}
