//! Models of `src/series`: lookups that race with each other, with the limit, and with the removal of idle series.
#![cfg(freewheel_loom)]

use freewheel::{
    cell::{Owner, Store, WordLease},
    series::{Cache, Directory, Found, Generation, Series},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        thread,
    },
};
use loom_tests::{explore, refute};

/// A series, as a directory lists it. `HELD` tells how it knows that it is the only handle.
#[derive(Clone)]
struct Entry<const HELD: u8 = EXACT> {
    key: u64,
    lease: Arc<WordLease>,
}

/// As the crate does it.
const EXACT: u8 = 0;
/// Wrong: never asks.
const NEVER: u8 = 1;

impl<const HELD: u8> Entry<HELD> {
    fn new(store: &Arc<Store>, key: u64) -> Self {
        Self { key, lease: Store::lease_word(store) }
    }
}

impl<const HELD: u8> Series for Entry<HELD> {
    fn hash(&self) -> u64 {
        self.key
    }

    fn is_same(&self, other: &Self) -> bool {
        self.key == other.key
    }

    fn is_only_handle(&mut self) -> bool {
        HELD == NEVER || Arc::get_mut(&mut self.lease).is_some()
    }
}

fn add(owner: &Owner, lease: &WordLease, n: u64) {
    let word = &owner.words()[lease.id() as usize];
    word.store(word.load(Relaxed) + n, Relaxed);
}

const OVERFLOW: u64 = 99;

fn directory<const HELD: u8>(store: &Arc<Store>, limit: usize) -> Arc<Directory<Entry<HELD>>> {
    Arc::new(Directory::new(limit, Entry::new(store, OVERFLOW)))
}

#[test]
fn two_lookups_of_the_same_attributes_find_one_series() {
    explore(2, [true, false], || {
        let store = Store::new();
        let series = directory::<EXACT>(&store, 10);
        let made = Arc::new(AtomicUsize::new(0));
        let look_up = {
            let (store, series, made) = (store.clone(), series.clone(), made.clone());
            move || {
                let mut by_me = false;
                let make = || {
                    made.fetch_add(1, Relaxed);
                    by_me = true;
                    Entry::new(&store, 7)
                };
                let found = series.find_or_make(7, |entry| entry.key == 7, make).into_series();
                (found.lease.id(), by_me)
            }
        };
        let other = thread::spawn(look_up.clone());
        let (id, by_me) = look_up();
        assert_eq!(other.join().unwrap().0, id);
        assert_eq!(made.load(Relaxed), 1);
        assert_eq!(series.list().len(), 1);
        by_me
    });
}

#[test]
fn at_the_limit_one_of_two_gets_the_last_place_and_nothing_is_lost() {
    explore(2, ["mine", "other's"], || {
        let store = Store::new();
        // One ordinary series, and that of the overflow.
        let series = directory::<EXACT>(&store, 2);
        let record = |key: u64| {
            let (store, series) = (store.clone(), series.clone());
            move || {
                let owner = store.adopt().unwrap();
                let mut owner = owner;
                let mut places = 0;
                for _ in 0..2 {
                    let found =
                        series.find_or_make(key, |entry| entry.key == key, || Entry::new(&store, key));
                    places += u32::from(matches!(found, Found::Series(_)));
                    let entry = found.into_series();
                    if owner.words().len() <= entry.lease.id() as usize {
                        store.grow(&mut owner);
                    }
                    add(&owner, &entry.lease, 1);
                }
                store.give_back(owner);
                places
            }
        };
        let other = thread::spawn(record(1));
        let mine = record(2)();
        let others = other.join().unwrap();
        // Whoever has the place keeps it.
        assert!((mine, others) == (2, 0) || (mine, others) == (0, 2));
        let list = series.list();
        assert_eq!(list.len(), 2);
        assert_eq!(list.iter().map(|entry| entry.lease.total()).sum::<u64>(), 4);
        if mine == 2 { "mine" } else { "other's" }
    });
}

