//! Functions of the user's that panic: the map goes on as if they had not been called.

use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use freewheel::{ShardedMap, map::Action};

use crate::{hashers::BuildConstant, values::Ledger};

thread_local! {
    /// Which function panics next.
    static ARMED: Cell<Option<Function>> = const { Cell::new(None) };
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Hash,
    Eq,
    Clone,
}

fn may_panic(function: Function) {
    if ARMED.get() == Some(function) {
        ARMED.set(None);
        panic!("{function:?} panics");
    }
}

/// A key and a value.
#[derive(Debug)]
struct Touchy(u32);

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        may_panic(Function::Hash);
        self.0.hash(state);
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        may_panic(Function::Eq);
        self.0 == other.0
    }
}

impl Eq for Touchy {}

impl Clone for Touchy {
    fn clone(&self) -> Self {
        may_panic(Function::Clone);
        Self(self.0)
    }
}

type Map = ShardedMap<Touchy, Touchy, BuildConstant>;

/// So many that some are not in their first bucket.
const KEYS: u32 = 20;

fn touchy_map() -> Map {
    let map = Map::default();
    (0..KEYS).for_each(|key| map.store(Touchy(key), Touchy(key)));
    map
}

/// That it is as `touchy_map` has made it, and goes on, on this thread and on others.
fn assert_whole(map: &Map) {
    let mut keys: Vec<_> = map.pin().iter().map(|(key, value)| (key.0, value.0)).collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq((0..KEYS).map(|key| (key, key))));
    assert_eq!(map.len() as u32, KEYS);
    let change = || {
        for key in 0..KEYS {
            assert!(map.compare_and_delete(&Touchy(key), &Touchy(key)));
            map.store(Touchy(key), Touchy(key));
        }
    };
    change();
    thread::scope(|scope| scope.spawn(change).join().expect("nobody has the lock"));
}

fn assert_panics(function: Function, operation: impl FnOnce(&Map)) {
    let map = touchy_map();
    ARMED.set(Some(function));
    let panicked = catch_unwind(AssertUnwindSafe(|| operation(&map)));
    assert!(panicked.is_err(), "{function:?} was called");
    assert_eq!(ARMED.get(), None);
    assert_whole(&map);
}

const LAST: Touchy = Touchy(KEYS - 1);

#[test]
fn map_is_as_before_when_hash_panics() {
    use Function::Hash;
    assert_panics(Hash, |map| _ = map.load(&LAST));
    assert_panics(Hash, |map| _ = map.get(&LAST));
    assert_panics(Hash, |map| _ = map.pin().get(&LAST));
    assert_panics(Hash, |map| map.store(LAST, Touchy(0)));
    assert_panics(Hash, |map| _ = map.get_or_store(LAST, Touchy(0)));
    assert_panics(Hash, |map| _ = map.delete(&LAST));
    assert_panics(Hash, |map| _ = map.compute(LAST, |_| Action::Delete));
    assert_panics(Hash, |map| _ = map.compare_and_swap(&LAST, &LAST, Touchy(0)));
}

#[test]
fn map_is_as_before_when_eq_panics() {
    use Function::Eq;
    assert_panics(Eq, |map| _ = map.load(&LAST));
    assert_panics(Eq, |map| _ = map.get(&LAST));
    assert_panics(Eq, |map| _ = map.pin().get(&LAST));
    assert_panics(Eq, |map| map.store(LAST, Touchy(0)));
    assert_panics(Eq, |map| _ = map.swap(LAST, Touchy(0)));
    assert_panics(Eq, |map| _ = map.load_or_store(LAST, Touchy(0)));
    assert_panics(Eq, |map| _ = map.get_or_store_with(&LAST, || Touchy(0)));
    assert_panics(Eq, |map| _ = map.delete(&LAST));
    assert_panics(Eq, |map| _ = map.compare_and_delete(&LAST, &LAST));
    assert_panics(Eq, |map| _ = map.compare_and_swap(&LAST, &LAST, Touchy(0)));
    assert_panics(Eq, |map| _ = map.compute(LAST, |_| Action::Delete));
    assert_panics(Eq, |map| map.retain(|_, _| false));
    assert_panics(Eq, Map::clear);
}

/// The keys are equal, and then the values panic when they are compared.
#[test]
fn map_is_as_before_when_eq_of_values_panics() {
    struct Value(u32);
    impl PartialEq for Value {
        fn eq(&self, _: &Self) -> bool {
            panic!("eq panics")
        }
    }
    let map = ShardedMap::from([(1, Value(1)), (2, Value(2))]);
    assert!(catch_unwind(AssertUnwindSafe(|| map.compare_and_delete(&1, &Value(1)))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| map.compare_and_swap(&1, &Value(1), Value(3)))).is_err());
    assert_eq!(map.get(&1).map(|value| value.0), Some(1));
    map.store(1, Value(4));
    assert_eq!((map.get(&1).map(|value| value.0), map.len()), (Some(4), 2));
}

