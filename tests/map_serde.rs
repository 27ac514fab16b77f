//! Maps and sets as JSON, and back.
#![cfg(feature = "serde")]

use std::collections::{BTreeMap, BTreeSet};

use freewheel::{
    ShardedMap,
    map::{ShardedSet, WordMap},
};

#[test]
fn a_map_comes_back_from_json() {
    let map = ShardedMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    let json = serde_json::to_string(&map).unwrap();
    let plain: BTreeMap<String, i32> = serde_json::from_str(&json).unwrap();
    assert_eq!(plain, BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
    let back: ShardedMap<String, i32> = serde_json::from_str(&json).unwrap();
    assert_eq!(back.into_iter().collect::<BTreeMap<_, _>>(), plain);
    assert!(
        serde_json::from_str::<ShardedMap<String, i32>>("[1]").unwrap_err().to_string().contains("a map")
    );
}

#[test]
fn words_come_back_from_json() {
    let map = WordMap::from([(7_u32, 1.5), (8, 2.5)]);
    let back: WordMap<u32, f64> = serde_json::from_str(&serde_json::to_string(&map).unwrap()).unwrap();
    assert_eq!((back.load(7), back.load(8), back.len()), (Some(1.5), Some(2.5), 2));
}

#[test]
fn a_set_comes_back_from_json() {
    let set: ShardedSet<u8> = (0..100).collect();
    let back: ShardedSet<u8> = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
    assert_eq!(back.into_iter().collect::<BTreeSet<_>>(), (0..100).collect());
}
