//! Families: the same attributes give the same series, however they are looked up, and others do not.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use freewheel::metrics::{
    AttributeError, AttributeValue, Data, KeyValue, Label, Outcome, RegisterError, Registry, Timestamp,
    Value, ValueRef,
};

/// The totals of a counter by attributes; what is text and what is not can be told apart.
fn totals(registry: &Registry, name: &str) -> BTreeMap<String, u64> {
    match registry.snapshot().metric(name).map(|metric| &metric.data) {
        Some(Data::Counter(points)) => {
            points.iter().map(|point| (format!("{:?}", point.attributes), point.value)).collect()
        }
        None => BTreeMap::new(),
        other => panic!("{name} is {other:?}"),
    }
}

fn leaked(text: &str) -> &'static str {
    String::leak(text.to_owned())
}

#[derive(Clone, Copy)]
enum Side {
    Buy,
    Sell,
}

impl Label for Side {
    const KEY: &'static str = "side";
    const VALUES: &'static [&'static str] = &["buy", "sell"];

    fn index(self) -> usize {
        self as usize
    }
}

#[derive(Clone, Copy)]
struct Venue(usize);

impl Label for Venue {
    const KEY: &'static str = "venue";
    const VALUES: &'static [&'static str] = &["X", "a venue with quite a long name"];

    fn index(self) -> usize {
        self.0
    }
}

#[test]
fn every_way_to_look_up_gives_the_same_series_in_any_order() {
    let registry = Registry::new();
    let orders = registry.counter("orders");
    let by_side = orders.family(["side", "venue"]).unwrap();
    let by_venue = orders.family([String::from("venue"), String::from("side")]).unwrap();
    let open = orders.open_family().unwrap();
    let typed = orders.typed_family::<(Side, Venue)>().unwrap();
    let typed_by_venue = orders.typed_family::<(Venue, Side)>().unwrap();
    let sides = [(Side::Buy, "buy"), (Side::Sell, "sell")];
    let all = sides.iter().flat_map(|side| Venue::VALUES.iter().enumerate().map(move |venue| (*side, venue)));
    for ((side, side_name), (venue, venue_name)) in all.clone() {
        // The second time around it is remembered.
        for _ in 0..2 {
            by_side.with([side_name, venue_name]).add(1);
            by_side.clone().with((side_name.to_owned(), *venue_name)).add(10);
            by_venue.with([venue_name.to_string(), side_name.to_owned()]).add(100);
            let (key, other) = (KeyValue::new("side", side_name), KeyValue::new("venue", *venue_name));
            open.with(&[key.clone(), other.clone()]).add(1000);
            open.clone().with(&[other.clone(), key.clone()]).add(10_000);
            typed.with((side, Venue(venue))).add(100_000);
            typed_by_venue.clone().with((Venue(venue), side)).add(1_000_000);
            orders.bind(&[other.clone(), key.clone()]).unwrap().add(10_000_000);
            by_side.with([side_name, venue_name]).bind().add(100_000_000);
            open.with(&[key, other]).bind().add(1_000_000_000);
        }
    }
    let totals = totals(&registry, "orders");
    assert_eq!(totals.len(), 4, "{totals:?}");
    assert!(totals.values().all(|&total| total == 2_222_222_222), "{totals:?}");
    assert_eq!((registry.series(), registry.overflowed("orders")), (4, 0));
}

