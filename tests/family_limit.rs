//! Families with more attributes than the instrument may have series.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use freewheel::metrics::{Counter, Data, InstrumentBuilder, KeyValue, Label, Point, Registry};

const OVERFLOW: &str = "otel.metric.overflow=true";

fn points(registry: &Registry, name: &str) -> Vec<Point<u64>> {
    match registry.snapshot().metric(name).map(|metric| &metric.data) {
        Some(Data::Counter(points)) => points.clone(),
        None => Vec::new(),
        other => panic!("{name} is {other:?}"),
    }
}

/// The totals by attributes; each series may have one point only.
fn totals(registry: &Registry, name: &str) -> BTreeMap<String, u64> {
    let mut totals = BTreeMap::new();
    for point in points(registry, name) {
        let attributes: Vec<_> = point.attributes.iter().map(ToString::to_string).collect();
        assert_eq!(totals.insert(attributes.join(","), point.value), None);
    }
    totals
}

fn limited(registry: &Registry, limit: usize) -> InstrumentBuilder<Counter> {
    registry.counter("c").cardinality_limit(NonZeroUsize::new(limit).unwrap())
}

fn overflow() -> [KeyValue; 1] {
    [KeyValue::new("otel.metric.overflow", true)]
}

#[test]
fn an_instrument_has_2000_series_unless_told_otherwise() {
    let registry = Registry::new();
    let family = registry.counter("c").family(["k"]).unwrap();
    (0..1999).for_each(|k| family.with([k]).add(1));
    assert_eq!((registry.series(), registry.overflowed("c")), (1999, 0));
    assert!(!totals(&registry, "c").contains_key(OVERFLOW));
    (0..3000).for_each(|k| family.with([k]).add(1));
    let totals = totals(&registry, "c");
    assert_eq!((totals.len(), totals[OVERFLOW]), (2000, 1001));
    assert!((0..1999).all(|k| totals[&format!("k={k}")] == 2));
    assert_eq!((registry.series(), registry.overflowed("c")), (2000, 1001));
}

#[test]
fn an_instrument_has_as_many_series_as_it_was_told() {
    for limit in [1, 2, 3, 16, 17, 18, 100] {
        let registry = Registry::new();
        let counter = limited(&registry, limit);
        let (family, open) = (counter.family(["k"]).unwrap(), counter.open_family().unwrap());
        for k in 0..150 {
            family.with([k]).add(1);
            open.with(&[KeyValue::new("k", k)]).add(10);
            counter.bind(&[KeyValue::new("k", k)]).unwrap().add(100);
        }
        let mut totals = totals(&registry, "c");
        let beyond = 150 - (limit as u64 - 1);
        assert_eq!(totals.remove(OVERFLOW), Some(111 * beyond), "limit {limit}");
        assert_eq!(totals.len(), limit - 1);
        assert!((0..limit - 1).all(|k| totals[&format!("k={k}")] == 111));
        assert_eq!(registry.overflowed("c"), 3 * beyond);
    }
}

#[test]
fn the_series_without_attributes_counts_as_one() {
    let registry = Registry::new();
    let counter = limited(&registry, 2);
    counter.build().unwrap().add(1);
    counter.family(["k"]).unwrap().with([1]).add(2);
    assert_eq!(totals(&registry, "c"), BTreeMap::from([(String::new(), 1), (OVERFLOW.to_owned(), 2)]));
}

#[test]
fn the_first_registration_decides_about_the_limit() {
    let registry = Registry::new();
    let family = limited(&registry, 3).family(["k"]).unwrap();
    let later = limited(&registry, 100).family(["k"]).unwrap();
    (0..10).for_each(|k| family.with([k]).add(1));
    (0..10).for_each(|k| later.with([k]).add(1));
    assert_eq!(totals(&registry, "c")[OVERFLOW], 16);
}

