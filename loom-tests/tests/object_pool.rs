//! Models of `src/object_pool`: objects that go from thread to thread, by the depot or with a seat that is left.
//!
//! Here a magazine has room for one object. A pool of four has three magazines, and room for one object in none.
#![cfg(freewheel_loom)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use freewheel::{
    ObjectPool,
    object_pool::Guard,
    sync::{Arc, cell::UnsafeCell, thread},
};
use loom_tests::{check, explore};

/// How often each object was dropped: not by atomics of the checker, which would order threads.
type Drops = std::sync::Arc<[AtomicUsize]>;

/// An object that nobody may use while somebody else does, or without having got it from whoever used it before.
struct Object {
    number: usize,
    uses: UnsafeCell<usize>,
    drops: Drops,
}

impl Object {
    fn count_use(&self) {
        self.uses.with_mut(|uses| {
            // SAFETY: whoever has an object has it alone; the checker holds us to it.
            unsafe { *uses += 1 };
        });
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.count_use();
        self.drops[self.number].fetch_add(1, Relaxed);
    }
}

/// A pool, and objects for it.
#[derive(Clone)]
struct Bench {
    pool: Arc<ObjectPool<Object>>,
    drops: Drops,
}

/// No object is ever made in a pool: they are put in.
fn nothing() -> Object {
    unreachable!("nothing is made")
}

impl Bench {
    const OBJECTS: usize = 6;

    fn new(max: usize) -> Self {
        let drops = (0..Self::OBJECTS).map(|_| AtomicUsize::new(0)).collect();
        Self { pool: Arc::new(ObjectPool::builder(nothing).max(max).build()), drops }
    }

    /// As `new`, and this thread has a seat, so that it does not take one that another leaves.
    fn with_a_seat_here(max: usize) -> Self {
        let bench = Self::new(max);
        assert_eq!(bench.take(), None);
        bench
    }

    fn put(&self, number: usize) {
        let object = Object { number, uses: UnsafeCell::new(0), drops: self.drops.clone() };
        object.count_use();
        self.pool.put(object);
    }

    /// Takes an object for good; returns its number.
    fn take(&self) -> Option<usize> {
        let object = Guard::detach(self.pool.try_get()?);
        object.count_use();
        Some(object.number)
    }

    /// Takes an object and gives it back; returns its number.
    fn visit(&self) -> Option<usize> {
        let object = self.pool.try_get()?;
        object.count_use();
        Some(object.number)
    }

    fn spawn<R: 'static>(&self, act: impl FnOnce(&Self) -> R + 'static) -> thread::JoinHandle<R> {
        let bench = self.clone();
        thread::spawn(move || act(&bench))
    }

    /// How many of the first `count` objects are alive, all others being what nobody has made.
    fn living(&self, count: usize) -> usize {
        let drops = self.drops.iter().map(|drops| drops.load(Relaxed));
        let (made, others): (Vec<_>, Vec<_>) = drops.enumerate().partition(|&(number, _)| number < count);
        assert!(made.iter().all(|&(_, drops)| drops <= 1), "dropped twice: {made:?}");
        assert!(others.iter().all(|&(_, drops)| drops == 0));
        made.iter().filter(|&&(_, drops)| drops == 0).count()
    }

    /// Nobody else is about any more: the pool has what lives of `count` objects, and each of them once. Returns their
    /// numbers.
    fn end(self, count: usize) -> Vec<usize> {
        let stats = self.pool.stats();
        assert_eq!((stats.in_use, stats.idle as usize), (0, self.living(count)));
        let Self { pool, drops } = self;
        let left = Arc::try_unwrap(pool).expect("nobody else has the pool").into_inner();
        let mut numbers: Vec<_> = left.iter().map(|object| object.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers.len(), stats.idle as usize);
        drop(left);
        assert!(drops[..count].iter().all(|drops| drops.load(Relaxed) == 1), "not dropped once: {drops:?}");
        numbers
    }
}

/// The third object is one too many for the thread's own magazines, of which the first then goes to the depot. If the
/// thread ends while the other one looks for magazines, the second one comes on top of it.
#[test]
fn a_magazine_that_a_thread_passes_on_comes_whole_to_another() {
    explore(3, [None, Some(0), Some(1)], || {
        let bench = Bench::with_a_seat_here(8);
        let other = bench.spawn(|bench| (0..3).for_each(|number| bench.put(number)));
        let taken = bench.take();
        other.join().unwrap();
        assert_eq!(bench.end(3).len(), 3 - taken.iter().count());
        taken
    });
}

#[test]
fn a_magazine_in_the_depot_goes_to_one_of_two() {
    explore(2, [(Some(0), None), (None, Some(0))], || {
        let bench = Bench::new(8);
        // Where this thread has two of its own, and passes one on. It ends at once.
        (0..3).for_each(|number| bench.put(number));
        let others = [(); 2].map(|()| bench.spawn(Bench::take));
        let [one, two] = others.map(|other| other.join().unwrap());
        assert_eq!(bench.end(3), [1, 2]);
        (one, two)
    });
}

/// By edge SEAT; nobody waits for the thread's end.
#[test]
fn what_a_thread_leaves_at_its_end_is_found_by_who_looks() {
    explore(3, [None, Some(0)], || {
        let bench = Bench::with_a_seat_here(2);
        let other = bench.spawn(|bench| bench.put(0));
        let taken = bench.take();
        other.join().unwrap();
        assert_eq!(bench.end(1).len(), usize::from(taken.is_none()));
        taken
    });
}