#[test]
fn values_of_different_kinds_or_bits_are_different_series() {
    let values: Vec<Value> = vec![
        Value::from("1"),
        Value::from(1),
        Value::from(true),
        Value::from(1.0),
        Value::from("true"),
        Value::from(""),
        Value::from(false),
        Value::from(0),
        Value::from(0.0),
        Value::from(-0.0),
        Value::from(f64::NAN),
        Value::from(f64::from_bits(f64::NAN.to_bits() + 1)),
        Value::I64(1.0f64.to_bits().cast_signed()),
        Value::I64(f64::NAN.to_bits().cast_signed()),
        Value::I64(i64::from(b'1')),
        Value::I64(i64::MIN),
        Value::F64(f64::NEG_INFINITY),
    ];
    let registry = Registry::new();
    let counter = registry.counter("c");
    let (family, open) = (counter.family(["k"]).unwrap(), counter.open_family().unwrap());
    for _ in 0..2 {
        for (at, value) in values.iter().enumerate() {
            let attributes = [KeyValue::new("k", value.clone())];
            family.with([value]).add(1 << at);
            family.with((ValueRef::from(value),)).add(1 << at);
            open.with(&attributes).add(1 << at);
            counter.bind(&attributes).unwrap().add(1 << at);
        }
    }
    assert_eq!(registry.series(), values.len());
    for (at, value) in values.iter().enumerate() {
        let bound = counter.bind(&[KeyValue::new("k", value.clone())]).unwrap();
        assert_eq!(bound.total(), 8 << at, "{value:?}");
    }
}

#[test]
fn integers_of_all_widths_are_the_same_values() {
    let registry = Registry::new();
    let family = registry.counter("c").family(["k", "l"]).unwrap();
    family.with((7u8, -7i8)).add(1);
    family.with((7u16, -7i16)).add(1);
    family.with((7u32, -7i32)).add(1);
    family.with((7i64, &-7i64)).add(1);
    family.with([ValueRef::I64(7), ValueRef::I64(-7)]).add(1);
    assert_eq!(totals(&registry, "c").into_values().collect::<Vec<_>>(), [5]);
}

/// Texts of each length that differ in one byte, at each position, or in the order of two bytes.
fn similar_texts() -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for len in 0..=40 {
        let same = vec![b'a'; len];
        let rising: Vec<u8> = (b'A'..).take(len).collect();
        for at in 0..len {
            let mut one_differs = same.clone();
            one_differs[at] = b'b';
            let mut two_swapped = rising.clone();
            two_swapped.swap(at, (at + 1) % len);
            texts.extend([one_differs, two_swapped].map(|text| String::from_utf8(text).unwrap()));
        }
        texts.extend([same, rising, vec![0; len]].map(|text| String::from_utf8(text).unwrap()));
    }
    texts
}

#[test]
fn texts_that_differ_in_one_byte_are_different_series() {
    let texts = similar_texts();
    assert!(1700 < texts.len() && texts.len() < 2000, "{}", texts.len());
    let registry = Registry::new();
    let [as_values, as_keys] = ["values", "keys"].map(|name| registry.counter(name));
    let family = as_values.family(["k"]).unwrap();
    let (values, keys) = (as_values.open_family().unwrap(), as_keys.open_family().unwrap());
    for _ in 0..2 {
        for (at, text) in texts.iter().enumerate() {
            let (amount, fixed) = (1 + at as u64, leaked(text));
            family.with([text]).add(amount);
            family.with((text.as_str(),)).add(amount);
            values.with(&[KeyValue::new("k", text.clone())]).add(amount);
            values.with(&[KeyValue::new(String::from("k"), fixed)]).add(amount);
            keys.with(&[KeyValue::new(text.clone(), 1)]).add(amount);
            keys.with(&[KeyValue::new(fixed, 1)]).add(amount);
        }
    }
    for (at, text) in texts.iter().enumerate() {
        let amount = 1 + at as u64;
        let by_value = as_values.bind(&[KeyValue::new("k", text.clone())]).unwrap();
        assert_eq!(by_value.total(), 8 * amount, "{text:?}");
        if !text.is_empty() {
            let by_key = as_keys.bind(&[KeyValue::new(text.clone(), 1)]).unwrap();
            assert_eq!(by_key.total(), 4 * amount, "{text:?}");
        }
    }
    assert_eq!(registry.series(), 2 * texts.len());
}