#[test]
fn the_overflow_series_has_that_attribute_alone_and_keeps_its_identity() {
    let registry = Registry::new();
    let family = limited(&registry, 1).family(["k"]).unwrap();
    family.with([1]).add(1);
    let first = points(&registry, "c");
    family.with([2]).add(1);
    let second = points(&registry, "c");
    assert_eq!((*first[0].attributes).to_vec(), overflow());
    assert_eq!((first.len(), first[0].series(), first[0].start), (1, second[0].series(), second[0].start));
    assert_eq!((first[0].value, second[0].value), (1, 2));
}

#[test]
fn a_lookup_that_is_remembered_does_not_count_as_overflowed_again() {
    let overflowed = || {
        let registry = Registry::new();
        let family = limited(&registry, 1).family(["k"]).unwrap();
        (0..100).for_each(|_| family.with([1]).add(1));
        assert_eq!((registry.overflowed("d"), totals(&registry, "c")[OVERFLOW]), (0, 100));
        assert_eq!(registry.overflowed("c"), registry.overflowed("C"));
        registry.overflowed("c")
    };
    // Other tests of this process make all threads forget now and then.
    assert!((0..1000).any(|_| overflowed() == 1));
}

#[test]
fn attributes_of_the_overflow_series_given_by_hand_mean_that_series() {
    for limit in [1, 2, 100] {
        let registry = Registry::new();
        let counter = limited(&registry, limit);
        let (family, open) =
            (counter.family(["otel.metric.overflow"]).unwrap(), counter.open_family().unwrap());
        counter.bind(&overflow()).unwrap().add(1);
        assert_eq!(totals(&registry, "c"), BTreeMap::from([(OVERFLOW.to_owned(), 1)]), "limit {limit}");
        family.with([true]).add(2);
        open.with(&overflow()).add(4);
        assert_eq!(totals(&registry, "c")[OVERFLOW], 7);
        assert_eq!((registry.series(), registry.overflowed("c")), (1, 0));
        family.with(["yes"]).add(8);
        let other = if limit == 1 { 0 } else { 8 };
        assert_eq!(totals(&registry, "c")[OVERFLOW], 15 - other);
        assert!(!registry.remove_series("c", &overflow()), "the overflow series stays");
        assert_eq!(totals(&registry, "c")[OVERFLOW], 15 - other);
    }
}

#[test]
fn a_handle_bound_at_the_limit_stays_in_the_overflow_series() {
    let registry = Registry::new();
    let counter = limited(&registry, 2);
    let family = counter.family(["k"]).unwrap();
    family.with([1]).add(1);
    let [bound, by_hand] = [family.with([2]).bind(), counter.bind(&[KeyValue::new("k", 2)]).unwrap()];
    bound.add(2);
    assert!(registry.remove_series("c", &[KeyValue::new("k", 1)]));
    // There is room now; what is looked up has it, and what was bound keeps what it has.
    family.with([2]).add(4);
    bound.add(8);
    by_hand.add(16);
    assert_eq!(totals(&registry, "c"), BTreeMap::from([("k=2".to_owned(), 4), (OVERFLOW.to_owned(), 26)]));
}

#[test]
fn a_removed_series_makes_room_for_one_other() {
    let registry = Registry::new();
    let family = limited(&registry, 21).family(["k"]).unwrap();
    (0..30).for_each(|k| family.with([k]).add(1));
    for k in 0..5 {
        assert!(registry.remove_series("c", &[KeyValue::new("k", k)]));
    }
    (20..30).for_each(|k| family.with([k]).add(1));
    let mut totals = totals(&registry, "c");
    assert_eq!(totals.remove(OVERFLOW), Some(10 + 5));
    assert_eq!(totals.len(), 20);
    assert!((5..25).all(|k| totals[&format!("k={k}")] == 1));
}

