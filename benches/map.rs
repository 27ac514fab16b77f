//! freewheel's maps beside a `HashMap` under a mutex and one under a lock for readers, for one and two threads on one object.
//!
//! Times are per operation and thread. For the comparison with other crates, and for other mixes, see `benches/rivals`.

mod side_by_side;

use std::{collections::HashMap, hint::black_box};

use criterion::Criterion;
use freewheel::{
    ShardedMap,
    map::{DefaultHashBuilder, WordMap},
};
use parking_lot::{Mutex, RwLock};

use side_by_side::compare;

const KEYS: u64 = 100_000;

/// The keys in no order.
fn key(index: u64) -> u64 {
    index.wrapping_mul(0x9e37_79b9_7f4a_7c15) % KEYS
}

/// 5 % of the operations store, the others load.
fn race(
    criterion: &mut Criterion,
    who: &str,
    store: impl Fn(u64, u64) + Sync,
    load: impl Fn(u64) -> Option<u64> + Sync,
) {
    compare(criterion, "get_95_store_5", who, |index| {
        if index.is_multiple_of(20) {
            store(key(index), index);
        } else {
            black_box(load(key(index)));
        }
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let pairs = || (0..KEYS).map(|key| (key, key));

    let ours: ShardedMap<u64, u64> = pairs().collect();
    let store = |key, value| ours.store(key, value);
    race(&mut criterion, "freewheel ShardedMap", store, |key| ours.load(&key));

    let words: WordMap<u64, u64> = pairs().collect();
    let store = |key, value| words.store(key, value);
    race(&mut criterion, "freewheel WordMap", store, |key| words.load(key));

    let locked: Mutex<HashMap<u64, u64, DefaultHashBuilder>> = Mutex::new(pairs().collect());
    let store = |key, value| {
        locked.lock().insert(key, value);
    };
    race(&mut criterion, "mutex", store, |key| locked.lock().get(&key).copied());

    let locked: RwLock<HashMap<u64, u64, DefaultHashBuilder>> = RwLock::new(pairs().collect());
    let store = |key, value| {
        locked.write().insert(key, value);
    };
    race(&mut criterion, "lock for readers", store, |key| locked.read().get(&key).copied());

    criterion.final_summary();
}