#[test]
fn long_texts_with_the_same_length_and_ends_are_different_series() {
    let registry = Registry::new();
    let counter = registry.counter("c");
    let family = counter.family(["first", "second"]).unwrap();
    let text =
        |middle: usize, len: usize| format!("begin{}{middle:04}{}end", "-".repeat(len), "-".repeat(len));
    for _ in 0..2 {
        for len in [5, 100, 3000] {
            for middle in 0..50 {
                family.with([text(middle, len), text(49 - middle, len)]).add(1 + middle as u64);
            }
        }
    }
    assert_eq!(registry.series(), 150);
    for len in [5, 100, 3000] {
        for middle in 0..50 {
            let bound = family.with([text(middle, len), text(49 - middle, len)]).bind();
            assert_eq!(bound.total(), 2 * (1 + middle as u64));
        }
    }
}

#[test]
fn where_one_text_ends_and_the_next_begins_matters() {
    let registry = Registry::new();
    let family = registry.counter("c").family(["first", "second"]).unwrap();
    let open = registry.counter("o").open_family().unwrap();
    let text = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    for _ in 0..2 {
        for at in 0..=text.len() {
            let (first, second) = text.split_at(at);
            family.with([first, second]).add(1);
            let [first, second] = [first, second].map(str::to_owned);
            open.with(&[KeyValue::new("k", first), KeyValue::new("l", second)]).add(1);
        }
    }
    for name in ["c", "o"] {
        let totals = totals(&registry, name);
        assert_eq!(totals.len(), text.len() + 1);
        assert!(totals.values().all(|&total| total == 2));
    }
}

#[test]
fn equal_texts_are_the_same_wherever_they_stand() {
    let registry = Registry::new();
    let open = registry.counter("c").open_family().unwrap();
    for text in ["", "short", "one that is longer than sixteen bytes"] {
        let copies = [leaked(text), leaked(text), text];
        for _ in 0..2 {
            for key in [leaked("key"), leaked("key"), "key"] {
                for value in copies {
                    open.with(&[KeyValue::new(key, value)]).add(1);
                    open.with(&[KeyValue::new(key.to_owned(), value.to_owned())]).add(1);
                }
            }
        }
    }
    assert_eq!(totals(&registry, "c").into_values().collect::<Vec<_>>(), [36, 36, 36]);
}

#[test]
fn static_texts_that_begin_at_the_same_place_are_different_series() {
    let registry = Registry::new();
    let open = registry.counter("c").open_family().unwrap();
    let text = "static texts are recognised by where they are and how long";
    for _ in 0..2 {
        for len in 1..=text.len() {
            open.with(&[KeyValue::new("k", &text[..len])]).add(len as u64);
            open.with(&[KeyValue::new(&text[..len], "v")]).add(len as u64);
        }
    }
    for len in 1..=text.len() {
        let by_value = open.with(&[KeyValue::new("k", text[..len].to_owned())]).bind();
        let by_key = open.with(&[KeyValue::new(text[..len].to_owned(), "v")]).bind();
        assert_eq!((by_value.total(), by_key.total()), (2 * len as u64, 2 * len as u64));
    }
}

#[test]
fn of_repeated_keys_the_last_counts_and_empty_keys_do_not() {
    let registry = Registry::new();
    let open = registry.counter("c").open_family().unwrap();
    for _ in 0..2 {
        open.with(&[KeyValue::new("a", 1), KeyValue::new("b", 2), KeyValue::new("a", 3)]).add(1);
        open.with(&[KeyValue::new("a", "x"), KeyValue::new("a", 3), KeyValue::new("b", 2)]).add(1);
        open.with(&[
            KeyValue::new("", 9),
            KeyValue::new("b", 2),
            KeyValue::new("", 8),
            KeyValue::new("a", 3),
        ])
        .add(1);
        open.with(&[KeyValue::new("", 9)]).add(1);
        open.with(&[]).add(1);
    }
    let both = registry.counter("c").bind(&[KeyValue::new("a", 3), KeyValue::new("b", 2)]).unwrap();
    let none = registry.counter("c").build().unwrap();
    assert_eq!((both.total(), none.total(), registry.series()), (6, 4, 2));
}

