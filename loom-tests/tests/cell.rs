//! Models of `src/cell`: slabs that change hands and grow, ids that are used again, slots and gauges.
#![cfg(freewheel_loom)]

use freewheel::{
    cell::{Bounds, GaugeCell, Integer, Owner, Reservoir, Scratch, Slot, Store, WordLease},
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
        thread,
    },
};
use loom_tests::{check, explore, refute};

/// What `Word::add` does in a thread that owns `owner`.
fn add(owner: &Owner, lease: &WordLease, n: u64) {
    let word = &owner.words()[lease.id() as usize];
    word.store(word.load(Relaxed) + n, Relaxed);
}

/// A thread that comes, records and goes.
fn visit(store: &Store, lease: &WordLease, n: u64) {
    let owner = store.adopt().expect("there is no limit");
    add(&owner, lease, n);
    store.give_back(owner);
}

#[test]
fn adoption_loses_nothing_and_totals_never_fall() {
    // One slab passed on, or two: both must happen, and the collector must see every stage.
    explore(2, [(0, 3), (1, 3), (2, 3), (3, 3)], || {
        let store = Store::new();
        let lease = Store::lease_word(&store);
        let visitor = thread::spawn({
            let (store, lease) = (store.clone(), lease.clone());
            move || visit(&store, &lease, 2)
        });
        let other = thread::spawn({
            let (store, lease) = (store.clone(), lease.clone());
            move || visit(&store, &lease, 1)
        });
        let first = lease.total();
        assert!(lease.total() >= first);
        visitor.join().unwrap();
        other.join().unwrap();
        (first, lease.total())
    });
}

#[test]
fn an_adopted_slab_goes_on_from_the_values_it_was_given_back_with() {
    explore(3, ["same slab", "two slabs"], || {
        let store = Store::new();
        let lease = Store::lease_word(&store);
        let visitor = thread::spawn({
            let (store, lease) = (store.clone(), lease.clone());
            move || visit(&store, &lease, 1)
        });
        let owner = store.adopt().unwrap();
        let before = owner.words()[lease.id() as usize].load(Relaxed);
        add(&owner, &lease, 1);
        store.give_back(owner);
        visitor.join().unwrap();
        assert_eq!(lease.total(), 2);
        if before == 1 { "same slab" } else { "two slabs" }
    });
}

#[test]
fn growth_keeps_every_value_and_totals_never_fall() {
    explore(3, [0, 1, 2], || {
        let store = Store::new();
        let lease = Store::lease_word(&store);
        let grower = thread::spawn({
            let (store, lease) = (store.clone(), lease.clone());
            move || {
                let mut owner = store.adopt().unwrap();
                add(&owner, &lease, 1);
                store.grow(&mut owner);
                add(&owner, &lease, 1);
                store.give_back(owner);
            }
        });
        let first = lease.total();
        let second = lease.total();
        assert!(first <= second && second <= 2);
        grower.join().unwrap();
        assert_eq!(lease.total(), 2);
        first
    });
}

#[test]
fn an_id_used_again_begins_at_zero() {
    explore(3, ["fresh id", "same id"], || {
        let store = Store::new();
        let lease = Store::lease_word(&store);
        let old_id = lease.id();
        let owner = store.adopt().unwrap();
        let dropper = thread::spawn({
            let (store, lease) = (store.clone(), lease.clone());
            move || {
                visit(&store, &lease, 5);
                drop(lease);
            }
        });
        add(&owner, &lease, 7);
        drop(lease);
        store.begin_collection();
        let again = Store::lease_word(&store);
        add(&owner, &again, 1);
        assert_eq!(again.total(), 1);
        store.give_back(owner);
        dropper.join().unwrap();
        assert_eq!(again.total(), 1);
        if again.id() == old_id { "same id" } else { "fresh id" }
    });
}

#[test]
fn a_freed_id_rests_until_a_collection_begins() {
    check(2, || {
        let store = Store::new();
        let old_id = Store::lease_word(&store).id();
        let second = Store::lease_word(&store);
        assert_ne!(second.id(), old_id);
        store.begin_collection();
        assert_eq!(Store::lease_word(&store).id(), old_id);
    });
}

