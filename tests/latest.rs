//! A `Latest` replaces whole values, numbers them without a gap, and lets readers keep what they have.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use freewheel::{
    Latest,
    latest::{Guard, Part, PartGuard, Shared},
};

/// Neither `Clone` nor `Default`.
#[derive(Debug, PartialEq)]
struct Config {
    name: &'static str,
    limits: [u32; 2],
}

const OLD: Config = Config { name: "old", limits: [1, 2] };
const NEW: Config = Config { name: "new", limits: [3, 4] };

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn the_first_value_has_version_zero() {
    let latest = Latest::new(OLD);
    assert_eq!((latest.version(), latest.load().version(), latest.load_full().version()), (0, 0, 0));
    assert_eq!((&*latest.load(), &*latest.load_full()), (&OLD, &OLD));
}

#[test]
fn store_replaces_the_value_and_adds_one_to_the_version() {
    let latest = Latest::new(0);
    for version in 1..=100 {
        latest.store(version * 10);
        let current = latest.load();
        assert_eq!((current.version(), *current, latest.version()), (version, version * 10, version));
    }
}

#[test]
fn swap_returns_the_old_value_with_its_version() {
    let latest = Latest::new(OLD);
    let old = latest.swap(NEW);
    assert_eq!((old.version(), &*old), (0, &OLD));
    let new = latest.swap(OLD);
    assert_eq!((new.version(), &*new, latest.version()), (1, &NEW, 2));
}

#[test]
fn update_makes_the_new_value_from_the_old_one_and_returns_that() {
    let latest = Latest::new(OLD);
    let old =
        latest.update(|config| Config { name: "doubled", limits: config.limits.map(|limit| limit * 2) });
    assert_eq!((old.version(), &*old), (0, &OLD));
    assert_eq!((latest.version(), &*latest.load()), (1, &Config { name: "doubled", limits: [2, 4] }));
}

#[test]
fn an_update_that_is_overtaken_runs_again_on_the_newer_value() {
    let latest = Latest::new(vec![0]);
    let mut seen = Vec::new();
    let old = latest.update(|current| {
        seen.push(current.clone());
        if seen.len() < 3 {
            latest.update(|inner| [&**inner, &[seen.len()]].concat());
        }
        [&**current, &[99]].concat()
    });
    assert_eq!(seen, [vec![0], vec![0, 1], vec![0, 1, 2]]);
    assert_eq!((old.version(), &*old), (2, &vec![0, 1, 2]));
    assert_eq!((latest.version(), &*latest.load()), (3, &vec![0, 1, 2, 99]));
}

#[test]
fn an_update_that_declines_leaves_value_and_version() {
    let latest = Latest::new(OLD);
    assert_eq!(latest.try_update(|config| Err(config.name)).err(), Some("old"));
    assert_eq!((latest.version(), &*latest.load()), (0, &OLD));
    let old = latest.try_update(|_| Ok::<_, ()>(NEW)).ok().unwrap();
    assert_eq!((old.version(), latest.version(), &*latest.load()), (0, 1, &NEW));
}

#[test]
fn an_update_that_panics_leaves_value_and_version() {
    let latest = Latest::new(vec![1]);
    let result = catch_unwind(AssertUnwindSafe(|| latest.update(|_| panic!("no new value"))));
    assert!(result.is_err());
    assert_eq!((latest.version(), &*latest.load()), (0, &vec![1]));
    latest.update(|old| [&**old, &[2]].concat());
    assert_eq!((latest.version(), &*latest.load()), (1, &vec![1, 2]));
}

#[test]
fn a_guard_keeps_its_value_over_any_number_of_stores() {
    let latest = Latest::new(0);
    // Far more than the places for cheap guards, so that the other kind is held too.
    let guards: Vec<_> = (1..=100)
        .map(|version| {
            let guard = latest.load();
            latest.store(version);
            guard
        })
        .collect();
    for (version, guard) in (0..).zip(&guards) {
        assert_eq!((guard.version(), **guard), (version, version));
    }
    let many_of_one: Vec<_> = (0..100).map(|_| latest.load()).collect();
    latest.store(0);
    assert!(many_of_one.iter().all(|guard| (guard.version(), **guard) == (100, 100)));
}

