//! Metrics of object pools.

use std::sync::Arc;

use freewheel::{
    ObjectPool,
    metrics::{Counter, RegisterError, Registry},
};

use crate::common::{owned, patient_registry, values};

fn observe(registry: &Registry, name: &'static str, pool: &Arc<ObjectPool<Vec<u8>>>) {
    let pool = Arc::downgrade(pool);
    registry.observe_object_pool(name, move || Some(pool.upgrade()?.stats())).unwrap();
}

#[test]
fn pools_tell_what_became_of_their_objects() {
    let registry = patient_registry();
    let small = Arc::new(ObjectPool::builder(Vec::new).keep(|buffer: &Vec<u8>| buffer.len() < 10).build());
    let large = Arc::new(ObjectPool::builder(Vec::new).prefill(5).build());
    observe(&registry, "small", &small);
    observe(&registry, "large", &large);

    drop(small.get());
    let _used = small.get();
    small.put(vec![0; 10]);
    let _both = (large.get(), large.get());

    let snapshot = registry.snapshot();
    let gets = values::<u64>(&snapshot, "freewheel.object_pool.gets");
    let expected = [
        (&*attributes("small", "result=hit"), 1),
        (&*attributes("small", "result=miss"), 1),
        (&*attributes("large", "result=hit"), 2),
        (&*attributes("large", "result=miss"), 0),
    ];
    assert_eq!(gets, owned(expected));
    let objects = values::<i64>(&snapshot, "freewheel.object_pool.objects");
    let expected = [
        (&*attributes("small", "state=idle"), 0),
        (&*attributes("small", "state=used"), 1),
        (&*attributes("large", "state=idle"), 3),
        (&*attributes("large", "state=used"), 2),
    ];
    assert_eq!(objects, owned(expected));
    let dropped = values::<u64>(&snapshot, "freewheel.object_pool.dropped");
    let [small, large] = ["small", "large"].map(|pool| format!("freewheel.object_pool.name={pool}"));
    assert_eq!(dropped, owned([(&*small, 1), (&*large, 0)]));
}

fn attributes(pool: &str, other: &str) -> String {
    format!("freewheel.object_pool.name={pool},freewheel.object_pool.{other}")
}

#[test]
fn a_pool_that_is_gone_is_not_observed() {
    let registry = patient_registry();
    let pool = Arc::new(ObjectPool::new(Vec::new));
    observe(&registry, "short", &pool);
    assert!(registry.snapshot().metric("freewheel.object_pool.gets").is_some());
    drop(pool);
    assert!(registry.snapshot().metric("freewheel.object_pool.gets").is_none());
}

#[test]
fn a_name_that_is_taken_leaves_all_of_them_out() {
    let registry = patient_registry();
    let taken: Counter = registry.counter("freewheel.object_pool.objects").build().unwrap();
    let conflict = registry.observe_object_pool("p", || Some(ObjectPool::<u8>::default().stats()));
    assert!(matches!(conflict, Err(RegisterError::Conflict { .. })), "{conflict:?}");
    taken.add(1);
    assert_eq!(registry.snapshot().metrics.len(), 1);
}