#[test]
fn a_block_used_again_is_cleared_before_anybody_records_into_it() {
    explore(3, ["fresh id", "same id"], || {
        let store = Store::new();
        let lease = Store::lease_block(&store, 2);
        let old_id = lease.id();
        let dropper = thread::spawn({
            let (store, lease) = (store.clone(), lease.clone());
            move || {
                let mut owner = store.adopt().unwrap();
                owner.add_block(&lease);
                owner.block(lease.id()).unwrap()[1].store(9, Relaxed);
                drop(lease);
                owner
            }
        });
        drop(lease);
        store.begin_collection();
        let again = Store::lease_block(&store, 2);
        let mut owner = dropper.join().unwrap();
        // A block that served before is still the owner's, and clear.
        owner.add_block(&again);
        assert_eq!(owner.block(again.id()).unwrap()[1].load(Relaxed), 0);
        owner.block(again.id()).unwrap()[1].store(1, Relaxed);
        let blocks = again.blocks();
        assert_eq!(blocks.iter().map(|block| block.as_slice()[1].load(Relaxed)).sum::<u64>(), 1);
        if again.id() == old_id { "same id" } else { "fresh id" }
    });
}

#[test]
fn an_idle_slab_is_adopted_by_one_thread_only() {
    check(3, || {
        let store = Store::new();
        let lease = Store::lease_word(&store);
        visit(&store, &lease, 1);
        let adopters = [(); 2].map(|()| {
            let (store, lease) = (store.clone(), lease.clone());
            thread::spawn(move || {
                let owner = store.adopt().unwrap();
                add(&owner, &lease, 1);
                add(&owner, &lease, 1);
                store.give_back(owner);
            })
        });
        adopters.into_iter().for_each(|adopter| adopter.join().unwrap());
        assert_eq!(lease.total(), 5);
    });
}

#[test]
fn threads_without_a_slab_lose_nothing() {
    check(2, || {
        let store = Store::new();
        store.set_max_slabs(1);
        // Nobody else gets one.
        let only = store.adopt();
        assert!(only.is_some());
        let word = Store::lease_word(&store);
        let block = Store::lease_block(&store, 1);
        let recorders = [(); 2].map(|()| {
            let (store, word, block) = (store.clone(), word.clone(), block.clone());
            thread::spawn(move || match store.adopt() {
                Some(mut owner) => {
                    add(&owner, &word, 1);
                    owner.add_block(&block);
                    let cell = &owner.block(block.id()).unwrap()[0];
                    cell.store(cell.load(Relaxed) + 1, Relaxed);
                    store.give_back(owner);
                }
                None => {
                    word.add_shared(1);
                    block.with_shared(|cells| cells[0].store(cells[0].load(Relaxed) + 1, Relaxed));
                }
            })
        });
        recorders.into_iter().for_each(|recorder| recorder.join().unwrap());
        assert_eq!(word.total(), 2);
        assert_eq!(block.blocks().iter().map(|block| block.as_slice()[0].load(Relaxed)).sum::<u64>(), 2);
    });
}

fn slot_cells() -> Arc<[AtomicU64; 3]> {
    Arc::new([AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)])
}

#[test]
fn a_slot_is_never_seen_torn() {
    explore(3, [None, Some(0), Some(1), Some(2)], || {
        let cells = slot_cells();
        let writer = thread::spawn({
            let cells = cells.clone();
            move || {
                let slot = Slot::<2>::new(&cells[..]);
                slot.write([1, 1]);
                slot.write([2, 2]);
            }
        });
        let seen = Slot::<2>::new(&cells[..]).try_read();
        if let Some(last) = seen {
            assert_eq!(last.words, [last.writes; 2]);
        }
        writer.join().unwrap();
        let last = Slot::<2>::new(&cells[..]).try_read().expect("nobody writes any more");
        assert_eq!((last.writes, last.words), (2, [2, 2]));
        seen.map(|last| last.writes)
    });
}