#[test]
fn a_guard_outlives_its_latest_and_its_thread() {
    let drops = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&drops);
    let guard = thread::spawn(move || Latest::new(Counted(counted)).load()).join().unwrap();
    assert_eq!((guard.version(), drops.load(Relaxed)), (0, 0));
    drop(guard);
    assert_eq!(drops.load(Relaxed), 1);
}

#[test]
fn a_guard_becomes_shared_without_a_second_load() {
    let latest = Latest::new(OLD);
    let guard = latest.load();
    latest.store(NEW);
    let shared = Guard::into_shared(guard);
    let clone = shared.clone();
    drop(shared);
    assert_eq!((clone.version(), &*clone), (0, &OLD));
}

#[test]
fn every_value_is_dropped_once_when_the_last_one_lets_go() {
    let drops = Arc::new(AtomicUsize::new(0));
    let counted = || Counted(Arc::clone(&drops));
    let latest = Latest::new(counted());
    let (guard, shared) = (latest.load(), latest.load_full());
    latest.store(counted());
    drop(guard);
    assert_eq!(drops.load(Relaxed), 0);
    drop(shared);
    assert_eq!(drops.load(Relaxed), 1);
    latest.store(counted());
    assert_eq!(drops.load(Relaxed), 2);
    assert!(catch_unwind(AssertUnwindSafe(|| latest.update(|_| panic!("no new value")))).is_err());
    assert!(latest.try_update(|_| Err(counted())).is_err());
    assert_eq!(drops.load(Relaxed), 3, "the error alone was dropped");
    drop(latest);
    assert_eq!(drops.load(Relaxed), 4);
}

#[test]
fn a_store_whose_old_value_panics_in_drop_is_done_all_the_same() {
    struct Panics(bool);
    impl Drop for Panics {
        fn drop(&mut self) {
            assert!(!self.0, "told to panic");
        }
    }
    let latest = Latest::new(Panics(true));
    assert!(catch_unwind(AssertUnwindSafe(|| latest.store(Panics(false)))).is_err());
    assert_eq!((latest.version(), latest.load().0), (1, false));
}

#[test]
fn try_unwrap_yields_the_value_once_nobody_else_has_it() {
    let latest = Latest::new(OLD);
    let current = Shared::try_unwrap(latest.load_full()).expect_err("it is the current value");
    let guard = latest.load();
    latest.store(NEW);
    let with_guard = Shared::try_unwrap(current).expect_err("a guard has it");
    assert_eq!(with_guard.version(), 0);
    drop(guard);
    assert_eq!(Shared::try_unwrap(with_guard).ok(), Some(OLD));
}

#[test]
fn values_may_be_zero_sized() {
    #[derive(Debug)]
    struct Nothing;
    let (one, other) = (Latest::new(Nothing), Latest::new(Nothing));
    let guard = one.load();
    one.store(Nothing);
    one.update(|Nothing| Nothing);
    assert_eq!((one.version(), guard.version(), other.version()), (2, 0, 0));
    assert_eq!(format!("{:?}", one.swap(Nothing)), "Nothing");
}

#[test]
fn an_arc_is_shared_and_not_copied() {
    let config = Arc::new(OLD);
    let latest = Latest::from(Arc::clone(&config));
    assert!(Arc::ptr_eq(&config, &latest.load()));
    latest.store(Arc::new(NEW));
    assert_eq!((Arc::strong_count(&config), latest.load().name), (1, "new"));
    let text: Latest<Arc<str>> = Latest::from(Arc::from("unsized"));
    assert_eq!(&**text.load(), "unsized");
}