/// Threads look up the same and different attributes at once; everything that they add is there afterwards, once.
fn race_for_series(limit: usize, threads: u64, attributes: u64) {
    let registry = Registry::new();
    let counter = limited(&registry, limit);
    let added = AtomicU64::new(0);
    let together = Barrier::new(threads as usize);
    thread::scope(|scope| {
        for thread in 0..threads {
            let (registry, counter, added, together) = (&registry, &counter, &added, &together);
            scope.spawn(move || {
                let (family, open) = (counter.family(["k"]).unwrap(), counter.open_family().unwrap());
                let text = |k: u64| format!("some text that is long enough not to fit {k}");
                together.wait();
                for i in 0..attributes {
                    // Some begin at the same end, others at the other one.
                    let k = if thread % 2 == 0 { i } else { attributes - 1 - i };
                    family.with([text(k)]).add(1);
                    open.with(&[KeyValue::new("k", text(k))]).add(2);
                    family.with([text(k + thread * attributes)]).bind().add(4);
                    counter.bind(&[KeyValue::new("k", text(k))]).unwrap().add(8);
                    added.fetch_add(15, Relaxed);
                    if i % 16 == 0 {
                        drop(registry.snapshot());
                    }
                }
            });
        }
    });
    let points = points(&registry, "c");
    assert_eq!(points.iter().map(|point| point.value).sum::<u64>(), added.into_inner());
    let distinct = attributes * threads;
    let (overflow, ordinary): (Vec<_>, Vec<_>) =
        points.iter().partition(|point| *point.attributes == overflow());
    assert_eq!(ordinary.len() as u64, distinct.min(limit as u64 - 1));
    assert_eq!(overflow.len(), usize::from(distinct >= limit as u64));
    // Twice in the list would be twice in the sum, or two points of the same attributes.
    assert_eq!(totals(&registry, "c").len(), points.len());
    assert_eq!(registry.overflowed("c") > 0, distinct >= limit as u64);
}

#[test]
fn threads_that_race_for_series_lose_and_double_nothing() {
    for round in 0..30 {
        race_for_series(2 + round * 7, 4, 40);
    }
    race_for_series(1, 4, 40);
    race_for_series(161, 4, 40);
    race_for_series(160, 4, 40);
    race_for_series(2000, 8, 300);
}

#[derive(Clone, Copy)]
struct Digit<const KEY: char>(usize);

macro_rules! digits {
    ($($key:literal $text:literal),*) => {$(
        impl Label for Digit<$key> {
            const KEY: &'static str = $text;
            const VALUES: &'static [&'static str] = &["0", "1", "2"];

            fn index(self) -> usize {
                self.0
            }
        }
    )*};
}
digits!('a' "a", 'b' "b", 'c' "c", 'd' "d", 'e' "e", 'f' "f");

#[test]
fn a_label_without_that_value_goes_to_the_overflow_series() {
    let registry = Registry::new();
    let family = registry.counter("c").typed_family::<(Digit<'a'>, Digit<'b'>)>().unwrap();
    for _ in 0..2 {
        family.with((Digit(2), Digit(2))).add(1);
        // Were the number of the combination all that counts, these would be those of others.
        family.with((Digit(0), Digit(3))).add(10);
        family.with((Digit(3), Digit(0))).add(10);
        family.with((Digit(usize::MAX), Digit(1))).add(10);
        family.with((Digit(0), Digit(usize::MAX))).add(10);
    }
    let expected = [("a=2,b=2".to_owned(), 2), (OVERFLOW.to_owned(), 80)];
    assert_eq!(totals(&registry, "c"), BTreeMap::from(expected));
}

#[test]
fn a_label_without_values_is_always_over_the_limit() {
    #[derive(Clone, Copy)]
    struct Nothing;
    impl Label for Nothing {
        const KEY: &'static str = "k";
        const VALUES: &'static [&'static str] = &[];
        fn index(self) -> usize {
            0
        }
    }
    let registry = Registry::new();
    registry.counter("c").typed_family::<(Nothing, Digit<'a'>)>().unwrap().with((Nothing, Digit(0))).add(1);
    assert_eq!(totals(&registry, "c"), BTreeMap::from([(OVERFLOW.to_owned(), 1)]));
}

