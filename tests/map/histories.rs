//! Recorded operations: of each key they are those of a register, and so those of the map are those of a map.

use std::{collections::BTreeMap, hash::BuildHasher};

use fastrand::Rng;
use freewheel::{
    ShardedMap,
    map::{Action, DefaultHashBuilder, LoadOrStore},
};

use crate::{
    hashers::{BuildConstant, BuildIdentity, FewHashes, OnlyTags},
    history::{Event, Register, RegisterDone, check, record},
};

/// Keys below it are looked at closely, and values of theirs are few, so that they are met again.
const WATCHED: u64 = 3;

fn values_before<S: BuildHasher>(
    map: &ShardedMap<u64, u32, S>,
    key: u64,
    action: Action<u32>,
) -> RegisterDone {
    let mut before = None;
    let after = map.compute(key, |value| {
        before = value.copied();
        action
    });
    RegisterDone::Computed(before, after.map(|value| *value))
}

fn operation<S: BuildHasher>(map: &ShardedMap<u64, u32, S>, key: u64, random: &mut Rng) -> RegisterDone {
    let (value, current) = (random.u32(..4), random.u32(..4));
    let kept_or_added = |is: LoadOrStore<u32>| match is {
        LoadOrStore::Loaded(value) => RegisterDone::Kept(value),
        LoadOrStore::Stored(value) => RegisterDone::Added(value),
    };
    match random.u32(..14) {
        0..3 => RegisterDone::Loaded(map.load(&key)),
        3 => RegisterDone::Loaded(map.get(&key).map(|value| *value)),
        4 => {
            map.store(key, value);
            RegisterDone::Stored(value)
        }
        5 => RegisterDone::Swapped(value, map.swap(key, value)),
        6 => kept_or_added(map.load_or_store(key, value)),
        7 => kept_or_added(map.load_or_store_with(&key, || value)),
        8..10 => RegisterDone::Deleted(map.load_and_delete(&key)),
        10 => {
            RegisterDone::Compared(current, Some(value), map.compare_and_swap(&key, &current, value).is_ok())
        }
        11 => RegisterDone::Compared(current, None, map.compare_and_delete(&key, &current)),
        12 => values_before(map, key, Action::Store(value)),
        _ => values_before(map, key, if random.bool() { Action::Delete } else { Action::Keep }),
    }
}

/// Puts other keys in, or takes them out, so that segments divide, and keys change their places.
fn bustle<S: BuildHasher>(map: &ShardedMap<u64, u32, S>, keys: u64, random: &mut Rng) {
    let first = random.u64(..keys);
    for key in first..first + keys / 8 + 1 {
        if random.u32(..3) > 0 {
            map.store(WATCHED + key, 0);
        } else {
            map.delete(&(WATCHED + key));
        }
    }
}

fn judge<S: BuildHasher + Default + Sync>(rounds: u64, others: u64) {
    for round in 0..rounds {
        let map = ShardedMap::with_hasher(S::default());
        let history = record(4, 40, round, |_, random| {
            if random.u32(..4) == 0 {
                bustle(&map, others, random);
                return None;
            }
            let key = random.u64(..WATCHED);
            Some((key, operation(&map, key, random)))
        });
        let mut of_keys: BTreeMap<u64, Vec<Event<RegisterDone>>> = BTreeMap::new();
        for event in history {
            let Some((key, done)) = event.done else { continue };
            let event = Event { thread: event.thread, called: event.called, returned: event.returned, done };
            of_keys.entry(key).or_default().push(event);
        }
        for (key, history) in of_keys {
            if let Err(event) = check(Register::default(), &history) {
                panic!("round {round}, key {key}: no order explains {event:?} in {history:#?}");
            }
        }
    }
}

#[test]
fn histories_of_each_key_are_those_of_a_register() {
    judge::<DefaultHashBuilder>(150, 600);
    judge::<BuildIdentity>(150, 20);
}

#[test]
fn histories_are_so_however_bad_the_hashes_are() {
    judge::<BuildConstant>(150, 20);
    judge::<OnlyTags>(100, 40);
    judge::<FewHashes>(100, 60);
}