#[test]
fn a_value_that_cannot_be_sent_works_in_one_thread() {
    let latest = Latest::new(Rc::new(Cell::new(1)));
    latest.load().set(2);
    let old = latest.swap(Rc::new(Cell::new(3)));
    assert_eq!((old.get(), latest.load().get()), (2, 3));
}

#[test]
fn a_part_follows_the_whole() {
    let latest = Latest::new(OLD);
    let limits = latest.map(|config| &config.limits);
    let before = limits.load();
    assert_eq!((before.version(), *before), (0, [1, 2]));
    latest.store(NEW);
    assert_eq!((limits.load().version(), *limits.load()), (1, [3, 4]));
    assert_eq!((before.version(), *before), (0, [1, 2]), "a guard keeps its value");
    let index = 1;
    assert_eq!(*latest.map(|config| &config.limits[index]).load(), 4);
    assert_eq!(*latest.map(|config| &config.limits[index..]).load(), [4], "a part may be unsized");
}

#[test]
fn an_owned_part_goes_to_another_thread() {
    let latest = Arc::new(Latest::new(OLD));
    let name: Part<Arc<Latest<Config>>, Config, str> = latest.clone().map_owned(|config| config.name);
    let (asks, asked) = mpsc::channel();
    let (answers, answered) = mpsc::channel();
    let reader = thread::spawn(move || {
        for () in asked {
            answers.send(name.load().to_owned()).unwrap();
        }
    });
    for (config, expected) in [(NEW, "new"), (OLD, "old")] {
        latest.store(config);
        asks.send(()).unwrap();
        assert_eq!(answered.recv().unwrap(), expected);
    }
    drop(asks);
    reader.join().unwrap();
    assert_eq!(Arc::strong_count(&latest), 1, "the part has let go of the whole");
}

#[test]
fn loads_and_stores_work_while_the_thread_locals_are_destroyed() {
    struct OnExit(Arc<Latest<u64>>);
    impl Drop for OnExit {
        fn drop(&mut self) {
            let guards: Vec<_> = (0..20).map(|_| self.0.load()).collect();
            self.0.update(|old| old + 1);
            assert!(guards.iter().all(|guard| **guard + 1 == self.0.version()));
        }
    }
    thread_local!(static ON_EXIT: RefCell<Vec<OnExit>> = const { RefCell::new(Vec::new()) });
    let latest = Arc::new(Latest::new(0));
    for load_first in [true, false] {
        let latest = Arc::clone(&latest);
        let thread = thread::spawn(move || {
            // Either way round, so that the thread-locals of a load are gone already in one of the two.
            load_first.then(|| latest.version());
            ON_EXIT.with_borrow_mut(|all| all.push(OnExit(Arc::clone(&latest))));
            assert!(latest.version() < 2);
        });
        thread.join().unwrap();
    }
    assert_eq!((*latest.load(), latest.version()), (2, 2));
}

#[test]
fn it_prints_version_and_value() {
    let latest = Latest::from("on");
    latest.store("off");
    assert_eq!(format!("{latest:?}"), r#"Latest { version: 1, value: "off" }"#);
    assert_eq!(format!("{:?} {}", latest.load(), latest.load()), r#""off" off"#);
    assert_eq!(format!("{:?} {}", latest.load_full(), latest.load_full()), r#""off" off"#);
    let part = latest.map(|text| &text[1..]);
    assert_eq!(format!("{part:?}"), r#"Part { version: 1, value: "ff" }"#);
    assert_eq!(format!("{:?} {}", part.load(), part.load()), r#""ff" ff"#);
}

#[test]
fn the_default_is_that_of_the_value() {
    let latest = Latest::<Option<String>>::default();
    assert_eq!((latest.version(), &*latest.load()), (0, &None));
}

/// The bounds that must hold; those that must not are compile-fail examples of `Latest`.
#[test]
fn all_of_it_can_be_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Latest<Config>>();
    check::<Guard<Config>>();
    check::<Shared<Config>>();
    check::<Part<Arc<Latest<Config>>, Config, str>>();
    check::<PartGuard<'static, Config, Cell<u8>>>();
}