#[test]
fn a_family_whose_keys_cannot_name_a_series_is_refused() {
    #[derive(Clone, Copy)]
    struct Nameless;
    impl Label for Nameless {
        const KEY: &'static str = "";
        const VALUES: &'static [&'static str] = &["x"];
        fn index(self) -> usize {
            0
        }
    }
    let registry = Registry::new();
    let counter = registry.counter("c");
    let empty = RegisterError::InvalidAttributes(AttributeError::EmptyKey);
    let twice =
        |key: &'static str| RegisterError::InvalidAttributes(AttributeError::DuplicateKey(key.into()));
    assert_eq!(counter.family(["a", ""]).unwrap_err(), empty);
    assert_eq!(counter.family(["a", "b", "a"]).unwrap_err(), twice("a"));
    assert_eq!(counter.typed_family::<(Side, Nameless)>().unwrap_err(), empty);
    assert_eq!(counter.typed_family::<(Side, Venue, Side)>().unwrap_err(), twice("side"));
    assert!(matches!(registry.counter("1").family(["a"]), Err(RegisterError::InvalidName { .. })));
    assert!(matches!(registry.counter("1").open_family(), Err(RegisterError::InvalidName { .. })));
    assert!(matches!(registry.counter("1").typed_family::<Side>(), Err(RegisterError::InvalidName { .. })));
    // None of them has taken the name.
    assert!(registry.gauge::<f64>("c").build().is_ok());
}

#[test]
fn a_family_of_another_kind_or_unit_is_refused() {
    let registry = Registry::new();
    let _family = registry.counter("c").unit("By").family(["a"]).unwrap();
    assert!(matches!(registry.counter("c").family(["a"]), Err(RegisterError::Conflict { .. })));
    assert!(matches!(registry.counter("C").unit("s").open_family(), Err(RegisterError::Conflict { .. })));
    let other_kind = registry.up_down_counter("c").unit("By").typed_family::<Side>();
    assert!(matches!(other_kind, Err(RegisterError::Conflict { .. })));
    assert!(matches!(registry.requests("c").family(["a"]), Err(RegisterError::Conflict { .. })));
    assert!(registry.counter("c").unit("By").family(["b", "c"]).is_ok());
}

#[test]
fn families_of_different_instruments_do_not_mix() {
    let registries = [Registry::new(), Registry::new()];
    let names = ["c", "d"];
    let families: Vec<_> = registries
        .iter()
        .flat_map(|registry| names.map(|name| registry.counter(name)))
        .map(|counter| (counter.family(["k"]).unwrap(), counter.open_family().unwrap()))
        .collect();
    for _ in 0..3 {
        for (at, (family, open)) in families.iter().enumerate() {
            family.with(["v"]).add(1 << at);
            open.with(&[KeyValue::new("k", "v")]).add(16 << at);
        }
    }
    let seen: Vec<u64> = registries
        .iter()
        .flat_map(|registry| names.map(|name| totals(registry, name).into_values().sum()))
        .collect();
    assert_eq!(seen, [51, 102, 204, 408]);
}

#[test]
fn a_family_without_keys_has_the_series_without_attributes() {
    let registry = Registry::new();
    let family = registry.counter("c").family([""; 0]).unwrap();
    for _ in 0..3 {
        family.with([""; 0]).add(1);
    }
    assert_eq!((registry.counter("c").build().unwrap().total(), registry.series()), (3, 1));
}

#[test]
fn a_family_has_up_to_eight_values_of_mixed_types() {
    let registry = Registry::new();
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let counter = registry.counter("c");
    let eight = counter.family(keys).unwrap();
    let nine = counter.family(["a", "b", "c", "d", "e", "f", "g", "h", "i"]).unwrap();
    for changed in 0..8 {
        for _ in 0..2 {
            let n = |at: usize| i64::from(at == changed);
            eight
                .with((n(0), format!("{}", n(1)), n(2) == 1, n(3) as f64, n(4) as u8, &n(5), "same", n(7)))
                .add(1);
            nine.with([0, 1, 2, 3, 4, 5, 6, 7, 8].map(n)).add(1);
        }
    }
    // Of eight, one position never changes; when it is its turn, the others are as in no other turn.
    assert_eq!(totals(&registry, "c").into_values().collect::<Vec<_>>(), [2; 16]);
}

