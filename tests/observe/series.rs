//! Which series what is observed belongs to, and that what readers make of it adds up.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use freewheel::metrics::{KeyValue, Registry, SeriesId, Snapshot, View};
use proptest::prelude::*;

use crate::common::{PATIENCE, Source, owned, patient_registry, points, seen, values};

#[test]
fn a_series_keeps_its_identity_while_it_is_observed() {
    let registry = patient_registry();
    let source = Source::new([("a", 1), ("b", 1)]);
    registry.counter("taken").observe(source.callback()).unwrap();
    let first = seen::<u64>(&registry.snapshot(), "taken");
    source.set([("b", 2), ("a", 2)]);
    let second = seen::<u64>(&registry.snapshot(), "taken");
    assert_ne!(first[0].series, first[1].series);
    for (before, after) in first.iter().zip(&second) {
        assert_eq!((before.series, &before.attributes), (after.series, &after.attributes));
    }
}

#[test]
fn a_total_that_falls_begins_a_new_series_where_the_old_one_ended() {
    let registry = patient_registry();
    let source = Source::new([("a", 100), ("b", 1)]);
    registry.counter("taken").observe(source.callback()).unwrap();
    let before = registry.snapshot();
    source.set([("a", 20), ("b", 3)]);
    let after = registry.snapshot();

    let (before, after) = (points::<u64>(&before, "taken"), points::<u64>(&after, "taken"));
    assert_ne!(before[0].series(), after[0].series());
    assert_eq!((after[0].value, after[0].start), (20, before[0].time));
    assert_eq!((before[1].series(), before[1].start, 3), (after[1].series(), after[1].start, after[1].value));
}

#[test]
fn sums_and_gauges_may_fall_and_keep_their_series() {
    let registry = patient_registry();
    let (length, level) = (Source::new([("a", 5)]), Source::new([("a", 5.0)]));
    registry.up_down_counter("length").observe(length.callback()).unwrap();
    registry.gauge("level").observe(level.callback()).unwrap();
    let first = registry.snapshot();
    length.set([("a", -3)]);
    level.set([("a", -3.0)]);
    let second = registry.snapshot();
    let (before, after) = (seen::<i64>(&first, "length"), seen::<i64>(&second, "length"));
    assert_eq!((before[0].series, -3), (after[0].series, after[0].value));
    let (before, after) = (seen::<f64>(&first, "level"), seen::<f64>(&second, "level"));
    assert_eq!((before[0].series, -3.0), (after[0].series, after[0].value));
}

#[test]
fn a_series_that_comes_back_counts_from_where_it_ended() {
    let registry = patient_registry();
    let source = Source::new([("a", 100), ("b", 0)]);
    registry.counter("taken").observe(source.callback()).unwrap();
    let first = seen::<u64>(&registry.snapshot(), "taken");

    source.set([("b", 0)]);
    let without = registry.snapshot();
    assert_eq!(values::<u64>(&without, "taken"), owned([("of=b", 0)]));

    source.set([("b", 0), ("a", 130)]);
    let back = registry.snapshot();
    let [_, a] = points::<u64>(&back, "taken") else { panic!("{back:?}") };
    assert_eq!(a.value, 30);
    assert_ne!(a.series(), first[0].series);
    assert_eq!(a.start, points::<u64>(&without, "taken")[0].time, "it was not there at the last run");
    source.set([("b", 0), ("a", 131)]);
    let on = registry.snapshot();
    assert_eq!(values::<u64>(&on, "taken")[1], ("of=a".into(), 31));

    source.set([("b", 0)]);
    assert_eq!(values::<u64>(&registry.snapshot(), "taken").len(), 1);
    source.set([("b", 0), ("a", 7)]);
    assert_eq!(values::<u64>(&registry.snapshot(), "taken")[1], ("of=a".into(), 7), "it was reset meanwhile");
}

#[test]
fn sums_and_gauges_come_back_as_they_are() {
    let registry = patient_registry();
    let (length, level) = (Source::new([("a", 5)]), Source::new([("a", 5)]));
    registry.up_down_counter("length").observe(length.callback()).unwrap();
    registry.gauge("level").observe(level.callback()).unwrap();
    let first = registry.snapshot();
    length.set([]);
    level.set([]);
    assert!(registry.snapshot().metrics.is_empty());
    length.set([("a", 6)]);
    level.set([("a", 6)]);
    let second = registry.snapshot();
    for name in ["length", "level"] {
        assert_eq!(values::<i64>(&second, name), owned([("of=a", 6)]));
        assert_ne!(seen::<i64>(&first, name)[0].series, seen::<i64>(&second, name)[0].series);
    }
}

#[test]
fn room_that_a_series_leaves_goes_to_another() {
    let registry = patient_registry();
    let source = Source::new([("a", 1), ("b", 2), ("c", 3)]);
    let taken = registry.counter("taken").cardinality_limit(NonZeroUsize::new(3).unwrap());
    taken.observe(source.callback()).unwrap();
    let overflow = "otel.metric.overflow=true";
    assert_eq!(
        values::<u64>(&registry.snapshot(), "taken"),
        owned([("of=a", 1), ("of=b", 2), (overflow, 3)])
    );
    // What is in the overflow stays there as long as it is observed.
    source.set([("b", 2), ("c", 4), ("d", 5)]);
    assert_eq!(
        values::<u64>(&registry.snapshot(), "taken"),
        owned([("of=b", 2), (overflow, 4), ("of=d", 5)])
    );
    source.set([("e", 1), ("f", 1)]);
    assert_eq!(values::<u64>(&registry.snapshot(), "taken"), owned([("of=e", 1), ("of=f", 1)]));
    assert_eq!(registry.overflowed("taken"), 1);
}

