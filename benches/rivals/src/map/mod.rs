//! Maps that many threads read and change.

mod growth;
mod maps;

use std::{borrow::Borrow, hash::Hash, time::Duration};

use crate::{
    allocator,
    opaque::consume,
    race::{Contestant, Race, Unit},
    transfer::{MESSAGES, operations},
};

pub(crate) use self::growth::races as growth_races;
use self::{growth::Seen, maps::Map};

/// How many keys there are, before anything is changed, unless said otherwise.
const KEYS: u64 = 100_000;
/// So many that all maps stay in a core's own cache; and so many that none does.
const FEW: u64 = 1000;
const MANY: u64 = 1_000_000;

pub(crate) fn races() -> Vec<Race> {
    let race = |case, contestants| Race { unit: Unit::MillionsPerSecond, ..Race::new(case, contestants) };
    vec![
        race("get_of_1000", with_words(Mix::Get(FEW))),
        race("get", with_words(Mix::Get(KEYS))),
        race("get_of_1000000", with_words(Mix::Get(MANY))),
        Race { notes: vec!["with a guard that is made once"], ..race("get_guarded", guarded()) },
        race("get_95_store_5", with_words(Mix::ReadMostly)),
        race("get_50_store_25_delete_25", with_words(Mix::Half)),
        race("text_get_95_store_5", all::<String>(Mix::ReadMostly)),
        Race {
            notes: vec!["from nothing to a million keys; all threads together"],
            ..race("grow", with_words(Mix::Grow))
        },
    ]
}

/// Bytes of an entry.
pub(crate) fn memory_races() -> Vec<Race> {
    let race = |case, keys, contestants| Race {
        unit: Unit::BytesPerEntry,
        threads: &[1],
        batch: keys as usize,
        ..Race::new(case, contestants)
    };
    vec![
        race("entries_of_1000", FEW, with_words(Mix::Weigh(FEW))),
        race("entries_of_1000000", MANY, with_words(Mix::Weigh(MANY))),
    ]
}

/// What is done.
#[derive(Clone, Copy)]
enum Mix {
    /// Of so many keys.
    Get(u64),
    /// 95 % get, 5 % store of a key that is there.
    ReadMostly,
    /// Half get, a quarter store, a quarter delete, of twice as many keys.
    Half,
    /// Stores of new keys.
    Grow,
    /// Stores of so many new keys, to see what memory they take.
    Weigh(u64),
    /// What one of two threads notices that store and get.
    Growing(fn(Seen) -> Duration),
}

/// Every map. Hashers are the same for all.
fn all<K: Key>(mix: Mix) -> Vec<Contestant> {
    vec![
        contestant::<K, maps::Freewheel<K>>("freewheel ShardedMap", mix),
        contestant::<K, maps::Dashmap<K>>("dashmap", mix),
        contestant::<K, maps::Papaya<K>>("papaya", mix),
        contestant::<K, maps::HashIndex<K>>("scc HashIndex", mix),
        contestant::<K, maps::SccMap<K>>("scc HashMap", mix),
        contestant::<K, maps::Locked<K>>("std RwLock<HashMap>", mix),
        contestant::<K, maps::Locked64<K>>("64 parking_lot RwLock<HashMap>", mix),
    ]
}

/// Every map of words.
fn with_words(mix: Mix) -> Vec<Contestant> {
    let words = contestant::<u64, maps::Words>("freewheel WordMap", mix);
    [words].into_iter().chain(all::<u64>(mix)).collect()
}

/// Those that have guards.
fn guarded() -> Vec<Contestant> {
    let freewheel: &'static maps::Freewheel<u64> = Box::leak(Box::new(filled(KEYS)));
    let papaya: &'static maps::Papaya<u64> = Box::leak(Box::new(filled(KEYS)));
    vec![
        Contestant::with_local(
            "freewheel ShardedMap",
            |thread| (numbers(thread), freewheel.pin()),
            |(numbers, map), _| consume(map.get(&u64::of(numbers.below(KEYS))).copied().unwrap_or_default()),
        ),
        Contestant::with_local(
            "papaya",
            |thread| (numbers(thread), papaya.pin()),
            |(numbers, map), _| consume(map.get(&u64::of(numbers.below(KEYS))).copied().unwrap_or_default()),
        ),
    ]
}

/// A map with so many keys.
fn filled<K: Key, M: Map<K>>(keys: u64) -> M {
    let map = M::new();
    (0..keys).for_each(|key| map.store(&K::of(key), 1));
    map
}

/// A type of keys.
trait Key: Clone + Eq + Hash + Ord + Send + Sync + 'static {
    fn of(number: u64) -> Self;

    /// The key of that number, from a list if it is not made in a moment.
    fn from_list(keys: &'static [Self], number: u64) -> impl Borrow<Self>;
}

impl Key for u64 {
    #[inline(always)]
    fn of(number: u64) -> Self {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[inline(always)]
    fn from_list(_: &'static [Self], number: u64) -> impl Borrow<Self> {
        Self::of(number)
    }
}

impl Key for String {
    fn of(number: u64) -> Self {
        format!("/api/v1/customers/{:016x}", u64::of(number))
    }

    #[inline(always)]
    fn from_list(keys: &'static [Self], number: u64) -> impl Borrow<Self> {
        &keys[number as usize]
    }
}

/// Marsaglia's xorshift: quick, and good enough to choose keys.
struct Numbers(u64);

impl Numbers {
    #[inline(always)]
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    #[inline(always)]
    fn below(&mut self, end: u64) -> u64 {
        ((self.next() >> 32) * end) >> 32
    }
}

fn numbers(thread: usize) -> Numbers {
    Numbers(thread as u64 * 77 + 1)
}

fn contestant<K: Key, M: Map<K>>(who: &'static str, mix: Mix) -> Contestant {
    match mix {
        Mix::Grow => return Contestant::weighed(who, |threads| threads as f64 * grow::<K, M>(threads)),
        Mix::Growing(pick) => {
            return Contestant::weighed(who, move |_| pick(growth::grow::<K, M>()).as_nanos() as f64);
        }
        Mix::Weigh(keys) => return Contestant::weighed(who, move |_| weigh::<K, M>(keys)),
        _ => {}
    }
    let there = if let Mix::Get(keys) = mix { keys } else { KEYS };
    let map: M = filled(there);
    let asked_for = if let Mix::Half = mix { 2 * there } else { there };
    let keys: &'static [K] = (0..asked_for).map(K::of).collect::<Vec<_>>().leak();
    Contestant::with_local(who, numbers, move |numbers, _| {
        let key = K::from_list(keys, numbers.below(asked_for));
        let key = key.borrow();
        let number = numbers.0;
        match (mix, number % 64) {
            (Mix::ReadMostly, 0..3) | (Mix::Half, 0..16) => map.store(key, number),
            (Mix::Half, 16..32) => map.delete(key),
            _ => consume(map.get(key).unwrap_or_default()),
        }
    })
}

/// Nanoseconds for each of a million new keys.
fn grow<K: Key, M: Map<K>>(threads: usize) -> f64 {
    let map = M::new();
    operations(threads, &|thread| {
        for number in (thread..MESSAGES).step_by(threads) {
            map.store(&K::of(number as u64), 1);
        }
    })
}

/// The bytes that a map with so many keys takes.
fn weigh<K: Key, M: Map<K>>(keys: u64) -> f64 {
    allocator::begin();
    let before = allocator::bytes_in_use();
    let map: M = filled(keys);
    let bytes = allocator::bytes_in_use() - before;
    drop(map);
    allocator::end();
    bytes as f64
}
