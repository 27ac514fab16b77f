//! Exemplars: the values that were recorded within sampled spans.

use std::{collections::BTreeSet, thread, time::Duration};

use freewheel::metrics::{Buckets, Data, Exemplar, Outcome, Registry, Snapshot, Timestamp};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};

fn context(id: u8, flags: TraceFlags) -> Context {
    let (trace, span) = (TraceId::from_bytes([id; 16]), SpanId::from_bytes([id; 8]));
    Context::new().with_remote_span_context(SpanContext::new(trace, span, flags, true, TraceState::default()))
}

fn within<R>(id: u8, flags: TraceFlags, f: impl FnOnce() -> R) -> R {
    let _span = context(id, flags).attach();
    f()
}

fn exemplars(snapshot: &Snapshot, name: &str) -> Vec<Exemplar> {
    match &snapshot.metric(name).expect("recorded").data {
        Data::Histogram(points) => points[0].exemplars.clone(),
        Data::ExplicitHistogram(points) => points[0].exemplars.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn only_values_recorded_in_a_sampled_span_become_exemplars() {
    let registry = Registry::new();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    sizes.record(1);
    within(2, TraceFlags::default(), || sizes.record(2));
    assert_eq!(exemplars(&registry.snapshot(), "sizes"), []);

    let before = Timestamp::now();
    within(3, TraceFlags::SAMPLED, || sizes.record(3));
    sizes.record(4);
    let [exemplar] = exemplars(&registry.snapshot(), "sizes")[..] else { panic!("not one exemplar") };
    assert_eq!((exemplar.value, exemplar.trace_id, exemplar.span_id), (3.0, [3; 16], [3; 8]));
    assert!(before <= exemplar.time && exemplar.time <= Timestamp::now());
    assert!(format!("{exemplar:?}").contains("trace_id: 03030303030303030303030303030303"));
    assert_eq!(sizes.snapshot().count(), 4);
}

#[test]
fn each_bucket_between_given_bounds_keeps_the_last_one() {
    let registry = Registry::new();
    let buckets = Buckets::explicit([0.0, 10.0]).unwrap();
    let values = registry.histogram::<f64>("values").buckets(buckets).build().unwrap();
    for (id, value) in [(1, -1.0), (2, 0.0), (3, 0.5), (4, 10.0), (5, 10.5), (6, f64::NAN)] {
        within(id, TraceFlags::SAMPLED, || values.record(value));
    }
    let kept: Vec<(f64, u8)> = exemplars(&registry.snapshot(), "values")
        .iter()
        .map(|exemplar| (exemplar.value, exemplar.span_id[0]))
        .collect();
    assert_eq!(kept, [(0.0, 2), (10.0, 4), (10.5, 5)]);
}

#[test]
fn of_exponential_buckets_twenty_are_kept_of_all_times_between_collections() {
    let registry = Registry::new();
    let latency = registry.histogram::<Duration>("latency").build().unwrap();
    let record = |millis: std::ops::Range<u64>| {
        within(1, TraceFlags::SAMPLED, || {
            millis.for_each(|millis| latency.record(Duration::from_millis(millis)));
        });
    };
    record(1..2001);
    let kept = exemplars(&registry.snapshot(), "latency");
    let distinct: BTreeSet<u64> = kept.iter().map(|exemplar| exemplar.value.to_bits()).collect();
    assert_eq!((kept.len(), distinct.len()), (20, 20));
    // That all twenty are of one half of 2000 has a probability of one in half a million.
    let late = kept.iter().filter(|exemplar| exemplar.value > 1.0).count();
    assert!((1..20).contains(&late), "{late} of the later half");

    // The first ones after a collection are taken whatever there was before.
    record(5000..5003);
    let kept = exemplars(&registry.snapshot(), "latency");
    let fresh: Vec<f64> = kept.iter().map(|exemplar| exemplar.value).filter(|&value| value >= 5.0).collect();
    assert_eq!((kept.len(), fresh), (20, vec![5.0, 5.001, 5.002]));
}

#[test]
fn a_window_has_only_the_exemplars_of_its_time() {
    let registry = Registry::new();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    let mut reader = registry.reader();
    within(1, TraceFlags::SAMPLED, || sizes.record(1));
    assert_eq!(exemplars(&reader.window(), "sizes").len(), 1);
    within(2, TraceFlags::SAMPLED, || sizes.record(2));
    let values: Vec<f64> =
        exemplars(&reader.window(), "sizes").iter().map(|exemplar| exemplar.value).collect();
    assert_eq!(values, [2.0]);
    assert_eq!(exemplars(&registry.snapshot(), "sizes").len(), 2);
}

#[test]
fn requests_and_families_and_batches_have_exemplars_too() {
    let registry = Registry::new();
    let requests = registry.requests("web").build().unwrap();
    let sizes = registry.histogram::<u64>("sizes").family(["kind"]).unwrap();
    let batches = registry.histogram::<u64>("batches").build().unwrap();
    within(9, TraceFlags::SAMPLED, || {
        requests.record(Duration::from_secs(2), Outcome::Error);
        sizes.with(["a"]).record(7);
        batches.record_all(&[1, 2, 3]);
        batches.record_n(4, 10);
    });
    let snapshot = registry.snapshot();
    assert_eq!(exemplars(&snapshot, "web.duration")[0].value, 2.0);
    assert_eq!(exemplars(&snapshot, "sizes")[0].span_id, [9; 8]);
    assert_eq!(exemplars(&snapshot, "batches").len(), 4);
}

#[test]
fn threads_offer_side_by_side_and_one_that_ends_still_records() {
    struct Last(freewheel::metrics::Histogram);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.record(1);
        }
    }
    thread_local!(static LAST: std::cell::RefCell<Option<Last>> = const { std::cell::RefCell::new(None) });

    let registry = Registry::new();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    thread::scope(|scope| {
        for id in 1..=4 {
            let sizes = &sizes;
            scope.spawn(move || {
                // Made before OpenTelemetry's own thread-local, so it goes after it.
                LAST.set(Some(Last(sizes.clone())));
                within(id, TraceFlags::SAMPLED, || (0..1000).for_each(|_| sizes.record(id.into())));
            });
        }
        for _ in 0..100 {
            for exemplar in exemplars_if_any(&registry.snapshot()) {
                let id = exemplar.value as u8;
                assert_eq!((exemplar.trace_id, exemplar.span_id), ([id; 16], [id; 8]));
            }
        }
    });
    assert_eq!(sizes.snapshot().count(), 4004);
}