#[test]
fn a_slot_changes_hands_with_its_slab() {
    check(3, || {
        let store = Store::new();
        let block = Store::lease_block(&store, 3);
        let write = |store: &Store, block: &freewheel::cell::BlockLease, n| {
            let mut owner = store.adopt().unwrap();
            owner.add_block(block);
            Slot::<2>::new(owner.block(block.id()).unwrap()).write([n, n]);
            store.give_back(owner);
        };
        let writer = thread::spawn({
            let (store, block) = (store.clone(), block.clone());
            move || write(&store, &block, 1)
        });
        write(&store, &block, 2);
        writer.join().unwrap();
        let blocks = block.blocks();
        let lasts = blocks.iter().map(|cells| Slot::<2>::new(cells.as_slice()).try_read().unwrap());
        assert_eq!(lasts.map(|last| last.writes).sum::<u64>(), 2);
    });
}

#[test]
fn the_sum_of_a_histogram_is_ahead_of_its_buckets_by_one_record_at_most() {
    explore(3, [(0, 0), (0, 1), (1, 1), (1, 3), (2, 3)], || {
        let store = Store::new();
        let bounds = Arc::new(Bounds::new::<Integer<1>>([1.0].into()));
        let lease = Store::lease_block(&store, bounds.words());
        let mut owner = store.adopt().unwrap();
        owner.add_block(&lease);
        let recorder = thread::spawn({
            let (bounds, lease) = (bounds.clone(), lease.clone());
            move || {
                let words = owner.block(lease.id()).unwrap();
                assert!(bounds.record::<Integer<1>>(words, 1, 1));
                assert!(bounds.record::<Integer<1>>(words, 2, 1));
            }
        });
        let seen = bounds.totals::<Integer<1>>(&lease, &mut Scratch::default());
        recorder.join().unwrap();
        let last = bounds.totals::<Integer<1>>(&lease, &mut Scratch::default());
        assert_eq!((last.slots, last.sum, last.min, last.max), (vec![1, 1], 3, 1, 2));
        (seen.slots.iter().sum::<u64>(), seen.sum)
    });
}

#[test]
fn a_gauge_that_is_set_has_a_value() {
    explore(3, [None, Some(7), Some(8)], || {
        let gauge = Arc::new(GaugeCell::new());
        let setter = thread::spawn({
            let gauge = gauge.clone();
            move || {
                gauge.store(7);
                gauge.store(8);
            }
        });
        let seen = gauge.load();
        setter.join().unwrap();
        assert_eq!(gauge.load(), Some(8));
        seen
    });
}

#[test]
fn what_is_added_to_a_gauge_at_once_is_all_in_it() {
    explore(3, [(None, 3), (Some(1), 3), (Some(2), 3), (Some(3), 3)], || {
        let gauge = Arc::new(GaugeCell::new());
        let adders = [1, 2].map(|n| {
            let gauge = gauge.clone();
            thread::spawn(move || gauge.update(|bits| bits + n))
        });
        // Never the zero that was there before the first sum.
        let seen = gauge.load();
        for adder in adders {
            adder.join().unwrap();
        }
        (seen, gauge.load().unwrap())
    });
}

#[test]
fn a_gauge_that_is_set_and_added_to_at_once_has_a_value() {
    explore(3, [None, Some(1), Some(10), Some(11)], || {
        let gauge = Arc::new(GaugeCell::new());
        let setter = thread::spawn({
            let gauge = gauge.clone();
            move || gauge.store(10)
        });
        let adder = thread::spawn({
            let gauge = gauge.clone();
            move || gauge.update(|bits| bits + 1)
        });
        let seen = gauge.load();
        setter.join().unwrap();
        adder.join().unwrap();
        // loom also shows 1, which atomics do not allow: the store would stand between the halves of the addition.
        assert!(matches!(gauge.load(), Some(1 | 10 | 11)));
        seen
    });
}

#[test]
fn a_gauge_that_was_added_to_has_another_activity_or_value() {
    explore(3, [true, false], || {
        let gauge = Arc::new(GaugeCell::new());
        gauge.store(1);
        let before = (gauge.activity(), gauge.load());
        let adder = thread::spawn({
            let gauge = gauge.clone();
            move || gauge.update(|bits| bits + 1)
        });
        let between = (gauge.activity(), gauge.load());
        adder.join().unwrap();
        let after = (gauge.activity(), gauge.load());
        assert_eq!(after.1, Some(2));
        assert_ne!(after, before);
        // Adding nothing is activity.
        gauge.update(|bits| bits);
        assert_ne!((gauge.activity(), gauge.load()), after);
        between != before
    });
}