/// A thread that records into series 7 twice, by its cache; a collector that finds the series quiet and removes it if
/// it may. What the removed series had, and what the present one has, is all that was recorded.
fn remove_idle<const HELD: u8>() -> (bool, bool) {
    let store = Store::new();
    let series = directory::<HELD>(&store, 10);
    let generation = Arc::new(Generation::new());
    let make = {
        let store = store.clone();
        move || Entry::<HELD>::new(&store, 7)
    };
    // There before anybody looks.
    let first = series.find_or_make(7, |entry| entry.key == 7, &make).into_series();
    let first_id = first.lease.id();
    drop(first);
    let recorder = thread::spawn({
        let (store, series, generation) = (store.clone(), series.clone(), generation.clone());
        move || {
            let mut owner = store.adopt().unwrap();
            let mut cache = Cache::<(), Entry<HELD>>::new();
            let mut hits = 0;
            for _ in 0..2 {
                let now = generation.get();
                if let Some(entry) = cache.find(7, now, |()| true) {
                    add(&owner, &entry.lease, 1);
                    hits += 1;
                    continue;
                }
                let entry = series.find_or_make(7, |entry| entry.key == 7, &make).into_series();
                if owner.words().len() <= entry.lease.id() as usize {
                    store.grow(&mut owner);
                }
                add(&owner, &entry.lease, 1);
                cache.insert(7, now, (), entry);
            }
            store.give_back(owner);
            hits == 1
        }
    });
    let list = series.list();
    let quiet = list[0].lease.total();
    drop(list);
    generation.advance();
    let removed = series.remove_unheld(|entry| entry.key == 7, |entry| entry.lease.total() == quiet);
    let hit = recorder.join().unwrap();
    let present: u64 = series.list().iter().map(|entry| entry.lease.total()).sum();
    let gone = if removed == 1 { quiet } else { 0 };
    assert_eq!(gone + present, 2, "something was lost");
    assert!(removed == 1 || series.list()[0].lease.id() == first_id);
    (removed == 1, hit)
}

#[test]
fn an_idle_series_goes_only_when_nobody_can_record_into_it() {
    explore(2, [(true, true), (true, false), (false, true), (false, false)], remove_idle::<EXACT>);
}

#[test]
fn removing_without_asking_who_has_a_handle_loses_measurements() {
    let message = refute(2, || {
        remove_idle::<NEVER>();
    });
    assert!(message.contains("something was lost"), "{message}");
}

/// A collector sums what the directory lists, while a series makes place for another that gets its id. The sums never
/// exceed what was recorded. Says which series were listed.
fn collect_while_an_id_changes_hands(slabs_first: bool) -> Vec<u64> {
    let store = Store::new();
    let series = directory::<EXACT>(&store, 10);
    // Both touch it where the other may come in between: loom sees no reason to switch threads at two mutexes.
    let here = Arc::new(AtomicUsize::new(0));
    let recorder = thread::spawn({
        let (store, series, here) = (store.clone(), series.clone(), here.clone());
        move || {
            let entry =
                series.find_or_make(1, |entry| entry.key == 1, || Entry::new(&store, 1)).into_series();
            here.fetch_add(1, Relaxed);
            // The slab that has the past of the id.
            let owner = store.adopt().unwrap();
            add(&owner, &entry.lease, 5);
            assert!(series.remove(1, |entry| entry.key == 1).is_some());
            drop(entry);
            store.begin_collection();
            series.find_or_make(2, |entry| entry.key == 2, || Entry::new(&store, 2));
            here.fetch_add(1, Relaxed);
            store.give_back(owner);
        }
    });
    here.fetch_add(1, Relaxed);
    let early = slabs_first.then(|| store.slabs());
    here.fetch_add(1, Relaxed);
    let list = series.list();
    here.fetch_add(1, Relaxed);
    let slabs = early.unwrap_or_else(|| store.slabs());
    slabs.totals().each(list.iter().map(|entry| &*entry.lease), |total| {
        assert!(total <= 5, "a total of {total}");
    });
    recorder.join().unwrap();
    list.iter().map(|entry| entry.key).collect()
}

#[test]
fn totals_are_right_while_series_come_and_go() {
    explore(3, [vec![], vec![1], vec![2]], || collect_while_an_id_changes_hands(false));
}

#[test]
fn slabs_listed_before_the_series_give_totals_that_never_were() {
    let message = refute(3, || {
        collect_while_an_id_changes_hands(true);
    });
    assert!(message.contains("a total of"), "{message}");
}

#[test]
fn the_last_handle_sees_what_was_recorded_through_the_others() {
    explore(3, [Some(1), None], || {
        let store = Store::new();
        let mut mine = Entry::<EXACT>::new(&store, 1);
        let recorder = thread::spawn({
            let (store, entry) = (store.clone(), mine.clone());
            move || {
                let owner = store.adopt().unwrap();
                add(&owner, &entry.lease, 1);
                drop(entry);
            }
        });
        let seen = mine.is_only_handle().then(|| mine.lease.total());
        recorder.join().unwrap();
        seen
    });
}
