//! Views: what they change about families, and which instruments they are about.

use std::{collections::BTreeMap, num::NonZeroUsize};

use freewheel::metrics::{Counter, Data, InstrumentBuilder, KeyValue, Label, Outcome, Registry, View};
use proptest::prelude::*;

fn totals(registry: &Registry, name: &str) -> BTreeMap<String, u64> {
    match registry.snapshot().metric(name).map(|metric| &metric.data) {
        Some(Data::Counter(points)) => {
            let name = |attributes: &[KeyValue]| {
                attributes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            };
            points.iter().map(|point| (name(&point.attributes), point.value)).collect()
        }
        None => BTreeMap::new(),
        other => panic!("{name} is {other:?}"),
    }
}

fn expected<const N: usize>(totals: [(&str, u64); N]) -> BTreeMap<String, u64> {
    totals.map(|(name, total)| (name.to_owned(), total)).into()
}

fn with_view(view: View) -> (Registry, InstrumentBuilder<Counter>) {
    let registry = Registry::builder().view(view).build();
    let counter = registry.counter("c");
    (registry, counter)
}

#[derive(Clone, Copy)]
struct Route(usize);

impl Label for Route {
    const KEY: &'static str = "route";
    const VALUES: &'static [&'static str] = &["/a", "/b"];

    fn index(self) -> usize {
        self.0
    }
}

#[derive(Clone, Copy)]
struct User(usize);

impl Label for User {
    const KEY: &'static str = "user";
    const VALUES: &'static [&'static str] = &["1", "2", "3"];

    fn index(self) -> usize {
        self.0
    }
}

#[test]
fn series_that_differ_in_attributes_that_are_not_kept_become_one() {
    let (registry, counter) = with_view(View::new("c").keep_attributes(["route", "absent"]));
    let family = counter.family(["user", "route"]).unwrap();
    let open = counter.open_family().unwrap();
    let typed = counter.typed_family::<(Route, User)>().unwrap();
    for _ in 0..2 {
        for user in 0..3 {
            let name = User::VALUES[user];
            family.with([name, "/a"]).add(1);
            open.with(&[KeyValue::new("route", "/a"), KeyValue::new("user", name)]).add(10);
            typed.with((Route(0), User(user))).add(100);
            counter.bind(&[KeyValue::new("user", name), KeyValue::new("route", "/a")]).unwrap().add(1000);
            typed.with((Route(1), User(user))).add(10_000);
            // Without the key that is kept.
            open.with(&[KeyValue::new("user", name)]).add(100_000);
        }
    }
    let seen = totals(&registry, "c");
    assert_eq!(seen, expected([("route=/a", 6666), ("route=/b", 60_000), ("", 600_000)]));
    // Of repeated keys the last one counts, also among those that are kept.
    open.with(&[KeyValue::new("route", "/b"), KeyValue::new("x", 1), KeyValue::new("route", "/a")]).add(1);
    assert_eq!(totals(&registry, "c")["route=/a"], 6667);
}

#[test]
fn a_series_is_removed_by_the_attributes_that_are_kept() {
    let (registry, counter) = with_view(View::new("c").keep_attributes(["route"]));
    let family = counter.family(["user", "route"]).unwrap();
    family.with(["1", "/a"]).add(1);
    let all = [KeyValue::new("user", "1"), KeyValue::new("route", "/a")];
    assert!(!registry.remove_series("c", &all), "others with this route are in the series too");
    assert!(registry.remove_series("c", &all[1..]));
    family.with(["1", "/a"]).add(5);
    assert_eq!(totals(&registry, "c"), expected([("route=/a", 5)]));
}

#[test]
fn a_view_that_keeps_no_attributes_leaves_one_series() {
    let (registry, counter) = with_view(View::new("c").keep_attributes([""; 0]));
    let family = counter.family(["user"]).unwrap();
    (0..100).for_each(|user| family.with([user]).add(1));
    assert_eq!(totals(&registry, "c"), expected([("", 100)]));
}

#[test]
fn what_a_view_merges_does_not_count_towards_the_limit() {
    let (registry, counter) = with_view(View::new("c").keep_attributes(["route"]));
    let counter = counter.cardinality_limit(NonZeroUsize::new(3).unwrap());
    let family = counter.family(["user", "route"]).unwrap();
    (0..100).for_each(|user| family.with((user, ["/a", "/b"][user as usize % 2])).add(1));
    assert_eq!(totals(&registry, "c"), expected([("route=/a", 50), ("route=/b", 50)]));
    assert_eq!(registry.overflowed("c"), 0);
}

#[test]
fn the_limit_of_a_view_goes_before_that_of_the_builder() {
    for limit in [1, 2, 50] {
        let limit = NonZeroUsize::new(limit).unwrap();
        let (registry, counter) = with_view(View::new("c").cardinality_limit(limit));
        let family = counter.cardinality_limit(NonZeroUsize::new(10).unwrap()).family(["k"]).unwrap();
        (0..100).for_each(|k| family.with([k]).add(1));
        assert_eq!(registry.series(), limit.get());
    }
}

