//! How a map is made, and what becomes of it.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    panic::catch_unwind,
};

use freewheel::{ShardedMap, map::DefaultHashBuilder};

use crate::hashers::{BuildConstant, BuildIdentity};

fn fill_and_check<S: BuildHasher>(map: &ShardedMap<u64, u64, S>, keys: u64) {
    assert!(map.is_empty());
    (0..keys).for_each(|key| map.store(key, key + 1));
    assert_eq!(map.len() as u64, keys);
    assert!((0..keys).all(|key| map.load(&key) == Some(key + 1)));
    assert_eq!(map.load(&keys), None);
}

#[test]
fn with_capacity_is_an_empty_map_of_any_capacity() {
    for capacity in [0, 1, 2, 6, 7, 12, 13, 373, 374, 375, 748, 10_000, 100_000] {
        fill_and_check(&ShardedMap::with_capacity(capacity), 1000);
        fill_and_check(&ShardedMap::with_capacity_and_hasher(capacity, RandomState::new()), 1000);
    }
}

#[test]
fn with_shards_is_an_empty_map_of_any_number_of_shards() {
    for shards in [0, 1, 2, 3, 7, 64, 65, 5000] {
        fill_and_check(&ShardedMap::with_shards(shards), 1000);
        fill_and_check(&ShardedMap::with_shards_and_hasher(shards, RandomState::new()), 1000);
    }
    fill_and_check(&ShardedMap::with_shards_and_hasher(64, BuildIdentity::default()), 1000);
    fill_and_check(&ShardedMap::with_shards_and_hasher(64, BuildConstant::<{ u64::MAX }>::default()), 1000);
}

#[test]
fn more_than_a_million_shards_are_refused() {
    let refused = catch_unwind(|| ShardedMap::<u8, u8>::with_shards((1 << 20) + 1));
    let message = *refused.expect_err("there are too many").downcast::<String>().expect("a message");
    assert_eq!(message, "at most a million segments, not 1048577");
}

#[test]
fn a_map_hashes_with_what_it_is_given() {
    let state = RandomState::new();
    let map: ShardedMap<&str, u32, _> = ShardedMap::with_hasher(state.clone());
    map.store("key", 1);
    assert_eq!(map.hasher().hash_one("key"), state.hash_one("key"));
    let default = ShardedMap::<&str, u32>::default();
    let _: &DefaultHashBuilder = default.hasher();
    let other = ShardedMap::<&str, u32>::default();
    assert_ne!(default.hasher().hash_one("key"), other.hasher().hash_one("key"), "each has a key of its own");
}

#[test]
fn a_map_becomes_its_entries() {
    for keys in [0, 1, 7, 3000] {
        let map: ShardedMap<u64, String> = (0..keys).map(|key| (key, key.to_string())).collect();
        map.store(keys, "deleted".to_owned());
        map.delete(&keys);
        let entries = map.into_iter();
        assert_eq!(
            (entries.len(), entries.size_hint()),
            (keys as usize, (keys as usize, Some(keys as usize)))
        );
        let entries: BTreeMap<u64, String> = entries.collect();
        assert!(entries.into_iter().eq((0..keys).map(|key| (key, key.to_string()))));
    }
}

#[test]
fn debug_shows_the_entries() {
    let map = ShardedMap::new();
    assert_eq!(format!("{map:?}"), "{}");
    map.store("key", 1);
    assert_eq!(format!("{map:?}"), r#"{"key": 1}"#);
    map.store("other", 2);
    let shown = format!("{map:?}");
    assert!([r#"{"key": 1, "other": 2}"#, r#"{"other": 2, "key": 1}"#].contains(&shown.as_str()), "{shown}");
    assert_eq!(format!("{:?}", map.pin()), "Pinned { .. }");
}
