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

/// Whether that operation is one of the 5 % that store.
fn is_store(index: u64) -> bool {
    index.is_multiple_of(20)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let pairs = || (0..KEYS).map(|key| (key, key));

    let ours: ShardedMap<u64, u64> = pairs().collect();
    compare(&mut criterion, "get_95_store_5", "freewheel ShardedMap", |index| {
        if is_store(index) {
            ours.store(key(index), index);
        } else {
            black_box(ours.load(&key(index)));
        }
    });
    let words: WordMap<u64, u64> = pairs().collect();
    compare(&mut criterion, "get_95_store_5", "freewheel WordMap", |index| {
        if is_store(index) {
            words.store(key(index), index);
        } else {
            black_box(words.load(key(index)));
        }
    });
    let locked: Mutex<HashMap<u64, u64, DefaultHashBuilder>> = Mutex::new(pairs().collect());
    compare(&mut criterion, "get_95_store_5", "mutex", |index| {
        if is_store(index) {
            locked.lock().insert(key(index), index);
        } else {
            black_box(locked.lock().get(&key(index)).copied());
        }
    });
    let locked: RwLock<HashMap<u64, u64, DefaultHashBuilder>> = RwLock::new(pairs().collect());
    compare(&mut criterion, "get_95_store_5", "lock for readers", |index| {
        if is_store(index) {
            locked.write().insert(key(index), index);
        } else {
            black_box(locked.read().get(&key(index)).copied());
        }
    });
    criterion.final_summary();
}