#[test]
fn an_instrument_that_is_off_registers_and_ignores_what_is_recorded() {
    let (registry, counter) = with_view(View::new("c").off().cardinality_limit(NonZeroUsize::MIN));
    let family = counter.family(["k"]).unwrap();
    let typed = counter.typed_family::<Route>().unwrap();
    for k in 0..10 {
        family.with([k]).add(1);
        family.with([k]).bind().add(1);
        counter.open_family().unwrap().with(&[KeyValue::new("k", k)]).add(1);
        counter.build().unwrap().add(1);
        typed.with(Route(1)).add(1);
        typed.with(Route(7)).add(1);
    }
    assert_eq!((registry.series(), registry.overflowed("c")), (0, 0));
    assert!(registry.snapshot().metrics.is_empty());
    assert!(!registry.remove_series("c", &[KeyValue::new("k", 1)]));
    // The name is taken all the same.
    assert!(registry.gauge::<f64>("c").build().is_err());
    assert!(registry.unregister("c") && registry.gauge::<f64>("c").build().is_ok());
}

#[test]
fn of_several_views_the_last_one_that_says_something_wins() {
    let limit = |limit| NonZeroUsize::new(limit).unwrap();
    let registry = Registry::builder()
        .view(View::new("*").cardinality_limit(limit(2)).keep_attributes(["a"]))
        .view(View::new("http.*").cardinality_limit(limit(5)))
        .view(View::new("*.inner").keep_attributes(["b"]))
        .view(View::new("*.off").off())
        .view(View::new("http.*").remove_idle_after(std::num::NonZeroU32::MIN))
        .build();
    let series = |name: &'static str| {
        let family = registry.counter(name).family(["a", "b"]).unwrap();
        (0..100).for_each(|i| family.with([i % 4, i % 3]).add(1));
        totals(&registry, name)
    };
    assert_eq!(series("plain"), expected([("a=0", 25), ("otel.metric.overflow=true", 75)]));
    assert_eq!(series("http.x"), expected([("a=0", 25), ("a=1", 25), ("a=2", 25), ("a=3", 25)]));
    assert_eq!(series("http.inner"), expected([("b=0", 34), ("b=1", 33), ("b=2", 33)]));
    assert_eq!(series("http.off"), expected([]));
}

#[test]
fn views_go_by_the_name_of_the_instrument_and_not_of_what_it_is_exported_as() {
    let registry = Registry::builder()
        .view(View::new("web.*").off())
        .view(View::new("web").keep_attributes(["kept"]))
        .build();
    let family = registry.requests("web").family(["kept", "left"]).unwrap();
    family.with([1, 1]).record(std::time::Duration::ZERO, Outcome::Success);
    family.with([1, 2]).record(std::time::Duration::ZERO, Outcome::Success);
    assert_eq!(totals(&registry, "web.count"), expected([("kept=1", 2)]));
}

/// What a pattern means, said as simply as possible.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], _) => name.is_empty(),
        ([b'*', pattern @ ..], _) => (0..=name.len()).any(|at| matches(pattern, &name[at..])),
        (_, []) => false,
        ([b'?', pattern @ ..], [_, name @ ..]) => matches(pattern, name),
        ([a, pattern @ ..], [b, name @ ..]) => a.eq_ignore_ascii_case(b) && matches(pattern, name),
    }
}

fn is_matched(pattern: String, name: &str) -> bool {
    let registry = Registry::builder().view(View::new(pattern).off()).build();
    registry.counter(name.to_owned()).build().unwrap().add(1);
    registry.snapshot().metrics.is_empty()
}

#[test]
fn a_pattern_has_stars_for_any_characters_and_question_marks_for_one() {
    for (pattern, name, is) in [
        ("*", "a", true),
        ("", "a", false),
        ("?", "a", true),
        ("??", "a", false),
        ("a*", "a", true),
        ("*a", "a", true),
        ("**a**", "a", true),
        ("*?", "a", true),
        ("?*?", "a", false),
        ("HTTP.*", "http.server", true),
        ("http.?erver", "HTTP.SERVER", true),
        ("*.b.*.d", "a.b.b.c.d", true),
        ("*.b.*.d", "a.b.b.c.d.e", false),
        ("a*b*c", "abcabc", true),
        ("a*b*c", "abcab", false),
        ("[a]", "a", false),
    ] {
        assert_eq!(is_matched(pattern.to_owned(), name), is, "{pattern} {name}");
    }
}

#[test]
fn a_pattern_with_many_stars_does_not_take_for_ever() {
    let name = "a".repeat(255);
    assert!(!is_matched("a*".repeat(100) + "b", &name));
    assert!(is_matched("*a".repeat(100), &name));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_pattern_matches_what_a_simple_matcher_matches(
        pattern in "[abA.*?]{0,8}",
        name in "[abAB][abAB.]{0,9}",
    ) {
        prop_assert_eq!(is_matched(pattern.clone(), &name), matches(pattern.as_bytes(), name.as_bytes()));
    }
}
