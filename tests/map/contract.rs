//! What each operation does and returns, one after the other.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use equivalent::Equivalent;
use freewheel::{ShardedMap, map::LoadOrStore};

use LoadOrStore::{Loaded, Stored};

#[test]
fn what_is_stored_is_loaded_by_value_and_by_reference() {
    let map = ShardedMap::new();
    assert_eq!(map.load(&1), None);
    assert!(map.get(&1).is_none());
    assert!(!map.contains_key(&1));
    map.store(1, "one".to_owned());
    assert_eq!(map.load(&1).as_deref(), Some("one"));
    let stored = map.get(&1).expect("it was stored");
    assert_eq!((*stored.key(), stored.value().as_str(), stored.len()), (1, "one", 3));
    assert!(map.contains_key(&1));
    assert!(!map.contains_key(&2));
}

#[test]
fn store_replaces_and_swap_returns_what_was_there() {
    let map = ShardedMap::new();
    assert_eq!(map.swap("key", 1), None);
    assert_eq!(map.swap("key", 2), Some(1));
    map.store("key", 3);
    assert_eq!(map.swap("key", 4), Some(3));
    assert_eq!(map.load("key"), Some(4));
    assert_eq!(map.len(), 1);
}

#[test]
fn load_or_store_stores_only_if_nothing_is_there() {
    let map = ShardedMap::new();
    assert_eq!(map.load_or_store(1, "first"), Stored("first"));
    assert_eq!(map.load_or_store(1, "second"), Loaded("first"));
    match map.get_or_store(1, "third") {
        Loaded(value) => assert_eq!((value.key(), *value), (&1, "first")),
        Stored(_) => panic!("it was there"),
    }
    match map.get_or_store(2, "third") {
        Stored(value) => assert_eq!((value.key(), *value), (&2, "third")),
        Loaded(_) => panic!("it was not there"),
    }
    assert_eq!(map.load_or_store(2, "fourth").into_inner(), "third");
    assert!(map.load_or_store(2, "fourth").is_loaded());
    assert!(!map.load_or_store(3, "fifth").is_loaded());
    assert_eq!(map.len(), 3);
}

#[test]
fn what_is_to_be_stored_is_made_only_if_nothing_is_there() {
    let map: ShardedMap<String, i32> = ShardedMap::new();
    let made = Cell::new(0);
    let make = || {
        made.set(made.get() + 1);
        made.get()
    };
    assert_eq!(map.load_or_store_with("key", make), Stored(1));
    assert_eq!(map.load_or_store_with("key", make), Loaded(1));
    assert_eq!(map.get_or_store_with("key", make).into_inner().value(), &1);
    assert_eq!(made.get(), 1);
    assert!(!map.get_or_store_with("other", make).is_loaded());
    assert_eq!((made.get(), map.load("other")), (2, Some(2)));
}

#[test]
fn a_key_is_cloned_only_if_it_is_to_be_stored() {
    static CLONES: AtomicUsize = AtomicUsize::new(0);
    #[derive(PartialEq, Eq, Hash)]
    struct Name(u32);
    impl Clone for Name {
        fn clone(&self) -> Self {
            CLONES.fetch_add(1, SeqCst);
            Self(self.0)
        }
    }
    let map = ShardedMap::new();
    let name = Name(1);
    assert!(!map.load_or_store_with(&name, || 1).is_loaded());
    assert_eq!(CLONES.load(SeqCst), 1);
    assert!(map.load_or_store_with(&name, || 2).is_loaded());
    assert_eq!(map.load(&name), Some(1));
    assert_eq!(map.load_and_delete(&name), Some(1));
    assert!(map.compare_and_swap(&name, &1, 2).is_err());
    assert_eq!(CLONES.load(SeqCst), 1);
}

#[test]
fn delete_says_whether_there_was_anything() {
    let map = ShardedMap::from([(1, "one"), (2, "two")]);
    assert!(map.delete(&1));
    assert!(!map.delete(&1));
    assert_eq!(map.load(&1), None);
    assert_eq!(map.load_and_delete(&2), Some("two"));
    assert_eq!(map.load_and_delete(&2), None);
    assert!(map.is_empty());
    assert!(!ShardedMap::<u8, u8>::new().delete(&1));
}

#[test]
fn compare_and_swap_needs_the_current_value() {
    let map = ShardedMap::from([("key", 1)]);
    assert_eq!(map.compare_and_swap("key", &2, 3), Err(3));
    assert_eq!(map.load("key"), Some(1));
    assert_eq!(map.compare_and_swap("key", &1, 2), Ok(()));
    assert_eq!(map.load("key"), Some(2));
    assert_eq!(map.compare_and_swap("absent", &1, 2), Err(2));
    assert!(!map.contains_key("absent"));
    assert_eq!(map.len(), 1);
}