fn exemplars_if_any(snapshot: &Snapshot) -> Vec<Exemplar> {
    snapshot.metric("sizes").map_or_else(Vec::new, |_| exemplars(snapshot, "sizes"))
}

#[cfg(feature = "serde")]
#[test]
fn exemplars_are_written_and_read_with_hexadecimal_identities() {
    let registry = Registry::new();
    let sizes = registry.histogram::<u64>("sizes").build().unwrap();
    within(0xab, TraceFlags::SAMPLED, || sizes.record(3));
    let snapshot = registry.snapshot();
    let json = serde_json::to_string(&snapshot).unwrap();
    assert!(json.contains(r#""spanId":"abababababababab""#), "{json}");
    assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
    for nonsense in ["ab", "ababababababababab", "xbababababababab", "äbababababababa"] {
        let json = json.replace("\"abababababababab\"", &format!("\"{nonsense}\""));
        assert!(serde_json::from_str::<Snapshot>(&json).is_err(), "{nonsense}");
    }
}

#[cfg(feature = "prometheus")]
#[test]
fn open_metrics_has_the_newest_exemplar_of_each_bucket_and_the_text_format_none() {
    use freewheel::prometheus::{Encoder, Format};

    let registry = Registry::new();
    let buckets = Buckets::explicit([1.0, 10.0]).unwrap();
    let values = registry.histogram::<f64>("v").buckets(buckets).build().unwrap();
    for (id, value) in [(1, 1.0), (2, 0.5), (3, 11.0)] {
        within(id, TraceFlags::SAMPLED, || values.record(value));
    }
    values.record(5.0);
    let snapshot = registry.snapshot();
    let text = Encoder::new().format(Format::OpenMetrics).encode(&snapshot);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("_bucket{")).collect();
    let exemplar = |id: u8, value: &str| {
        let (trace, span) = (format!("{id:02x}").repeat(16), format!("{id:02x}").repeat(8));
        format!(" # {{trace_id=\"{trace}\",span_id=\"{span}\"}} {value} ")
    };
    assert!(lines[0].starts_with(&format!("v_bucket{{le=\"1.0\"}} 2{}", exemplar(2, "0.5"))), "{text}");
    assert_eq!(lines[1], "v_bucket{le=\"10.0\"} 3");
    assert!(lines[2].starts_with(&format!("v_bucket{{le=\"+Inf\"}} 4{}", exemplar(3, "11.0"))), "{text}");
    assert!(!Encoder::new().encode(&snapshot).contains("trace_id"));
}