/// Not how it is done: these must fail, or the models above prove nothing.
#[test]
fn the_models_catch_what_they_are_for() {
    let torn = refute(3, || {
        // A reader without the second look at the sequence.
        let cells = slot_cells();
        let writer = thread::spawn({
            let cells = cells.clone();
            move || Slot::<2>::new(&cells[..]).write([1, 1])
        });
        let sequence = cells[0].load(Acquire);
        let words = [cells[1].load(Acquire), cells[2].load(Acquire)];
        assert!(sequence % 2 == 1 || words[0] == words[1], "torn");
        writer.join().unwrap();
    });
    assert!(torn.contains("torn"), "{torn}");
    let lost = refute(3, || {
        // Two owners of one slab.
        let cell = Arc::new(AtomicU64::new(0));
        let other = thread::spawn({
            let cell = cell.clone();
            move || cell.store(cell.load(Relaxed) + 1, Release)
        });
        cell.store(cell.load(Acquire) + 1, Release);
        other.join().unwrap();
        assert_eq!(cell.load(Relaxed), 2, "lost");
    });
    assert!(lost.contains("lost"), "{lost}");
    let leaked = refute(3, || {
        // An id used again while a handle is still alive.
        let store = Store::new();
        let lease = Store::lease_word(&store);
        let recorder = thread::spawn({
            let (store, lease) = (store.clone(), lease.clone());
            move || visit(&store, &lease, 1)
        });
        let offset = lease.total();
        recorder.join().unwrap();
        assert_eq!(lease.total() - offset, 0, "leaked");
    });
    assert!(leaked.contains("leaked"), "{leaked}");
}

#[test]
fn a_gauge_that_was_stored_to_has_another_activity_or_value() {
    explore(3, [true, false], || {
        let gauge = Arc::new(GaugeCell::new());
        gauge.store(1);
        let before = (gauge.activity(), gauge.load());
        let setter = thread::spawn({
            let gauge = gauge.clone();
            move || gauge.store(2)
        });
        let between = (gauge.activity(), gauge.load());
        setter.join().unwrap();
        let after = (gauge.activity(), gauge.load());
        assert_eq!(after.1, Some(2));
        assert_ne!(after, before);
        // Stored again, the same value is activity.
        gauge.store(2);
        assert_ne!((gauge.activity(), gauge.load()), after);
        between != before
    });
}

#[test]
fn a_place_of_a_reservoir_has_a_whole_sample_of_somebody_who_put_one_there() {
    explore(3, [vec![], vec![1], vec![2]], || {
        let reservoir = Arc::new(Reservoir::new(1));
        let offer = |n: u32| {
            let reservoir = reservoir.clone();
            move || reservoir.put(0, (n, n))
        };
        let other = thread::spawn(offer(2));
        let seen = reservoir.collect();
        let mine = offer(1)();
        let others = other.join().unwrap();
        assert!(mine || others, "both gave way");
        let last = reservoir.collect();
        assert!(seen.iter().chain(&last).all(|(a, b)| a == b));
        assert_eq!(last.len(), 1);
        seen.into_iter().chain(last.into_iter().filter(|last| last.0 == 1)).map(|(n, _)| n).take(1).collect()
    });
}

#[test]
fn the_first_samples_after_a_collection_are_taken() {
    explore(2, [1, 2], || {
        let reservoir = Arc::new(Reservoir::new(2));
        let offer = |n: u32| {
            let reservoir = reservoir.clone();
            move || reservoir.offer(|_| unreachable!("there are places for all"), || n)
        };
        let other = thread::spawn(offer(1));
        let seen = reservoir.collect().len();
        offer(2)();
        other.join().unwrap();
        // The collection makes places free again, also that of a sample under way.
        let last = reservoir.collect().len();
        assert!(seen <= 1 && last >= 1);
        last
    });
}