#[test]
fn a_typed_family_has_a_series_for_each_of_many_combinations() {
    type Six = (Digit<'a'>, Digit<'b'>, Digit<'c'>, Digit<'d'>, Digit<'e'>, Digit<'f'>);
    let registry = Registry::new();
    let counter = registry.counter("c");
    let typed = counter.typed_family::<Six>().unwrap();
    let family = counter.family(["f", "e", "d", "c", "b", "a"]).unwrap();
    let digit = |number: usize, power: u32| number / 3usize.pow(power) % 3;
    for round in 0..2 {
        for number in 0..729 {
            let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(|power| digit(number, power));
            typed.with((Digit(a), Digit(b), Digit(c), Digit(d), Digit(e), Digit(f))).add(number as u64);
            family.with([f, e, d, c, b, a].map(|digit| digit.to_string())).add(1000 * (round + 1));
        }
    }
    let totals = totals(&registry, "c");
    assert_eq!(totals.len(), 729);
    for number in 0..729 {
        let digits = [("a", 0), ("b", 1), ("c", 2), ("d", 3), ("e", 4), ("f", 5)];
        let attributes = digits.map(|(key, power)| format!("{key}={}", digit(number, power)));
        assert_eq!(totals[&attributes.join(",")], 3000 + 2 * number as u64);
    }
}

#[test]
fn typed_families_of_every_size_agree_with_the_attributes() {
    let registry = Registry::new();
    let counter = registry.counter("c");
    counter.typed_family::<Digit<'a'>>().unwrap().with(Digit(1)).add(1);
    counter.typed_family().unwrap().with((Digit::<'a'>(1), Digit::<'b'>(2))).add(2);
    counter.typed_family().unwrap().with((Digit::<'a'>(1), Digit::<'b'>(2), Digit::<'c'>(0))).add(3);
    let four = (Digit::<'a'>(1), Digit::<'b'>(2), Digit::<'c'>(0), Digit::<'d'>(1));
    counter.typed_family().unwrap().with(four).add(4);
    let five = (Digit::<'a'>(1), Digit::<'b'>(2), Digit::<'c'>(0), Digit::<'d'>(1), Digit::<'e'>(2));
    counter.typed_family().unwrap().with(five).add(5);
    let six = ["a=1", "b=2", "c=0", "d=1", "e=2"];
    let expected = (1..=5).map(|count| (six[..count].join(","), count as u64));
    assert_eq!(totals(&registry, "c"), expected.collect());
}

#[test]
fn a_typed_family_at_the_limit_keeps_its_series_and_counts_the_rest_as_overflow() {
    let registry = Registry::new();
    let counter = limited(&registry, 3);
    let family = counter.typed_family::<(Digit<'a'>, Digit<'b'>)>().unwrap();
    for _ in 0..3 {
        for number in 0..9 {
            family.with((Digit(number / 3), Digit(number % 3))).add(1);
        }
    }
    let expected = [("a=0,b=0", 3), ("a=0,b=1", 3), (OVERFLOW, 21)];
    assert_eq!(totals(&registry, "c"), expected.map(|(name, total)| (name.to_owned(), total)).into());
}

#[test]
fn threads_that_race_for_a_typed_series_get_the_same_one() {
    for _ in 0..50 {
        let registry = Registry::new();
        let family = registry.counter("c").typed_family::<Digit<'a'>>().unwrap();
        let together = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                let (family, together) = (&family, &together);
                scope.spawn(move || {
                    together.wait();
                    (0..30).for_each(|i| family.with(Digit(i % 3)).add(1));
                });
            }
        });
        let expected = ["a=0", "a=1", "a=2"].map(|attributes| (attributes.to_owned(), 40));
        assert_eq!(totals(&registry, "c"), expected.into());
    }
}
