//! Single values, all values, and the table.

use std::time::Duration;

use freewheel::metrics::{Data, KeyValue, Outcome, PointValue, Registry, Snapshot};

#[test]
fn a_value_is_found_by_its_attributes_in_any_order_and_only_by_all_of_them() {
    let registry = Registry::new();
    let (a, b, nan) = (KeyValue::new("a", 1), KeyValue::new("b", "x"), KeyValue::new("c", f64::NAN));
    let jobs = registry.counter("jobs");
    jobs.bind(&[a.clone(), b.clone(), nan.clone()]).unwrap().add(3);
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.counter("JOBS", &[nan.clone(), b.clone(), a.clone()]), Some(3));
    let others = [
        vec![],
        vec![a.clone(), b.clone()],
        vec![a.clone(), a.clone(), a.clone()],
        vec![a.clone(), b.clone(), KeyValue::new("c", 1)],
        vec![a.clone(), b.clone(), nan.clone(), KeyValue::new("d", 1)],
        vec![KeyValue::new("a", 1.0), b.clone(), nan.clone()],
    ];
    for other in others {
        assert_eq!(snapshot.point("jobs", &other), None, "{other:?}");
    }
    assert_eq!(snapshot.counter("job", &[a, b, nan]), None);
}

#[test]
fn each_kind_has_its_own_look_up() {
    let registry = Registry::new();
    registry.counter("counter").build().unwrap().add(1);
    registry.up_down_counter("up_down").build().unwrap().add(-2);
    registry.gauge::<i64>("integer").build().unwrap().record(-3);
    registry.gauge::<f64>("number").build().unwrap().record(0.5);
    registry.histogram::<u64>("sizes").build().unwrap().record(7);
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.counter("counter", &[]), Some(1));
    assert_eq!(snapshot.up_down_counter("up_down", &[]), Some(-2));
    assert_eq!(snapshot.gauge_i64("integer", &[]), Some(-3));
    assert_eq!(snapshot.gauge_f64("number", &[]), Some(0.5));
    assert_eq!(snapshot.histogram("sizes", &[]).and_then(|sizes| sizes.max()), Some(7.0));
    for name in ["counter", "up_down", "integer", "number", "sizes"] {
        let found = [
            snapshot.counter(name, &[]).is_some(),
            snapshot.counter_f64(name, &[]).is_some(),
            snapshot.up_down_counter(name, &[]).is_some(),
            snapshot.gauge_i64(name, &[]).is_some(),
            snapshot.gauge_f64(name, &[]).is_some(),
            snapshot.histogram(name, &[]).is_some(),
            snapshot.explicit_histogram(name, &[]).is_some(),
        ];
        assert_eq!(found.into_iter().filter(|found| *found).count(), 1, "{name}");
    }
}

#[test]
fn a_walk_meets_every_point_with_its_metric() {
    let registry = Registry::new();
    for at in 0..3 {
        registry.counter("jobs").unit("{job}").bind(&[KeyValue::new("at", at)]).unwrap().add(at as u64);
    }
    registry.gauge::<f64>("ratio").build().unwrap().record(0.5);
    let snapshot = registry.snapshot();
    let met: Vec<_> = snapshot.points().map(|(metric, point)| (&*metric.unit, point.value)).collect();
    let jobs = (0..3).map(|at| ("{job}", PointValue::Counter(at)));
    assert_eq!(met, jobs.chain([("", PointValue::GaugeF64(0.5))]).collect::<Vec<_>>());
    let (metric, last) = snapshot.points().last().unwrap();
    assert_eq!(Some(last), metric.point(&[]));
    assert!(last.attributes.is_empty() && last.time == snapshot.taken_at);
}

fn tier(tier: &'static str) -> [KeyValue; 2] {
    [KeyValue::new("tier", tier), KeyValue::new("shard", 7)]
}

#[test]
fn a_snapshot_is_printed_as_a_table_for_people() {
    let registry = Registry::new();
    let hits = registry.counter("cache.hits").unit("{hit}");
    hits.bind(&tier("memory")).unwrap().add(1_234_567);
    hits.bind(&tier("größer\n")).unwrap().add(12);
    registry.up_down_counter("queue.size").build().unwrap().add(-3);
    registry.gauge::<f64>("cpu.utilization").unit("1").build().unwrap().record(0.25);
    registry.gauge::<i64>("uptime").unit("s").build().unwrap().record(86_400);
    registry.gauge::<f64>("clock.offset").unit("s").build().unwrap().record(-0.0015);
    let sizes = registry.histogram::<u64>("body.size").unit("By").build().unwrap();
    (1..=1000).for_each(|size| sizes.record(size * 1000));
    let _unused = registry.histogram::<u64>("unused").build().unwrap();
    let web = registry.requests("web").bind(&tier("disk")).unwrap();
    for millis in 1..=100 {
        web.record(Duration::from_millis(millis), Outcome::Success);
    }
    let snapshot = registry.snapshot();
    let table = r"
cache.hits         shard=7 tier=memory    1234567  hit
cache.hits         shard=7 tier=größer\n       12  hit
queue.size                                     -3
cpu.utilization                              0.25
uptime                                      86400  s
clock.offset                               -1.5ms
body.size                                    1000  mean 500500 By  p50 496600 By  p90 891300 By  p99 993200 By  max 1000000 By
unused                                          0
web.count          shard=7 tier=disk          100  request
web.errors         shard=7 tier=disk            0  request
web.duration       shard=7 tier=disk          100  mean 50.5ms     p50 49.8ms     p90 89.3ms     p99 99.6ms     max 100.0ms
web.last.duration  shard=7 tier=disk      100.0ms
";
    assert_eq!(snapshot.to_string(), table.trim());
    assert_eq!(
        snapshot.metric("cache.hits").unwrap().to_string(),
        "cache.hits  shard=7 tier=memory    1234567  hit\n\
         cache.hits  shard=7 tier=größer\\n       12  hit"
    );
}

#[test]
fn a_table_without_series_says_so() {
    assert_eq!(Snapshot::default().to_string(), "no series");
    let registry = Registry::new();
    registry.counter("jobs").build().unwrap().add(2);
    let mut snapshot = registry.snapshot();
    assert_eq!(snapshot.to_string(), "jobs  2", "a column without entries takes no room");
    snapshot.metrics[0].data = Data::Counter(Vec::new());
    assert_eq!(snapshot.metrics[0].to_string(), "jobs: no series");
    assert_eq!(snapshot.to_string(), "no series");
}