#[test]
fn compare_and_delete_needs_the_current_value() {
    let map = ShardedMap::from([("key", 1)]);
    assert!(!map.compare_and_delete("key", &2));
    assert!(!map.compare_and_delete("absent", &1));
    assert_eq!(map.load("key"), Some(1));
    assert!(map.compare_and_delete("key", &1));
    assert!(!map.compare_and_delete("key", &1));
    assert!(map.is_empty());
}

#[test]
fn keys_are_looked_up_in_borrowed_form() {
    let map: ShardedMap<String, u32> = [("a".to_owned(), 1), ("b".to_owned(), 2)].into_iter().collect();
    assert_eq!((map.load("a"), map.get("b").as_deref().copied()), (Some(1), Some(2)));
    assert!(map.contains_key("a"));
    assert_eq!(map.pin().get_key_value("b"), Some((&"b".to_owned(), &2)));
    assert_eq!(map.compare_and_swap("a", &1, 3), Ok(()));
    assert!(map.compare_and_delete("a", &3));
    assert!(map.delete("b"));
    let lists: ShardedMap<Vec<u8>, ()> = ShardedMap::new();
    lists.load_or_store_with([1, 2].as_slice(), || ());
    assert!(lists.contains_key([1, 2].as_slice()));
    assert_eq!(lists.load_and_delete([1, 2].as_slice()), Some(()));
}

#[test]
fn keys_are_looked_up_by_whatever_is_equivalent() {
    #[derive(PartialEq, Eq, Hash)]
    struct Route {
        method: String,
        path: String,
    }
    /// Hashes as a `Route` does.
    #[derive(Hash)]
    struct Asked<'a>(&'a str, &'a str);
    impl Equivalent<Route> for Asked<'_> {
        fn equivalent(&self, route: &Route) -> bool {
            self.0 == route.method && self.1 == route.path
        }
    }
    let routes = ShardedMap::new();
    routes.store(Route { method: "GET".to_owned(), path: "/".to_owned() }, 1);
    routes.store(Route { method: "PUT".to_owned(), path: "/".to_owned() }, 2);
    assert_eq!(routes.load(&Asked("GET", "/")), Some(1));
    assert_eq!(routes.load(&Asked("GET", "/other")), None);
    assert_eq!(routes.pin().get(&Asked("PUT", "/")), Some(&2));
    assert_eq!(routes.load_and_delete(&Asked("PUT", "/")), Some(2));
    assert_eq!(routes.len(), 1);
}

#[test]
fn pinned_map_shows_what_others_do_meanwhile() {
    let map = ShardedMap::from([(1, 1)]);
    let pinned = map.pin();
    let one = pinned.get(&1).expect("it is there");
    map.store(1, 2);
    map.store(2, 2);
    assert_eq!((*one, pinned.get(&1), pinned.get(&2)), (1, Some(&2), Some(&2)));
    map.clear();
    assert_eq!((*one, pinned.get(&1), pinned.contains_key(&2)), (1, None, false));
}

#[test]
fn a_reference_keeps_its_value_whatever_becomes_of_the_map() {
    let map = ShardedMap::new();
    map.store(0, "first".to_owned());
    let first = map.get(&0).expect("it is there");
    map.store(0, "second".to_owned());
    let second = map.get_or_store(0, "third".to_owned()).into_inner();
    for key in 1..10_000 {
        map.store(key, key.to_string());
    }
    map.clear();
    map.flush();
    assert_eq!((first.as_str(), second.as_str(), *second.key()), ("first", "second", 0));
    assert_eq!(format!("{first:?}"), r#"Ref { key: 0, value: "first" }"#);
}

#[test]
fn len_counts_keys() {
    let map = ShardedMap::new();
    assert!(map.is_empty());
    for key in 0..5000 {
        map.store(key, 0);
        map.store(key / 2, 1);
    }
    assert_eq!(map.len(), 5000);
    for key in 0..2000 {
        map.delete(&key);
        map.delete(&key);
    }
    assert_eq!(map.len(), 3000);
    assert!(!map.is_empty());
    map.clear();
    assert_eq!((map.len(), map.is_empty()), (0, true));
}

/// Whoever is not the one that stored them can delete them, so that its own share is less than nothing.
#[test]
fn len_is_right_whoever_stores_and_deletes() {
    let map = ShardedMap::new();
    for round in 1..=3 {
        std::thread::scope(|scope| {
            scope.spawn(|| (0..1000).for_each(|key| map.store(key, ()))).join().expect("no panic");
        });
        assert_eq!(map.len(), 1000);
        (0..1000 - round).for_each(|key| assert!(map.delete(&key)));
        assert_eq!(map.len(), round);
    }
}