#[test]
fn a_sum_of_many_totals_does_not_fall_by_rounding() {
    let registry = Registry::builder()
        .observe_timeout(PATIENCE)
        .view(View::new("seconds").keep_attributes(["none of them"]))
        .build();
    let mut sources = 0;
    let observe = move |observer: &mut freewheel::metrics::Observer<f64>| {
        sources += 1;
        for number in 0..sources {
            // Those that are new have nothing to add, but they shuffle the others.
            let total = if number < 40 { 1.1_f64.powi(number) } else { 0.0 };
            observer.observe(total, &[KeyValue::new("number", number)]);
        }
    };
    registry.counter("seconds").observe_f64(observe).unwrap();
    let mut last = 0.0;
    for _ in 0..300 {
        let snapshot = registry.snapshot();
        let [point] = points::<f64>(&snapshot, "seconds") else { panic!("{snapshot:?}") };
        assert!(point.value >= last, "from {last} to {}", point.value);
        last = point.value;
    }
}

/// What one reader has summed up from windows, by series, as the delta windows of OTLP are formed.
#[derive(Debug, Default)]
struct Windows {
    bases: HashMap<SeriesId, u64>,
    sum: u64,
}

impl Windows {
    fn read(&mut self, snapshot: &Snapshot) {
        let bases = std::mem::take(&mut self.bases);
        for point in points::<u64>(snapshot, "taken") {
            let base = bases.get(&point.series()).copied().unwrap_or(0);
            assert!(base <= point.value, "a total fell from {base} to {}", point.value);
            assert!(point.start < point.time);
            self.sum += point.value - base;
            self.bases.insert(point.series(), point.value);
        }
    }
}

/// What a source does before a collection.
#[derive(Clone, Copy, Debug)]
enum Step {
    Rise(u64),
    /// Goes back to this, unless it was lower.
    Fall(u64),
    /// Is not observed, and is again the next time.
    Hide,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![(0..9_u64).prop_map(Step::Rise), (0..9_u64).prop_map(Step::Fall), Just(Step::Hide)]
}

/// Sources by number; two callbacks share them.
const SOURCES: usize = 6;

fn registry_with(view: View, totals: &Arc<Mutex<[Option<u64>; SOURCES]>>) -> Registry {
    let registry = Registry::builder().observe_timeout(PATIENCE).view(view).build();
    for callback in 0..2 {
        let totals = totals.clone();
        let observe = move |observer: &mut freewheel::metrics::Observer<u64>| {
            for (number, total) in totals.lock().unwrap().iter().enumerate() {
                if let (Some(total), true) = (total, number % 2 == callback) {
                    let number = number as i64;
                    observer
                        .observe(*total, &[KeyValue::new("number", number), KeyValue::new("of", number / 3)]);
                }
            }
        };
        registry.counter("taken").observe(observe).unwrap();
    }
    registry
}

/// What the windows of a reader come to is what the sources rose: no more, whatever falls, goes and comes back, and no
/// less.
fn windows_add_up(view: View, runs: &[[Step; SOURCES]]) {
    let totals = Arc::new(Mutex::new([None; SOURCES]));
    let registry = registry_with(view, &totals);
    let (mut windows, mut rises) = (Windows::default(), 0);
    let (mut now, mut last_seen) = ([0; SOURCES], [0; SOURCES]);
    for steps in runs {
        for (number, step) in steps.iter().enumerate() {
            match *step {
                Step::Rise(by) => now[number] += by,
                Step::Fall(to) => now[number] = now[number].min(to),
                Step::Hide => now[number] += 1,
            }
            let is_hidden = matches!(step, Step::Hide);
            totals.lock().unwrap()[number] = (!is_hidden).then_some(now[number]);
            if !is_hidden {
                let rise = now[number].checked_sub(last_seen[number]).unwrap_or(now[number]);
                (rises, last_seen[number]) = (rises + rise, now[number]);
            }
        }
        windows.read(&registry.snapshot());
        assert_eq!(windows.sum, rises);
    }
    assert_eq!(registry.callback_failures("taken"), Default::default());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn windows_of_readers_add_up_to_what_the_sources_rose(
        runs in prop::collection::vec(prop::array::uniform(step()), 1..24),
        limit in 1..9_usize,
    ) {
        let limit = NonZeroUsize::new(limit).unwrap();
        windows_add_up(View::new("taken").cardinality_limit(limit), &runs);
    }

    #[test]
    fn windows_of_series_that_a_view_made_one_add_up_too(
        runs in prop::collection::vec(prop::array::uniform(step()), 1..24),
    ) {
        windows_add_up(View::new("taken").keep_attributes(["of"]), &runs);
    }
}