/// One takes the seat, and the other looks what was left there. In this world a thread is joined before it leaves its
/// seat, so there may be nothing yet.
#[test]
fn what_a_thread_has_left_goes_to_one_of_two_who_want_it() {
    explore(2, [(None, None), (Some(0), None), (None, Some(0))], || {
        let bench = Bench::with_a_seat_here(2);
        bench.spawn(|bench| bench.put(0)).join().unwrap();
        let next = bench.spawn(Bench::take);
        let here = bench.take();
        let there = next.join().unwrap();
        assert_eq!(bench.end(1).is_empty(), here.or(there).is_some());
        (here, there)
    });
}

/// The third thread takes the seat that the first one leaves, while the second one looks what was left there.
#[test]
fn a_seat_is_emptied_while_a_third_thread_takes_it() {
    let found_by = [(None, None), (None, Some(0)), (Some(0), None), (Some(0), Some(0))];
    explore(2, found_by, || {
        let bench = Bench::with_a_seat_here(2);
        let first = bench.spawn(|bench| bench.put(0));
        let third = bench.spawn(Bench::visit);
        let here = bench.visit();
        first.join().unwrap();
        let there = third.join().unwrap();
        assert_eq!(bench.end(1), [0]);
        (here, there)
    });
}

/// A thread leaves a full magazine and an empty one, and both are used again; if it has left them already.
#[test]
fn magazines_of_an_ended_thread_make_room_for_others() {
    explore(3, [(None, vec![0]), (Some(0), vec![2, 3])], || {
        let bench = Bench::with_a_seat_here(2);
        let other = bench.spawn(|bench| {
            (0..2).for_each(|number| bench.put(number));
            assert_eq!(bench.take(), Some(1));
        });
        other.join().unwrap();
        let taken = bench.take();
        (2..4).for_each(|number| bench.put(number));
        (taken, bench.end(4))
    });
}

#[test]
fn an_object_that_ends_on_another_thread_is_in_one_place() {
    explore(3, [0, 1], || {
        let made = std::sync::Arc::new(AtomicUsize::new(0));
        let pool = std::sync::Arc::new(ObjectPool::new(move || Box::new(made.fetch_add(1, Relaxed))));
        let object = pool.get_owned();
        let other = thread::spawn(move || drop(object));
        let got = **pool.get();
        other.join().unwrap();
        let stats = pool.stats();
        assert_eq!((stats.in_use, stats.idle, stats.dropped), (0, got as u64 + 1, 0));
        assert_eq!((stats.hits, stats.misses), (1 - got as u64, 1 + got as u64));
        got
    });
}

/// How many of two objects the pool keeps of each of two threads.
fn two_put_two(max: usize, already: usize) -> (usize, usize) {
    let bench = Bench::new(max);
    (4..4 + already).for_each(|number| bench.put(number));
    let other = bench.spawn(|bench| (0..2).for_each(|number| bench.put(number)));
    (2..4).for_each(|number| bench.put(number));
    other.join().unwrap();
    assert_eq!(bench.pool.stats().dropped as usize, 4 + already - max);
    let left = bench.end(4 + already);
    assert_eq!(left.len(), max, "no more than there is room for, and no fewer");
    (
        left.iter().filter(|&&number| number < 2).count(),
        left.iter().filter(|&&number| (2..4).contains(&number)).count(),
    )
}

#[test]
fn racing_puts_share_one_magazine() {
    explore(2, [(1, 0), (0, 1)], || two_put_two(1, 0));
}

#[test]
fn racing_puts_share_two_magazines() {
    explore(2, [(2, 0), (1, 1), (0, 2)], || two_put_two(2, 0));
}

/// This thread has filled its magazines, and there is one more, and room for one.
#[test]
fn racing_puts_keep_as_many_as_there_is_room_for() {
    explore(3, [(2, 0), (1, 1), (0, 2)], || two_put_two(4, 2));
}

/// All magazines are full, so one room is left for two.
#[test]
fn racing_puts_share_the_last_room() {
    explore(3, [vec![0], vec![1]], || {
        let bench = Bench::new(4);
        (2..5).for_each(|number| bench.put(number));
        let other = bench.spawn(|bench| bench.put(0));
        bench.put(1);
        other.join().unwrap();
        assert_eq!(bench.pool.stats().dropped, 1);
        let mut left = bench.end(5);
        assert_eq!(left.split_off(1), [2, 3, 4]);
        left
    });
}

/// The other thread takes what the depot has, then what lies in the common room.
#[test]
fn a_put_racing_takes_finds_the_room_that_they_make_or_none() {
    explore(3, [true, false], || {
        let bench = Bench::new(4);
        (0..4).for_each(|number| bench.put(number));
        let other = bench.spawn(|bench| [bench.take(), bench.take()]);
        bench.put(4);
        let taken = other.join().unwrap();
        assert_eq!(taken, [Some(0), Some(3)]);
        let left = bench.end(5);
        assert!(left == [1, 2] || left == [1, 2, 4]);
        left.len() == 3
    });
}

#[test]
fn racing_takes_share_out_the_common_room() {
    check(2, || {
        let bench = Bench::new(4);
        (0..4).for_each(|number| bench.put(number));
        let others = [(); 2].map(|()| bench.spawn(Bench::take));
        let mut taken = others.map(|other| other.join().unwrap());
        taken.sort_unstable();
        assert_eq!(taken, [Some(0), Some(3)]);
        assert_eq!(bench.end(4), [1, 2]);
    });
}

#[test]
fn a_clear_racing_a_put_drops_each_object_once() {
    explore(3, [vec![], vec![0]], || {
        let bench = Bench::new(4);
        bench.put(1);
        let other = bench.spawn(|bench| bench.put(0));
        bench.pool.clear();
        other.join().unwrap();
        bench.end(2)
    });
}