#[test]
fn more_series_than_a_thread_remembers_are_still_found() {
    const SERIES: i64 = 20_000;
    let registry = Registry::new();
    let counter = registry.counter("c").cardinality_limit((SERIES as usize + 1).try_into().unwrap());
    let family = counter.family(["k"]).unwrap();
    for round in 1..=3 {
        for k in 0..SERIES {
            family.with([k]).add(round);
        }
    }
    let totals = totals(&registry, "c");
    assert_eq!(totals.len(), SERIES as usize);
    assert!(totals.values().all(|&total| total == 6));
}

#[test]
fn every_kind_of_instrument_has_families() {
    let registry = Registry::new();
    let [key, other] = [1, 2].map(|value| KeyValue::new("k", value));
    let depth = registry.up_down_counter("depth");
    depth.family(["k"]).unwrap().with([1]).add(-3);
    depth.open_family().unwrap().with(std::slice::from_ref(&key)).add(1);
    let ratio = registry.gauge::<f64>("ratio");
    ratio.family(["k"]).unwrap().with([1]).record(0.25);
    ratio.open_family().unwrap().with(std::slice::from_ref(&other)).record(0.5);
    let level = registry.gauge::<i64>("level");
    level.family(["k"]).unwrap().with([1]).record(-1);
    level.open_family().unwrap().with(std::slice::from_ref(&key)).record(-2);
    let web = registry.requests("web");
    let by_key = web.family(["k"]).unwrap();
    by_key.with([1]).record(Duration::from_millis(1), Outcome::Error);
    by_key.with([1]).record_at(Duration::from_millis(2), Outcome::Success, Timestamp::now());
    web.open_family().unwrap().with(std::slice::from_ref(&other)).record(Duration::ZERO, Outcome::Success);
    let last = registry.last_request("last");
    let at = Timestamp::from_unix_nanos;
    last.family(["k"]).unwrap().with([1]).record_at(Duration::from_secs(1), Outcome::Success, at(1));
    last.open_family().unwrap().with(std::slice::from_ref(&key)).record_at(
        Duration::from_secs(2),
        Outcome::Success,
        at(2),
    );
    let bound = std::slice::from_ref(&key);
    assert_eq!(depth.bind(bound).unwrap().total(), -2);
    assert_eq!(ratio.bind(bound).unwrap().value(), Some(0.25));
    assert_eq!(level.bind(bound).unwrap().value(), Some(-2));
    let seen = web.bind(bound).unwrap().snapshot();
    assert_eq!((seen.requests, seen.errors), (2, 1));
    assert_eq!(last.bind(bound).unwrap().load().unwrap().at, at(2));
    assert_eq!(registry.series(), 7);
}

/// Says something else each time it is asked.
struct Restless(Cell<i64>);

impl AttributeValue for Restless {
    fn value(&self) -> ValueRef<'_> {
        self.0.set(1 - self.0.get());
        ValueRef::I64(self.0.get())
    }
}

#[test]
fn a_value_that_changes_while_it_is_looked_up_does_not_lead_others_astray() {
    let registry = Registry::new();
    let family = registry.counter("c").family(["k"]).unwrap();
    for first in [0, 1] {
        family.with([Restless(Cell::new(first))]).add(1);
    }
    let before = [0, 1].map(|k| family.with([k]).bind().total());
    assert_eq!(before.iter().sum::<u64>(), 2);
    family.with([0]).add(100);
    family.with([1]).add(1000);
    let after = [0, 1].map(|k| registry.counter("c").bind(&[KeyValue::new("k", k)]).unwrap().total());
    assert_eq!(after, [before[0] + 100, before[1] + 1000]);
}