#[test]
fn map_is_as_before_when_clone_panics_unless_the_value_is_gone_already() {
    use Function::Clone;
    assert_panics(Clone, |map| _ = map.load(&LAST));
    assert_panics(Clone, |map| _ = map.load_or_store(LAST, Touchy(0)));
    assert_panics(Clone, |map| _ = map.load_or_store_with(&Touchy(KEYS), || Touchy(0)));
    assert_panics(Clone, |map| _ = map.compare_and_swap(&LAST, &LAST, Touchy(0)));
    let map = touchy_map();
    for new in [Some(Touchy(KEYS)), None] {
        ARMED.set(Some(Clone));
        let panicked = catch_unwind(AssertUnwindSafe(|| match new {
            Some(new) => map.swap(LAST, new),
            None => map.load_and_delete(&LAST),
        }));
        assert!(panicked.is_err());
    }
    assert_eq!((map.load(&LAST), map.len() as u32), (None, KEYS - 1));
    map.store(LAST, LAST);
    assert_whole(&map);
}

#[test]
fn map_is_as_before_when_a_closure_panics() {
    let map = touchy_map();
    let absent = Touchy(KEYS);
    let panic = |what: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(what)).is_err());
    panic(&|| _ = map.compute(LAST, |_| panic!()));
    panic(&|| _ = map.compute(Touchy(KEYS), |_| panic!()));
    panic(&|| _ = map.load_or_store_with(&absent, || panic!()));
    panic(&|| _ = map.get_or_store_with(&absent, || panic!()));
    panic(&|| map.range(|_, _| panic!()));
    panic(&|| map.retain(|_, _| panic!()));
    assert_whole(&map);
}

#[test]
fn retain_that_panics_has_deleted_what_it_was_told_to() {
    let map: ShardedMap<u32, ()> = (0..1000).map(|key| (key, ())).collect();
    let mut calls = 0;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        map.retain(|_, ()| {
            calls += 1;
            assert!(calls <= 600, "once");
            false
        });
    }));
    assert!(panicked.is_err());
    assert_eq!((map.len(), map.pin().iter().count()), (400, 400));
}

#[test]
fn extend_keeps_what_came_before_the_panic() {
    let ledger = Ledger::new(10);
    let mut map = ShardedMap::new();
    let entries = (0..10).map(|key| {
        assert!(key < 6, "the iterator panics");
        (key, ledger.value(key))
    });
    assert!(catch_unwind(AssertUnwindSafe(|| map.extend(entries))).is_err());
    assert_eq!(map.len(), 6);
    assert!((0..6).all(|key| map.get(&key).is_some_and(|value| value.number == key)));
    drop(map);
    assert_eq!(ledger.drops(), [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
}

#[test]
fn destructor_that_panics_keeps_no_other_from_running() {
    const VALUES: usize = 200;
    let ends: [fn(ShardedMap<usize, crate::values::Value>); 4] = [
        |map| drop(map),
        |map| drop(map.into_iter()),
        |map| {
            let mut entries = map.into_iter();
            let first = entries.next();
            assert!(first.is_some());
            drop(entries);
        },
        |map| {
            map.clear();
            drop(map);
        },
    ];
    for end in ends {
        let ledger = Ledger::new(VALUES);
        let map: ShardedMap<usize, _> = (0..VALUES)
            .map(|key| (key, if key == 100 { ledger.panicking(key) } else { ledger.value(key) }))
            .collect();
        assert!(catch_unwind(AssertUnwindSafe(|| end(map))).is_err());
        ledger.assert_each_once();
    }
}

#[test]
fn map_goes_on_after_destructors_that_panic() {
    const VALUES: usize = 3000;
    let ledger = Ledger::new(VALUES);
    let map = ShardedMap::new();
    let mut panics = 0;
    for number in 0..VALUES {
        let value = if number % 100 == 7 { ledger.panicking(number) } else { ledger.value(number) };
        // A store drops what earlier ones have replaced.
        panics += usize::from(catch_unwind(AssertUnwindSafe(|| map.store(number % 10, value))).is_err());
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while ledger.drops().iter().sum::<usize>() < VALUES - 10 {
        panics += usize::from(catch_unwind(AssertUnwindSafe(|| map.flush())).is_err());
        assert!(std::time::Instant::now() < deadline, "nothing keeps them");
    }
    assert!((1..=VALUES / 100).contains(&panics), "{panics} panics");
    let mut left: Vec<_> = map.pin().values().map(|value| value.number).collect();
    left.sort_unstable();
    assert!(left.into_iter().eq(VALUES - 10..VALUES));
    drop(map);
    ledger.assert_each_once();
}
