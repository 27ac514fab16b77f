//! What changes many keys: `retain`, `clear`, `reserve`, `extend`, `shrink_to_fit`.

use std::{
    cell::Cell,
    hash::{Hash, Hasher},
};

use freewheel::ShardedMap;

use crate::hashers::BuildIdentity;

fn sorted(map: &ShardedMap<u64, u64>) -> Vec<(u64, u64)> {
    let mut entries: Vec<_> = map.pin().iter().map(|(&key, &value)| (key, value)).collect();
    entries.sort_unstable();
    entries
}

#[test]
fn retain_sees_each_entry_once_and_keeps_what_it_is_told() {
    for keys in [0, 1, 10, 5000] {
        let map: ShardedMap<u64, u64> = (0..keys).map(|key| (key, key * 2)).collect();
        let mut seen = Vec::new();
        map.retain(|&key, &value| {
            seen.push((key, value));
            key % 3 == 0
        });
        seen.sort_unstable();
        assert!(seen.into_iter().eq((0..keys).map(|key| (key, key * 2))));
        assert!(sorted(&map).into_iter().eq((0..keys).step_by(3).map(|key| (key, key * 2))));
        assert_eq!(map.len(), keys.div_ceil(3) as usize);
    }
}

#[test]
fn retain_leaves_a_value_that_was_replaced_since_it_was_seen() {
    let map = ShardedMap::from([(1, "old"), (2, "old")]);
    map.retain(|&key, _| {
        if key == 1 {
            map.store(1, "new");
        }
        false
    });
    assert_eq!((map.load(&1), map.load(&2), map.len()), (Some("new"), None, 1));
}

#[test]
fn clear_deletes_everything_and_the_map_goes_on() {
    let map: ShardedMap<u64, u64> = ShardedMap::new();
    map.clear();
    for round in 1..=3 {
        map.extend_shared(0..3000 * round);
        map.clear();
        assert_eq!((map.len(), map.load(&1), sorted(&map)), (0, None, vec![]));
    }
}

trait ExtendShared {
    fn extend_shared(&self, keys: impl IntoIterator<Item = u64>);
}

impl ExtendShared for ShardedMap<u64, u64> {
    fn extend_shared(&self, keys: impl IntoIterator<Item = u64>) {
        keys.into_iter().for_each(|key| self.store(key, key));
    }
}

#[test]
fn reserve_changes_nothing_that_is_there() {
    for keys in [0, 5, 400, 6000] {
        for more in [0, 1, 7, 300, 20_000] {
            let map: ShardedMap<u64, u64> = (0..keys).map(|key| (key, key)).collect();
            map.reserve(more);
            map.reserve(more);
            assert!(sorted(&map).into_iter().eq((0..keys).map(|key| (key, key))));
            map.extend_shared(keys..keys + more as u64);
            assert!(sorted(&map).into_iter().eq((0..keys + more as u64).map(|key| (key, key))));
        }
    }
}

#[test]
fn reserve_goes_with_everything_that_others_do() {
    let map: ShardedMap<u64, u64> = ShardedMap::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let map = &map;
            scope.spawn(move || {
                for key in (thread..20_000).step_by(4) {
                    map.store(key, key);
                    if key % 1000 == thread {
                        map.reserve(key as usize);
                    }
                    assert_eq!(map.load(&(key / 2 / 4 * 4 + thread)), Some(key / 2 / 4 * 4 + thread));
                }
            });
        }
    });
    assert!(sorted(&map).into_iter().eq((0..20_000).map(|key| (key, key))));
}

#[test]
fn extend_takes_the_last_value_of_each_key() {
    let mut map = ShardedMap::from([(1, 1), (2, 2)]);
    map.extend([(2, 3), (3, 4), (3, 5)]);
    map.extend([]);
    assert_eq!(sorted(&map), [(1, 1), (2, 3), (3, 5)]);
    let collected: ShardedMap<u64, u64> = (0..1000).map(|number| (number % 10, number)).collect();
    assert!(sorted(&collected).into_iter().eq((0..10).map(|key| (key, 990 + key))));
}

#[test]
fn shrink_to_fit_keeps_what_is_there() {
    let mut map: ShardedMap<u64, u64> = (0..20_000).map(|key| (key, key)).collect();
    map.retain(|&key, _| key % 100 == 0);
    map.shrink_to_fit();
    assert_eq!(map.len(), 200);
    assert!(sorted(&map).into_iter().eq((0..20_000).step_by(100).map(|key| (key, key))));
    map.extend_shared(0..20_000);
    assert_eq!(map.len(), 20_000);
    assert!(sorted(&map).into_iter().eq((0..20_000).map(|key| (key, key))));
    map.clear();
    map.shrink_to_fit();
    assert_eq!((map.len(), sorted(&map)), (0, vec![]));
    map.store(1, 1);
    assert_eq!(sorted(&map), [(1, 1)]);
}

thread_local! {
    static COMPARED: Cell<usize> = const { Cell::new(0) };
}

/// A key that says what its hash is, and counts how often this thread has compared some.
#[derive(Clone, Copy, Debug, Eq)]
struct Key {
    hash: u64,
    number: u32,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        COMPARED.set(COMPARED.get() + 1);
        (self.hash, self.number) == (other.hash, other.number)
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Keys of one bucket that found no room there are in the next one, and have lookups go on to that: while they are there.
#[test]
fn keys_that_are_deleted_cost_no_later_look() {
    let map = ShardedMap::with_hasher(BuildIdentity::default());
    let [first, second] = [0, 1].map(|hash| move |number| Key { hash, number });
    (0..9).for_each(|number| map.store(first(number), ()));
    (0..2).for_each(|number| map.store(second(number), ()));
    let compared = || {
        COMPARED.set(0);
        assert!(!map.contains_key(&first(9)));
        COMPARED.get()
    };
    assert_eq!(
        compared(),
        12,
        "all of them look alike, some of the first are beside the second, and one is seen twice"
    );
    assert!((0..9).all(|number| map.delete(&first(number))));
    assert_eq!(compared(), 0);
}
